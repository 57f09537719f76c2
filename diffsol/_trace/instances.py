"""Objects that the traced function makes of classes from outside, and `super()`.

What lives and dies within a call can be seen by nobody: its attributes are kept here, and the class' own
Python code is followed. A class with machinery of its own (a metaclass, `__new__`, `__setattr__`, ...) is
refused. A namedtuple is made as it is: it only holds its values.
"""

from __future__ import annotations

import abc
import functools
import inspect
import types

from diffsol._trace import attributes, calls, world
from diffsol._trace.changes import changing
from diffsol._trace.frames import NULL, Cell, Method, Native
from diffsol._trace.guards import Outside
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Foreign

BINARY = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"),
    *("and", "or", "xor"),
)
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
UNARY = ("neg", "pos", "abs", "invert")


class Instance(Foreign):
    """An object made inside; `cls` is its class (an Outside), `values` its attributes."""

    __slots__ = ("machine", "cls", "values")
    REFUSED = ("unknown-object", "an object made inside the function as a number")

    def __init__(self, machine, cls):
        self.machine, self.cls, self.values = machine, cls, {}

    def special(self, name):
        """The class' own method of this name, bound; None if it has none."""
        found = inspect.getattr_static(self.cls.value, name, None)
        if not isinstance(found, types.FunctionType):
            return None
        return Method(attributes.class_member(self.machine.trace, self.cls, name, "", found), self)

    def required(self, name, args=(), kwargs=None):
        """What its method of this name gives."""
        method = self.special(name)
        if method is None:
            raise Refused("unknown-object", f"{name} of a {self.cls.value.__name__}")
        return calls.call(self.machine, method, list(args), kwargs or {})

    def __bool__(self):
        for name in ("__bool__", "__len__"):
            if self.special(name) is not None:
                return bool(self.required(name))
        return True

    def __iter__(self):
        return iter(self.required("__iter__"))

    def __len__(self):
        return self.required("__len__")

    def __getitem__(self, key):
        return self.required("__getitem__", [key])

    def __hash__(self):
        raise Refused("unknown-object", f"hash of a {self.cls.value.__name__}")

    def __contains__(self, item):
        return bool(self.required("__contains__", [item]))


def _install(dunder, fallback):
    def method(self, *other):
        if self.special(dunder) is None:
            return fallback(self, dunder)
        return self.required(dunder, other)

    setattr(Instance, dunder, method)


def _leave(self, dunder):
    return NotImplemented


def _refuse(self, dunder):
    raise Refused("unknown-object", f"{dunder} of a {self.cls.value.__name__}")


for _name in BINARY:
    _install(f"__{_name}__", _leave)
    _install(f"__r{_name}__", _leave)
    _install(f"__i{_name}__", _leave)
for _name in (*COMPARISONS, *UNARY):
    _install(f"__{_name}__", _refuse)


# --- making ----------------------------------------------------------------------------------------------


def construct(machine, outside, args, kwargs):
    """outside(*args, **kwargs) of a class."""
    cls = outside.value
    if is_record_class(cls):
        machine.trace.classes[cls] = outside
        return cls(*args, **kwargs)
    if not _is_followed(cls):
        raise Refused("unknown-call", f"making a {cls.__name__}")
    made = Instance(machine, outside)
    if cls.__init__ is not object.__init__:
        if made.required("__init__", args, kwargs) is not None:
            raise TypeError("__init__() should return None")
    elif args or kwargs:
        raise TypeError(f"{cls.__name__}() takes no arguments")
    return made


def _is_followed(cls) -> bool:
    """Does making an object of it run Python code only, all of it the class' `__init__`?"""
    return (
        type(cls) in (type, abc.ABCMeta)
        and not getattr(cls, "__abstractmethods__", None)
        and cls.__new__ is object.__new__
        and (cls.__init__ is object.__init__ or isinstance(cls.__init__, types.FunctionType))
        and not hasattr(cls, "__getattr__")
        and not hasattr(cls, "__del__")
        and cls.__getattribute__ is object.__getattribute__
    )


def is_record_class(cls) -> bool:
    """Is it a namedtuple whose making does nothing but keep the values?"""
    new = inspect.getattr_static(cls, "__new__", None)
    function = getattr(new, "__func__", new)
    return (
        issubclass(cls, tuple)
        and type(cls) is type
        and hasattr(cls, "_fields")
        and isinstance(function, types.FunctionType)
        and function.__globals__.get("__name__", "").startswith("namedtuple_")
        and cls.__init__ is object.__init__
        and not any(
            name in vars(base)
            for base in cls.__mro__
            if base not in (tuple, object)
            for name in ("__iter__", "__getitem__", "__len__", "__getattribute__", "__eq__")
        )
    )


# --- attributes ------------------------------------------------------------------------------------------


def attribute(machine, owner, name):
    """owner.name of an Instance."""
    cls = owner.cls.value
    if name == "__class__":
        return owner.cls
    found = inspect.getattr_static(cls, name, None)
    if isinstance(found, property):
        return _computed(machine, owner, owner.cls, name, ".fget", found.fget)
    if name in owner.values:
        if hasattr(type(found), "__set__") and not isinstance(found, types.MemberDescriptorType):
            raise Refused("unknown-object", f"{cls.__name__} has attributes of its own kind")
        return owner.values[name]
    if isinstance(found, functools.cached_property):
        value = _computed(machine, owner, owner.cls, name, ".func", found.func)
        changing(machine.trace, owner.values)
        owner.values[name] = value
        return value
    if found is None or isinstance(found, types.MemberDescriptorType):
        raise AttributeError(f"{cls.__name__!r} object has no attribute {name!r}")
    return attributes.class_attribute(machine, owner.cls, cls, name, owner)


def _computed(machine, owner, cls, name, suffix, function):
    if not isinstance(function, types.FunctionType):
        raise Refused("unknown-attribute", f"{cls.value.__name__}.{name}")
    getter = attributes.class_member(machine.trace, cls, name, suffix, function)
    return calls.call(machine, getter, [owner], {})


def set_attribute(owner, name, value):
    """owner.name = value of an Instance."""
    cls = owner.cls.value
    if cls.__setattr__ is not object.__setattr__:
        raise Refused("unknown-object", f"{cls.__name__} defines __setattr__")
    keep(owner, name, value)


def keep(owner, name, value):
    """object.__setattr__(owner, name, value)"""
    if not isinstance(owner, Instance):
        raise Refused("side-effect", f"assignment to the attribute {name}")
    cls = owner.cls.value
    found = inspect.getattr_static(cls, name, None)
    if isinstance(found, property):
        if not isinstance(found.fset, types.FunctionType):
            raise AttributeError(f"property {name!r} of {cls.__name__!r} object has no setter")
        setter = attributes.class_member(owner.machine.trace, owner.cls, name, ".fset", found.fset)
        calls.call(owner.machine, setter, [owner, value], {})
        return
    if hasattr(type(found), "__set__") and not isinstance(found, types.MemberDescriptorType):
        raise Refused("unknown-object", f"{cls.__name__} has attributes of its own kind")
    if found is None and not cls.__dictoffset__:
        raise AttributeError(f"{cls.__name__!r} object has no attribute {name!r}")
    changing(owner.machine.trace, owner.values)
    owner.values[name] = value


def record_attribute(machine, owner, name):
    """owner.name of a namedtuple that was made inside."""
    cls = type(owner)
    if name in cls._fields:
        return getattr(owner, name)
    outside = machine.trace.classes.get(cls)
    if name == "_replace":
        return Native(functools.partial(_replaced, owner))
    if name == "_asdict":
        return Native(functools.partial(dict, zip(cls._fields, owner, strict=True)))
    if outside is None or name in ("_fields", "count", "index"):
        return getattr(owner, name)
    found = inspect.getattr_static(cls, name, None)
    if isinstance(found, property):
        return _computed(machine, owner, outside, name, ".fget", found.fget)
    return attributes.class_attribute(machine, outside, cls, name, owner)


def _replaced(record, **values):
    return type(record)(**{**dict(zip(record._fields, record, strict=True)), **values})


# --- super() ---------------------------------------------------------------------------------------------


class Super:
    """super(cls, owner): attributes of the classes behind `cls`."""

    __slots__ = ("cls", "owner")

    def __init__(self, cls, owner):
        self.cls, self.owner = cls, owner


def make_super(machine, *given):
    if not given:
        given = _of_frame(machine)
    cls, owner = given
    if not isinstance(cls, Outside) or not isinstance(cls.value, type):
        raise Refused("unknown-object", "super() of other than a class")
    if not isinstance(owner, Outside | Instance):
        raise Refused("unknown-object", "super() in a class method, or of a tuple")
    return Super(cls, owner)


def _of_frame(machine):
    """What super() without arguments takes: the class that the method stands in, and its first argument."""
    frame = machine.frames[-1]
    cell = frame.cells["__class__"]
    first = frame.raw.co_varnames[0]
    owner = frame.locals.get(first, NULL)
    if owner is NULL and isinstance(frame.cells.get(first), Cell):
        owner = frame.cells[first].value
    cls = cell.value if isinstance(cell, Cell) else world.cell_contents(machine.trace, cell)
    return cls, owner


def super_attribute(machine, asked, name):
    """super().name: a function, a property or a plain value of the next class that has it."""
    owner, reads = asked.owner, machine.trace.reads
    made = isinstance(owner, Instance)
    cls, var = (
        (owner.cls.value, owner.cls.var) if made else (type(owner.value), f"type({owner.var})")
    )
    if not made and isinstance(owner.value, type):
        raise Refused("unknown-object", "super() in a class method")
    order = cls.__mro__
    for position in range(order.index(asked.cls.value) + 1, len(order)):
        if name in vars(order[position]):
            break
    else:
        raise AttributeError(f"'super' object has no attribute {name!r}")
    base = order[position]
    if base is object:
        return Method(getattr(object, name), owner)
    expression = f"{var}.__mro__[{position}]"
    outside = world.enter(machine.trace, base, reads.read((var, "mro", position), expression, base))
    if not isinstance(outside, Outside):
        raise Refused("unknown-attribute", f"{base.__name__}.{name}")
    found = vars(base)[name]
    if isinstance(found, property):
        return _computed(machine, owner, outside, name, ".fget", found.fget)
    return attributes.class_attribute(machine, outside, base, name, owner)
