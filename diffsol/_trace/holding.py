"""Which lists, dicts and sets can be reached from values of the machine, through whatever holds them."""

from __future__ import annotations

import gc
import types

import numpy as np

from diffsol._graph.node import Node
from diffsol._trace.frames import Function
from diffsol._trace.guards import Outside, OutsideInt
from diffsol._trace.scalars import Scalar
from diffsol._trace.storage import Storage
from diffsol._trace.values import Array

# what holds no container of the function's, and much else
ENDS = (
    *(Scalar, Array, Storage, Node, Outside, OutsideInt, np.ndarray, np.generic),
    *(type, types.ModuleType, types.CodeType, str, bytes, int, float, complex, type(None)),
)


def containers_in(values, ends) -> set:
    """Their ids. ends: further types that are not looked into."""
    found: set = set()
    seen: set = set()
    stack = list(values)
    while stack:
        value = stack.pop()
        if id(value) in seen or isinstance(value, (*ENDS, *ends)):
            continue
        seen.add(id(value))
        if isinstance(value, (list, dict, set)):
            found.add(id(value))
        stack.extend(_held(value))
    return found


def _held(value):
    if isinstance(value, Function):  # not the globals that it can load
        return (*value.cells, *value.defaults, *value.kwdefaults.values())
    if isinstance(value, types.FunctionType):
        return (*(value.__closure__ or ()), *(value.__defaults__ or ()))
    return gc.get_referents(value)
