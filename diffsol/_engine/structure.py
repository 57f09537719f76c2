"""Which factors suit a Jacobian's pattern: dense, banded or sparse, in which order.

The kinds' costs are estimated and the cheapest is taken. All constants are nanoseconds measured on
one core (AMD Zen 3, 2.45 GHz, AVX2); only their ratios matter.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from math import inf

import numpy as np

from diffsol._native import lapack
from diffsol._native._core import ffi, lib

# Up to here dense wins whatever the pattern: 30 states cost 5 us, tridiagonal as much.
ALWAYS_DENSE = 30

# LAPACK's getrf overtakes our own dense code between 40 and 48 states (real), 24 and 32 (complex).
LAPACK_FROM = {False: 44, True: 28}

# Loading SciPy's LAPACK takes 0.2 s once in a process, unless somebody has done so already. From
# here on a dozen factorisations, as a short solve makes them, gain that much.
LAPACK_WORTH_LOADING = 400

# Solves for each factorisation, in BDF and Radau as they run stiff problems (nlu against nfev).
SOLVES = 6

# A pattern this full has no order worth looking for.
FULL = 0.25

# From this bandwidth on our banded code, which works column by column, loses to the fronts of the
# sparse one (32: 0.44 and 0.46 ms for 1000 states, 64: 1.6 and 1.0 ms).
WIDEST_BAND = 48


# Incomplete factors by entries of the matrix; an iteration of GMRES with them, by entries and
# unknowns (2-D grids of 512 to 131,072 unknowns, within a factor 1.5).
ILU_ENTRY, ITERATION_ENTRY, ITERATION_UNKNOWN = 7, 1.2, 9

# Iterations that a Newton correction takes on diffusion problems as BDF steps them: 2 to 4.
ITERATIONS = 3


@dataclass(frozen=True, eq=False)
class LuPlan:
    """How a matrix is stored and factored; `native` is what `ds_lu_new` takes."""

    kind: int  # lib.DS_LU_DENSE, DS_LU_BANDED or DS_LU_SPARSE
    lower: int = 0  # banded: diagonals below and above the main one, in `order`
    upper: int = 0
    order: np.ndarray | None = None  # position k holds unknown order[k]; None: as they are
    use_lapack: bool = False
    costs: tuple[float, ...] = ()  # iterative: ns of a factorisation, a solve; of ILU, an iteration

    @property
    def native(self):
        """A new `ds_lu_plan *`, which lives on memory of this object."""
        plan = ffi.new("ds_lu_plan *")
        plan.kind, plan.lower, plan.upper = self.kind, self.lower, self.upper
        if self.order is not None:
            plan.order = _pointer(self.order)
        if self.costs:
            plan.costs = self.costs
        if self.use_lapack:
            plan.lapack = lapack.table()
        return plan


def plan(n, start=None, rows=None, is_complex=False, inexact=False) -> LuPlan:
    """The plan for n unknowns and a CSC pattern of int64 arrays (None: full), rows ascending.

    inexact: solutions may be approximate (ds_lu_solve_within)
    """
    dense = LuPlan(lib.DS_LU_DENSE, use_lapack=_use_lapack(n, bool(is_complex)))
    if n <= ALWAYS_DENSE or start is None or len(rows) >= FULL * n * n:
        return dense
    pattern = ffi.new(
        "ds_pattern *",
        {"n": n, "count": len(rows), "start": _pointer(start), "rows": _pointer(rows)},
    )
    choices = [(_dense_cost(n), dense)]
    choices += _banded(n, start, rows, pattern)
    choices += _sparse(n, pattern, inexact and not is_complex)
    return min(choices, key=lambda choice: choice[0])[1]


def _use_lapack(n, is_complex):
    loaded = "scipy.linalg" in sys.modules
    return n >= (LAPACK_FROM[is_complex] if loaded else LAPACK_WORTH_LOADING)


def _dense_cost(n):
    """As measured from n = 8 to 500, within a factor 1.5."""
    return 0.03 * n**3 + 2 * n**2 + SOLVES * (0.2 * n**2 + 7 * n)


def _banded(n, start, rows, pattern):
    """The bands as the unknowns are, and after reverse Cuthill-McKee where that is another."""
    columns = np.repeat(np.arange(n), np.diff(start))
    yield _in_band(n, rows, columns, None)
    # A band is at least half as wide as the busiest column.
    if np.diff(start).max() > 2 * WIDEST_BAND:
        return
    order = _ordered(lib.ds_order_rcm, n, pattern)
    position = np.empty(n, np.int64)
    position[order] = np.arange(n)
    yield _in_band(n, position[rows], position[columns], order)


def _in_band(n, rows, columns, order):
    """(cost, plan); the cost of a permuted right-hand side is small beside the rest."""
    offsets = rows - columns
    lower, upper = max(0, int(offsets.max(initial=0))), max(0, int(-offsets.min(initial=0)))
    if max(lower, upper) > WIDEST_BAND:
        return inf, None
    factor = n * (18 + 0.4 * lower * (upper + 1))  # bandwidths 1 to 32, within a factor 1.5
    solve = n * (12 + 0.25 * (lower + upper))
    moved = 0 if order is None else 2 * n
    return factor + SOLVES * (solve + moved), LuPlan(lib.DS_LU_BANDED, lower, upper, order)


def _sparse(n, pattern, inexact):
    order = _ordered(lib.ds_order_amd, n, pattern)
    entries, work = ffi.new("double *"), ffi.new("double *")
    if lib.ds_order_cost(pattern, _pointer(order), entries, work):
        raise MemoryError
    # Small fronts cost by their number and entries, large ones by their multiplications.
    factor = 15 * n + 7 * entries[0] + 0.06 * work[0]
    solve = 15 * n + 0.6 * entries[0]
    yield factor + SOLVES * solve, LuPlan(lib.DS_LU_SPARSE, order=order)
    if inexact:  # a solve has two or three passes beside its iterations: about one more
        incomplete = ILU_ENTRY * pattern.count
        iteration = ITERATION_ENTRY * pattern.count + ITERATION_UNKNOWN * n
        costs = factor, solve, incomplete, iteration
        plan = LuPlan(lib.DS_LU_ITERATIVE, order=order, costs=costs)
        yield incomplete + SOLVES * (1 + ITERATIONS) * iteration, plan


def _ordered(function, n, pattern):
    order = np.empty(n, np.int64)
    if function(pattern, _pointer(order)):
        raise MemoryError
    return order


def _pointer(array):
    return ffi.from_buffer("int64_t[]", array, require_writable=False)
