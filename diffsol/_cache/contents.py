"""What code and classes are made of, as digests that are the same in every process."""

from __future__ import annotations

import functools
import types

from diffsol._cache.digests import blake2b

# Comparing a code object with one of another process must cost next to nothing the second time.
MOST_REMEMBERED = 1024


class Unstable(Exception):
    """Something whose content another process cannot compare."""


@functools.lru_cache(maxsize=MOST_REMEMBERED)
def of_code(code: types.CodeType) -> str:
    """The digest of what a code object does: neither its file nor its lines. Raises Unstable."""
    hashed = blake2b(digest_size=16)
    hashed.update(code.co_code)
    for part in (
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_flags,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_exceptiontable,
    ):
        hashed.update(repr(part).encode() + b"\0")
    for constant in code.co_consts:
        hashed.update(_of_constant(constant).encode() + b"\0")
    return hashed.hexdigest()


def _of_constant(value) -> str:
    """Text that differs for constants that differ, in type too."""
    kind = type(value)
    if kind is types.CodeType:
        return of_code(value)
    if kind is tuple:
        return f"({','.join(map(_of_constant, value))})"
    if kind is frozenset:
        return f"{{{','.join(sorted(map(_of_constant, value)))}}}"
    if kind in (int, float, complex, bool, str, bytes, type(None), type(Ellipsis)):
        return f"{kind.__name__}:{value!r}"
    raise Unstable(f"a constant of type {kind.__name__}")


def of_class(cls: type) -> str:
    """The digest of how a class and its bases answer for their attributes. Raises Unstable."""
    hashed = blake2b(digest_size=16)
    for base in cls.__mro__:
        hashed.update(f"{base.__module__}.{base.__qualname__}\0".encode())
        if base.__module__ in ("builtins", "typing", "abc", "enum"):
            continue
        for name, member in sorted(vars(base).items()):
            if name not in ("__doc__", "__dict__", "__weakref__", "__module__", "__qualname__"):
                hashed.update(f"{name}={_of_member(member)}\0".encode())
    return hashed.hexdigest()


def _of_member(member) -> str:
    """What kind of attribute it is, and the code of it; data are guarded where they are read."""
    kind = type(member).__name__
    if isinstance(member, types.FunctionType):
        return f"{kind}:{of_code(member.__code__)}"
    if isinstance(member, staticmethod | classmethod):
        return f"{kind}:{_of_member(member.__func__)}"
    if isinstance(member, property):
        parts = (member.fget, member.fset, member.fdel)
        return f"{kind}:{','.join(_of_member(part) for part in parts)}"
    return kind
