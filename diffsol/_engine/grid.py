"""One odeint: LSODA in C over a grid of output times, and the tier its functions run at."""

from __future__ import annotations

import numpy as np

from diffsol._engine import verify
from diffsol._engine.callback import PythonCalls, check_shape, doubles_at
from diffsol._engine.chord import band_pattern, chord_of
from diffsol._engine.function import Function
from diffsol._engine.grid_core import GridCore, WarmGrid, rows_from
from diffsol._engine.odepack import as_doubles, as_numbers
from diffsol._engine.refusal import refused
from diffsol._engine.tier import Tier
from diffsol._engine.warm import LARGEST
from diffsol._native._core import ffi, lib

_FLOAT = np.dtype(float)
_DOUBLES = ffi.typeof("double[]")
_from_buffer = ffi.from_buffer


class Grid:
    """A native solve of y' = fun with outputs at given times.

    rhs        Function of kind 'odepack'
    given      GivenJacobian, or None for differences
    state      ndarray (n,): y at times[0]
    times      ndarray of output times, in order
    critical   ndarray of times not to be stepped over, or None
    rtol, atol floats or arrays (n,)
    band       (lower, upper) of the Jacobian, or None: full
    limits     (h0, hmax, hmin, mxstep, mxordn, mxords)
    told       fill the columns of the infodict?

    After `go`: y (nt, n), core. Raises whatever the user's functions raise.
    """

    def __init__(self, rhs, given, state, times, critical, rtol, atol, band, limits, told):
        self.rhs, self._given, self._band = rhs, given, band
        self._inputs = times, critical, rtol, atol, limits, told
        self.y = rows_from(state, times.size)

    def go(self, mode=None) -> int:
        """Solve; ODEPACK's istate.

        mode    as for Tier
        """
        times = self._inputs[0]
        core = self.core = GridCore(self.rhs.n)
        held, _ = core.begin(times, self.y)
        self._set_options()
        self._set_callbacks()
        tier = self._tier = self._new_tier(mode)
        if self._given is not None:
            self._callbacks.watch(tier.refresh)
        tier.enter()
        code = tier.advance((), times[0], times[-1], self._position)
        del held
        if code == lib.DS_PYTHON_ERROR:
            self._callbacks.raise_error()
        if code == lib.DS_NO_MEMORY:
            raise MemoryError("no memory for the Jacobian")
        return self._end()

    def _set_options(self):
        times, critical, rtol, atol, limits, told = self._inputs
        self.core.set_options(rtol, atol, limits)
        if critical is not None:
            self.core.set_critical(critical)
        if self._band is not None:
            self.core.set_band(self._band)
        if told:
            self.core.set_columns(times.size - 1)

    def _set_callbacks(self):
        rhs = self.rhs
        self._callbacks = GridCallbacks(
            rhs.fun, rhs.args, self.core.state, rhs.y_first, self._given
        )
        self.core.solve.handle = self._callbacks.handle

    def _new_tier(self, mode):
        solve, given, rhs = self.core.solve, self._given, self.rhs
        solve.jac_source = lib.DS_JAC_DIFFERENCES if given is None else lib.DS_JAC_GIVEN
        chord = chord_of(solve, lib.ds_odeint_set_jacobian, rhs, rhs.n, given, self._band)
        return Tier(solve, lib.ds_odeint_advance, rhs, chord, mode, lives_on=False)

    def _end(self):
        solve, tier = self.core.solve, self._tier
        row = solve.row
        if tier.due:
            visited = verify.samples(self._inputs[0][:row], self.y[:row].T)
            if not tier.is_right(visited, "solve was redone", stacklevel=6):
                return self.go(mode="0")
        if solve.istate < 0:
            self.y[row:] = np.nan
        return solve.istate

    @property
    def is_compiled(self) -> bool:
        """Did the solve end with a kernel?"""
        return self._tier.bound is not None

    def warm(self, options) -> WarmGrid | None:
        """For solves with the same options; None where this one is no model for others."""
        _, critical, rtol, atol, limits, _ = self._inputs
        n, tier = self.rhs.n, self._tier
        plain = critical is None and self._band is None and tier.chord is None
        if not (self.is_compiled and plain) or n > LARGEST:
            return None
        core = GridCore(n)  # a function may have kept the state of this one
        arrays = sum(type(tolerance) is np.ndarray for tolerance in (rtol, atol))
        rtol, atol = (0.0 if type(v) is np.ndarray else v for v in (rtol, atol))  # not to be kept
        core.set_options(rtol, atol, limits)
        return WarmGrid(core, tier.bound, options, arrays)

    def _position(self):
        solve, times = self.core.solve, self._inputs[0]
        t = solve.t_now if solve.step_count else times[0]
        return t, abs(solve.h_next), solve.step_count, self.core.state.copy()


class GridCallbacks(PythonCalls):
    """The functions of one odeint, or of one `ode` by LSODA.

    state    the core's working state: fun is given this very memory, as SciPy's odeint gives its own
    """

    def __init__(self, fun, args, state, y_first=False, jacobian=None):
        super().__init__(fun, args, state, y_first, shared=True)
        self._jacobian = jacobian

    def take(self, result):
        array = as_doubles(result)
        check_shape(array, self.state.size)
        taken = np.empty(self.state.size)
        taken[:] = array
        return taken

    def answer(self, which, flags, t, y, out):
        self._jacobian.write(t, self.state, doubles_at(out))
        if self.handle.watched:
            self.after()


class GivenJacobian:
    """The user's Dfun, full or banded.

    function     Function of kind 'jac' that may be compiled, or None where only Python will do
    fun, args, y_first   how it is called
    band         (lower, upper), or None
    by_columns   it gives the transposed matrix (SciPy's col_deriv)
    dtype        of the state
    """

    def __init__(self, function, fun, args, y_first, n, band, by_columns, dtype=_FLOAT):
        self.function = function
        self._fun, self._args, self._y_first = fun, args, y_first
        self._by_columns, self._dtype = by_columns, dtype
        rows = n if band is None else sum(band) + 1
        self._shape = (n, rows) if by_columns else (rows, n)
        self._kind = "" if band is None else "banded "
        self._places = None if band is None else _band_places(n, *band)

    def write(self, t, y, out):
        """Values at (t, y) to the C array `out`, column by column."""
        leading = (y, t) if self._y_first else (t, y)
        matrix = as_numbers(self._fun(*leading, *self._args), self._dtype)
        self._check(matrix)
        columns = matrix if self._by_columns else matrix.reshape(self._shape).T
        values = columns.ravel()
        if self._places is not None:
            values = values[self._places]
        np.frombuffer(ffi.buffer(out, values.nbytes), self._dtype)[:] = values

    def _check(self, matrix):
        if matrix.ndim > 2:
            raise refused(
                RuntimeError,
                f"The Jacobian array must be two dimensional, but got ndim={matrix.ndim}.",
            )
        # a row alone may come without its first dimension, a single number without both
        shape = (1,) * (2 - matrix.ndim) + matrix.shape
        if shape != self._shape:
            told = matrix.shape + (1,) * (2 - matrix.ndim)
            if matrix.ndim == 1:
                told = matrix.shape * 2
            raise refused(
                RuntimeError,
                f"Expected a {self._kind}Jacobian array with shape {self._shape}, but got {told}",
            )


def given_jacobian(jac, args, state, band, y_first=False, by_columns=False, solver=""):
    """GivenJacobian of the user's jac(t, y, *args), or None where there is none.

    solver    as for Function
    """
    if jac is None:
        return None
    compiled = None
    if band is None and not by_columns:
        compiled = Function(jac, args, state, kind="jac", y_first=y_first, solver=solver)
    return GivenJacobian(compiled, jac, args, y_first, state.size, band, by_columns, state.dtype)


def _band_places(n, lower, upper):
    """Where the places of a band stand in LAPACK's array of diagonals, read column by column."""
    start, rows = band_pattern(n, lower, upper)
    columns = np.repeat(np.arange(n), np.diff(start))
    return columns * (lower + upper + 1) + rows - columns + upper


def first_of(times) -> int:
    """How often the first of these times stands at the start; 0 where they are in no order."""
    if not times.size:
        return 0
    return lib.ds_odeint_first(_from_buffer(_DOUBLES, np.ascontiguousarray(times)), times.size)
