"""Functions of the user's that `diffsol.register_op` made operators of the graph."""

from __future__ import annotations

import numpy as np

from diffsol._graph.ops import COMPLEX
from diffsol._trace.arithmetic import apply
from diffsol._trace.guards import Outside
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import MAYBE, Scalar
from diffsol._trace.values import as_node, wrap

REGISTERED: dict = {}  # id of a function -> (the function, name of its operator)


def name_of(function):
    """The operator that a called value was registered as, or None."""
    if not REGISTERED:
        return None
    if isinstance(function, Outside):
        function = function.value
    known = REGISTERED.get(id(function))  # functions of ctypes cannot be hashed
    return None if known is None else known[1]


def call(trace, function, name, args, kwargs):
    """The operator of the arguments; a function that is no ufunc is one of numbers only."""
    value = function
    if isinstance(function, Outside):
        value = function.value
        trace.reads.pin(function.var, value)
    if kwargs:
        raise Refused("unknown-call", f"{value.__name__} with keywords")
    nodes = [as_node(trace, x) for x in args]
    is_ufunc = isinstance(value, np.ufunc)
    for node in nodes:
        if node.dtype == COMPLEX:
            raise Refused("unknown-call", f"{value.__name__} of complex values")
        if node.shape and not is_ufunc:
            raise Refused(
                "unknown-call", f"{value.__name__} of an array: it was registered for numbers"
            )
    result = apply(trace, name, *(wrap(trace, node) for node in nodes))
    # whether a function of the user's gives a float or a numpy.float64 is not known
    return (
        Scalar(trace, result.node, not is_ufunc and MAYBE) if isinstance(result, Scalar) else result
    )
