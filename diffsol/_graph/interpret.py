"""What each operator means, in plain NumPy: the reference every printer is held against."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from diffsol._graph.node import Program
from diffsol._graph.ops import COMPLEX, ELEMENTWISE

REDUCTIONS = {
    "sum": np.sum,
    "prod": np.prod,
    "amax": np.amax,
    "amin": np.amin,
    "any": np.any,
    "all": np.all,
}


def window(base, offset, strides, shape):
    """Strided view of a C-ordered array; offset and strides in elements."""
    flat = base.reshape(-1)[offset:]
    return as_strided(flat, shape, [s * base.itemsize for s in strides])


def apply(op, attrs, shape, dtype, values):
    """The value of one operator, an array of `dtype` and `shape`."""
    if op in ELEMENTWISE:
        result = ELEMENTWISE[op].reference(*values)
    elif op in REDUCTIONS:
        result = REDUCTIONS[op](values[0], axis=attrs[0])
    elif op == "cumsum":
        result = np.cumsum(values[0], axis=attrs[0])
    elif op == "matmul":
        result = np.matmul(*values)
    elif op == "cast":
        result = values[0].astype(dtype)
    elif op == "view":
        result = window(np.ascontiguousarray(values[0]), *attrs, shape)
    elif op == "take":
        result = values[0].reshape(-1)[attrs[0]]
    elif op == "spmv":
        result = _sparse_product(*values, *attrs)
    elif op == "solve":
        result = np.linalg.solve(*values)
    elif op == "gather":
        flat = values[0].reshape(-1)
        result = flat[np.clip(values[1], 0, flat.size - 1)]
    elif op == "searchsorted":
        side, offset, stride, count = attrs
        table = window(np.ascontiguousarray(values[0]), offset, (stride,), (count,))
        result = np.searchsorted(table, values[1], side)
    elif op == "concat":
        result = np.concatenate(values, axis=attrs[0])
    elif op == "update":
        result = np.array(values[0], order="C")
        window(result, *attrs)[...] = values[1]
    elif op == "put":
        result = np.array(values[0], order="C")
        result.reshape(-1)[attrs[0]] = values[1]
    else:
        raise ValueError(f"unknown operator {op!r}")
    return np.array(np.broadcast_to(result, shape), dtype=dtype, order="C")


def _sparse_product(data, x, start, column, place):
    """Entry after entry of each row; the first ones of all rows at once, then the second ones..."""
    counts = np.diff(start)
    result = np.zeros((counts.size, *x.shape[1:]), x.dtype)
    for k in range(counts.max(initial=0)):
        rows = np.flatnonzero(counts > k)
        entry = start[rows] + k
        values = data[entry if place is None else place[entry]]
        result[rows] += values.reshape(-1, *(1,) * (x.ndim - 1)) * x[column[entry]]
    return result


def steps(program: Program, t, y, params):
    """(node, its value) one after the other, of a program at t, y with a parameter block of doubles."""
    values: dict = {}
    for node in program.nodes:
        values[node.id] = (
            _leaf(node, t, y, params)
            if not node.inputs
            else apply(
                node.op, node.attrs, node.shape, node.dtype, [values[x.id] for x in node.inputs]
            )
        )
        yield node, values[node.id]


def run(program: Program, t, y, params):
    """(output array, trap) of a program at t, y with a parameter block of doubles."""
    values = {node.id: value for node, value in steps(program, t, y, params)}
    trap = program.trap is not None and bool(values[program.trap.id])
    return values[program.output.id], trap


def _leaf(node, t, y, params):
    if node.op == "const":
        return node.value
    if node.op == "time":
        return np.float64(t)
    if node.op == "state":
        return np.asarray(y, dtype=node.dtype).reshape(node.shape)
    width = 2 if node.dtype == COMPLEX else 1
    block = np.asarray(params[node.attrs[0] : node.attrs[0] + width * node.size], dtype=np.float64)
    values = block.view(np.complex128) if width == 2 else block
    return values.astype(node.dtype).reshape(node.shape)
