"""Reading the world outside the traced function: attributes, items, globals, cells.

Every function here returns what the machine may work with (a parameter, a fixed value, an
`Outside`) after recording in `trace.reads` what must be found again on a later call.
"""

from __future__ import annotations

import builtins
import collections
import enum
import functools
import inspect
import sys
import types

import numpy as np

from diffsol._graph.node import depends_on_time
from diffsol._graph.ops import BOOL, COMPLEX, DTYPES, FLOAT
from diffsol._trace import calls, instances, narrow, scipy_map
from diffsol._trace.check import number_table
from diffsol._trace.frames import Function, Method, Opaque
from diffsol._trace.guards import (
    PIN_LIMIT,
    Outside,
    OutsideInt,
    Part,
    is_trusted,
    trusted_module,
)
from diffsol._trace.numpy_map import ARRAY_ATTRIBUTES, SCALAR_ATTRIBUTES
from diffsol._trace.picking import pick, pick_item, pick_value
from diffsol._trace.reasons import Refused
from diffsol._trace.tables import part_of
from diffsol._trace.values import MAYBE, MIXED, Array, Foreign, Scalar, Traced, is_dynamic

PINNED = (bool, str, bytes, type(None), type(Ellipsis), range, slice, np.dtype, np.int64, np.bool_)
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


def type_name(value) -> str:
    return type(value.value if isinstance(value, (Outside, OutsideInt)) else value).__name__


def enter(trace, value, var):
    """A value read from outside into `var`, as the machine may use it."""
    reads = trace.reads
    kind = type(value)
    if kind in (float, complex, np.float64, np.complex128):
        reads.require_type(var, value)
        dtype = COMPLEX if kind in (complex, np.complex128) else FLOAT
        node = trace.graph.param(reads.add_param(var, value, (), dtype), (), dtype)
        trace.parameters[node.id] = (value, var)
        return Scalar(trace, node, kind in (float, complex))
    if kind is int:
        reads.require_type(var, value)
        return OutsideInt(value, var, trace)
    if kind in PINNED:
        reads.require_type(var, value)
        reads.pin(var, value)
        return value
    if kind is np.ndarray:
        return _enter_array(trace, value, var)
    if isinstance(value, np.ndarray | np.generic):
        return narrow.enter(trace, value, var)
    if isinstance(value, types.ModuleType) or _is_known_function(value):
        reads.pin(var, value)
        return (
            value
            if not isinstance(value, types.ModuleType) or trusted_module(value.__name__)
            else Outside(value, var, reads)
        )
    if isinstance(value, type):
        reads.pin(var, value)
        return (
            Outside(value, var, reads) if value.__module__ not in ("builtins", "numpy") else value
        )
    reads.require_type(var, value)
    return Outside(value, var, reads)


# what NumPy's functions are: written in C, in Python, or dispatched
KNOWN_FUNCTIONS = (types.BuiltinFunctionType, types.FunctionType, type(np.sum))


def _is_known_function(value):
    if isinstance(value, types.BuiltinMethodType):
        return isinstance(value.__self__, types.ModuleType | type(None))
    if isinstance(value, np.ufunc) or value is np.r_ or value is np.c_:
        return True
    return isinstance(value, KNOWN_FUNCTIONS) and is_trusted(value)


def _enter_array(trace, value, var):
    reads = trace.reads
    if value.dtype not in DTYPES:
        return narrow.enter(trace, value, var)
    reads.require_type(var, value)
    reads.require(
        f"{var}.shape == {value.shape!r} and {var}.dtype == {reads.constant(value.dtype)}"
    )
    if value.dtype in (FLOAT, COMPLEX):
        node = trace.graph.param(
            reads.add_param(var, value, value.shape, value.dtype), value.shape, value.dtype
        )
        trace.parameters[node.id] = (value, var)
    elif value.size > PIN_LIMIT:
        raise Refused("dtype", f"a large array of dtype {value.dtype}")
    else:
        reads.pin_array(var, value)
        node = trace.graph.const(value)
    return Array.of(trace, node, "outside")


# --- functions ---------------------------------------------------------------------------------------


def function_of(trace, outside) -> Function:
    """A Python function from outside, ready to run; its code is guarded, not its identity."""
    value, var, reads = outside.value, outside.var, trace.reads
    # equal code is the same function, made again (by exec, say)
    code = reads.constant(value.__code__)
    reads.require(f"{var}.__code__ is {code} or {var}.__code__ == {code}")
    if value.__builtins__ is not vars(builtins):
        raise Refused("unknown-object", f"{value.__name__} has built-ins of its own")
    namespace = reads.read((var, "globals"), f"{var}.__globals__", value.__globals__)
    defaults = tuple(
        enter(trace, d, reads.read((var, "default", i), f"{var}.__defaults__[{i}]", d))
        for i, d in enumerate(value.__defaults__ or ())
    )
    if value.__defaults__:
        reads.require(f"len({var}.__defaults__) == {len(defaults)}")
    kwdefaults = {
        name: enter(
            trace, d, reads.read((var, "kwdefault", name), f"{var}.__kwdefaults__[{name!r}]", d)
        )
        for name, d in (value.__kwdefaults__ or {}).items()
    }
    cells = tuple(
        Outside(cell, reads.read((var, "cell", i), f"{var}.__closure__[{i}]", cell), reads)
        for i, cell in enumerate(value.__closure__ or ())
    )
    reads.labels.update(
        (cell.var, name) for cell, name in zip(cells, value.__code__.co_freevars, strict=True)
    )
    return Function(
        value.__code__,
        functools.partial(_global, trace, value.__globals__, namespace),
        defaults,
        kwdefaults,
        cells,
    )


def _global(trace, namespace, var, name):
    reads = trace.reads
    if name in namespace:
        value, entered = namespace[name], trace.entered.get((var, name))
        if entered is None or entered[0] is not value:
            own = reads.read((var, "global", name), f"{var}[{name!r}]", value)
            entered = trace.entered[var, name] = value, enter(trace, value, own)
        return entered[1]
    reads.require(f"{name!r} not in {var}")
    if not hasattr(builtins, name):
        raise NameError(f"name {name!r} is not defined")
    value = getattr(builtins, name)
    if not isinstance(value, type | types.BuiltinFunctionType) and value is not Ellipsis:
        raise Refused("unknown-object", f"{name}, found in builtins")
    reads.pin_member(builtins, name, value)
    return value


def cell_contents(trace, outside):
    try:
        value = outside.value.cell_contents
    except ValueError:
        raise NameError("free variable referenced before assignment") from None
    var = trace.reads.read((outside.var, "contents"), f"{outside.var}.cell_contents", value)
    return enter(trace, value, var)


# --- attributes --------------------------------------------------------------------------------------


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
            raise Refused("unknown-attribute", f"{type_name(owner)}.{name}")
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
    raise Refused("unknown-attribute", f"{type_name(owner)}.{name}")


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


def class_of(trace, outside):
    """type(outside)"""
    cls, var = type(outside.value), outside.var
    return enter(trace, cls, trace.reads.read((var, "class"), f"type({var})", cls))


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
    return enter(
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
        raise Refused("unknown-call", f"{name} of a {type_name(owner)}")
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
                "side-effect", f".{self.name}() of a {type_name(self.owner)} from outside"
            )
        if self.name == "get" and len(args) == 2 and is_dynamic(args[0]):
            return pick_value(machine.trace, machine.trace.local_copy(self.owner), *args)
        if self.name == "get" and args:
            found = contains(machine, self.owner, args[0])
            return (
                item(machine, self.owner, args[0])
                if found
                else (args[1] if len(args) > 1 else None)
            )
        return getattr(machine.trace.local_copy(self.owner), self.name)(*args)


# --- items -------------------------------------------------------------------------------------------


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
            return enter(trace, value[key], part.child(key % len(value)))
    else:
        method = inspect.getattr_static(type(value), "__getitem__", None)
        if not isinstance(method, types.FunctionType):
            raise Refused("unknown-object", f"item of a {type_name(owner)}")
        return calls.call(
            machine, class_member(trace, owner, "__getitem__", "", method), [owner, key], {}
        )
    expression = (
        f"{owner.var}[{key!r}]"
        if type(key) in (str, int)
        else f"{owner.var}[{trace.reads.constant(key)}]"
    )
    return enter(
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
    return Scalar(trace, pick(_enter_array(trace, table, var), key).node, True)


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
        raise Refused("unknown-object", f"a {type_name(key)} as key")
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
            return [enter(trace, x, part.child(i)) for i, x in enumerate(value)]
        trace.reads.require_length(owner.var, value)
        return [item(machine, owner, i) for i in range(len(value))]
    raise Refused("unknown-object", f"iteration over a {type_name(owner)}")


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
        return child(machine.trace, owner, "_value_", value._value_)
    if isinstance(value, set | frozenset) and type(value) in (set, frozenset):
        machine.trace.reads.require(
            f"{owner.var} == {machine.trace.reads.constant(frozenset(value))}"
        )
        return frozenset(value)
    raise Refused("unknown-object", f"an object of type {type_name(owner)}")


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
    raise Refused("unknown-object", f"truth of a {type_name(owner)}")


def length(machine, owner) -> int:
    if _is_container(owner.value):
        machine.trace.reads.require_length(owner.var, owner.value)
        return len(owner.value)
    method = inspect.getattr_static(type(owner.value), "__len__", None)
    if not isinstance(method, types.FunctionType):
        raise Refused("unknown-object", f"len of a {type_name(owner)}")
    return calls.call(
        machine, class_member(machine.trace, owner, "__len__", "", method), [owner], {}
    )


def imported(machine, name, names, level):
    """`import name` inside the function: modules that are there already and that we know."""
    if level or name not in sys.modules or not trusted_module(name):
        raise Refused("unknown-call", f"import {name} inside the function")
    return sys.modules[name if names else name.split(".")[0]]
