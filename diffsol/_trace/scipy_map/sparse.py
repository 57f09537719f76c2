"""scipy.sparse matrices from outside: products with traced vectors and matrices.

The places of the entries are fixed (compared by content before a kernel is used again), their values are
a parameter. Entries are kept in the order in which SciPy's product for the format goes through them,
and are added up row by row in that order.
"""

from __future__ import annotations

import sys

import numpy as np

from diffsol._graph.ops import BOOL
from diffsol._trace import attributes
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Foreign, Scalar
from diffsol._trace.scipy_map.registry import FORMATS
from diffsol._trace.values import Array, as_node


def is_sparse(value) -> bool:
    """Is it a matrix, or a two-dimensional array, of scipy.sparse?"""
    cls = type(value)
    if not cls.__module__.startswith("scipy.sparse") or cls.__name__[:3] not in FORMATS:
        return False
    return getattr(sys.modules.get("scipy.sparse"), cls.__name__, None) is cls


def from_outside(machine, owner):
    """The SparseMatrix of an object from outside, read once."""
    known, key = machine.trace.reads.known, (owner.var, "sparse")
    if key not in known:
        known[key] = (owner.var, _read(machine, owner))
    return known[key][1]


class SparseMatrix(Foreign):
    """rows, columns, places: of each entry, in SciPy's order; values: the node that places point into.

    rows or columns may be `Lines`; places may be None for 0, 1, 2, ...
    """

    __slots__ = ("trace", "values", "rows", "columns", "places", "shape", "is_matrix", "_order")
    ATTRIBUTES = ("T", "transpose", "dot", "shape", "ndim")
    ndim = 2

    def __init__(self, trace, values, entries, shape, is_matrix):
        self.trace, self.values, self.shape, self.is_matrix = trace, values, shape, is_matrix
        self.rows, self.columns, self.places = entries
        self._order = None

    @property
    def T(self):
        entries = (self.columns, self.rows, self.places)
        return SparseMatrix(self.trace, self.values, entries, self.shape[::-1], self.is_matrix)

    def transpose(self):
        return self.T

    def dot(self, other):
        return self._scaled(other) if _is_scalar(other) else self @ other

    def _by_row(self):
        """(start, column, place) of the entries, row after row."""
        if self._order is None:
            columns, places = _numbers(self.columns), self.places
            if isinstance(self.rows, Lines):
                start = self.rows.start
            else:
                counts = np.bincount(self.rows, minlength=self.shape[0])
                start = np.concatenate([[0], np.cumsum(counts)])
                order = np.argsort(self.rows, kind="stable")
                columns = columns[order]
                places = order if places is None else places[order]
            # as SciPy has them, in 32 bits or 64: a copy of millions would cost more than the rest of a trace
            self._order = tuple(
                x if x is None else np.ascontiguousarray(x) for x in (start, columns, places)
            )
        return self._order

    def __matmul__(self, other):
        if _is_scalar(other):
            raise ValueError("Scalar operands are not allowed, use '*' instead")
        x = as_node(self.trace, other)
        if x.ndim not in (1, 2) or x.shape[0] != self.shape[1]:
            raise ValueError("matmul: dimension mismatch")
        if x.dtype == BOOL:
            raise Refused("unknown-call", "a sparse matrix times truth values")
        return Array.of(self.trace, self.trace.graph.spmv(self.values, x, *self._by_row()))

    def __rmatmul__(self, other):
        if _is_scalar(other):
            raise ValueError("Scalar operands are not allowed, use '*' instead")
        other = (
            other if isinstance(other, Array) else Array.of(self.trace, as_node(self.trace, other))
        )
        return (self.T @ other.T).T

    def __mul__(self, other):
        if _is_scalar(other):
            return self._scaled(other)
        if not self.is_matrix:
            raise Refused("unknown-call", "elementwise product with a sparse array")
        return self @ other

    def __rmul__(self, other):
        if _is_scalar(other):
            return self._scaled(other)
        if not self.is_matrix:
            raise Refused("unknown-call", "elementwise product with a sparse array")
        return self.__rmatmul__(other)

    def __truediv__(self, other):
        if not _is_scalar(other):
            raise Refused("unknown-call", "division of a sparse matrix by an array")
        return self._scaled(1.0 / other)

    def __neg__(self):
        return self._with(self.trace.graph.elementwise("negative", self.values))

    def _scaled(self, factor):
        factor = as_node(self.trace, factor)
        return self._with(self.trace.graph.elementwise("multiply", self.values, factor))

    def _with(self, values):
        entries = (self.rows, self.columns, self.places)
        made = SparseMatrix(self.trace, values, entries, self.shape, self.is_matrix)
        made._order = self._order
        return made


class Lines:
    """Rows (or columns) of entries that are stored one line after the other."""

    def __init__(self, start):
        self.start = start

    def numbers(self):
        return np.repeat(np.arange(self.start.size - 1), np.diff(self.start))


def _numbers(line):
    """The row (or column) of each entry."""
    return line.numbers() if isinstance(line, Lines) else line


def _is_scalar(value):
    return (
        isinstance(value, Scalar)
        or np.ndim(value) == 0
        and isinstance(value, (int, float, complex))
    )


# --- reading ------------------------------------------------------------------------------------------


def _read(machine, owner):
    trace, value, reads = machine.trace, owner.value, machine.trace.reads
    if len(value.shape) != 2:
        raise Refused("unknown-object", "a sparse array that is not two-dimensional")
    reads.require(f"{owner.var}.shape == {value.shape!r}")
    shape = tuple(int(e) for e in value.shape)
    entries = READERS[value.format](value, lambda name: _fixed(reads, owner, name))
    data = as_node(trace, attributes.child(trace, owner, "data", value.data))
    if data.dtype == BOOL:
        raise Refused("dtype", "a sparse matrix of truth values")
    values = trace.graph.reshape(data, (data.size,))
    return SparseMatrix(trace, values, entries, shape, type(value).__name__.endswith("_matrix"))


def _fixed(reads, owner, name):
    """An array that says where entries are: the trace relies on its content."""
    found = np.array(getattr(owner.value, name))
    reads.require(f"array_equal({owner.var}.{name}, {reads.constant(found)})")
    return found


def _compressed(start, crosses):
    """(lines, place of each entry in its line) of csr and csc."""
    return Lines(start), crosses[: int(start[-1])]


def _csr(value, fixed):
    return (*_compressed(fixed("indptr"), fixed("indices")), None)


def _csc(value, fixed):
    columns, rows = _compressed(fixed("indptr"), fixed("indices"))
    return rows, columns, None


def _coo(value, fixed):
    return fixed("row"), fixed("col"), None


def _dia(value, fixed):
    """Diagonal after diagonal; data[d, j] stands in column j."""
    (rows, columns), length = value.shape, value.data.shape[1]
    parts = []
    for d, offset in enumerate(fixed("offsets").tolist()):
        j = np.arange(max(0, offset), max(0, offset, min(rows + offset, columns, length)))
        parts.append((j - offset, j, d * length + j))
    return tuple(np.concatenate(x) for x in zip(*parts, strict=True)) if parts else (_NONE,) * 3


def _bsr(value, fixed):
    """Block after block, in a block row by row."""
    height, width = value.data.shape[1:]
    lines, across = _compressed(fixed("indptr"), fixed("indices"))
    down = lines.numbers()
    shape = (down.size, height, width)
    rows = down[:, None, None] * height + np.arange(height)[:, None]
    columns = across[:, None, None].astype(np.int64) * width + np.arange(width)
    rows, columns = (np.broadcast_to(x, shape).reshape(-1) for x in (rows, columns))
    return rows, columns, None


_NONE = np.zeros(0, np.int64)
READERS = {"csr": _csr, "csc": _csc, "coo": _coo, "dia": _dia, "bsr": _bsr}
