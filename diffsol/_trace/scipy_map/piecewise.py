"""Piecewise polynomials: PPoly and what SciPy makes of it (cubic, Hermite, PCHIP and Akima splines)."""

from __future__ import annotations

import numpy as np

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
    turned,
)
from diffsol._trace.values import as_node

CLASSES = ("PPoly", "CubicSpline", "CubicHermiteSpline", "PchipInterpolator", "Akima1DInterpolator")


@handles(OBJECTS, *(f"scipy.interpolate.{name}" for name in CLASSES))
def _call(machine, owner, x, nu=0, extrapolate=None):
    trace, name = machine.trace, type(owner.value).__name__
    if extrapolate is None:
        extrapolate = field(machine, owner, "extrapolate")
    nu, axis = number(nu), number(field(machine, owner, "axis"))
    knots, coefs = (as_node(trace, field(machine, owner, f"_{n}", n)) for n in "xc")
    if type(nu) is not int or nu < 0 or knots.ndim != 1 or coefs.shape[1:2] != (knots.size - 1,):
        raise Refused("unknown-call", f"{name} with unusual coefficients or nu={nu!r}")
    if extrapolate not in (True, False, "periodic", None):
        raise Refused("unknown-call", f"{name}(extrapolate={extrapolate!r})")
    require_ascending(trace, knots, name)
    at = points(trace, x, name)
    node = _evaluated(trace.graph, at, knots, coefs, nu, extrapolate)
    return turned(trace, node, at.ndim, axis)


def wrapped(graph, x, start, stop):
    """x moved into one period [start, stop), as SciPy does it."""
    period = graph.elementwise("subtract", stop, start)
    part = graph.elementwise("remainder", graph.elementwise("subtract", x, start), period)
    return graph.elementwise("add", start, part)


def _evaluated(graph, x, knots, coefs, nu, extrapolate):
    last, rest = knots.size - 1, coefs.shape[2:]
    start, stop = (graph.view(knots, k, (), ()) for k in (0, last))
    if extrapolate == "periodic":
        x, extrapolate = wrapped(graph, x, start, stop), False
    before = graph.searchsorted(knots, x, "right")
    j = clipped(graph, graph.elementwise("subtract", before, graph.const(1)), 0, last - 1)
    step = graph.elementwise("subtract", x, graph.gather(knots, j))
    value = _polynomial(graph, coefs, j, spread(graph, step, rest), nu)
    missing = graph.elementwise("isnan", x)
    if not extrapolate:
        for side in outside_of(graph, x, start, stop):
            missing = graph.elementwise("logical_or", missing, side)
    missing = spread(graph, missing, rest)
    return graph.elementwise("select", missing, graph.const(np.nan), value)


def _polynomial(graph, coefs, j, step, nu):
    """The nu-th derivative of the polynomial of interval j, `step` behind its start.

    Powers from the lowest on, as SciPy adds them (scipy/interpolate/_ppoly, evaluate_poly1).
    """
    order, count, rest = coefs.shape[0], coefs.shape[1], coefs.shape[2:]
    table = graph.reshape(coefs, (order * count, *rest))
    total, power = None, None
    for k in range(nu, order):
        row = graph.elementwise("add", j, graph.const((order - 1 - k) * count))
        term = rows(graph, table, row)
        if power is not None:
            term = graph.elementwise("multiply", term, power)
        factor = float(np.prod(np.arange(k - nu + 1, k + 1)))
        term = graph.elementwise("multiply", term, graph.const(factor))
        total = term if total is None else graph.elementwise("add", total, term)
        if k < order - 1:
            power = step if power is None else graph.elementwise("multiply", power, step)
    if total is None:
        total = graph.const(np.zeros((), coefs.dtype))
    return graph.broadcast(total, np.broadcast_shapes(total.shape, (*j.shape, *rest)))
