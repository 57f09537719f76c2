"""Drive the native linear algebra on NumPy arrays: one `LU` per matrix pattern."""

from __future__ import annotations

import numpy as np
from diffsol._native._core import ffi, lib

from diffsol._engine.structure import LuPlan

OK, SINGULAR, NOT_FINITE = lib.DS_LU_OK, lib.DS_LU_SINGULAR, lib.DS_LU_NOT_FINITE
DENSE, BANDED, SPARSE = lib.DS_LU_DENSE, lib.DS_LU_BANDED, lib.DS_LU_SPARSE
ITERATIVE = lib.DS_LU_ITERATIVE


def integers(values):
    return np.ascontiguousarray(values, np.int64)


def csc(mask):
    """(start, rows) of the true entries of a square array."""
    columns, rows = np.nonzero(np.asarray(mask).T)
    start = np.searchsorted(columns, np.arange(len(mask) + 1))
    return integers(start), integers(rows)


def bandwidths(mask, order=None):
    mask = np.asarray(mask) if order is None else np.asarray(mask)[np.ix_(order, order)]
    rows, columns = np.nonzero(mask)
    return max([0, *(rows - columns)]), max([0, *(columns - rows)])


def pattern_of(n, start, rows):
    """A ds_pattern; the arrays must outlive it."""
    pattern = ffi.new("ds_pattern *", {"n": n, "count": n * n if start is None else len(rows)})
    if start is not None:
        pattern.start = ffi.from_buffer("int64_t[]", start)
        pattern.rows = ffi.from_buffer("int64_t[]", rows)
    return pattern


class LU:
    """Factors of alpha I - beta J. mask: the pattern of J, None for all of it."""

    def __init__(self, n, plan: LuPlan, mask=None, jac_complex=False, is_complex=False):
        self.mask = None if mask is None else np.asarray(mask)
        self.jac_dtype = complex if jac_complex else float
        self.dtype = complex if is_complex else float
        start, rows = (None, None) if mask is None else csc(mask)
        self.pattern = pattern_of(n, start, rows)
        handle = lib.ds_lu_new(self.pattern, jac_complex, is_complex, plan.native)
        if handle == ffi.NULL:
            raise ValueError("ds_lu_new")
        self.plan = plan  # LAPACK's table is borrowed
        self.handle = ffi.gc(handle, lib.ds_lu_free)

    def factor(self, alpha, beta, jac):
        jac = np.asarray(jac, self.jac_dtype)
        values = jac.T.ravel() if self.mask is None else jac.T[self.mask.T]
        self.values = np.ascontiguousarray(values)  # borrowed until the next factors
        alpha = complex(alpha)
        return lib.ds_lu_factor(
            self.handle, alpha.real, alpha.imag, beta, ffi.from_buffer("double[]", self.values)
        )

    def solve(self, b):
        b = np.array(b, self.dtype)
        lib.ds_lu_solve(self.handle, ffi.from_buffer("double[]", b))
        return b

    def solve_within(self, b, scale, tol):
        b = np.array(b, self.dtype)
        pointer = lib.ds_lu_scale(self.handle)
        np.frombuffer(ffi.buffer(pointer, 8 * len(b)))[:] = scale
        lib.ds_lu_solve_within(self.handle, ffi.from_buffer("double[]", b), tol)
        return b

    @property
    def pivot(self):
        return lib.ds_lu_pivot(self.handle)

    @property
    def size(self):
        return lib.ds_lu_size(self.handle)


def order_of(function, mask):
    """Result of ds_order_rcm or ds_order_amd, checked to be a permutation."""
    start, rows = csc(mask)
    order = np.empty(len(mask), np.int64)
    assert function(pattern_of(len(mask), start, rows), ffi.from_buffer("int64_t[]", order)) == 0
    assert np.array_equal(np.sort(order), np.arange(len(mask)))
    return order
