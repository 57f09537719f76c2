"""Indices that depend on t or y: elements picked and replaced at places known at run time only.

The key's constant part is applied to the positions of the view's elements, with zeros where the traced
integers stand; these come on top, each times its axis' stride. NumPy's IndexError is a trap.
"""

from __future__ import annotations

import functools

import numpy as np

from diffsol._graph.build import contiguous_strides
from diffsol._graph.ops import BOOL
from diffsol._trace.guards import OutsideInt
from diffsol._trace.indexing import index_part
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar, Traced
from diffsol._trace.storage import Storage
from diffsol._trace.values import Array, as_node, is_dynamic, stack


def pick(array, key):
    """array[key]"""
    trace = array.trace
    index, views = _flat_index(array, key)
    node = trace.graph.gather(array.storage.node, index)
    if not node.shape:
        return Scalar(trace, node)
    if not views:
        return Array.of(trace, node)
    if array.storage.owner == "local":
        array.storage.owner = "picked"  # a later write would have to be seen through the view
    return Array(
        trace, Storage(trace, node, "picked"), 0, contiguous_strides(node.shape), node.shape
    )


def place(array, key, value):
    """array[key] = value for one element"""
    graph = array.trace.graph
    index, _ = _flat_index(array, key)
    base = array.storage.node
    if index.shape or value.size != 1:
        raise Refused("dynamic-index", "assignment to several elements at a traced index")
    places = graph.const(np.arange(base.size).reshape(base.shape))
    hit = graph.elementwise("equal", places, index)
    value = graph.cast(graph.reshape(value, ()), base.dtype)
    array.storage.node = graph.elementwise("select", hit, value, base)


def pick_item(trace, sequence, key):
    """sequence[key] of a list or tuple."""
    values = [_number(trace, x) for x in sequence]
    if not values:
        raise IndexError("list index out of range")
    kinds = {(type(x), getattr(x, "py", None)) for x in values}
    if len(kinds) > 1:
        raise Refused("dynamic-index", "item of a list of different things by a traced index")
    if isinstance(values[0], Array):
        if any(x.storage.owner not in ("outside", "state") for x in values):
            raise Refused("dynamic-index", "item of a list of arrays by a traced index")
        return pick(Array.of(trace, stack(trace, values), "picked"), (key, ...))
    node = pick(Array.of(trace, stack(trace, values)), key).node
    return Scalar(trace, node, values[0].py)


MOST_KEYS = 64  # of a dict that is asked for a key that t or y decides


def pick_value(trace, mapping, key, *default):
    """mapping[key], or mapping.get(key, default), for a traced integer; a missing key is a trap."""
    graph = trace.graph
    entries = [(int(k), v) for k, v in mapping.items() if isinstance(k, int)]
    if len(entries) < len(mapping) or not 0 < len(entries) <= MOST_KEYS:
        raise Refused("concrete-value", "a traced key of a dict with other keys than a few ints")
    values = [_number(trace, v) for v in (*(v for _, v in entries), *default)]
    kinds = {(type(x), getattr(x, "py", None), x.dtype, x.shape) for x in values}
    if len(kinds) > 1 or isinstance(values[0], Array):
        raise Refused("dynamic-index", "a value of a dict of different things by a traced key")
    hits = [graph.elementwise("equal", as_node(trace, key), graph.const(k)) for k, _ in entries]
    result = values[-1].node
    for hit, value in zip(hits, values, strict=False):
        result = graph.elementwise("select", hit, value.node, result)
    if not default:
        found = functools.reduce(lambda a, b: graph.elementwise("logical_or", a, b), hits)
        trace.trap_if(graph.elementwise("logical_not", found))
    return Scalar(trace, result, values[0].py)


def _number(trace, x):
    """An item of a sequence as a traced value."""
    if isinstance(x, OutsideInt):
        x = x.pinned()
    if isinstance(x, Traced):
        return x
    if type(x) in (int, float, complex):
        return Scalar(trace, as_node(trace, x), True)
    raise Refused("dynamic-index", f"a {type(x).__name__} chosen by a traced index")


def _flat_index(array, key):
    """(node of the elements' positions in the storage, does NumPy give a view?)"""
    parts = _whole_key(array, key)
    trace, graph = array.trace, array.trace.graph
    fixed = tuple(
        np.zeros(as_node(trace, p).shape, np.int64) if is_dynamic(p) else index_part(p)
        for p in parts
    )
    fixed = tuple(int(p) if isinstance(p, np.ndarray) and not p.shape else p for p in fixed)
    if any(isinstance(p, np.ndarray) and p.dtype == bool for p in fixed):
        raise Refused("dynamic-index", "a traced index beside a mask")
    index = graph.const(array._positions()[fixed])
    for axis, part in enumerate(parts):
        if is_dynamic(part):
            node = as_node(trace, part)
            wrapped = _wrapped(trace, node, array.shape[axis])
            if node.shape:
                wrapped = graph.take(wrapped, _spread(array, fixed, axis, node.shape))
            offset = graph.elementwise("multiply", wrapped, graph.const(array.strides[axis]))
            index = graph.elementwise("add", index, offset)
    return index, all(isinstance(p, (int, slice)) for p in fixed)


def _whole_key(array, key):
    """A part of the key for each axis."""
    parts = list(key) if isinstance(key, tuple) else [key]
    if any(p is None for p in parts):
        raise Refused("dynamic-index", "a traced index beside None")
    if any(p is Ellipsis for p in parts):
        at = next(i for i, p in enumerate(parts) if p is Ellipsis)
        parts[at : at + 1] = [slice(None)] * (array.ndim - len(parts) + 1)
    if len(parts) > array.ndim:
        raise IndexError("too many indices for array")
    if any(isinstance(p, Traced) and p.dtype == BOOL for p in parts):
        raise Refused("dynamic-index", "a traced index beside a mask")
    return parts + [slice(None)] * (array.ndim - len(parts))


def _wrapped(trace, node, extent):
    """The index counted from the front; out of range it is a trap."""
    graph, count = trace.graph, trace.graph.const(extent)
    low = graph.elementwise("less", node, graph.const(-extent))
    high = graph.elementwise("greater_equal", node, count)
    outside = graph.elementwise("logical_or", low, high)
    trace.trap_if(graph.reduce("any", outside, range(outside.ndim)))
    negative = graph.elementwise("less", node, graph.const(0))
    return graph.elementwise("select", negative, graph.elementwise("add", node, count), node)


def _spread(array, fixed, axis, shape):
    """For each element of the result the element of this index array that it is picked by."""
    numbers = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    along = [1] * array.ndim
    along[axis] = numbers.size
    table = np.broadcast_to(
        np.arange(numbers.size).reshape(along),
        [numbers.size if k == axis else extent for k, extent in enumerate(array.shape)],
    )
    return table[tuple(numbers if k == axis else part for k, part in enumerate(fixed))]


Array._pick = pick
Array._place = place
