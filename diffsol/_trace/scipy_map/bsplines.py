"""B-splines: BSpline, splev, and the splines of FITPACK, by de Boor's recursion as SciPy does it.

Converted to piecewise polynomials they would round differently, and would have to be converted again
whenever a coefficient changes.
"""

from __future__ import annotations

import numpy as np

from diffsol._graph.ops import FLOAT
from diffsol._trace.guards import Outside
from diffsol._trace.numpy_map.searching import require_ascending
from diffsol._trace.reasons import Refused
from diffsol._trace.scipy_map.piecewise import wrapped
from diffsol._trace.scipy_map.registry import (
    FUNCTIONS,
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
from diffsol._trace.values import Array, as_node

HIGHEST = 5  # degree: the recursion is written out
FITPACK = ("UnivariateSpline", "InterpolatedUnivariateSpline", "LSQUnivariateSpline")
EXTRAPOLATE, ZEROS, RAISE, CONSTANT = range(4)  # FITPACK's `ext`


@handles(OBJECTS, "scipy.interpolate.BSpline")
def _bspline(machine, owner, x, nu=0, extrapolate=None):
    trace, graph = machine.trace, machine.trace.graph
    if extrapolate is None:
        extrapolate = field(machine, owner, "extrapolate")
    knots, coefs = (as_node(trace, field(machine, owner, f"_{n}", n)) for n in "tc")
    degree, axis, nu = (number(v) for v in (*(field(machine, owner, n) for n in ("k", "axis")), nu))
    if extrapolate not in (True, False, "periodic") or type(nu) is not int or nu < 0:
        raise Refused("unknown-call", f"BSpline(extrapolate={extrapolate!r}, nu={nu!r})")
    at = points(trace, x, "BSpline")
    start, stop = _ends(graph, knots, degree)
    inside = wrapped(graph, at, start, stop) if extrapolate == "periodic" else at
    node = _evaluated(trace, inside, knots, coefs, degree, nu)
    missing = graph.elementwise("isnan", inside)
    if not extrapolate:
        for side in outside_of(graph, inside, start, stop):
            missing = graph.elementwise("logical_or", missing, side)
    missing = spread(graph, missing, coefs.shape[1:])
    node = graph.elementwise("select", missing, graph.const(np.nan), node)
    return turned(trace, node, at.ndim, axis)


@handles(OBJECTS, *(f"scipy.interpolate.{name}" for name in FITPACK))
def _fitpack(machine, owner, x, nu=0, ext=None):
    if ext is None:
        ext = field(machine, owner, "ext")
    tck = machine.trace.local_copy(field(machine, owner, "_eval_args"))
    return _splev(machine, x, tck, nu, number(ext))


@handles(FUNCTIONS, "scipy.interpolate.splev")
def _splev(machine, x, tck, der=0, ext=0):
    trace, graph = machine.trace, machine.trace.graph
    if isinstance(tck, Outside) and isinstance(tck.value, (tuple, list)):
        tck = trace.local_copy(tck)
    if not isinstance(tck, (tuple, list)) or len(tck) != 3:
        raise Refused("unknown-call", "splev of a spline that is not (t, c, k)")
    knots, coefs, degree = as_node(trace, tck[0]), as_node(trace, tck[1]), number(tck[2])
    ext = {"extrapolate": 0, "zeros": 1, "raise": 2, "const": 3}.get(ext, ext)
    if coefs.ndim != 1 or coefs.dtype != FLOAT or number(der) != 0 or ext not in range(4):
        raise Refused("unknown-call", "a spline of FITPACK with several components or derivatives")
    at = points(trace, x, "splev")
    start, stop = _ends(graph, knots, degree)
    below, above = outside_of(graph, at, start, stop)
    inside = at
    if ext == CONSTANT:
        inside = graph.elementwise("select", below, start, inside)
        inside = graph.elementwise("select", above, stop, inside)
    node = _evaluated(trace, inside, knots, coefs, degree, 0)
    out = graph.elementwise("logical_or", below, above)
    if ext == RAISE:
        trace.trap_if(graph.reduce("any", out, range(out.ndim)))
    elif ext == ZEROS:
        node = graph.elementwise("select", out, graph.const(0.0), node)
    return Array.of(trace, node)


def _ends(graph, knots, degree):
    """The base interval [t[k], t[n]] of a spline with n coefficients."""
    if type(degree) is not int or degree > HIGHEST:
        raise Refused("unknown-call", f"a spline of degree {degree}")
    if knots.ndim != 1 or knots.size < 2 * degree + 2:
        raise Refused("unknown-call", "a spline with too few knots")
    return (graph.view(knots, k, (), ()) for k in (degree, knots.size - degree - 1))


def _evaluated(trace, x, knots, coefs, degree, nu):
    graph, rest = trace.graph, coefs.shape[1:]
    require_ascending(trace, knots, "a spline")
    last = knots.size - degree - 2
    if coefs.shape[0] <= last:
        raise Refused("unknown-call", "a spline with too few coefficients")
    if nu > degree:
        return graph.broadcast(graph.const(np.zeros((), coefs.dtype)), (*x.shape, *rest))
    place = graph.elementwise("subtract", graph.searchsorted(knots, x, "right"), graph.const(1))
    interval = clipped(graph, place, degree, last)
    total = None
    for a, weight in enumerate(_basis(graph, x, knots, interval, degree, nu)):
        row = graph.elementwise("add", interval, graph.const(a - degree))
        term = graph.elementwise("multiply", rows(graph, coefs, row), spread(graph, weight, rest))
        total = term if total is None else graph.elementwise("add", total, term)
    return graph.broadcast(total, (*x.shape, *rest))


def _basis(graph, x, knots, interval, degree, nu):
    """The nu-th derivatives of the B-splines that are not zero where t[interval] <= x.

    de Boor, A Practical Guide to Splines, ch. X (8), in the order of scipy/interpolate/src/__fitpack.cc,
    _deBoor_D: degree - nu steps of the recursion, then nu steps of its derivative.
    """
    zero, known = graph.const(0.0), {}

    def knot(distance):
        if distance not in known:
            place = graph.elementwise("add", interval, graph.const(distance))
            known[distance] = graph.gather(knots, place)
        return known[distance]

    weights = [graph.broadcast(graph.const(1.0), x.shape)]
    for j in range(1, degree + 1):
        before, weights = weights, [zero] * (j + 1)
        for n in range(1, j + 1):
            right, left = knot(n), knot(n - j)
            width = graph.elementwise("subtract", right, left)
            empty = graph.elementwise("equal", width, zero)
            width = graph.elementwise("select", empty, graph.const(1.0), width)
            part = before[n - 1]
            if j > degree - nu:
                part = graph.elementwise("multiply", graph.const(float(j)), part)
            share = graph.elementwise("divide", part, width)
            if j > degree - nu:
                shares = (graph.elementwise("negative", share), share)
            else:
                shares = [
                    graph.elementwise("multiply", share, graph.elementwise("subtract", *ends))
                    for ends in ((right, x), (x, left))
                ]
            first, second = (graph.elementwise("select", empty, zero, s) for s in shares)
            weights[n - 1] = (
                first if weights[n - 1] is zero else graph.elementwise("add", weights[n - 1], first)
            )
            weights[n] = second
    return weights
