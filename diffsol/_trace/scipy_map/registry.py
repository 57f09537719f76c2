"""The tables of what is known of SciPy, by public name, and what all handlers use."""

from __future__ import annotations

import sys

import numpy as np

from diffsol._graph.ops import COMPLEX, FLOAT
from diffsol._graph.special import TABLE as SPECIAL
from diffsol._trace import attributes
from diffsol._trace.guards import OutsideInt
from diffsol._trace.reasons import Refused
from diffsol._trace.values import Array, as_node

FORMATS = ("csr", "csc", "coo", "dia", "bsr")  # of scipy.sparse
FUNCTIONS: dict = {}  # "scipy.interpolate.splev" -> handler(machine, *args, **kwargs)
OBJECTS: dict = {}  # "scipy.interpolate.PPoly" -> handler(machine, object, *args, **kwargs) of its call


def handles(table, *names):
    def register(handler):
        for name in names:
            table[name] = handler
        return handler

    return register


def find_function(function):
    """The handler of a function of SciPy, or None."""
    return _find(FUNCTIONS, function)


def find_object(value):
    """The handler of calls of an object of SciPy, or None. A subclass may call for anything."""
    return _find(OBJECTS, type(value))


def names() -> set:
    """What is known, for the documentation."""
    return (
        {name.removeprefix("scipy.") for name in (*FUNCTIONS, *OBJECTS)}
        | {f"special.{name}" for name in SPECIAL}
        | {f"sparse.{name}_{kind}" for name in FORMATS for kind in ("matrix", "array")}
    )


def _find(table, thing):
    """The entry of a thing that is what its public name says."""
    module, name = getattr(thing, "__module__", None), getattr(thing, "__name__", None)
    if not isinstance(name, str) or not isinstance(module, str) or module[:6] != "scipy.":
        return None
    public = ".".join(module.split(".")[:2])
    if getattr(sys.modules.get(public), name, None) is not thing:
        return None
    return table.get(f"{public}.{name}")


# --- reading an object ---------------------------------------------------------------------------


def field(machine, owner, *names):
    """The attribute of an outside object, guarded; of several names the first that it has."""
    name = next(n for n in names if hasattr(owner.value, n))
    return attributes.child(machine.trace, owner, name, getattr(owner.value, name))


def number(value):
    """An int, flag or string that the trace relies on."""
    return value.pinned() if isinstance(value, OutsideInt) else value


def points(trace, x, name):
    """The node of the places at which something is evaluated, as floats."""
    node = as_node(trace, x)
    if node.dtype == COMPLEX:
        raise Refused("unknown-call", f"{name} at complex values")
    return trace.graph.cast(node, FLOAT)


def rows(graph, table, index):
    """table[index] along the first axis, for a node of indices that are in range."""
    rest = table.shape[1:]
    width = int(np.prod(rest, dtype=int))
    places = graph.elementwise("multiply", index, graph.const(width))
    if rest:
        places = graph.reshape(places, (*index.shape, *(1,) * len(rest)))
        places = graph.elementwise("add", places, graph.const(np.arange(width).reshape(rest)))
    return graph.gather(table, places)


def spread(graph, x, rest):
    """x with an axis of one element for each further axis of the results."""
    return graph.reshape(x, (*x.shape, *(1,) * len(rest)))


def clipped(graph, index, low, high):
    index = graph.elementwise("maximum", index, graph.const(low))
    return graph.elementwise("minimum", index, graph.const(high))


def outside_of(graph, x, low, high):
    """(is x below low?, is x above high?)"""
    return graph.elementwise("less", x, low), graph.elementwise("greater", x, high)


def turned(trace, node, lead, axis):
    """The results with the axis of interpolation where it was in the data (SciPy's `axis`)."""
    result = Array.of(trace, node)
    if not axis:
        return result
    order = list(range(result.ndim))
    return result.transpose(order[lead : lead + axis] + order[:lead] + order[lead + axis :])
