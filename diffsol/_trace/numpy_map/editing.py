"""insert, the iterators over indices, and `ufunc.at`."""

from __future__ import annotations

import numpy as np

from diffsol._trace.arithmetic import apply
from diffsol._trace.indexing import index_part
from diffsol._trace.numpy_map.elementwise import OPERATORS
from diffsol._trace.numpy_map.registry import HANDLERS, array_of, handles, plain
from diffsol._trace.reasons import Refused
from diffsol._trace.values import Array, as_node, is_dynamic

MOST_ROUNDS = 64  # times that one element is met by `ufunc.at`


@handles(np.insert)
def _insert(trace, arr, obj, values, axis=None):
    arr, values = array_of(trace, arr), array_of(trace, values)
    if axis is None:
        arr = arr.ravel()
    place = plain(obj)
    if arr.ndim != 1 or values.ndim > 1 or not isinstance(place, int):
        raise Refused("numpy-call", "np.insert of other than one piece into a vector")
    if not np.can_cast(values.dtype, arr.dtype, "safe"):
        raise Refused("numpy-call", f"np.insert of {values.dtype} values into {arr.dtype} values")
    if not -arr.size <= place <= arr.size:
        raise IndexError(f"index {place} is out of bounds for axis 0 with size {arr.size}")
    place += arr.size if place < 0 else 0
    values = HANDLERS[np.atleast_1d](trace, values).astype(arr.dtype)
    return HANDLERS[np.concatenate](trace, [arr[:place], values, arr[place:]])


@handles(np.ndindex)
def _ndindex(trace, *shape):
    return iter(np.ndindex(*(plain(x) for x in shape)))


@handles(np.ndenumerate)
def _ndenumerate(trace, a):
    a = array_of(trace, a)
    return ((index, a[index]) for index in np.ndindex(a.shape))


def _at(ufunc):
    """a[i] = ufunc(a[i], b) for one index after the other, as often as each is met."""
    name = OPERATORS[ufunc]

    def handler(trace, a, indices, b):
        if not isinstance(a, Array):
            raise Refused("side-effect", f"np.{ufunc.__name__}.at on an array from outside")
        if is_dynamic(indices):
            raise Refused("dynamic-index", f"np.{ufunc.__name__}.at with computed indices")
        a.writable()
        parts = indices if isinstance(indices, tuple) else (indices,)
        key = tuple(index_part(part) for part in parts)
        places = np.arange(a.size).reshape(a.shape)[key]
        graph = trace.graph
        value = graph.reshape(graph.broadcast(as_node(trace, b), places.shape), (places.size,))
        flat, rounds = places.reshape(-1), _rounds(places.reshape(-1))
        for chosen in rounds:
            where = np.unravel_index(flat[chosen], a.shape)
            old = Array.of(trace, graph.take(a.node, flat[chosen]))
            part = Array.of(trace, graph.take(value, chosen))
            result = apply(trace, name, old, part)
            if not np.can_cast(result.dtype, a.dtype, "same_kind"):
                raise TypeError(f"Cannot cast from {result.dtype} to {a.dtype} in place")
            a[where] = result

    return handler


def _rounds(flat):
    """The positions of the first, the second, ... meeting of each element."""
    order = np.argsort(flat, kind="stable")
    starts = np.flatnonzero(np.diff(flat[order], prepend=-1))
    counts = np.diff(np.append(starts, flat.size))
    turn = np.empty(flat.size, dtype=np.int64)
    turn[order] = np.arange(flat.size) - np.repeat(starts, counts)
    if flat.size and turn.max() >= MOST_ROUNDS:
        raise Refused("numpy-call", f"`ufunc.at` that meets an element over {MOST_ROUNDS} times")
    return [np.flatnonzero(turn == k) for k in range(turn.max(initial=-1) + 1)]


for _ufunc in (np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum):
    HANDLERS[_ufunc.at] = _at(_ufunc)
