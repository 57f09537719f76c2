"""The next solve of the same function by the same explicit method, with the solver of the one before."""

from __future__ import annotations

import time

from diffsol._engine import leaving, policy
from diffsol._engine.run import STATUS
from diffsol._engine.solver import new_solver
from diffsol._engine.warm import Warm
from diffsol._native._core import ffi, lib

_DOUBLES, _from_buffer = ffi.typeof("double[]"), ffi.from_buffer
MOST_POINTS = 4096  # a solver that has kept more of them gives its memory back


class WarmRun(Warm):
    """A solver whose next solve has another interval, initial state, output times, or values that its kernel reads;
    without events and interpolants. Its results are attributes, as those of a Run.

    run    the compiled Run of the solve before, whose tolerances are numbers and whose first step was its own
    """

    __slots__ = ("_ivp", "_seconds", "method", "nfev", "t", "t_last", "y")

    njev = nlu = 0
    nonfinite = t_events = y_events = None

    def __init__(self, run, options):
        super().__init__(run.bound, options)
        _, _, state, rtol, atol, max_step, _ = run.options
        self.method = run.method
        self._ivp = ivp = new_solver(run.method, state.size)
        ivp.rtol_value, ivp.atol_value, ivp.max_step = rtol, atol, max_step
        ivp.fun.kernel, ivp.fun.params = run.bound.pointer, run.bound.params

    @property
    def is_small(self) -> bool:
        """Is it worth its memory?"""
        return self._ivp.n_points <= MOST_POINTS

    def go(self, t0, tf, state, times) -> int | None:
        """SciPy's status; None: Python is asked for, and there must be another solve from the start.

        state, times   ndarrays of floats, in C order; times None: all steps are kept
        """
        begun = time.perf_counter()
        ivp = self._ivp
        y0 = _from_buffer(_DOUBLES, state)
        held = ffi.NULL if times is None else _from_buffer(_DOUBLES, times)
        code = lib.ds_ivp_again(ivp, t0, tf, y0, held, 0 if times is None else times.size)
        code = code or lib.DS_RUNNING
        while code == lib.DS_RUNNING:
            code = lib.ds_ivp_advance(ivp, policy.SLICE)
        if code not in (lib.DS_FINISHED, lib.DS_FAILED):
            return None
        self.t, self.y = leaving.points(ivp, state)
        self.nfev, self.t_last = ivp.nfev, ivp.t_stop
        self._seconds = time.perf_counter() - begun
        self._variant.uses += 1
        return STATUS[code]

    def cost(self, status, message) -> tuple:
        """The values of `Stats` for this solve."""
        ivp = self._ivp
        n_steps = ivp.n_accepted
        return (
            self.method,
            n_steps,
            ivp.n_trials - n_steps,
            None,
            self.t_last,
            ivp.least_step,
            ivp.largest_step,
            self.nfev,
            0,
            0,
            self._seconds,
            "compiled",
            0,
            0.0,
            status,
            message,
        )
