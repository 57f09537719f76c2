"""Functions that make arrays."""

from __future__ import annotations

import numpy as np

from diffsol._graph.ops import COMPLEX
from diffsol._trace.arithmetic import apply
from diffsol._trace.guards import Outside, OutsideInt
from diffsol._trace.kinds import may_be_whole
from diffsol._trace.numpy_map.registry import HANDLERS, array_of, handles, plain
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Traced, traced_dtype
from diffsol._trace.values import Array, as_node, keep_c_order


@handles(np.array)
def _array(trace, value, dtype=None, *, copy=True, order="K", ndmin=0, **more):
    if more or ndmin or order not in ("K", "C"):
        raise Refused("numpy-call", "np.array with further options")
    same = isinstance(value, Array) and (dtype is None or traced_dtype(dtype) == value.dtype)
    if copy is None or copy is False:
        if same:
            return value.contiguous() if order == "C" else value
        if copy is False:
            raise Refused("numpy-call", "np.array(copy=False) of what must be copied")
    node = as_node(trace, value)
    if dtype is not None:
        target = traced_dtype(dtype)
        if node.dtype == COMPLEX and target != COMPLEX:
            raise Refused("complex-to-real", "np.array of complex values as real")
        node = trace.graph.cast(node, target)
    # no writes into what may be an array of ints, which would cut them off
    owner = "picked" if dtype is None and may_be_whole(value) else "local"
    return Array.of(trace, node, owner, c_order=order == "C" or keep_c_order([value]))


@handles(np.asarray, np.asanyarray)
def _asarray(trace, value, dtype=None, order="K", *, copy=None, **more):
    return _array(trace, value, dtype, copy=copy, order=order or "K", **more)


@handles(np.ascontiguousarray)
def _ascontiguousarray(trace, value, dtype=None):
    made = _asarray(trace, value, dtype)
    return made.contiguous() if made.shape else made.reshape(1)


@handles(np.copy)
def _copy(trace, value, order="K"):
    return Array.of(trace, as_node(trace, value), c_order=keep_c_order([value]))


def _filled(trace, shape, value, dtype, c_order=True):
    shape = plain(shape)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if isinstance(value, (Traced, OutsideInt, Outside)):
        node = as_node(trace, value)
        node = node if dtype is None else trace.graph.cast(node, traced_dtype(dtype))
        return Array.of(trace, trace.graph.broadcast(node, shape), c_order=c_order)
    made = np.full((), value, dtype=None if dtype is None else traced_dtype(dtype))
    node = trace.graph.broadcast(trace.graph.const(made), shape)
    return Array.of(trace, node, c_order=c_order)


@handles(np.zeros)
def _zeros(trace, shape, dtype=float, order="C"):
    return _filled(trace, shape, 0, dtype)


@handles(np.ones)
def _ones(trace, shape, dtype=float, order="C"):
    return _filled(trace, shape, 1, dtype)


# an element of np.empty that is never assigned is arbitrary in NumPy, zero here
HANDLERS[np.empty] = _zeros


@handles(np.full)
def _full(trace, shape, value, dtype=None, order="C"):
    return _filled(trace, shape, value, dtype)


def _like(value):
    def handler(trace, prototype, *fill, dtype=None, order="K", shape=None):
        prototype = array_of(trace, prototype)
        return _filled(
            trace,
            prototype.shape if shape is None else shape,
            *(fill or (value,)),
            prototype.dtype if dtype is None else dtype,
            keep_c_order([prototype]),
        )

    return handler


HANDLERS[np.zeros_like] = HANDLERS[np.empty_like] = _like(0)
HANDLERS[np.ones_like] = _like(1)
HANDLERS[np.full_like] = _like(None)


@handles(np.linspace)
def _linspace(trace, start, stop, num=50, endpoint=True, **more):
    if more:
        raise Refused("numpy-call", "np.linspace with further options")
    num = plain(num)
    steps = np.arange(num, dtype=float)
    divisor = max(num - 1 if endpoint else num, 1)
    step = apply(trace, "divide", apply(trace, "subtract", stop, start), float(divisor))
    made = apply(trace, "add", apply(trace, "multiply", steps, step), start)
    if endpoint and num > 1:
        made[-1] = stop  # NumPy sets it, whatever rounding made of it
    return made


@handles(np.diag)
def _diag(trace, v, k=0):
    v = array_of(trace, v)
    k = plain(k)
    if v.ndim == 2:
        return v.diagonal(k)
    index = np.diag(np.arange(1, v.size + 1), k)
    node = trace.graph.put(
        trace.graph.const(np.zeros(index.shape, v.dtype)), v.node, np.flatnonzero(index)
    )
    return Array.of(trace, node)
