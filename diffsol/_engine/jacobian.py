"""The Jacobian of one implicit solve: the user's, the graph's, or finite differences.

A user's `jac` wins, compiled where it can be. Without one, the exact Jacobian of the compiled
right-hand side serves; as long as there is none, the C core makes SciPy's finite differences.
"""

from __future__ import annotations

import sys

import numpy as np

from diffsol._engine import structure
from diffsol._engine.chord import band_pattern, may_be_exact
from diffsol._engine.factors import make_room
from diffsol._engine.function import Function
from diffsol._engine.grid import GivenJacobian
from diffsol._native._core import ffi, lib


class Jacobian:
    """Where the Jacobian of a solve comes from, and what the C core borrows for it.

    jac       the user's: None, a callable jac(t, y, *args), or a constant matrix
    sparsity  the user's structure for finite differences, or None
    args      further arguments of a callable jac
    state     ndarray (n,): size and dtype
    """

    def __init__(self, jac, sparsity, args, state):
        self.jac = jac
        self._sparsity = sparsity if jac is None else None
        self._args = args
        self._n, self._dtype = state.size, state.dtype
        self._sparse = None  # is the user's matrix sparse? known after its first value
        self._keep: tuple = ()
        self.function = Function(jac, args, state, kind="jac") if callable(jac) else None

    @property
    def is_full(self):
        """Are all entries kept, as a kernel for the user's function writes them?"""
        return not self._keep or self._keep[1] is None

    @property
    def may_be_exact(self):
        """Is the graph's Jacobian to be taken where there is one?"""
        return self.jac is None

    @property
    def would_be_dense(self):
        """Without the graph's, is it a full matrix by differences?"""
        return self.jac is None and self._sparsity is None

    # --- set-up -----------------------------------------------------------------------------------

    def declare(self, ivp, vectorized):
        """Before a solve starts, or starts again: where values will come from."""
        self._sparse, self._keep = None, ()
        ivp.vectorized = vectorized
        ivp.jac_source = lib.DS_JAC_DIFFERENCES if self.jac is None else lib.DS_JAC_GIVEN

    def open(self, ivp):
        """Room for the matrix, where its form is known by now."""
        if self.jac is not None:
            return  # its first value tells the form
        if self._sparsity is None:
            self._set(ivp, None, None)
            return
        start, rows = self._structure()
        self._set(ivp, start, rows)
        ivp.sparse_as_given = 1
        groups = np.ascontiguousarray(_group_columns(self._sparsity), dtype=np.int64)
        self._keep += (ffi.from_buffer("int64_t[]", groups),)
        ivp.jac_groups, ivp.n_jac_groups = self._keep[-1], int(groups.max(initial=-1)) + 1

    def use_kernel(self, ivp, kernel, params):
        """A compiled Jacobian of the right-hand side takes over from differences."""
        ivp.jac_groups, ivp.sparse_as_given = ffi.NULL, 0
        self._set(ivp, kernel.start, kernel.row, inexact=ivp.method == lib.DS_BDF)
        ivp.jac.kernel, ivp.jac.params = kernel.pointer, params

    def use_differences(self, ivp):
        """The compiled one no longer stands for the function."""
        ivp.jac.kernel = ffi.NULL
        self._keep = ()
        self.open(ivp)

    def _set(self, ivp, start, rows, inexact=False):
        """Room for a matrix with these places (CSC; None: all)."""
        is_complex = self._dtype.kind == "c"
        self._keep = make_room(ivp, self._n, start, rows, is_complex, inexact)

    def _structure(self):
        from scipy.sparse import csc_matrix

        return _pattern_of(csc_matrix(self._sparsity), keep_zeros=False)

    # --- values of the user's ---------------------------------------------------------------------

    def write(self, ivp, t, y):
        """The user's Jacobian at (t, y) into the C core. The first one sets the form."""
        value = self.jac(t, y, *self._args) if callable(self.jac) else self.jac
        first = self._sparse is None
        if first:
            self._sparse = _is_sparse(value)
            value = self._converted(value)
            if value.shape != (self._n, self._n):
                raise ValueError(
                    f"`jac` is expected to have shape {(self._n, self._n)},"
                    f" but actually has {value.shape}."
                )
        else:
            value = self._converted(value)
        if self._sparse:
            self._write_sparse(ivp, value)
        else:
            self._write_dense(ivp, value, first)
        if not callable(self.jac):
            ivp.jac_source, ivp.njev = lib.DS_JAC_CONSTANT, 0

    def _converted(self, value):
        if not self._sparse:
            return np.asarray(value, dtype=self._dtype)
        from scipy.sparse import csc_matrix

        value = csc_matrix(value, dtype=self._dtype)
        if not value.has_canonical_format:
            value = value.copy()
            value.sum_duplicates()
        return value

    def _write_dense(self, ivp, value, first):
        """A large matrix of mostly zeros gets the structure that its entries have shown so far."""
        if first:
            self._set(ivp, *self._places_of(value))
        if self._keep[1] is None:
            self._values(ivp, self._n**2).reshape(self._n, self._n)[:] = value.T
            return
        columns = np.repeat(np.arange(self._n), np.diff(self._keep[0]))
        entries = value[self._keep[1], columns]
        if np.count_nonzero(entries) != np.count_nonzero(value):
            self._set(ivp, None, None)  # an entry elsewhere: full from now on
            self._write_dense(ivp, value, False)
            return
        self._values(ivp, len(entries))[:] = entries

    def _places_of(self, value):
        """(start, rows) of the entries that are not 0 and the diagonal; (None, None): full."""
        n = self._n
        if n <= structure.ALWAYS_DENSE:
            return None, None
        places = (value != 0) | np.eye(n, dtype=bool)
        if np.count_nonzero(places) >= structure.FULL * n * n:
            return None, None
        columns, rows = np.nonzero(places.T)
        counts = np.bincount(columns, minlength=n)
        return np.concatenate([[0], np.cumsum(counts)]), np.ascontiguousarray(rows)

    def _write_sparse(self, ivp, value):
        start, rows = _pattern_of(value, keep_zeros=True)
        known = self._keep[:2]
        if not known or not (np.array_equal(start, known[0]) and np.array_equal(rows, known[1])):
            self._set(ivp, start, rows)
            ivp.sparse_as_given = 1
        self._values(ivp, len(rows))[:] = value.data

    def matrix(self, ivp):
        """The matrix at hand: sparse where SciPy's solver would hold a sparse one."""
        from scipy.sparse import csc_matrix

        n, (start, rows) = self._n, self._keep[:2]
        if rows is None:
            return self._values(ivp, n * n).reshape(n, n).T.copy()
        values = self._values(ivp, len(rows)).copy()
        matrix = csc_matrix((values, rows, start), shape=(n, n))
        return matrix if self._sparse or self._sparsity is not None else matrix.toarray()

    def _values(self, ivp, count):
        return np.frombuffer(ffi.buffer(ivp.jac_values, count * self._dtype.itemsize), self._dtype)


class LsodaJacobian(Jacobian):
    """The Jacobian of a solve by LSODA: full or banded as the user says, never sparse.

    band    (lower, upper) or None
    """

    def __init__(self, jac, band, args, state):
        super().__init__(jac, None, args, state)
        self._band = band
        if band is not None:
            self.function = None
        self._given = GivenJacobian(None, jac, args, False, state.size, band, False)

    @property
    def may_be_exact(self):
        """Differences have SciPy's bits: a small system keeps them."""
        return may_be_exact(self._n, self.jac, self._band)

    @property
    def would_be_dense(self):
        return self.jac is None and self._band is None

    def declare(self, ivp, vectorized):
        super().declare(ivp, vectorized)
        ivp.lower, ivp.upper = (-1, -1) if self._band is None else self._band

    def open(self, ivp):
        pattern = (None, None) if self._band is None else band_pattern(self._n, *self._band)
        self._set(ivp, *pattern)

    def write(self, ivp, t, y):
        self._given.write(t, y, ivp.jac_values)


def _is_sparse(value):
    """scipy.sparse.issparse; nothing can be sparse before that module is there."""
    module = sys.modules.get("scipy.sparse")
    return module is not None and module.issparse(value)


def _pattern_of(matrix, keep_zeros):
    """(start, rows) of a csc_matrix with sorted rows."""
    if not keep_zeros:
        matrix = matrix.copy()
        matrix.eliminate_zeros()
    matrix.sort_indices()
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)


def _group_columns(sparsity):
    """SciPy's groups, for differences as SciPy makes them."""
    from scipy.optimize._numdiff import group_columns
    from scipy.sparse import csc_matrix, issparse

    return group_columns(csc_matrix(sparsity) if issparse(sparsity) else sparsity)
