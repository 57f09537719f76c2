"""LSODA for `ode`: a solve in C that goes on from call to call, its functions, and their tier."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsol._engine.chord import chord_of, set_band
from diffsol._engine.grid import GridCallbacks, given_jacobian
from diffsol._engine.odepack import work_lengths
from diffsol._engine.tier import FIRST_LOOK, RUNNING, Tier
from diffsol._engine.tolerance import set_tolerance
from diffsol._native._core import ffi, lib

_DOUBLES = ffi.typeof("double[]")
_INTS = ffi.typeof("int32_t[]")
_from_buffer = ffi.from_buffer

REFUSED = -3  # ODEPACK's istate after illegal input

_FAILED = lib.DS_FAILED
_DIFFERENCES, _GIVEN = lib.DS_JAC_DIFFERENCES, lib.DS_JAC_GIVEN


class Lsoda:
    """A solve of y' = fun(t, y, *args) that each `run` takes on to another time.

    n            number of doubles in a state
    rtol, atol   numbers, or arrays (n,)
    band         (lower, upper) of the Jacobian, or None: full
    limits       (h0, hmax, hmin, mxstep, mxordn, mxords)

    y is the array that the solve works in, once there was a `run`.
    """

    def __init__(self, n, rtol, atol, band, limits):
        core = lib.ds_odeint_new(n)
        if core == ffi.NULL:
            raise MemoryError(f"no memory for {n} states")
        self._core = ffi.gc(core, lib.ds_odeint_free)
        core.y = rows = ffi.new(_DOUBLES, 2 * n)
        tolerances = set_tolerance(core, "rtol", rtol, n), set_tolerance(core, "atol", atol, n)
        self._keep: list[Any] = [tolerances]
        lib.ds_odeint_set_limits(core, *limits)
        self._band, self.n, self._orders = band, n, limits[4:]
        if band is not None:
            setters = lib.ds_odeint_set_jacobian, lib.ds_odeint_set_band
            self._keep.append(set_band(core, *setters, n, band))
        self._rows, self._told = rows, None
        self._callbacks: GridCallbacks | None = None
        self.y: np.ndarray | None = None
        # for the integrator: what it has made and told this solver with
        self.made_with: tuple | None = None
        self.functions: tuple = ()
        self.tier: Tier | None = None

    def set_functions(self, function, fun, args, jac, jac_args):
        """Other functions from the next run on.

        function    Function: the right-hand side as it is compiled
        fun, args   as it is called in Python
        jac         the user's Jacobian as it is called in Python, or None
        """
        core, n, band = self._core, self.n, self._band
        if self.tier is not None:
            self.tier.leave()
        given = None
        if jac is not None:
            given = given_jacobian(jac, jac_args, np.empty(n), band, solver="lsoda")
        self._jacobian, self._callbacks = given, None
        core.jac_source = _DIFFERENCES if given is None else _GIVEN
        chord = chord_of(core, lib.ds_odeint_set_jacobian, function, n, given, band)
        self.tier = Tier(core, lib.ds_odeint_run, function, chord)
        self._fun, self._args = fun, args
        self.y = None

    def set_args(self, args):
        """The right-hand side has other arguments from the next run on."""
        self.tier.set_args(args)
        self._args = args
        if self._callbacks is not None:
            self._callbacks.serve(self._fun, args, self._callbacks.state)

    def begin_anew(self):
        """The next run begins another solve, with the same functions."""
        core, rows = self._core, self._rows
        core.state = rows + self.n  # the next run has one of its own
        lib.ds_odeint_begin(core, rows, rows, 1)
        self.y = None
        self.tier.begin_anew()

    def _set_state(self, y):
        """The solve works in the caller's array, which the functions see."""
        core = self._core
        if self._callbacks is None:
            self._callbacks = GridCallbacks(self._fun, self._args, y, jacobian=self._jacobian)
            core.handle = self._callbacks.handle
            if self._jacobian is not None:
                self._callbacks.watch(self.tier.refresh)
        else:
            self._callbacks.serve(self._fun, self._args, y)
        self.y = y
        self._buffer = core.state = _from_buffer(_DOUBLES, y)

    def run(self, t, y, t_end, task=1) -> int:
        """From (t, y), where the solve is, to t_end; ODEPACK's istate. y becomes the state there.

        task   1, the only one

        Raises whatever the user's functions raise; the solve is then of no further use, and y is
        as it was.
        """
        core, tier = self._core, self.tier
        if self.y is not y:
            self._set_state(y)
        t_end = float(t_end)
        settled, code = tier.enter(), RUNNING
        try:
            if settled:
                code = tier.step(core, FIRST_LOOK, t, t_end)
            if code == RUNNING:
                self._begun_at, inputs = t, (t, t_end)
                code = tier.advance(inputs, t, t_end, self._position)
            if code > _FAILED:
                self._raise(code)
        except BaseException:
            y[:] = self.y_before()
            raise
        istate = core.istate
        if istate > 0:
            self.t = t_end
        else:  # a call that is refused does nothing, and other failures stop at a step
            self.t = float(t) if istate == REFUSED else core.t_now
        return istate

    def y_before(self):
        """The state where the last call began."""
        y = np.empty(self.n)
        lib.ds_odeint_before(self._core, _from_buffer(_DOUBLES, y))
        return y

    def tell(self, rwork, iwork):
        """ODEPACK's outputs, into the arrays that people read; after a call that did something."""
        if self._told is None or self._told[0] is not rwork:
            self._told = (rwork, _from_buffer(_DOUBLES, rwork), _from_buffer(_INTS, iwork))
            iwork[16:18] = work_lengths(self.n, self._orders, self._band)
        lib.ds_odeint_tell(self._core, *self._told[1:])

    def _position(self):
        core = self._core
        t = core.t_now if core.step_count else float(self._begun_at)
        return t, 0.0, core.step_count, self.y.copy()

    def _raise(self, code):
        if code == lib.DS_NO_MEMORY:
            raise MemoryError("no memory for the Jacobian")
        self._callbacks.raise_error()
