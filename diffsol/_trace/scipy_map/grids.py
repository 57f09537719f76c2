"""RegularGridInterpolator: linear interpolation in tables of one to three dimensions."""

from __future__ import annotations

import itertools

import numpy as np

from diffsol._trace.numpy_map.registry import array_of
from diffsol._trace.numpy_map.searching import require_ascending
from diffsol._trace.reasons import Refused
from diffsol._trace.scipy_map.registry import (
    OBJECTS,
    clipped,
    field,
    handles,
    number,
    outside_of,
    points,
    rows,
    spread,
)
from diffsol._trace.values import Array, as_node

MOST_DIMENSIONS = 3


@handles(OBJECTS, "scipy.interpolate.RegularGridInterpolator")
def _call(machine, owner, xi, method=None):
    trace, value = machine.trace, owner.value
    own = number(field(machine, owner, "method"))
    if (own if method is None else method) != "linear":
        raise Refused("unknown-call", "RegularGridInterpolator by another method than linear")
    grid = machine.trace.local_copy(field(machine, owner, "_grid", "grid"))
    grid = [as_node(trace, knots) for knots in grid]
    table = as_node(trace, field(machine, owner, "_values", "values"))
    if len(grid) > MOST_DIMENSIONS or min(g.size for g in grid) < 2:
        raise Refused("unknown-call", "RegularGridInterpolator of many or of empty dimensions")
    for knots in grid:
        require_ascending(trace, knots, type(value).__name__)
    at = _coordinates(trace, xi, len(grid))
    node = _linear(trace.graph, at, grid, table)
    fill = field(machine, owner, "fill_value")
    bounded = field(machine, owner, "bounds_error")
    return Array.of(trace, _at_the_ends(trace, node, at, grid, bounded, fill))


def _coordinates(trace, xi, count):
    """The nodes of the coordinates, each of the shape of the results' first axes.

    scipy/interpolate/_ndgriddata.py: a tuple holds them one by one, an array along its last axis.
    """
    if isinstance(xi, tuple):
        parts = [points(trace, x, "RegularGridInterpolator") for x in xi]
    else:
        whole = array_of(trace, xi)
        if whole.ndim == 1 and count == 1:
            whole = whole.reshape((-1, 1))
        if whole.ndim < 2:  # one point: SciPy puts an axis in front
            whole = whole.reshape((1, -1))
        parts = [
            points(trace, whole[..., k], "RegularGridInterpolator") for k in range(whole.shape[-1])
        ]
    if len(parts) != count:
        raise ValueError("The requested sample points xi have another dimension")
    shape = np.broadcast_shapes(*(x.shape for x in parts))
    return [trace.graph.broadcast(x, shape) for x in parts]


def _linear(graph, at, grid, table):
    """The corners of each cell, weighted one after the other as SciPy's _evaluate_linear does."""
    rest, sides = table.shape[len(grid) :], []
    flat = graph.reshape(table, (_count(grid), *rest))
    one = graph.const(1.0)
    for x, knots in zip(at, grid, strict=True):
        before = graph.elementwise(
            "subtract", graph.searchsorted(knots, x, "right"), graph.const(1)
        )
        low = clipped(graph, before, 0, knots.size - 2)
        high = graph.elementwise("add", low, graph.const(1))
        start, stop = graph.gather(knots, low), graph.gather(knots, high)
        width = graph.elementwise("subtract", stop, start)
        share = graph.elementwise("divide", graph.elementwise("subtract", x, start), width)
        sides.append(((low, graph.elementwise("subtract", one, share)), (high, share)))
    total = graph.const(0.0)
    for corner in itertools.product(*sides):
        place, weight = None, one
        for (index, share), knots in zip(corner, grid, strict=True):
            if place is not None:
                place = graph.elementwise("multiply", place, graph.const(knots.size))
            place = index if place is None else graph.elementwise("add", place, index)
            weight = graph.elementwise("multiply", weight, share)
        term = graph.elementwise("multiply", rows(graph, flat, place), spread(graph, weight, rest))
        total = graph.elementwise("add", total, term)
    return total


def _count(grid):
    return int(np.prod([knots.size for knots in grid]))


def _at_the_ends(trace, node, at, grid, bounded, fill):
    """What lies outside of the grid, and NaN."""
    graph = trace.graph
    rest = node.shape[at[0].ndim :]
    outside, missing = graph.const(False), graph.const(False)
    for x, knots in zip(at, grid, strict=True):
        ends = (graph.view(knots, k, (), ()) for k in (0, knots.size - 1))
        for side in outside_of(graph, x, *ends):
            outside = graph.elementwise("logical_or", outside, side)
        missing = graph.elementwise("logical_or", missing, graph.elementwise("isnan", x))
    if bounded:
        trace.trap_if(graph.reduce("any", outside, range(outside.ndim)))
    elif fill is not None:
        fill = graph.reshape(as_node(trace, fill), ())
        node = graph.elementwise("select", spread(graph, outside, rest), fill, node)
    missing = spread(graph, missing, rest)
    return graph.elementwise("select", missing, graph.const(np.nan), node)
