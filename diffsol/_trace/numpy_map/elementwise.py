"""ufuncs and `math` functions: most come straight from the operator table."""

from __future__ import annotations

import functools
import math

import numpy as np

from diffsol._graph.ops import ALIASES, BOOL, COMPLEX, ELEMENTWISE, FLOAT, INT
from diffsol._trace.arithmetic import INT_LIMIT, apply, matmul
from diffsol._trace.guards import OutsideInt, unpin
from diffsol._trace.numpy_map.registry import HANDLERS, handles, store
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar, Traced
from diffsol._trace.values import Array, as_node, wrap

OPERATORS: dict = dict(ALIASES)
MATH: dict = {}
for _row in ELEMENTWISE.values():
    if isinstance(_row.reference, np.ufunc):
        OPERATORS[_row.reference] = _row.name
    for _function in _row.numpy:
        OPERATORS[_function] = _row.name
    for _function in _row.math:
        MATH[_function] = _row.name
OPERATORS.update(
    {
        np.bitwise_and: "logical_and",
        np.bitwise_or: "logical_or",
        np.bitwise_xor: "logical_xor",
        np.invert: "logical_not",
        np.matmul: "matmul",
    }
)


def call_ufunc(trace, ufunc, *operands, out=None, **options):
    if options:
        raise Refused("numpy-call", f"np.{ufunc.__name__}({', '.join(options)}=...)")
    name = OPERATORS.get(ufunc)
    if (
        name == "absolute"
        and ufunc is np.fabs
        and any(as_node(trace, x).dtype == COMPLEX for x in operands)
    ):
        raise TypeError("ufunc 'fabs' not supported for the input types")
    if len(operands) == (ELEMENTWISE[name].arity if name in ELEMENTWISE else 2) + 1:
        *operands, out = operands
    if name == "matmul":
        result = matmul(trace, *operands)
    else:
        if name.startswith("logical_") and ufunc.__name__.startswith("logical_"):
            operands = [wrap(trace, trace.graph.cast(as_node(trace, x), BOOL)) for x in operands]
        elif name == "power" and ufunc is np.power and isinstance(operands[1], OutsideInt):
            operands = (operands[0], operands[1].pinned())
        result = apply(trace, name, *operands)
    result = Scalar(trace, result.node) if isinstance(result, Scalar) else result
    if out is None:
        return result
    if isinstance(out, (tuple, list)):
        (out,) = out
    return store(out, result)


def call_math(trace, function, *operands):
    for x in operands:
        if isinstance(x, Array) and x.shape or isinstance(x, Traced) and x.dtype == COMPLEX:
            raise TypeError("must be real number")
    operands = [
        Scalar(trace, trace.graph.reshape(x.node, ())) if isinstance(x, Array) else x
        for x in operands
    ]
    name = MATH[function]
    result = apply(trace, name, *operands)
    if name in OF_FINITE:
        trace.trap_if(trace.graph.elementwise("isinf", as_node(trace, operands[0])))
    elif result.dtype == FLOAT and name not in EVERYWHERE:
        trace.trap_if(domain_error(trace.graph, result.node, [as_node(trace, x) for x in operands]))
    return Scalar(trace, result.node, True)


OF_FINITE = ("sin", "cos", "tan")  # math raises for an infinity, and else never
EVERYWHERE = ("arctan", "arctan2", "tanh", "arcsinh", "cbrt", "absolute", "erf", "erfc", "copysign")


def domain_error(graph, result, operands):
    """math raises where finite arguments give inf, and where nan comes out that did not go in."""

    def joined(name, nodes):
        return functools.reduce(lambda a, b: graph.elementwise(name, a, b), nodes)

    finite = joined("logical_and", [graph.elementwise("isfinite", x) for x in operands])
    nan = joined("logical_or", [graph.elementwise("isnan", x) for x in operands])
    return graph.elementwise(
        "select",
        finite,
        graph.elementwise("logical_not", graph.elementwise("isfinite", result)),
        graph.elementwise(
            "logical_and",
            graph.elementwise("isnan", result),
            graph.elementwise("logical_not", nan),
        ),
    )


@handles(math.hypot)
def _math_hypot(trace, *coordinates):
    """Of any number; `math` has no sum of squares that could overflow, neither have two at a time."""
    if len(coordinates) == 1:
        return call_math(trace, math.fabs, *coordinates)
    total = coordinates[0]
    for x in coordinates[1:]:
        total = call_math(trace, math.hypot, total, x)
    return total


@handles(math.pow)
def _math_pow(trace, x, y):
    operands = [as_node(trace, x), as_node(trace, unpin(y))]
    result = trace.graph.elementwise("power", *operands)
    trace.trap_if(domain_error(trace.graph, result, operands))
    return Scalar(trace, result, True)


@handles(math.log)
def _math_log(trace, x, base=None):
    parts = []
    for operand in (x,) if base is None else (x, base):
        node = as_node(trace, operand)
        parts.append(trace.graph.elementwise("log", node))
        trace.trap_if(domain_error(trace.graph, parts[-1], [node]))
    parts = [Scalar(trace, node, True) for node in parts]
    return parts[0] if base is None else parts[0] / parts[1]


@handles(math.degrees, np.degrees, np.rad2deg)
def _degrees(trace, x):
    return apply(trace, "multiply", x, 180.0 / math.pi)


@handles(math.radians, np.radians, np.deg2rad)
def _radians(trace, x):
    return apply(trace, "multiply", x, math.pi / 180.0)


@handles(math.floor, math.ceil, math.trunc, int)
def _to_int(trace, x, _name="trunc"):
    node = as_node(trace, x)
    if node.shape != () or node.dtype == COMPLEX:
        raise TypeError("must be real number")
    if node.dtype == FLOAT:
        size = trace.graph.elementwise("absolute", node)
        fits = trace.graph.elementwise("less", size, trace.graph.const(INT_LIMIT))
        trace.trap_if(trace.graph.elementwise("logical_not", fits))
    return Scalar(trace, trace.graph.cast(node, INT), True)


HANDLERS[math.floor] = lambda trace, x: _to_int(trace, apply(trace, "floor", x))
HANDLERS[math.ceil] = lambda trace, x: _to_int(trace, apply(trace, "ceil", x))
