"""isclose, allclose and rounding to decimals, by NumPy's formulas."""

from __future__ import annotations

import numpy as np

from diffsol._graph.ops import COMPLEX, FLOAT
from diffsol._trace.arithmetic import apply
from diffsol._trace.numpy_map.registry import HANDLERS, handles, only_default, plain, plain_scalar
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar
from diffsol._trace.values import as_node, wrap


def _operand(trace, value):
    return wrap(trace, as_node(trace, value))


@handles(np.isclose)
def _isclose(trace, a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    a, b = _operand(trace, a), _operand(trace, b)
    if FLOAT not in (a.dtype, b.dtype) or COMPLEX in (a.dtype, b.dtype):
        raise Refused("numpy-call", "np.isclose of other than floats")
    allowed = apply(trace, "add", atol, apply(trace, "multiply", rtol, abs(b)))
    near = apply(trace, "less_equal", abs(a - b), allowed)
    near = apply(trace, "logical_and", near, apply(trace, "isfinite", b))
    near = apply(trace, "logical_or", near, apply(trace, "equal", a, b))
    if plain(equal_nan):
        both = apply(trace, "logical_and", apply(trace, "isnan", a), apply(trace, "isnan", b))
        near = apply(trace, "logical_or", near, both)
    return plain_scalar(near)


@handles(np.allclose)
def _allclose(trace, a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    near = _isclose(trace, a, b, rtol, atol, equal_nan)
    return Scalar(trace, HANDLERS[np.all](trace, near).node, True)


@handles(np.round, np.around)
def _round(trace, a, decimals=0, out=None):
    """numpy/_core/src/multiarray/calculation.c, PyArray_Round: scaled, rounded, and scaled back."""
    only_default("np.round", out=(out, None))
    a, decimals = _operand(trace, a), plain(decimals)
    if a.dtype != FLOAT:
        raise Refused("numpy-call", f"np.round of {a.dtype} values")
    scale = 10.0 ** abs(decimals)
    if decimals == 0:
        return plain_scalar(apply(trace, "rint", a))
    there, back = ("multiply", "divide") if decimals > 0 else ("divide", "multiply")
    rounded = apply(trace, "rint", apply(trace, there, a, scale))
    return plain_scalar(apply(trace, back, rounded, scale))
