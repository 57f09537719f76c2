"""Searching in sorted tables: searchsorted, digitize, bisect, and the interpolation in them."""

from __future__ import annotations

import bisect

import numpy as np

from diffsol._graph.ops import COMPLEX, FLOAT, INT
from diffsol._trace.check import ascending
from diffsol._trace.numpy_map.registry import handles, only_default, plain
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar
from diffsol._trace.values import Array, as_node, wrap

# From NumPy 2.5 on, where a value is sought in a table that is not sorted is another place than that of
# plain bisection.
BISECTS = np.lib.NumpyVersion(np.__version__) < "2.5.0"
LEAF_GUARD = "ascending({var}.ravel()[{offset}::{stride}][:{count}])"


def require_ascending(trace, table, name):
    """What follows holds for sorted tables: others, with a NaN too, are left to NumPy.

    A table from outside is looked at once, by its guard; one that is computed has a trap.
    """
    leaf, offset, stride = table, 0, 1
    if table.op == "view":
        leaf, offset, stride = table.inputs[0], table.attrs[0], table.attrs[1][0]
    known = trace.parameters.get(leaf.id)
    value = leaf.value if known is None else known[0]
    if value is None or not stride:
        return trace.trap_if(_descends(trace.graph, table))
    if not ascending(np.ravel(value)[offset::stride][: table.size]):
        raise Refused("numpy-call", f"{name} of a table that is not sorted")
    if known is not None:
        trace.reads.require(
            LEAF_GUARD.format(var=known[1], offset=offset, stride=stride, count=table.size)
        )


def _descends(graph, table):
    rest = (table.size - 1,)
    pairs = [graph.view(table, start, (1,), rest) for start in (0, 1)]
    rises = graph.elementwise("less_equal", *pairs)
    return graph.elementwise("logical_not", graph.reduce("all", rises, (0,)))


def real_node(trace, value, name):
    """The node of a value as floats."""
    node = as_node(trace, value)
    if node.dtype == COMPLEX:
        raise Refused("numpy-call", f"{name} of complex values")
    return trace.graph.cast(node, FLOAT)


def _table(trace, value, name):
    value = as_node(trace, value)
    if value.ndim != 1:
        raise ValueError("object of too small depth for desired array")
    if not value.size:
        raise Refused("numpy-call", f"{name} of an empty table")
    return value


@handles(np.searchsorted)
def _searchsorted(trace, a, v, side="left", sorter=None):
    only_default("np.searchsorted", sorter=(sorter, None))
    table, node = _table(trace, a, "np.searchsorted"), as_node(trace, v)
    if side not in ("left", "right"):
        raise Refused("numpy-call", f"np.searchsorted(side={side!r})")
    if table.dtype == INT and node.dtype == INT:
        raise Refused("numpy-call", "np.searchsorted of integers in integers")
    table, node = (real_node(trace, x, "np.searchsorted") for x in (wrap(trace, table), v))
    if node.size != 1 or not BISECTS:  # one value is searched by bisection in any table
        require_ascending(trace, table, "np.searchsorted")
    return wrap(trace, trace.graph.searchsorted(table, node, side))


@handles(np.digitize)
def _digitize(trace, x, bins, right=False):
    table = real_node(trace, wrap(trace, _table(trace, bins, "np.digitize")), "np.digitize")
    require_ascending(trace, table, "np.digitize")
    side = "left" if plain(right) else "right"
    node = trace.graph.searchsorted(table, real_node(trace, x, "np.digitize"), side)
    return wrap(trace, node)


def _bisect(side):
    def handler(trace, a, x, lo=0, hi=None, *, key=None):
        only_default("bisect", key=(key, None), hi=(hi, None))
        if lo != 0:
            raise Refused("unknown-call", "bisect in a part of a list")
        table = real_node(trace, wrap(trace, _table(trace, a, "bisect")), "bisect")
        require_ascending(trace, table, "bisect")
        node = real_node(trace, x, "bisect")
        if node.shape:
            raise ValueError("The truth value of an array is ambiguous")
        trace.trap_if(trace.graph.elementwise("isnan", node))
        return Scalar(trace, trace.graph.searchsorted(table, node, side), True)

    return handler


handles(bisect.bisect_left)(_bisect("left"))
handles(bisect.bisect_right, bisect.bisect)(_bisect("right"))


@handles(np.interp)
def interp(trace, x, xp, fp, left=None, right=None, period=None):
    """numpy/_core/src/multiarray/compiled_base.c, arr_interp: slope (x - xp[j]) + fp[j].

    Where xp[j] <= x < xp[j + 1]. Its detours for infinite slopes need none here: these raise flags.
    """
    xp, fp, node = (real_node(trace, v, "np.interp") for v in (xp, fp, x))
    if xp.ndim != 1 or fp.ndim != 1 or xp.size != fp.size or not xp.size:
        raise ValueError("fp and xp are not of the same length.")
    if period is not None:
        node, xp, fp = _periodic(trace, node, xp, fp, period)
        left = right = None
    require_ascending(trace, xp, "np.interp")
    return wrap(trace, _interpolated(trace, node, xp, fp, left, right))


def _interpolated(trace, x, xp, fp, left, right):
    graph, last = trace.graph, xp.size - 1
    ends = [graph.view(fp, k, (), ()) for k in (0, last)]
    outside = [
        end if value is None else real_node(trace, value, "np.interp")
        for end, value in zip(ends, (left, right), strict=True)
    ]
    below = graph.elementwise("less", x, graph.view(xp, 0, (), ()))
    above = graph.elementwise("greater", x, graph.view(xp, last, (), ()))
    if last == 0:
        inner = ends[0]
    else:
        inner = _inner(graph, x, xp, fp, ends[1])
        inner = graph.elementwise("select", graph.elementwise("isnan", x), x, inner)
    inner = graph.elementwise("select", above, outside[1], inner)
    return graph.broadcast(graph.elementwise("select", below, outside[0], inner), x.shape)


def _inner(graph, x, xp, fp, at_last):
    one, last = graph.const(1), xp.size - 1
    place = graph.elementwise("subtract", graph.searchsorted(xp, x, "right"), one)
    j = graph.elementwise("maximum", place, graph.const(0))
    j = graph.elementwise("minimum", j, graph.const(last - 1))
    after = graph.elementwise("add", j, one)
    x0, x1, f0, f1 = (graph.gather(t, k) for t in (xp, fp) for k in (j, after))
    width = graph.elementwise("subtract", x1, x0)
    # equal knots at the end are not divided by: their interval is empty
    empty = graph.elementwise("equal", width, graph.const(0.0))
    width = graph.elementwise("select", empty, graph.const(1.0), width)
    slope = graph.elementwise("divide", graph.elementwise("subtract", f1, f0), width)
    step = graph.elementwise("multiply", slope, graph.elementwise("subtract", x, x0))
    value = graph.elementwise("add", step, f0)
    value = graph.elementwise("select", graph.elementwise("equal", x, x0), f0, value)
    return graph.elementwise(
        "select", graph.elementwise("equal", place, graph.const(last)), at_last, value
    )


def _periodic(trace, x, xp, fp, period):
    """x, xp and fp of one period, as numpy.interp normalises them; xp becomes fixed."""
    graph = trace.graph
    period = abs(float(trace.concrete(Scalar(trace, real_node(trace, period, "np.interp")))))
    if not period:
        raise ValueError("period must be a non-zero value")
    knots = trace.concrete(Array.of(trace, xp)) % period
    order = np.argsort(knots)
    knots = knots[order]
    xp = np.concatenate((knots[-1:] - period, knots, knots[:1] + period))
    fp = graph.take(fp, np.concatenate((order[-1:], order, order[:1])))
    return graph.elementwise("remainder", x, graph.const(period)), graph.const(xp), fp
