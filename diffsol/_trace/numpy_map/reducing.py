"""Sums, means, extremes, norms."""

from __future__ import annotations

import math

import numpy as np

from diffsol._graph.ops import BOOL, COMPLEX
from diffsol._trace.arithmetic import apply
from diffsol._trace.numpy_map.registry import (
    HANDLERS,
    array_of,
    handles,
    only_default,
    plain,
    plain_scalar,
)
from diffsol._trace.reasons import Refused
from diffsol._trace.values import Array, wrap


def _axes(axis, ndim):
    if axis is None:
        return tuple(range(ndim))
    axis = plain(axis)
    return tuple(
        i % ndim if -ndim <= i < ndim else _bad_axis(i, ndim)
        for i in (axis if isinstance(axis, tuple) else (axis,))
    )


def _bad_axis(axis, ndim):
    raise np.exceptions.AxisError(axis, ndim)


def reduction(name):
    def handler(trace, a, axis=None, dtype=None, out=None, keepdims=False, **more):
        only_default(name, dtype=(dtype, None), out=(out, None))
        if more:
            raise Refused("numpy-call", f"{name} with further options")
        a = array_of(trace, a)
        axes = _axes(axis, a.ndim)
        if not a.size and name in ("amax", "amin"):
            raise ValueError("zero-size array to reduction operation which has no identity")
        if name in ("amax", "amin") and a.dtype in (BOOL, COMPLEX):
            raise Refused("numpy-call", f"{name} of {a.dtype} values")
        node = trace.graph.reduce(name, a.node, axes)
        if keepdims:
            node = trace.graph.reshape(
                node, tuple(1 if i in axes else e for i, e in enumerate(a.shape))
            )
        return wrap(trace, node)

    return handler


for _name, _functions in (
    ("sum", (np.sum,)),
    ("prod", (np.prod,)),
    ("amax", (np.max, np.amax)),
    ("amin", (np.min, np.amin)),
    ("any", (np.any,)),
    ("all", (np.all,)),
):
    for _function in _functions:
        HANDLERS[_function] = reduction(_name)


@handles(np.mean)
def _mean(trace, a, axis=None, keepdims=False):
    a = array_of(trace, a)
    count = math.prod(a.shape[i] for i in _axes(axis, a.ndim))
    return HANDLERS[np.sum](trace, a, axis=axis, keepdims=keepdims) / float(count)


@handles(np.average)
def _average(trace, a, axis=None, weights=None):
    if weights is None:
        return _mean(trace, a, axis)
    a, weights = array_of(trace, a), array_of(trace, weights)
    if weights.shape != a.shape:
        if weights.ndim != 1 or axis is None:
            raise Refused("numpy-call", "np.average with weights of another shape")
        (place,) = _axes(axis, a.ndim)
        weights = weights.reshape([-1 if i == place else 1 for i in range(a.ndim)])
        weights = HANDLERS[np.broadcast_to](trace, weights, a.shape)
    total = HANDLERS[np.sum]
    return total(trace, a * weights, axis=axis) / total(trace, weights, axis=axis)


@handles(np.var)
def _var(trace, a, axis=None, ddof=0):
    a = array_of(trace, a)
    if a.dtype == COMPLEX:
        raise Refused("numpy-call", "var of complex values")
    count = math.prod(a.shape[i] for i in _axes(axis, a.ndim)) - plain(ddof)
    deviation = a - _mean(trace, a, axis, keepdims=True)
    return HANDLERS[np.sum](trace, deviation * deviation, axis=axis) / float(count)


@handles(np.std)
def _std(trace, a, axis=None, ddof=0):
    return apply(trace, "sqrt", _var(trace, a, axis, ddof))


@handles(np.cumsum)
def _cumsum(trace, a, axis=None):
    a = array_of(trace, a)
    if axis is None:
        a, axis = a.ravel(), 0
    return Array.of(trace, trace.graph.cumsum(a.node, plain(axis) % a.ndim))


@handles(np.linalg.norm)
def _norm(trace, x, ord=None, axis=None, keepdims=False):
    x = array_of(trace, x)
    vector = x.ndim == 1 or isinstance(plain(axis), int)
    if not (ord is None or (vector and plain(ord) == 2)):
        raise Refused("numpy-call", f"np.linalg.norm(ord={ord})")
    squares = x * x if x.dtype != COMPLEX else x.real * x.real + x.imag * x.imag
    return plain_scalar(
        apply(trace, "sqrt", HANDLERS[np.sum](trace, squares, axis=axis, keepdims=keepdims))
    )
