"""Which values of the tracer are known now, so that functions may really be called with them."""

from __future__ import annotations

import numpy as np

from diffsol._trace.frames import Function, Method
from diffsol._trace.guards import Outside, OutsideInt, unpin
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Foreign, Scalar, Traced
from diffsol._trace.values import Array


def hashable(function):
    try:
        hash(function)
    except TypeError:
        return False
    return True


def is_symbolic(value):
    """Is there anything in the value that only the tracer understands?"""
    if isinstance(value, Traced | Foreign | Outside | OutsideInt | Function | Method):
        return True
    if type(value) in (list, set, frozenset) or isinstance(value, tuple):
        return any(is_symbolic(v) for v in value)
    return type(value) is dict and any(is_symbolic(v) for v in (*value, *value.values()))


def is_constant(value):
    if isinstance(value, Traced):
        return value.node.value is not None
    if type(value) in (list, tuple):
        return all(is_constant(v) for v in value)
    if type(value) in (dict, set, frozenset):
        return not is_symbolic(value)
    return not isinstance(value, Outside | Function | Method)


def constant(value):
    if isinstance(value, Traced):
        known = value.node.value
        return known[()] if isinstance(value, Scalar) else np.array(known)
    if type(value) in (list, tuple):
        return type(value)(constant(v) for v in value)
    return unpin(value)


def absorb(trace, result):
    """What a real call gave, as machine values."""
    if isinstance(result, np.ndarray):
        try:
            return Array.of(trace, trace.graph.const(result), c_order=result.flags.c_contiguous)
        except TypeError:
            raise Refused("dtype", f"an array of dtype {result.dtype}") from None
    if isinstance(result, tuple):
        parts = [absorb(trace, r) for r in result]
        return type(result)(*parts) if hasattr(result, "_fields") else tuple(parts)
    return result
