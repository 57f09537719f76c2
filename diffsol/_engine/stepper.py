"""One native step at a time, for solver objects that keep the state themselves (SciPy's classes)."""

from __future__ import annotations

import time

import numpy as np

from diffsol._engine import switch, verify
from diffsol._engine.callback import PythonCalls, calling_python
from diffsol._engine.function import Function
from diffsol._engine.solver import new_solver
from diffsol._engine.tolerance import set_tolerance
from diffsol._native._core import ffi, lib


class Rhs:
    """The right-hand side of a solver object: a kernel where there is one that fits.

    The solver's user may change anything between two steps, so the kernel's guards are read before each.
    """

    def __init__(self, function: Function):
        self._function = function
        self._mode = switch.mode_of_solve()
        self._bound = function.at_start(self._mode)

    def kernel(self):
        """A `Bound` for the next step, or None: Python."""
        if self._bound is not None and not self._bound.refresh():
            self._bound = self._function.bind()
        return self._bound

    def spent(self, seconds, t, y):
        """A step at the Python tier took so long; compiles when that has paid by now."""
        record = self._function.record
        record.python_seconds += seconds
        if self._mode == "1" and record.may_trace() and record.is_due():
            budget = record.python_seconds / 2
            self._bound = verify.checked_kernel(self._function, budget, t, y)


class Stepper(PythonCalls):
    """Steps for a solver object with SciPy's attributes.

    method   'RK23' | 'RK45' | 'DOP853'
    rhs      Rhs
    solver   object with t, y, f, h_abs, t_bound, max_step, rtol, atol and fun(t, y), which counts nfev

    `options` remembers what was set: when the solver's attributes differ from it, somebody changed them
    and a new Stepper is due.
    """

    def __init__(self, method, rhs: Rhs, solver):
        self.options = options_of(solver)
        self._rhs = rhs
        self._solver = None
        y = np.ascontiguousarray(solver.y)
        super().__init__(self._derivative, (), y)
        self._dtype, self._bytes = y.dtype, y.nbytes
        ivp = self._ivp = new_solver(method, y.size, y.dtype.kind == "c")
        ivp.handle = self.handle
        self._keep = [
            set_tolerance(ivp, "rtol", solver.rtol, y.size),
            set_tolerance(ivp, "atol", solver.atol, y.size),
        ]
        ivp.t0, ivp.t_bound = solver.t, solver.t_bound
        ffi.memmove(ivp.y, np.ascontiguousarray(y), self._bytes)
        ivp.max_step, ivp.first_step = solver.max_step, solver.h_abs
        self._step_in_python = calling_python(lib.ds_ivp_step, y.size)
        self._start_f = solver.f
        lib.ds_ivp_start(ivp)

    def step(self, solver) -> bool:
        """One accepted step of `solver`, whose attributes are set; False if the step got too small."""
        ivp = self._ivp
        ffi.memmove(ivp.y, np.ascontiguousarray(solver.y, dtype=self._dtype), self._bytes)
        self._put(solver.f, ivp.f)
        bound = self._rhs.kernel()
        ivp.fun.kernel = ffi.NULL if bound is None else bound.pointer
        ivp.fun.params = ffi.NULL if bound is None else bound.params
        nfev = solver.nfev - ivp.nfev
        self._solver = solver
        started = time.perf_counter()
        code = (self._step_in_python if bound is None else lib.ds_ivp_step)(ivp)
        seconds = time.perf_counter() - started
        self._solver = None
        solver.nfev = nfev + ivp.nfev
        if code == lib.DS_PYTHON_ERROR:
            self.raise_error()
        if code == lib.DS_FAILED:
            return False
        self._hand_over(solver)
        if bound is None:
            self._rhs.spent(seconds, float(solver.t), solver.y)
        return True

    def _put(self, values, pointer):
        view = np.frombuffer(ffi.buffer(pointer, self._bytes), self._dtype)
        view[:] = values

    def _hand_over(self, solver):
        """The new state, in the types that SciPy's step leaves behind."""
        ivp = self._ivp
        solver.h_previous = np.float64(ivp.h_previous)
        solver.y_old = solver.y
        solver.t = solver.t_bound if ivp.t == solver.t_bound else np.float64(ivp.t)
        solver.y = self._copy(ivp.y)
        solver.f = self._copy(ivp.f)
        solver.h_abs = np.float64(ivp.h_abs)
        ffi.memmove(ffi.from_buffer(solver.K), ivp.K, solver.K.nbytes)
        self.options = options_of(solver)

    def _copy(self, pointer):
        return np.frombuffer(ffi.buffer(pointer, self._bytes), self._dtype).copy()

    def _derivative(self, t, y):
        """The C core asks for a derivative; at the start the solver has it already."""
        return self._start_f if self._solver is None else self._solver.fun(t, y)

    def take(self, result):
        taken = np.empty_like(self.state)
        taken[:] = result
        return taken


def options_of(solver):
    """All that a `Stepper` cannot change on its way."""
    return (
        solver.t,
        solver.h_abs,
        solver.t_bound,
        solver.max_step,
        id(solver.rtol),
        id(solver.atol),
    )
