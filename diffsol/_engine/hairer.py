"""Hairer's DOPRI5 and DOP853 for `ode`: one solver in C, its functions, and their tier."""

from __future__ import annotations

import numpy as np

from diffsol._engine.callback import PythonCalls, doubles_at
from diffsol._engine.odepack import take_derivative
from diffsol._engine.tier import FIRST_LOOK, RUNNING, Tier
from diffsol._engine.tolerance import set_tolerance
from diffsol._native._core import ffi, lib

_DOUBLES = ffi.typeof("double[]")
_INTS = ffi.typeof("int32_t[]")
_METHODS = {"dopri5": lib.DS_DOPRI5, "dop853": lib.DS_HAIRER_853}
_from_buffer = ffi.from_buffer


class Hairer:
    """A solver of y' = fun(t, y, *args) for any number of intervals, one after the other.

    method      'dopri5' | 'dop853'
    n           number of doubles in a state
    rtol, atol  numbers, or arrays (n,)

    After `run`: t and y, and h, the step size that a following run might begin with.
    """

    def __init__(self, method, n, rtol, atol):
        core = lib.ds_hairer_new(_METHODS[method], n)
        if core == ffi.NULL:
            raise MemoryError(f"no memory for {n} states")
        self._core = ffi.gc(core, lib.ds_hairer_free)
        self._keep = set_tolerance(core, "rtol", rtol, n), set_tolerance(core, "atol", atol, n)
        self.n = n
        self._callbacks: StepCallbacks | None = None
        self.tier: Tier | None = None
        # for the integrator: what it has made and told this solver with
        self.made_with: tuple | None = None
        self.functions: tuple = ()
        self.control: list | None = None

    def set_counts(self, counts):
        """int32 array (4,) that each run fills: evaluations, trials, accepted and rejected."""
        self._counts = self._core.counts = _from_buffer(_INTS, counts)

    def set_control(self, h0, h_max, safety, factors, beta, step_max, shrink_fully):
        """First step (0: choose), step limit (0: none), and the constants of the step control."""
        core = self._core
        core.h0, core.h_max = h0, h_max
        core.safety, core.beta, core.step_max = safety, beta, step_max
        core.factor_min, core.factor_max = factors
        core.shrink_fully = shrink_fully

    def set_functions(self, function, fun, args, solout):
        """Other functions from the next run on.

        function    Function: the right-hand side as it is compiled
        fun, args   as it is called in Python
        solout      (t, y) -> int or None, called at the start and after each step, or None
        """
        core = self._core
        core.fun.kernel = ffi.NULL
        self.tier = Tier(core, lib.ds_hairer_advance, function)
        self._callbacks = callbacks = StepCallbacks(self.n, fun, args, solout)
        self._set_state()
        if solout is not None:
            callbacks.watch(self.tier.refresh)
        core.handle = callbacks.handle
        core.watched = solout is not None

    def _set_state(self):
        self._given = self._core.given = _from_buffer(_DOUBLES, self._callbacks.state)

    def set_args(self, args):
        """The right-hand side has other arguments from the next run on."""
        self.tier.set_args(args)
        self._callbacks.serve(self._callbacks.fun, args, self._callbacks.state)

    def begin_anew(self):
        """The next run begins another solve, with the same functions."""
        callbacks = self._callbacks  # a function may have kept the state before
        callbacks.serve(callbacks.fun, callbacks.args, np.empty(self.n))
        self._set_state()
        self.tier.begin_anew()

    def run(self, t, y, t_end) -> int:
        """From (t, y) to t_end; Hairer's idid. Raises whatever the user's functions raise."""
        core, tier = self._core, self.tier
        settled, code = tier.enter(), RUNNING
        self.y = y.copy()
        core.y = held = _from_buffer(_DOUBLES, self.y)
        core.t, core.t_end = t, t_end
        lib.ds_hairer_begin(core)
        if settled:
            code = tier.step(core, FIRST_LOOK)
        if code == RUNNING:
            code = tier.advance((), t, t_end, self._position)
        del held
        self.t, self.h = core.t, core.h
        if code == lib.DS_PYTHON_ERROR:
            self._callbacks.raise_error()
        if tier.due and not tier.is_right([(t, y), (self.t, self.y)]):
            return self.run(t, y, t_end)
        return core.idid

    def _position(self):
        core = self._core
        return core.t, abs(core.h), core.trial_count, self.y


class StepCallbacks(PythonCalls):
    """The functions of one solve by Hairer's codes.

    state    what the core hands over as y: fun sees this very memory, and may write into it
    """

    def __init__(self, n, fun, args, solout):
        super().__init__(fun, args, np.empty(n), shared=True)
        self._solout = solout

    def take(self, result):
        taken = np.empty(self.state.size)
        take_derivative(result, taken)
        return taken

    def answer(self, which, flags, t, y, out):
        given = self.state.copy()  # people keep what they are given
        doubles_at(out)[0] = as_answer(self._solout(t, given))
        self.state[:] = given
        self.after()


def as_answer(answer) -> int:
    """What solout says, in SciPy's way."""
    if answer is None:
        return 0
    if isinstance(answer, int):
        return answer
    raise TypeError(
        "scipy.integrate: solout function must return -1 for stopping, and otherwise 0, 1 or None."
    )
