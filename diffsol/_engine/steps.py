"""A native solve taken step by step, for solver objects (SciPy's classes of implicit methods)."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from diffsol._engine.callback import calling_python
from diffsol._engine.dense import arguments_of
from diffsol._engine.run import Run
from diffsol._methods.registry import METHODS
from diffsol._native._core import ffi, lib

GOES_ON = (lib.DS_RUNNING, lib.DS_FINISHED)


class Memory(NamedTuple):
    """What SciPy's solver keeps from step to step, where the C core has it.

    numbers   see ds_ivp_memory
    f         derivative at t (Radau)
    rows      differences D^0 y ... D^7 y (BDF)
    jacobian  ndarray (n, n), or csc_matrix
    """

    numbers: tuple[float, ...]
    f: np.ndarray
    rows: np.ndarray
    jacobian: object


class Steps(Run):
    """A `Run` whose steps are asked for one at a time. Between two of them its user may change
    anything that the functions read from outside."""

    @property
    def _step_in_python(self):
        return calling_python(lib.ds_ivp_step, self._ivp.n)

    def step(self) -> int:
        """One accepted step: DS_RUNNING, DS_FINISHED or DS_FAILED. Raises what the user's functions
        raise."""
        self._look_around()
        step = lib.ds_ivp_step if self._bound is not None else self._step_in_python
        started = time.perf_counter()
        code = step(self._ivp)
        if code not in GOES_ON and code != lib.DS_FAILED:
            self._raise(code)
        self._consider(time.perf_counter() - started)
        return code

    def _look_around(self):
        """Kernels that no longer fit go; one that fits comes back."""
        if self._bound is not None:
            self.refresh()
        elif self._mode != "0":
            self._bound = self.rhs.bind()
            if self._bound is not None:
                self._use(self._ivp.fun, self._bound)

    def _consider(self, seconds):
        """Has compiling paid by now?"""
        record = self.rhs.record
        if self._bound is None:
            record.python_seconds += seconds
            # the last question costs as much as a step
            if self._mode == "1" and record.is_due() and self._missing():
                self._compile(record.python_seconds / 2)
        elif self._waits_for_jacobian():
            exact = self._bound.variant.jacobian
            exact.wait(seconds)
            if self._use_exact_jacobian(exact.if_due()):
                self._renew_jacobian()

    # --- what the solver object shows ---------------------------------------------------------

    def state(self):
        return self._vector(self._ivp.y)

    def put_state(self, y):
        """The next step begins at y (Radau; BDF begins at its own differences)."""
        ffi.memmove(self._ivp.y, np.ascontiguousarray(y), y.nbytes)

    def interpolant(self):
        """(t_old, t, ...) of the last step, as SciPy's class of dense output takes them."""
        ivp = self._ivp
        q = np.empty(lib.ds_ivp_q_size(ivp))
        code = lib.ds_ivp_dense(ivp, ffi.from_buffer("double[]", q))
        if code:
            self._raise(code)
        return ivp.t_old, ivp.t, *arguments_of(METHODS[self.method])(self._vector(ivp.y_old), q)

    def memory(self) -> Memory:
        ivp, state = self._ivp, self.options[2]
        numbers = ffi.new("double[]", lib.DS_MEMORY)
        lib.ds_ivp_memory(ivp, numbers)
        rows = self._vector(ivp.K, 8).reshape(8, state.size)
        return Memory(tuple(numbers), self._vector(ivp.f), rows, self.jacobian.matrix(ivp))
