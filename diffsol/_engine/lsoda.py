"""LSODA for `ode`: a solve in C that goes on from call to call, its functions, and their tier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from diffsol._engine.grid import GivenJacobian, GridCallbacks, band_matrix
from diffsol._engine.odepack import work_lengths
from diffsol._engine.tier import Tier
from diffsol._engine.tolerance import set_tolerance
from diffsol._native._core import ffi, lib

_DOUBLES = ffi.typeof("double[]")
_INTS = ffi.typeof("int32_t[]")
_from_buffer = ffi.from_buffer

REFUSED = -3  # ODEPACK's istate after illegal input


class PythonFunction(NamedTuple):
    """How a right-hand side is called as Python."""

    fun: Callable
    args: tuple
    y_first: bool = False


class Lsoda:
    """A solve of y' = fun(t, y, *args) that each `run` takes on to another time.

    n            number of doubles in a state
    rtol, atol   numbers, or arrays (n,)
    band         (lower, upper) of the Jacobian, or None: full
    limits       (h0, hmax, hmin, mxstep, mxordn, mxords)
    has_jacobian the user's Jacobian is to be called, else differences are taken
    """

    def __init__(self, n, rtol, atol, band, limits, has_jacobian):
        core = lib.ds_odeint_new(n)
        if core == ffi.NULL:
            raise MemoryError(f"no memory for {n} states")
        self._core = ffi.gc(core, lib.ds_odeint_free)
        self._times, self._rows = np.empty(2), np.empty((2, n))
        self._keep: list[Any] = [_from_buffer(_DOUBLES, a) for a in (self._times, self._rows)]
        core.t, core.y = self._keep
        core.n_times = 2
        self._keep += [set_tolerance(core, "rtol", rtol, n), set_tolerance(core, "atol", atol, n)]
        core.h0, core.h_max, core.h_min = limits[:3]
        core.step_max, core.adams_order_max, core.bdf_order_max = limits[3:]
        if has_jacobian:
            core.jac_source = lib.DS_JAC_GIVEN
        self._band, self._n = band, n
        self._lengths = work_lengths(n, limits[4:], band)
        if band is not None:
            self._set_band(*band)
        self._told: tuple | None = None
        self._callbacks: GridCallbacks | None = None
        self._state: np.ndarray | None = None
        self.tier: Tier | None = None

    def _set_band(self, lower, upper):
        pattern, plan, kept = band_matrix(self._n, lower, upper)
        lib.ds_odeint_set_jacobian(self._core, pattern, plan)
        lib.ds_odeint_set_band(self._core, lower, upper)
        self._keep += kept

    def set_functions(self, tier, fun, args, jac, jac_args):
        """Other functions from the next run on; `tier` holds the same right-hand side.

        jac   the user's Jacobian as it is called in Python, or None
        """
        self.tier = tier
        self._jacobian = None
        if jac is not None:
            self._jacobian = GivenJacobian(None, jac, jac_args, False, self._n, self._band, False)
        self._function = PythonFunction(fun, args)
        self._state = None

    def _set_state(self, y):
        """The solve works in the caller's array, which the functions see."""
        core = self._core
        self._callbacks = GridCallbacks(self._function, self._jacobian, y)
        if self._jacobian is not None:
            self._callbacks.watch(self._refresh)
        core.handle = self._callbacks.handle
        self._state = y
        self._buffer = core.state = _from_buffer(_DOUBLES, y)

    def _refresh(self):
        self.tier.refresh(self._core)

    def run(self, t, y, t_end) -> int:
        """From (t, y), where the solve is, to t_end; ODEPACK's istate. y becomes the state there.

        Raises whatever the user's functions raise; the solve is then of no further use, and y is
        as it was. `y_before` is that, too.
        """
        core, tier = self._core, self.tier
        if self._state is not y:
            self._set_state(y)
        self._times[:] = t, t_end
        core.row = 1
        tier.enter()
        self.y_before = y.copy()
        try:
            code = tier.advance(core, lib.ds_odeint_advance, t_end, self._position)
            if code in (lib.DS_PYTHON_ERROR, lib.DS_NO_MEMORY):
                self._raise(code)
        except BaseException:
            y[:] = self.y_before
            raise
        self.t = self._reached(t, t_end)
        return core.istate

    def _reached(self, t, t_end):
        """The time of y: a call that is refused does nothing, and other failures stop at a step."""
        istate = self._core.istate
        if istate > 0:
            return float(t_end)
        return float(t) if istate == REFUSED else self._core.t_now

    def tell(self, rwork, iwork):
        """ODEPACK's outputs, into the arrays that people read; after a call that did something."""
        if self._told is None or self._told[0] is not rwork:
            self._told = (rwork, _from_buffer(_DOUBLES, rwork), _from_buffer(_INTS, iwork))
            iwork[16:18] = self._lengths
        lib.ds_odeint_tell(self._core, *self._told[1:])

    def _position(self):
        core = self._core
        t = core.t_now if core.step_count else self._times[0]
        return t, 0.0, core.step_count, self._state.copy()

    def _raise(self, code):
        if code == lib.DS_NO_MEMORY:
            raise MemoryError("no memory for the Jacobian")
        self._callbacks.raise_error()
