"""Containers from outside: their items, elements, length and truth, and what guards each."""

from __future__ import annotations

import collections
import enum
import inspect
import types

import numpy as np

from diffsol._graph.ops import BOOL
from diffsol._trace import attributes, calls, scipy_map, world
from diffsol._trace.check import number_table
from diffsol._trace.frames import Opaque
from diffsol._trace.guards import (
    Outside,
    OutsideInt,
    Part,
)
from diffsol._trace.picking import pick, pick_item, pick_value
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar, Traced
from diffsol._trace.tables import part_of
from diffsol._trace.values import Array, is_dynamic


def item(machine, owner, key):
    """owner[key] of a container from outside."""
    trace, value = machine.trace, owner.value
    if _behaves_as(value, dict):
        if is_dynamic(key) and type(value) is dict:
            return pick_value(trace, trace.local_copy(owner), key)
        key = _plain_key(key)
        if key not in value:
            trace.reads.require(f"{trace.reads.constant(key)} not in {owner.var}")
            return _missing(owner, key)
    elif _behaves_as(value, list, tuple, collections.deque):
        if isinstance(key, slice) and type(value) is not collections.deque:
            return trace.local_copy(owner)[_plain_slice(key)]
        if is_dynamic(key):
            return _picked(trace, owner, key)
        key = _plain_key(key)
        if not -len(value) <= key < len(value):
            trace.reads.require_length(owner.var, value)
        elif (part := _part_read(trace, owner)) is not None:
            return world.enter(trace, value[key], part.child(key % len(value)))
    else:
        method = inspect.getattr_static(type(value), "__getitem__", None)
        if not isinstance(method, types.FunctionType):
            raise Refused("unknown-object", f"item of a {world.type_name(owner)}")
        return calls.call(
            machine,
            attributes.class_member(trace, owner, "__getitem__", "", method),
            [owner, key],
            {},
        )
    expression = (
        f"{owner.var}[{key!r}]"
        if type(key) in (str, int)
        else f"{owner.var}[{trace.reads.constant(key)}]"
    )
    return world.enter(
        trace,
        value[key],
        trace.reads.read((owner.var, "item", type(key), key), expression, value[key]),
    )


def _missing(owner, key):
    """What a dict from outside gives for a key that it has not."""
    if type(owner.value) is collections.Counter:
        return 0
    if isinstance(owner.value, collections.defaultdict):
        raise Refused("side-effect", f"a new item {key!r} of a defaultdict from outside")
    raise KeyError(key)


LONG_LIST = 16  # items, from which on a list of numbers is read as an array


def _picked(trace, owner, key):
    """owner[key] of a list or tuple by a traced index."""
    value = owner.value
    kind = type(value[0]) if len(value) >= LONG_LIST else None
    if kind not in (float, int) or any(type(x) is not kind for x in value):
        return pick_item(trace, trace.local_copy(owner), key)
    table = number_table(value, kind)
    expression = f"number_table({owner.var}, {kind.__name__})"
    var = trace.reads.read((owner.var, "table"), expression, table)
    return Scalar(trace, pick(world.enter_array(trace, table, var), key).node, True)


MOST_ITEMS = 32  # of a container, read one at a time; the next one is reason to read it as a whole


def _part_read(trace, owner):
    """The part of a table that this container is, if many of its items are read; else None."""
    if type(owner.var) is Part:
        return owner.var
    items = trace.reads.items
    items[owner.var] += 1
    return part_of(owner) if items[owner.var] > MOST_ITEMS else None


HASHES = (int.__hash__, str.__hash__, enum.Enum.__hash__)


def _plain_key(key):
    if isinstance(key, OutsideInt):
        return key.pinned()
    if isinstance(key, tuple):
        return tuple(_plain_key(k) for k in key)
    if isinstance(key, Outside):
        if isinstance(key.value, enum.Enum) and type(key.value).__hash__ in HASHES:
            key.reads.require(f"{key.var} is {key.reads.constant(key.value)}")
            return key.value
        raise Refused("unknown-object", f"a {world.type_name(key)} as key")
    if isinstance(key, Scalar) and key.dtype == BOOL:
        return bool(key)
    if isinstance(key, Traced | Opaque):
        raise Refused("concrete-value", "a traced value as key")
    return key


def _plain_slice(key):
    return slice(*(_plain_key(k) for k in (key.start, key.stop, key.step)))


def elements(machine, owner) -> list:
    """The elements of a container from outside, in order; its length is guarded."""
    trace, value = machine.trace, owner.value
    if _behaves_as(value, dict):
        _guard_keys(trace, owner)
        return list(value)
    if _behaves_as(value, list, tuple, collections.deque):
        part = part_of(owner)
        if part is not None:
            return [world.enter(trace, x, part.child(i)) for i, x in enumerate(value)]
        trace.reads.require_length(owner.var, value)
        return [item(machine, owner, i) for i in range(len(value))]
    raise Refused("unknown-object", f"iteration over a {world.type_name(owner)}")


def _guard_keys(trace, owner):
    for key in owner.value:
        if type(key) not in (str, int, float, bool, tuple, bytes):
            raise Refused("unknown-object", f"a dict with keys of type {type(key).__name__}")
    keys = [(type(key), key) for key in owner.value]
    trace.reads.require(
        f"[(type(key), key) for key in {owner.var}] == {trace.reads.constant(keys)}"
    )


# kinds of dict that are read as a dict is
LIKE_DICT = (
    collections.OrderedDict,
    collections.defaultdict,
    collections.Counter,
    types.MappingProxyType,
)


def _behaves_as(value, *kinds) -> bool:
    """Is it one of these containers, or of a subclass that changes nothing about containers?"""
    if type(value) in LIKE_DICT:
        return dict in kinds
    for kind in kinds:
        if isinstance(value, kind):
            cls = type(value)
            return cls is kind or all(
                getattr(cls, name, None) is getattr(kind, name, None) for name in CONTAINER_METHODS
            )
    return False


def _is_container(value) -> bool:
    kinds = (list, tuple, dict, collections.deque)
    return type(value) in (set, frozenset) or _behaves_as(value, *kinds)


CONTAINER_METHODS = (
    *("__getitem__", "__iter__", "__len__", "__contains__", "__eq__", "__ne__", "__bool__"),
    *("__add__", "__radd__", "__mul__", "__rmul__", "__getattribute__", "__missing__"),
    *("get", "keys", "values", "items", "index", "count"),
)


def local_copy(machine, owner):
    """A container from outside as one of our own, element by element; a sparse matrix as ours."""
    value = owner.value
    if scipy_map.is_sparse(value):
        return scipy_map.sparse_from_outside(machine, owner)
    if _behaves_as(value, dict):
        return {key: item(machine, owner, key) for key in elements(machine, owner)}
    if _behaves_as(value, list, tuple):
        return (tuple if isinstance(value, tuple) else list)(elements(machine, owner))
    if isinstance(value, enum.IntEnum):
        return attributes.child(machine.trace, owner, "_value_", value._value_)
    if isinstance(value, set | frozenset) and type(value) in (set, frozenset):
        machine.trace.reads.require(
            f"{owner.var} == {machine.trace.reads.constant(frozenset(value))}"
        )
        return frozenset(value)
    raise Refused("unknown-object", f"an object of type {world.type_name(owner)}")


def contains(machine, owner, key) -> bool:
    reads = machine.trace.reads
    if _behaves_as(owner.value, dict):
        key = _plain_key(key)
        found = key in owner.value
        reads.require(f"({reads.constant(key)} in {owner.var}) is {found}")
        return found
    return key in local_copy(machine, owner)


def truth(machine, owner) -> bool:
    value, reads = owner.value, machine.trace.reads
    if _is_container(value):
        reads.require(f"bool({owner.var}) is {bool(value)}")
        return bool(value)
    if not hasattr(type(value), "__bool__") and not hasattr(type(value), "__len__"):
        reads.require(f"bool({owner.var})")
        return True
    raise Refused("unknown-object", f"truth of a {world.type_name(owner)}")


def length(machine, owner) -> int:
    if _is_container(owner.value):
        machine.trace.reads.require_length(owner.var, owner.value)
        return len(owner.value)
    method = inspect.getattr_static(type(owner.value), "__len__", None)
    if not isinstance(method, types.FunctionType):
        raise Refused("unknown-object", f"len of a {world.type_name(owner)}")
    return calls.call(
        machine, attributes.class_member(machine.trace, owner, "__len__", "", method), [owner], {}
    )


def iterable_of(machine, value):
    if isinstance(value, Outside):
        return elements(machine, value)
    if isinstance(value, np.ndarray):
        return Array.of(machine.trace, machine.trace.graph.const(value))
    return value
