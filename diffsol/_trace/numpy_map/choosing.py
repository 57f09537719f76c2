"""where and clip."""

from __future__ import annotations

import numpy as np

from diffsol._graph.ops import BOOL, COMPLEX, INT
from diffsol._trace.arithmetic import apply
from diffsol._trace.numpy_map.registry import (
    HANDLERS,
    array_of,
    handles,
    plain,
    plain_scalar,
    store,
)
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar
from diffsol._trace.values import Array, as_node, keep_c_order, wrap


@handles(np.where)
def _where(trace, condition, *choices):
    if len(choices) != 2:
        raise Refused("dynamic-index", "np.where with a condition only")
    made = apply(trace, "select", condition, *choices)
    return Array.of(
        trace, made.node, c_order=keep_c_order([made])
    )  # of scalars too: an array of no dimensions


@handles(np.clip)
def _clip(trace, a, a_min=None, a_max=None, out=None, *, min=None, max=None):
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is not None:
        a = apply(trace, "maximum", a, low)
    if high is not None:
        a = apply(trace, "minimum", a, high)
    if out is None:
        return plain_scalar(a)
    return store(out, a)


@handles(np.select)
def _select(trace, condlist, choicelist, default=0):
    conditions, choices = list(condlist), list(choicelist)
    if len(conditions) != len(choices) or not conditions:
        raise ValueError("list of cases must be same length as list of conditions")
    result = default
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        if as_node(trace, condition).dtype != BOOL:
            raise TypeError("invalid entry in condlist: should be boolean ndarray")
        result = apply(trace, "select", condition, choice, result)
    return Array.of(trace, as_node(trace, result))


def _place_of_extreme(extreme, name):
    def handler(trace, a, axis=None):
        """The first place that has the extreme value; NaN is left to NumPy."""
        graph, a = trace.graph, array_of(trace, a)
        if a.dtype == COMPLEX:
            raise Refused("numpy-call", f"{name} of complex values")
        if axis is None:
            a, axis = a.ravel(), 0
        axis = plain(axis)
        if not -a.ndim <= axis < a.ndim:
            raise np.exceptions.AxisError(axis, a.ndim)
        axis %= a.ndim
        if not a.shape[axis]:
            raise ValueError(f"attempt to get {name} of an empty sequence")
        values = graph.cast(a.node, INT) if a.dtype == BOOL else a.node
        best = graph.reduce(extreme, values, (axis,))
        trace.trap_if(graph.reduce("any", graph.elementwise("isnan", best), range(best.ndim)))
        shape = tuple(1 if k == axis else e for k, e in enumerate(a.shape))
        hit = graph.elementwise("equal", values, graph.reshape(best, shape))
        places = np.arange(a.shape[axis]).reshape([-1 if k == axis else 1 for k in range(a.ndim)])
        never = graph.const(a.shape[axis])
        places = graph.elementwise("select", hit, graph.const(places), never)
        return wrap(trace, graph.reduce("amin", places, (axis,)))

    return handler


HANDLERS[np.argmax] = _place_of_extreme("amax", "argmax")
HANDLERS[np.argmin] = _place_of_extreme("amin", "argmin")


@handles(np.count_nonzero)
def _count_nonzero(trace, a, axis=None):
    truth = trace.graph.cast(as_node(trace, a), BOOL)
    count = HANDLERS[np.sum](trace, wrap(trace, truth), axis=axis)
    return Scalar(trace, count.node, True) if axis is None else count


def _triangle(function):
    def handler(trace, m, k=0):
        m = array_of(trace, m)
        kept = function(np.ones(m.shape[-2:], bool), plain(k))
        return Array.of(trace, as_node(trace, apply(trace, "select", kept, m, m.dtype.type(0))))

    return handler


for _function in (np.tril, np.triu):
    HANDLERS[_function] = _triangle(_function)


@handles(np.take)
def _take(trace, a, indices, axis=None):
    a = array_of(trace, a)
    a, axis = (a.ravel(), 0) if axis is None else (a, plain(axis) % a.ndim)
    picked = a[(*(slice(None),) * axis, indices)]
    return picked.copy() if isinstance(picked, Array) else picked
