"""Attributes of what a traced function meets: of objects from outside (guarded), traced values, modules, classes."""

from __future__ import annotations

import collections
import inspect
import types

import numpy as np

from diffsol._graph.node import depends_on_time
from diffsol._trace import calls, containers, instances, scipy_map, world
from diffsol._trace.frames import Method
from diffsol._trace.guards import (
    Outside,
    OutsideInt,
    is_trusted,
    trusted_module,
)
from diffsol._trace.numpy_map import ARRAY_ATTRIBUTES, SCALAR_ATTRIBUTES
from diffsol._trace.picking import pick_value
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import MAYBE, MIXED, Foreign, Scalar, Traced
from diffsol._trace.values import Array, is_dynamic

LOCAL_TYPES = (
    list,
    dict,
    tuple,
    set,
    frozenset,
    str,
    bytes,
    int,
    float,
    complex,
    bool,
    range,
    slice,
    np.generic,
    np.dtype,
)
TUPLE_GETTER = type(collections.namedtuple("_Pair", "a").a)


def attribute(machine, owner, name):
    """owner.name"""
    if isinstance(owner, Outside):
        return _outside_attribute(machine, owner, name)
    if isinstance(owner, Traced):
        return _traced_attribute(owner, name)
    if isinstance(owner, instances.Instance):
        return instances.attribute(machine, owner, name)
    if isinstance(owner, instances.Super):
        return instances.super_attribute(machine, owner, name)
    if isinstance(owner, tuple) and type(owner) is not tuple:
        return instances.record_attribute(machine, owner, name)
    if isinstance(owner, Foreign):
        if name not in owner.ATTRIBUTES:
            raise Refused("unknown-attribute", f"{world.type_name(owner)}.{name}")
        return getattr(owner, name)
    if isinstance(owner, OutsideInt):
        owner = owner.pinned()
    if isinstance(owner, types.ModuleType):
        return module_attribute(machine.trace, owner, name)
    if isinstance(owner, np.ndarray):
        return attribute(machine, Array.of(machine.trace, machine.trace.graph.const(owner)), name)
    if isinstance(owner, type) and not trusted_module(owner.__module__):
        raise Refused("unknown-attribute", f"{owner.__name__}.{name}")
    if isinstance(owner, (*LOCAL_TYPES, type, np.ufunc)):
        return getattr(owner, name)
    raise Refused("unknown-attribute", f"{world.type_name(owner)}.{name}")


def _traced_attribute(owner, name):
    if name in (ARRAY_ATTRIBUTES if isinstance(owner, Array) else SCALAR_ATTRIBUTES):
        if isinstance(owner, Scalar) and owner.py and name not in ("real", "imag", "conjugate"):
            if owner.py in (MAYBE, MIXED) or depends_on_time([owner.node]):
                raise Refused("concrete-value", f"{name} of what is float now, numpy.float64 then")
            raise AttributeError(f"'float' object has no attribute {name!r}")
        return getattr(owner, name)
    if hasattr(np.ndarray, name) or hasattr(np.float64, name):
        raise Refused(
            "unknown-attribute", f"{'ndarray' if isinstance(owner, Array) else 'scalar'}.{name}"
        )
    raise AttributeError(f"no attribute {name!r}")


def module_attribute(trace, module, name):
    """module.name of a module that is trusted; within a trace it stays what it was."""
    known = trace.members.get((module, name))
    if known is None:
        known = trace.members[module, name] = _module_attribute(trace, module, name)
    return known


def _module_attribute(trace, module, name):
    if not hasattr(module, name):
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
    value = getattr(module, name)
    if isinstance(value, types.FunctionType) and not is_trusted(value):
        raise Refused("unknown-call", f"{module.__name__}.{name}")
    trace.reads.pin_member(module, name, value)
    return value


METHODS: dict = {}  # (class, name) of a library's method that is known -> (machine, object) -> Native


def _outside_attribute(machine, owner, name):
    trace, value = machine.trace, owner.value
    known = METHODS.get((type(value), name))
    found = scipy_map.find_method(machine, owner, name) if known is None else known(machine, owner)
    if found is not None:
        return found
    if isinstance(value, types.ModuleType):
        if name not in vars(value):
            raise Refused("unknown-attribute", f"module attribute {value.__name__}.{name}")
        return child(trace, owner, name, vars(value)[name])
    if isinstance(value, type):
        return class_attribute(machine, owner, value, name, None)
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType):
        raise Refused("unknown-attribute", f"function attribute {name}")
    if scipy_map.is_sparse(value):
        return attribute(machine, scipy_map.sparse_from_outside(machine, owner), name)
    return _instance_attribute(machine, owner, name)


def child(trace, owner, name, value):
    return world.enter(
        trace, value, trace.reads.read((owner.var, "attr", name), f"{owner.var}.{name}", value)
    )


def _instance_attribute(machine, owner, name):
    trace, value = machine.trace, owner.value
    cls = type(value)
    if not isinstance(cls.__getattribute__, types.WrapperDescriptorType):
        raise Refused("unknown-object", f"{cls.__name__} defines __getattribute__")
    found = inspect.getattr_static(cls, name, None)
    if isinstance(found, property):
        if found.fget is None or not isinstance(found.fget, types.FunctionType):
            raise Refused("unknown-attribute", f"{cls.__name__}.{name}")
        getter = class_member(trace, owner, name, ".fget", found.fget)
        return calls.call(machine, getter, [owner], {})
    if isinstance(found, types.MemberDescriptorType):
        return child(trace, owner, name, getattr(value, name))
    if isinstance(found, TUPLE_GETTER):
        return child(trace, owner, name, getattr(value, name))
    if name in getattr(value, "__dict__", ()):
        if hasattr(type(found), "__set__") or hasattr(type(found), "__delete__"):
            raise Refused("unknown-object", f"{cls.__name__} has attributes of its own kind")
        return child(trace, owner, name, value.__dict__[name])
    if found is None:
        if hasattr(cls, "__getattr__"):
            raise Refused("unknown-object", f"{cls.__name__} defines __getattr__")
        raise AttributeError(f"{cls.__name__!r} object has no attribute {name!r}")
    return class_attribute(machine, owner, cls, name, owner)


def class_attribute(machine, owner, cls, name, instance):
    """A function, static or class method, or plain value that a class holds."""
    trace = machine.trace
    found = inspect.getattr_static(cls, name, None)
    if isinstance(found, types.FunctionType):
        function = class_member(trace, owner, name, "", found)
        return function if instance is None else Method(function, instance)
    if isinstance(found, staticmethod):
        return class_member(trace, owner, name, "", found.__func__)
    if isinstance(found, classmethod):
        function = class_member(trace, owner, name, ".__func__", found.__func__)
        holder = (
            owner
            if instance is None or isinstance(owner.value, type)
            else Outside(
                cls, trace.reads.read((owner.var, "class"), f"type({owner.var})", cls), trace.reads
            )
        )
        return Method(function, holder)
    if _is_builtin_method(found) and instance is not None and instance is owner:
        return OutsideMethod(owner, name)
    if found is None or hasattr(type(found), "__get__"):
        if cls.__module__.startswith("numpy.random"):
            raise Refused("random", f"{cls.__name__}.{name}")
        raise Refused("unknown-attribute", f"{cls.__name__}.{name}")
    return child(trace, owner, name, found)


def _is_builtin_method(found):
    return isinstance(found, types.MethodDescriptorType | types.WrapperDescriptorType)


def class_member(trace, owner, name, suffix, function):
    holder = owner.var if isinstance(owner.value, type) else f"type({owner.var})"
    if not isinstance(function, types.FunctionType):
        raise Refused("unknown-call", f"{name} of a {world.type_name(owner)}")
    if not isinstance(owner.value, type) and suffix != ".fget":
        # an attribute of the object itself would come first
        trace.reads.require(f"{name!r} not in getattr({owner.var}, '__dict__', ())")
    var = trace.reads.read((owner.var, "member", name), f"{holder}.{name}{suffix}", function)
    return Outside(function, var, trace.reads)


class OutsideMethod:
    """A built-in method of a list, tuple or dict from outside."""

    __slots__ = ("owner", "name")

    def __init__(self, owner, name):
        self.owner = owner
        self.name = name

    def call(self, machine, args, kwargs):
        if kwargs or self.name not in ("get", "keys", "values", "items", "copy", "index", "count"):
            raise Refused(
                "side-effect", f".{self.name}() of a {world.type_name(self.owner)} from outside"
            )
        if self.name == "get" and len(args) == 2 and is_dynamic(args[0]):
            return pick_value(machine.trace, machine.trace.local_copy(self.owner), *args)
        if self.name == "get" and args:
            found = containers.contains(machine, self.owner, args[0])
            return (
                containers.item(machine, self.owner, args[0])
                if found
                else (args[1] if len(args) > 1 else None)
            )
        return getattr(machine.trace.local_copy(self.owner), self.name)(*args)
