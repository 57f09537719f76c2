"""Hairer's DOPRI5 and DOP853 for `ode`: one solver in C, its functions, and their tier."""

from __future__ import annotations

import numpy as np

from diffsol._engine.odepack import take_derivative
from diffsol._engine.tier import Tier
from diffsol._engine.tolerance import set_tolerance
from diffsol._native._core import ffi, lib

_DOUBLES = ffi.typeof("double[]")
_from_buffer = ffi.from_buffer


class Hairer:
    """A solver of y' = fun(t, y, *args) for any number of intervals, one after the other.

    method      'dopri5' | 'dop853'
    n           number of doubles in a state
    rtol, atol  numbers, or arrays (n,)

    counts      int32 array (4,) that each run fills: evaluations, trials, accepted and rejected

    After `run`: t and y.
    """

    def __init__(self, method, n, rtol, atol, counts):
        core = lib.ds_hairer_new({"dopri5": lib.DS_DOPRI5, "dop853": lib.DS_HAIRER_853}[method], n)
        if core == ffi.NULL:
            raise MemoryError(f"no memory for {n} states")
        self._core = ffi.gc(core, lib.ds_hairer_free)
        self._keep = [set_tolerance(core, "rtol", rtol, n), set_tolerance(core, "atol", atol, n)]
        self._keep.append(_from_buffer("int32_t[]", counts))
        core.counts = self._keep[-1]
        self._handle = core.handle = ffi.new_handle(self)
        self._views: dict = {}
        self._n = n
        self._fun = self._args = self._solout = None
        self.error: BaseException | None = None
        self.tier: Tier | None = None

    def set_control(self, h0, h_max, safety, factors, beta, step_max, shrink_fully):
        """First step (0: choose), step limit (0: none), and the constants of the step control."""
        core = self._core
        core.h0, core.h_max = h0, h_max
        core.safety, core.beta, core.step_max = safety, beta, step_max
        core.factor_min, core.factor_max = factors
        core.shrink_fully = shrink_fully

    def run(self, fun, args, t, y, t_end, solout=None) -> int:
        """From (t, y) to t_end; Hairer's idid. Raises whatever the user's functions raise.

        fun, args   as it is called in Python; `tier` holds the same function
        solout      (t, y) -> int or None, called at the start and after each step, or None
        """
        core, tier = self._core, self.tier
        self._fun, self._args, self._solout = fun, args, solout
        tier.enter()
        self.y = y.copy()
        core.y = held = _from_buffer(_DOUBLES, self.y)
        core.t, core.t_end, core.watched = t, t_end, solout is not None
        lib.ds_hairer_begin(core)
        code = tier.advance(core, lib.ds_hairer_advance, t_end, self._position)
        del held
        self.t = core.t
        if code == lib.DS_PYTHON_ERROR:
            self._raise()
        if tier.is_due() and not tier.is_right([(t, y), (self.t, self.y)]):
            return self.run(fun, args, t, y, t_end, solout)
        return core.idid

    def _position(self):
        core = self._core
        return core.t, abs(core.h), core.trial_count, self.y

    def _raise(self):
        error, self.error = self.error, None
        # without one, an interrupt came where no Python frame of ours could note it
        raise error if error is not None else KeyboardInterrupt

    def _view(self, pointer):
        """The ndarray over a C array. The core uses few addresses, so views are kept, but not those
        of y: that is another array at each run."""
        view = self._views.get(pointer)
        if view is None:
            view = np.frombuffer(ffi.buffer(pointer, 8 * self._n))
            if pointer != self._core.y:
                self._views[pointer] = view
        return view

    def answer(self, which, flags, t, y, out):
        """The core's call: 0, or 1 after an exception, which comes out of `run` as itself."""
        try:
            state = self._view(y)
            given = state.copy()  # people keep what they are given
            if which == 0:
                take_derivative(self._fun(t, given, *self._args), self._view(out))
            else:
                out[0] = as_answer(self._solout(t, given))
            state[:] = given  # and change it in place
            if which:
                self.tier.refresh(self._core)
        except BaseException as error:
            self.error = error
            return 1
        return 0


def as_answer(answer) -> int:
    """What solout says, in SciPy's way."""
    if answer is None:
        return 0
    if isinstance(answer, int):
        return answer
    raise TypeError(
        "scipy.integrate: solout function must return -1 for stopping, and otherwise 0, 1 or None."
    )
