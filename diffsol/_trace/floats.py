"""Operators of float scalars, which loops combine by the thousand: the short way through `arithmetic`.

Each function gives what the general way gives, or None for operands that need it.
"""

from __future__ import annotations

from diffsol._graph.build import FLOAT_FUNCTIONS
from diffsol._graph.ops import FLOAT
from diffsol._trace.guards import EXACT_INT
from diffsol._trace.scalars import Scalar, mixture

COMBINING = {"add", "subtract", "multiply", "divide"}


def of_floats(trace, name, operands):
    """The elementwise operator `name` of one or two values."""
    if len(operands) == 2 and name in COMBINING:
        return combined(trace, name, *operands)
    if len(operands) == 1 and name in FLOAT_FUNCTIONS:
        return function_of(trace, name, *operands, getattr(operands[0], "py", True))
    return None


def combined(trace, name, a, b):
    if type(a) is Scalar:
        x, py = a.node, a.py
        if type(b) is Scalar:
            y = b.node
            if py is not b.py:
                py = mixture((py, b.py))
        else:
            y = _number(trace, b)
    elif type(b) is Scalar:
        x, y, py = _number(trace, a), b.node, b.py
    else:
        return None
    if x is None or y is None or x.dtype is not FLOAT or y.dtype is not FLOAT:
        return None
    if py and name == "divide":
        return None  # Python's division raises where NumPy's warns
    graph = trace.graph
    plain = x.value is None and y.value is None and graph.path is None
    made = graph.of_scalars(name, (x, y)) if plain else graph.elementwise(name, x, y)
    return Scalar(trace, made, py)


def function_of(trace, name, a, py):
    if type(a) is not Scalar or a.node.dtype is not FLOAT:
        return None
    graph, x = trace.graph, a.node
    plain = x.value is None and graph.path is None
    made = graph.of_scalars(name, (x,)) if plain else graph.elementwise(name, x)
    return Scalar(trace, made, py)


def _number(trace, value):
    """The node of a number that is a float beside floats."""
    if type(value) is float or type(value) is int and -EXACT_INT < value < EXACT_INT:
        return trace.graph.const(float(value))
    return None
