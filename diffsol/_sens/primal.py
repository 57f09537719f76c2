"""The solve that a gradient goes back over: its interpolants, as many of them as there is memory for.

Steps are taken in stretches. At the end of each the state is kept as a checkpoint, and the interpolants of the
stretch are given up; only those of the last one remain. The others are solved again, from their checkpoints, when
the backward pass gets there: with explicit methods the same steps to the last bit.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from diffsol._engine import leaving, policy
from diffsol._engine.callback import Callbacks, LsodaCallbacks
from diffsol._engine.factors import make_room
from diffsol._engine.solver import new_solver
from diffsol._engine.tolerance import set_tolerance
from diffsol._methods.registry import METHODS
from diffsol._native._core import ffi, lib

# numbers per component in an interpolant, at most (BDF: order 5; LSODA: order 12)
ROWS = {"RK23": 3, "RK45": 4, "DOP853": 7, "Radau": 3, "BDF": 6, "LSODA": 13}
ONE_STEP = {lib.DS_RK23, lib.DS_RK45, lib.DS_DOP853, lib.DS_RADAU}


class Checkpoint(NamedTuple):
    """Where a stretch begins: step is the size to be tried there, 0 to choose one."""

    t: float
    y: np.ndarray
    step: float


class Primal:
    """A solve of y' = f(t, y, p) from t0 to tf by compiled functions.

    system      System, with kernels
    rtol, atol  floats or arrays (n,)

    After `go`: t, y, the outputs; checkpoints; chunk(k), the interpolants of stretch k.
    """

    def __init__(
        self, system, method, t0, tf, y0, rtol, atol, max_step, first_step, jacobian, min_step=0.0
    ):
        self.system, self.method, self.t0, self.tf, self.y0 = system, method, t0, tf, y0
        self._tolerances = rtol, atol
        self._limits = max_step, min_step
        self.rtol = rtol if type(rtol) is float else float(np.min(rtol))
        self.atol = atol if type(atol) is float else float(np.max(atol))
        self.traits = METHODS[method]
        self.checkpoints = [Checkpoint(t0, y0, first_step or 0.0)]
        self.t, self.y = np.empty(0), np.empty((y0.size, 0))
        self.counts = 0, 0, 0  # nfev, njev, nlu
        self.largest = 0  # bytes of interpolants and checkpoints at one time

    # --- the forward pass -----------------------------------------------------------------------

    def go(self, times, every, memory):
        """Solve, with outputs at these times (None: at each step). Raises what `fun` raises, and RuntimeError.

        every    steps of a stretch; None: as many as fit in `memory` bytes
        """
        self.every = every or max(1, int(memory // self._bytes_per_step()))
        core = self._core = self._open(self.checkpoints[0])
        if times is None:
            core.ivp.save_steps = True
        else:
            core.set_times(times)
        core.begin()
        while core.go_on(self.every):
            self._note_memory(core.ivp)
            self.checkpoints.append(core.checkpoint())
            core.ivp.n_segments = 0
        self._note_memory(core.ivp)
        self.t, self.y = leaving.points(core.ivp, self.y0)
        self.counts = core.ivp.nfev, core.ivp.njev, core.ivp.nlu
        self.last_step = abs(core.ivp.h_previous), core.ivp.h_abs

    def _bytes_per_step(self):
        """The most that one step takes."""
        return 8 * (self.y0.size * (ROWS[self.method] + 1) + 8)

    def _note_memory(self, *cores):
        kept = len(self.checkpoints) * (self.y0.size + 2)
        for ivp in cores:
            if ivp.n_segments:
                kept += ivp.seg_at[ivp.n_segments] + ivp.n_segments * (self.y0.size + 3)
        self.largest = max(self.largest, 8 * kept)

    # --- stretches ------------------------------------------------------------------------------

    @property
    def last(self) -> int:
        """The number of the last stretch."""
        return len(self.checkpoints) - 1

    def stretch(self, k, others=()):
        """The solver that holds the interpolants of stretch k, beside `others` that are in use."""
        if k == self.last:
            return self._core
        explicit = not (self.traits.implicit or self.traits.starts_later)
        core = self._open(self.checkpoints[k])
        if not explicit:  # its steps are others than before: let it end in the same place
            core.ivp.t_bound = self.checkpoints[k + 1].t
        core.begin()
        while core.go_on(self.every) and not explicit:
            pass
        self._note_memory(core.ivp, *(other.ivp for other in others))
        return core

    def _open(self, start):
        rtol, atol = self._tolerances
        return _Core(self, start, rtol, atol, *self._limits)


class _Core:
    """A native solver that keeps its interpolants."""

    def __init__(self, primal, start, rtol, atol, max_step, min_step):
        system, traits = primal.system, primal.traits
        n = primal.y0.size
        self.ivp = ivp = new_solver(primal.method, n)
        args = system.variables.args(system.variables.values)
        rhs = SimpleNamespace(fun=system.fun, args=args, vectorized=False)
        calls = LsodaCallbacks if traits.starts_later else Callbacks
        self._calls = calls(rhs, start.y.copy())
        self._calls.handle.by_answer = False
        ivp.handle = self._calls.handle
        self._keep = [ffi.from_buffer("double[]", start.y), system.params]
        ivp.t0, ivp.t_bound, ivp.y0 = start.t, primal.tf, self._keep[0]
        self._keep += [set_tolerance(ivp, "rtol", rtol, n), set_tolerance(ivp, "atol", atol, n)]
        ivp.max_step, ivp.min_step, ivp.first_step = max_step, min_step, start.step
        ivp.save_steps, ivp.dense = 0, True
        ivp.lower = ivp.upper = -1  # LSODA: no band, where its kernel asks for differences
        ivp.fun.kernel, ivp.fun.params = system.fun_kernel, system.params
        if traits.implicit:
            jacobian = system.jacobian()
            self._keep += [jacobian, *make_room(ivp, n, jacobian.start, jacobian.row)]
            ivp.jac.kernel, ivp.jac.params = jacobian.pointer, system.params

    def set_times(self, times):
        self._keep.append(ffi.from_buffer("double[]", times))
        self.ivp.t_eval, self.ivp.n_eval = self._keep[-1], times.size

    def begin(self):
        self._check(lib.ds_ivp_start(self.ivp))

    def go_on(self, steps) -> bool:
        """So many steps, or up to the end; are there more?"""
        ivp, code = self.ivp, lib.DS_RUNNING
        ivp.pause_at = ivp.n_accepted + steps
        while code == lib.DS_RUNNING and ivp.n_accepted < ivp.pause_at:
            code = lib.ds_ivp_advance(ivp, policy.SLICE)
            self._check(code)
        return code == lib.DS_RUNNING

    def checkpoint(self) -> Checkpoint:
        ivp = self.ivp
        # what LSODA and BDF know of their past is not kept: they choose their first step anew
        y = leaving.copied(ivp.y, ivp.n, float)
        return Checkpoint(ivp.t, y, ivp.h_abs if ivp.method in ONE_STEP else 0.0)

    def chunk(self, slot):
        """Fill in a ds_chunk."""
        ivp = self.ivp
        slot.count, slot.t_old, slot.t = ivp.n_segments, ivp.seg_t_old, ivp.seg_t
        slot.y_old, slot.q, slot.at = ivp.seg_y_old, ivp.seg_q, ivp.seg_at

    def _check(self, code):
        if code in (lib.DS_RUNNING, lib.DS_FINISHED):
            return
        if code == lib.DS_PYTHON_ERROR:
            self._calls.raise_error()
        if code == lib.DS_FAILED:
            raise RuntimeError(
                f"the solve ended at t={self.ivp.t!r}: the step size got below the spacing of numbers"
            )
        raise leaving.error_of(code, self.ivp)
