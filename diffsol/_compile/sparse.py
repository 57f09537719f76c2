"""Products of sparse matrices with vectors and matrices, row by row in the order of the entries."""

from __future__ import annotations

import numpy as np

from diffsol._compile.llvm_ops import emit_row
from diffsol._compile.writer import LLVM_TYPE, literal
from diffsol._graph.ops import COMPLEX


def scalars(w, node, data, x) -> list:
    """The elements of a product, from those of its inputs."""
    start, column, place = node.attrs
    width = node.size // max(len(start) - 1, 1)
    places = range(len(column)) if place is None else place.tolist()
    entries = list(zip(places, column.tolist(), strict=True))
    result = []
    for first, last in zip(start[:-1].tolist(), start[1:].tolist(), strict=True):
        for k in range(width):
            total = None
            for at, j in entries[first:last]:
                term = emit_row(w, "multiply", node.dtype, data[at], x[j * width + k])
                total = term if total is None else emit_row(w, "add", node.dtype, total, term)
            result.append(literal(0, node.dtype) if total is None else total)
    return result


def element(w, node, row, k, data, x):
    """Element (row, k) of a product; data and x are addresses, row and k names or ints."""
    start, column, place = node.attrs
    width = node.size // (len(start) - 1)
    first = _looked_up(w, start, row)
    last = _looked_up(w, start, w.value(f"add i64 {row}, 1"))
    zero = literal(0, node.dtype)
    parts = list(zero) if node.dtype == COMPLEX else [zero]
    type = "double" if node.dtype == COMPLEX else LLVM_TYPE[node.dtype]
    carried = [(type, part) for part in parts]
    with w.loop(first, last, carried, maybe_never=True) as loop:
        j = _looked_up(w, column, loop.index)
        at = loop.index if place is None else _looked_up(w, place, loop.index)
        if width > 1:
            j = w.value(f"add i64 {w.value(f'mul i64 {j}, {width}')}, {k}")
        term = emit_row(
            w, "multiply", node.dtype, w.load(data, at, node.dtype), w.load(x, j, node.dtype)
        )
        total = emit_row(w, "add", node.dtype, _joined(loop.now), term)
        loop.next = list(total) if node.dtype == COMPLEX else [total]
    return _joined(loop.now)


def _joined(parts):
    return tuple(parts) if len(parts) == 2 else parts[0]


def _looked_up(w, array, index):
    """An element of a constant array of integers, as an i64."""
    if array.size and array.max() >= 1 << 31:
        return w.value(f"load i64, ptr {w.address(w.table(array), index, 'i64')}")
    table = w.table(np.ascontiguousarray(array, np.int32))
    short = w.value(f"load i32, ptr {w.address(table, index, 'i32')}")
    return w.value(f"zext i32 {short} to i64")
