"""The ufuncs of scipy.special."""

from __future__ import annotations

import sys

from diffsol._graph.ops import BOOL, COMPLEX
from diffsol._graph.special import TABLE
from diffsol._trace.arithmetic import apply
from diffsol._trace.numpy_map.registry import plain_scalar
from diffsol._trace.reasons import Refused
from diffsol._trace.values import as_node, wrap


def is_special(function) -> bool:
    """Is this one of the ufuncs that are operators of the graph?"""
    name = function.__name__
    return name in TABLE and getattr(sys.modules.get("scipy.special"), name, None) is function


def call(trace, function, args, kwargs):
    name = function.__name__
    if kwargs or len(args) != TABLE[name].arity:
        raise Refused("unknown-call", f"scipy.special.{name} with further arguments")
    nodes = [as_node(trace, x) for x in args]
    for node in nodes:
        if node.dtype in (BOOL, COMPLEX):  # of truth values it gives numbers of single precision
            raise Refused("unknown-call", f"scipy.special.{name} of {node.dtype} values")
    trace.reads.require(f"{trace.reads.constant_once(quiet)}()")
    return plain_scalar(apply(trace, f"special_{name}", *(wrap(trace, n) for n in nodes)))


def quiet() -> bool:
    """Does scipy.special leave its errors to the result? (Its functions would raise them in C.)"""
    actions = sys.modules["scipy.special"].geterr()
    return all(action == "ignore" for kind, action in actions.items() if kind != "memory")
