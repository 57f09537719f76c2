"""Keys of NumPy's indexing as they stand in traced code: plain ones made of known integers, masks, slices."""

from __future__ import annotations

import operator

import numpy as np

from diffsol._graph.ops import BOOL, INT
from diffsol._trace import values
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar


def index_kind(key):
    """("basic" | "advanced" | "mask", key with plain ints and arrays)."""
    if isinstance(key, values.Array) and key.dtype == BOOL and key.node.value is None:
        return "mask", key
    parts = [index_part(k) for k in (key if isinstance(key, tuple) else (key,))]
    advanced = any(isinstance(k, (list, np.ndarray)) for k in parts)
    return ("advanced" if advanced else "basic"), (
        tuple(parts) if isinstance(key, tuple) else parts[0]
    )


def has_ellipsis(key):
    return any(k is Ellipsis for k in (key if isinstance(key, tuple) else (key,)))


def as_view_key(key):
    """The key with an Ellipsis, so that NumPy makes a view (and reads nothing) even of one element."""
    key = key if isinstance(key, tuple) else (key,)
    return key if has_ellipsis(key) else (*key, ...)


def index_part(part):
    if isinstance(part, slice):
        return slice(
            *(None if x is None else operator.index(x) for x in (part.start, part.stop, part.step))
        )
    if part is None or part is Ellipsis:
        return part
    if isinstance(part, (bool, np.bool_)) or (isinstance(part, Scalar) and part.dtype == BOOL):
        raise Refused("numpy-call", "a truth value as index")
    if isinstance(part, values.Array):
        return part.trace.concrete(part)
    if isinstance(part, (list, np.ndarray)):
        return np.asarray([index_part(x) for x in part])
    if isinstance(part, Scalar) and part.dtype not in (INT, BOOL):
        raise IndexError("only integers are valid indices")
    return operator.index(part)
