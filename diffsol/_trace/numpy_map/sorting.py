"""Sorting of a few values: the place of each is the number of those before it.

NaNs are left to NumPy, which puts them at the end; so are equal values where their order would show.
"""

from __future__ import annotations

import numpy as np

from diffsol._graph.ops import FLOAT
from diffsol._trace.numpy_map.registry import array_of, handles, only_default, plain
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar
from diffsol._trace.values import Array

MOST_SORTED = 48  # values, each of which is compared with each other


def _values(trace, a, axis, name):
    """The node of the values to be sorted, a vector of floats."""
    a = array_of(trace, a)
    if axis is None:
        a = a.ravel()
    if a.ndim != 1 or a.dtype != FLOAT or not 0 < a.size <= MOST_SORTED:
        raise Refused("numpy-call", f"{name} of other than a vector of up to {MOST_SORTED} floats")
    if axis is not None and plain(axis) not in (0, -1):
        raise np.exceptions.AxisError(axis, 1)
    return a.node


def _order(trace, values):
    """The node of the indices that sort the values."""
    graph, n = trace.graph, values.size
    column, row = graph.reshape(values, (n, 1)), graph.reshape(values, (1, n))
    earlier = graph.const(np.tri(n, n, -1, dtype=bool).T)  # [i, j]: is i < j?
    before = graph.elementwise(
        "logical_or",
        graph.elementwise("less", column, row),
        graph.elementwise("logical_and", graph.elementwise("equal", column, row), earlier),
    )
    rank = graph.reduce("sum", before, (0,))
    hit = graph.elementwise("equal", rank, graph.const(np.arange(n).reshape(n, 1)))
    numbers = graph.elementwise("select", hit, graph.const(np.arange(n)), graph.const(0))
    return graph.reduce("sum", numbers, (1,))


def _trap_nan(trace, values):
    trace.trap_if(trace.graph.reduce("any", trace.graph.elementwise("isnan", values), (0,)))


def _sorted(trace, values):
    _trap_nan(trace, values)
    return trace.graph.gather(values, _order(trace, values))


@handles(np.sort)
def _sort(trace, a, axis=-1, kind=None, order=None, *, stable=None):
    only_default("np.sort", order=(order, None))
    return Array.of(trace, _sorted(trace, _values(trace, a, axis, "np.sort")))


@handles(np.argsort)
def _argsort(trace, a, axis=-1, kind=None, order=None, *, stable=None):
    only_default("np.argsort", order=(order, None))
    values = _values(trace, a, axis, "np.argsort")
    _trap_nan(trace, values)
    if kind not in ("stable", "mergesort") and not stable:
        graph, n = trace.graph, values.size
        column, row = graph.reshape(values, (n, 1)), graph.reshape(values, (1, n))
        same = graph.elementwise("equal", column, row)
        twice = graph.elementwise("logical_and", same, graph.const(~np.eye(n, dtype=bool)))
        trace.trap_if(graph.reduce("any", twice, (0, 1)))
    return Array.of(trace, _order(trace, values))


@handles(np.median)
def _median(trace, a, axis=None):
    values = _values(trace, a, axis, "np.median")
    graph, n, ordered = trace.graph, values.size, _sorted(trace, values)
    high = graph.view(ordered, n // 2, (), ())
    if n % 2:
        return Scalar(trace, high)
    both = graph.elementwise("add", graph.view(ordered, n // 2 - 1, (), ()), high)
    return Scalar(trace, graph.elementwise("divide", both, graph.const(2.0)))
