"""scipy.interpolate.interp1d, in each of its kinds."""

from __future__ import annotations

import functools
import sys

import numpy as np

from diffsol._graph.ops import COMPLEX
from diffsol._trace.guards import Outside
from diffsol._trace.numpy_map.searching import interp, require_ascending
from diffsol._trace.reasons import Refused
from diffsol._trace.scipy_map.registry import (
    OBJECTS,
    clipped,
    field,
    find_object,
    handles,
    number,
    outside_of,
    points,
    rows,
    spread,
)
from diffsol._trace.values import Array, as_node


@functools.cache
def _weighs_both_ends() -> bool:
    """SciPy 1.18's linear formula; before, the value at one end and a slope."""
    return np.lib.NumpyVersion(sys.modules["scipy"].__version__) >= "1.18.0"


@handles(OBJECTS, "scipy.interpolate.interp1d")
def _call(machine, owner, x):
    trace, value = machine.trace, owner.value
    own = vars(type(value))
    way = next((name for name in WAYS if own.get(name) is value._call), None)
    if way is None:
        raise Refused("unknown-call", "interp1d with a way of its own")
    trace.reads.require(f"{owner.var}._call is {trace.reads.constant(value._call)}")
    rest = tuple(map(number, trace.local_copy(field(machine, owner, "_y_extra_shape"))))
    axis = number(field(machine, owner, "_y_axis"))
    at = points(trace, x, "interp1d")
    read = functools.partial(field, machine, owner)
    node = WAYS[way](machine, at, read)
    node = trace.graph.reshape(node, (*at.shape, *(rest or ())))
    if not field(machine, owner, "_extrapolate"):
        node = _bounded(trace, at, node, rest, read)
    result = Array.of(trace, node)
    return _turned(result, at.ndim, len(rest), axis) if axis and at.ndim else result


def _turned(result, nx, ny, axis):
    lead = list(range(nx, nx + axis))
    return result.transpose(lead + list(range(nx)) + list(range(nx + axis, nx + ny)))


def _bounded(trace, at, node, rest, read):
    """Outside of the data: the fill values, or SciPy's error."""
    graph, knots = trace.graph, as_node(trace, read("x"))
    ends = (graph.view(knots, k, (), ()) for k in (0, knots.size - 1))
    sides = outside_of(graph, at, *ends)
    error = read("bounds_error")
    for side, name in zip(sides, ("_fill_value_below", "_fill_value_above"), strict=True):
        if error:
            trace.trap_if(graph.reduce("any", side, range(side.ndim)))
            continue
        fill = as_node(trace, read(name))
        if fill.dtype == COMPLEX != node.dtype:
            raise Refused("complex-to-real", "a complex fill value")
        fill = graph.reshape(fill, rest) if fill.size > 1 else graph.reshape(fill, ())
        node = graph.elementwise("select", spread(graph, side, rest), fill, node)
    return node


# --- the kinds ----------------------------------------------------------------------------------------


def _table(trace, read):
    knots, values = as_node(trace, read("x")), as_node(trace, read("_y"))
    require_ascending(trace, knots, "interp1d")
    return knots, values


def _by_numpy(machine, at, read):
    """Linear, by numpy.interp."""
    trace = machine.trace
    return as_node(trace, interp(trace, Array.of(trace, at), read("x"), read("y")))


def _linear(machine, at, read):
    trace, graph = machine.trace, machine.trace.graph
    knots, values = _table(trace, read)
    high = clipped(graph, graph.searchsorted(knots, at, "left"), 1, knots.size - 1)
    low = graph.elementwise("subtract", high, graph.const(1))
    (x0, x1), (y0, y1) = ([rows(graph, t, k) for k in (low, high)] for t in (knots, values))
    if _weighs_both_ends():
        width = graph.elementwise("subtract", x1, x0)
        parts = []
        for ends, value in (((at, x0), y1), ((x1, at), y0)):
            weight = graph.elementwise("divide", graph.elementwise("subtract", *ends), width)
            parts.append(graph.elementwise("multiply", spread(graph, weight, (1,)), value))
        return graph.elementwise("add", *parts)
    width = spread(graph, graph.elementwise("subtract", x1, x0), (1,))
    slope = graph.elementwise("divide", graph.elementwise("subtract", y1, y0), width)
    step = spread(graph, graph.elementwise("subtract", at, x0), (1,))
    return graph.elementwise("add", graph.elementwise("multiply", slope, step), y0)


def _nearest(machine, at, read):
    trace, graph = machine.trace, machine.trace.graph
    knots, values = _table(trace, read)
    middles, last = as_node(trace, read("x_bds")), graph.const(knots.size - 1)
    require_ascending(trace, middles, "interp1d")
    place = graph.searchsorted(middles, at, read("_side"))
    return rows(graph, values, graph.elementwise("minimum", place, last))


def _previous_or_next(machine, at, read):
    trace, graph = machine.trace, machine.trace.graph
    knots, values = _table(trace, read)
    shifted, ahead = as_node(trace, read("_x_shift")), number(read("_ind"))
    require_ascending(trace, shifted, "interp1d")
    place = graph.searchsorted(shifted, at, read("_side"))
    place = clipped(graph, place, 1 - ahead, knots.size - ahead)
    return rows(graph, values, graph.elementwise("add", place, graph.const(ahead - 1)))


def _spline(machine, at, read):
    spline = read("_spline")
    handler = find_object(spline.value) if isinstance(spline, Outside) else None
    if handler is None:
        raise Refused("unknown-call", "interp1d with a spline of its own")
    return as_node(machine.trace, handler(machine, spline, Array.of(machine.trace, at)))


WAYS = {
    "_call_linear_np": _by_numpy,
    "_call_linear": _linear,
    "_call_nearest": _nearest,
    "_call_previousnext": _previous_or_next,
    "_call_spline": _spline,
}
