"""The solver in C of an odeint, and solves that are made with the one of the solve before."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsol._engine import policy
from diffsol._engine.chord import set_band
from diffsol._engine.memory import aligned
from diffsol._engine.tolerance import set_tolerance
from diffsol._engine.warm import Warm
from diffsol._native._core import ffi, lib

# Columns of odeint's infodict and their types, in the order in which the core's two blocks hold them.
COLUMNS = {
    "hu": float,
    "tcur": float,
    "tolsf": float,
    "tsw": float,
    "nst": np.int32,
    "nfe": np.int32,
    "nje": np.int32,
    "nqu": np.int32,
    "mused": np.int32,
}
_FLOATS, _INTS = [[k for k, v in COLUMNS.items() if v is kind] for kind in (float, np.int32)]

_DOUBLES, _INT32S = ffi.typeof("double[]"), ffi.typeof("int32_t[]")
_from_buffer = ffi.from_buffer


# Doubles from which on a result begins where JAX shares it. Fewer are copied sooner than such a place is found.
LEAST_SHARED = 4096


def rows_from(state, count):
    """Room for a result, the initial state in its first row."""
    shape = count, state.size
    y = np.empty(shape) if count * state.size < LEAST_SHARED else aligned(shape)
    y[0] = state
    return y


class GridCore:
    """A solver of n states.

    solve   the C core's struct
    state   ndarray (n,): the working state, which a function sees
    """

    __slots__ = ("n", "solve", "state", "_keep", "_blocks")

    def __init__(self, n):
        solve = lib.ds_odeint_new(n)
        if solve == ffi.NULL:
            raise MemoryError(f"no memory for {n} states")
        self.n, self.solve = n, ffi.gc(solve, lib.ds_odeint_free)
        self.state = np.empty(n)
        self._keep: list[Any] = [_from_buffer(_DOUBLES, self.state)]
        solve.state = self._keep[0]

    def begin(self, times, y):
        """A new solve at these times, from y[0] on; returns what must be kept meanwhile, and how many
        of the times are the initial one (0: they are in no order)."""
        t, rows = _from_buffer(_DOUBLES, times), _from_buffer(_DOUBLES, y)
        return (t, rows), lib.ds_odeint_begin(self.solve, t, rows, times.size)

    def set_options(self, rtol, atol, limits):
        """Tolerances: floats or arrays (n,). limits: (h0, hmax, hmin, mxstep, mxordn, mxords)."""
        lib.ds_odeint_set_limits(self.solve, *limits)
        for name, value in (("rtol", rtol), ("atol", atol)):
            self._keep.append(set_tolerance(self.solve, name, value, self.n))

    def set_critical(self, times):
        self._keep.append(_from_buffer(_DOUBLES, times))
        self.solve.t_crit, self.solve.n_crit = self._keep[-1], times.size

    def set_band(self, band):
        setters = lib.ds_odeint_set_jacobian, lib.ds_odeint_set_band
        self._keep.append(set_band(self.solve, *setters, self.n, band))

    def set_columns(self, count):
        """The columns of the infodict shall be filled."""
        floats, ints = np.zeros((len(_FLOATS), count)), np.zeros((len(_INTS), count), np.int32)
        held = _from_buffer(_DOUBLES, floats), _from_buffer(_INT32S, ints)
        lib.ds_odeint_set_columns(self.solve, *held, count)
        self._blocks = floats, ints, held

    def columns(self):
        """The columns by their names, in SciPy's order."""
        floats, ints, _ = self._blocks
        del self._blocks
        return dict(zip(COLUMNS, (*floats, *ints), strict=True))


class WarmGrid(Warm):
    """Its next solve differs from the one before in initial state and times alone, and in the values that its
    kernel reads.

    core     GridCore with nothing but its options set
    array_count   how many of its two tolerances were arrays
    """

    __slots__ = ("array_count", "core")

    def __init__(self, core, bound, options, array_count):
        super().__init__(bound, options)
        self.core, self.array_count = core, array_count
        solve = core.solve
        lib.ds_odeint_only_kernels(solve)
        solve.fun.kernel, solve.fun.params = bound.pointer, bound.params

    def go(self, times, state, told, arrays):
        """(y, the first row that was not the initial state); None: there must be another solve, from
        the start. The outcome is the core's.

        arrays   ("rtol" or "atol", array (n,)) for each tolerance that was an array then
        """
        core = self.core
        if len(arrays) != self.array_count:
            return None
        kept = [set_tolerance(core.solve, name, array, core.n) for name, array in arrays]
        y = rows_from(state, times.size)
        held, first = core.begin(times, y)
        if not first:
            return None
        if told:
            core.set_columns(times.size - 1)
        code = lib.ds_odeint_advance(core.solve, policy.SLICE)
        while code == lib.DS_RUNNING:
            code = lib.ds_odeint_advance(core.solve, policy.SLICE)
        del held, kept
        if code > lib.DS_FAILED:
            return None
        self._variant.uses += 1
        return y, first
