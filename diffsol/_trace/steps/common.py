"""What several instructions share: operands, truth, items, iteration."""

from __future__ import annotations

import numpy as np

from diffsol._trace import containers
from diffsol._trace.frames import Cell, Function, Method, Opaque
from diffsol._trace.guards import Outside, OutsideInt
from diffsol._trace.narrow import Narrow
from diffsol._trace.numpy_map import c_getitem, r_getitem
from diffsol._trace.picking import pick_item, pick_value
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar
from diffsol._trace.values import Array, is_dynamic


def item(machine, owner, key):
    """owner[key]"""
    if isinstance(owner, Outside):
        return containers.item(machine, owner, key)
    if isinstance(owner, (np.ndarray, np.generic)):
        owner = Array.of(machine.trace, machine.trace.graph.const(owner))
    if isinstance(owner, (list, tuple)) and is_dynamic(key):
        return pick_item(machine.trace, owner, key)
    if type(owner) is dict and isinstance(key, Scalar):
        return pick_value(machine.trace, owner, key) if is_dynamic(key) else owner[bool(key)]
    if isinstance(owner, str) and isinstance(key, Scalar):
        raise Refused("dynamic-index", "item of a string by a traced index")
    if owner is np.r_:
        return r_getitem(machine.trace, key)
    if owner is np.c_:
        return c_getitem(machine.trace, key)
    return owner[local_key(machine, key)]


def local_key(machine, key):
    if isinstance(key, Outside):
        return machine.trace.local_copy(key)
    if isinstance(key, Narrow):
        return key.value
    if isinstance(key, tuple):
        return tuple(local_key(machine, k) for k in key)
    return key


def operand(machine, value):
    """A value as an operand: local containers and constants as they are, outside ones copied."""
    if isinstance(value, Outside):
        return machine.trace.local_copy(value)
    if isinstance(value, (Function, Method, Opaque, Cell)):
        raise Refused("unknown-object", "arithmetic with a function")
    return value


def constant_array(machine, value):
    """A NumPy array made inside the function, as an Array (it may meet traced values later)."""
    return (
        Array.of(machine.trace, machine.trace.graph.const(value))
        if isinstance(value, np.ndarray)
        else value
    )


def truth(machine, value) -> bool:
    if isinstance(value, Outside):
        return containers.truth(machine, value)
    if isinstance(value, Opaque):
        raise Refused("concrete-value", "a string made from traced values")
    return True if isinstance(value, (Function, Method)) else bool(value)


def pop_many(frame, count):
    values = frame.stack[len(frame.stack) - count :]
    del frame.stack[len(frame.stack) - count :]
    return values


def iterate(machine, value):
    """An iterator over a value."""
    if isinstance(value, Outside):
        return iter(containers.elements(machine, value))
    if isinstance(value, Scalar | OutsideInt | Opaque):
        raise TypeError("cannot iterate over a scalar")
    return iter(constant_array(machine, value))


def is_iterator(value) -> bool:
    return type(value) is not Scalar and hasattr(type(value), "__next__")
