"""The table of handlers, and what all of them use."""

from __future__ import annotations

import operator

import numpy as np

from diffsol._trace.guards import OutsideInt
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar, Traced, is_py
from diffsol._trace.values import Array, as_node

HANDLERS: dict = {}


def handles(*functions):
    def register(handler):
        for function in functions:
            HANDLERS[function] = handler
        return handler

    return register


def plain(value):
    """Sizes, axes and the like: ints from outside and traced constants become plain ints."""
    if isinstance(value, (tuple, list)):
        return type(value)(plain(v) for v in value)
    if isinstance(value, (OutsideInt, Traced)):
        return operator.index(value)
    return value


def array_of(trace, value) -> Array:
    """np.asarray(value), sharing memory with an Array as NumPy does."""
    return value if isinstance(value, Array) else Array.of(trace, as_node(trace, value))


def only_default(name, **given):
    for key, (value, default) in given.items():
        if value is not default:
            raise Refused("numpy-call", f"{name}({key}=...)")


def as_scalar(trace, value):
    return (
        value if isinstance(value, Scalar) else Scalar(trace, as_node(trace, value), is_py(value))
    )


def plain_scalar(value):
    return Scalar(value.trace, value.node) if isinstance(value, Scalar) else value


def store(out, result):
    """`out=` of a NumPy function."""
    if not np.can_cast(result.dtype, out.dtype, "same_kind"):
        raise TypeError(f"cannot cast the output from {result.dtype} to {out.dtype}")
    out[...] = result
    return out
