"""Constants of guard functions, as what JSON can hold, and back.

Numbers, strings and containers of them are written down; modules, classes and functions are named, and
looked up among what the reading process has loaded; code is compared by content. A constant that is none of
these makes its kernel one that is not kept (Unstable); one that is not found again, or not the same, makes it
one that does not fit (NotHere).
"""

from __future__ import annotations

import sys
import types

import numpy as np

from diffsol._cache import contents
from diffsol._cache.contents import Unstable

PLAIN = (bool, int, str, type(None))
LARGEST_ARRAY = 1 << 16  # bytes, written into the text


class NotHere(Exception):
    """What a constant names is not loaded here, or is something else here."""


class SameCode:
    """Equal to every code object of this content."""

    __slots__ = ("digest",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, digest):
        self.digest = digest

    def __eq__(self, other):
        return type(other) is types.CodeType and contents.of_code(other) == self.digest


def write(value):
    """What JSON can hold of a constant. Raises Unstable."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is SameCode:
        return ["code", value.digest]
    for of, tag, to_text, _ in SCALARS:
        if kind is of:
            return [tag, to_text(value)]
    for of, tag in CONTAINERS:
        if kind is of:
            return [tag, [write(x) for x in value]]
    if kind is dict:
        return ["dict", [[write(k), write(v)] for k, v in value.items()]]
    if kind is np.ndarray and value.nbytes <= LARGEST_ARRAY and not value.dtype.hasobject:
        return ["array", value.dtype.str, value.shape, value.tobytes().hex()]
    return _write_named(value)


SCALARS = (
    (float, "float", float.hex, float.fromhex),
    (
        complex,
        "complex",
        lambda z: [z.real.hex(), z.imag.hex()],
        lambda p: complex(*map(float.fromhex, p)),
    ),
    (bytes, "bytes", lambda b: b.hex(), bytes.fromhex),
    (type(Ellipsis), "ellipsis", lambda _: None, lambda _: Ellipsis),
    (np.int64, "int64", int, np.int64),
    (np.bool_, "bool", bool, np.bool_),
    (range, "range", lambda r: [r.start, r.stop, r.step], lambda p: range(*p)),
    (types.CodeType, "code", contents.of_code, SameCode),
)
CONTAINERS = ((tuple, "tuple"), (list, "list"), (frozenset, "frozenset"))


def _write_named(value):
    if isinstance(value, np.dtype) and not value.hasobject:
        return ["dtype", value.str]
    if isinstance(value, slice):
        return ["slice", [write(x) for x in (value.start, value.stop, value.step)]]
    if isinstance(value, types.ModuleType):
        return ["module", _checked(value, value.__name__, "")]
    if isinstance(value, type):
        own = contents.of_class(value) if _is_users(value) else ""
        return ["class", *_place(value), own]
    if isinstance(value, np.ufunc):
        homes = ((m, sys.modules.get(m)) for m in UFUNC_HOMES)
        module = next((m for m, x in homes if getattr(x, value.__name__, None) is value), None)
        if module is None:
            raise Unstable(f"the ufunc {value.__name__}")
        return ["member", module, value.__name__]
    if callable(value) and not _is_users(value):
        return ["member", *_place(value)]
    raise Unstable(f"a {type(value).__name__}")


UFUNC_HOMES = ("numpy", "scipy.special")
# Packages in which a name means the same as long as the version is the same (see `keys.environment`).
VERSIONED = {
    "builtins",
    "math",
    "cmath",
    "operator",
    "itertools",
    "functools",
    "collections",
    "types",
}
VERSIONED |= {"numpy", "scipy", "diffsol"}


def _is_users(value) -> bool:
    return str(getattr(value, "__module__", None)).split(".")[0] not in VERSIONED


# Classes of the interpreter's that are not found by their own names.
INTERPRETERS = {cls: name for name, cls in vars(types).items() if isinstance(cls, type)}


def _place(value):
    if isinstance(value, type) and value in INTERPRETERS:
        return "types", INTERPRETERS[value]
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        raise Unstable(f"a {type(value).__name__}")
    _checked(value, module, name)
    return module, name


def _checked(value, module, name):
    """The module's name, if the value is to be found by these names."""
    try:
        found = _found(module, name)
    except NotHere:
        found = None
    if found is not value:
        raise Unstable(f"{module}.{name} is not to be found by its name")
    return module


def _found(module, name):
    """What is called so in this process; nothing is imported for it."""
    value = sys.modules.get(module)
    for part in name.split(".") if name else ():
        value = getattr(value, part, None)
    if value is None:
        raise NotHere(f"{module}.{name}")
    return value


def read(written):
    """The constant in this process. Raises NotHere, and what malformed text leads to."""
    if type(written) in PLAIN:
        return written
    tag, *parts = written
    reader = READERS.get(tag)
    if reader is None:
        raise NotHere(f"a constant of kind {tag!r}")
    return reader(*parts)


def _read_class(module, name, own):
    cls = _found(module, name)
    if not isinstance(cls, type) or (own and contents.of_class(cls) != own):
        raise NotHere(f"{module}.{name} has changed")
    return cls


def _read_array(dtype, shape, text):
    flat = np.frombuffer(bytes.fromhex(text), dtype=np.dtype(dtype))
    return flat.reshape(shape)


READERS = {
    **{tag: from_text for _, tag, _, from_text in SCALARS},
    "tuple": lambda parts: tuple(map(read, parts)),
    "list": lambda parts: list(map(read, parts)),
    "frozenset": lambda parts: frozenset(map(read, parts)),
    "dict": lambda pairs: {read(k): read(v) for k, v in pairs},
    "slice": lambda parts: slice(*map(read, parts)),
    "dtype": np.dtype,
    "module": lambda module: _found(module, ""),
    "member": _found,
    "class": _read_class,
    "array": _read_array,
}
