"""dot, outer, cross, einsum, trace."""

from __future__ import annotations

import numpy as np

from diffsol._trace.arithmetic import apply, matmul
from diffsol._trace.numpy_map.registry import HANDLERS, array_of, handles, only_default
from diffsol._trace.reasons import Refused
from diffsol._trace.values import Array, as_node, wrap


@handles(np.dot)
def _dot(trace, a, b, out=None):
    only_default("np.dot", out=(out, None))
    a, b = as_node(trace, a), as_node(trace, b)
    if a.ndim == 0 or b.ndim == 0:
        return wrap(trace, trace.graph.elementwise("multiply", a, b))
    return matmul(trace, wrap(trace, a), wrap(trace, b))


@handles(np.vdot)
def _vdot(trace, a, b):
    a, b = array_of(trace, a).ravel(), array_of(trace, b).ravel()
    return matmul(trace, apply(trace, "conjugate", a), b)


@handles(np.inner)
def _inner(trace, a, b):
    a, b = array_of(trace, a), array_of(trace, b)
    return matmul(trace, a, b.T) if a.ndim and b.ndim else apply(trace, "multiply", a, b)


@handles(np.outer)
def _outer(trace, a, b):
    return array_of(trace, a).reshape(-1, 1) * array_of(trace, b).reshape(1, -1)


@handles(np.cross)
def _cross(trace, a, b):
    a, b = array_of(trace, a), array_of(trace, b)
    if a.shape[-1:] != (3,) or b.shape[-1:] != (3,):
        raise Refused("numpy-call", "np.cross of vectors that have not 3 components")
    x, y, z = range(3)
    rows = [
        a[..., y] * b[..., z] - a[..., z] * b[..., y],
        a[..., z] * b[..., x] - a[..., x] * b[..., z],
        a[..., x] * b[..., y] - a[..., y] * b[..., x],
    ]
    return HANDLERS[np.stack](trace, rows, -1)


@handles(np.einsum)
def _einsum(trace, subscripts, *operands):
    if not isinstance(subscripts, str) or "." in subscripts:
        raise Refused("numpy-call", "np.einsum without plain subscripts")
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if not arrow:
        output = "".join(sorted(c for c in set(inputs) - {","} if inputs.count(c) == 1))
    operands = [array_of(trace, x) for x in operands]
    if len(operands) == 1 and set(terms[0]) == set(output):
        raise Refused("numpy-call", "np.einsum as a view")
    extents = {
        c: e
        for term, x in zip(terms, operands, strict=True)
        for c, e in zip(term, x.shape, strict=True)
    }
    order = output + "".join(sorted(set(extents) - set(output)))
    product = None
    for term, x in zip(terms, operands, strict=True):
        part = _einsum_view(trace, x, term, order, extents)
        product = part if product is None else product * part
    return HANDLERS[np.sum](trace, product, axis=tuple(range(len(output), len(order))))


def _einsum_view(trace, x, term, order, extents):
    """x with its axes laid out along `order` (a repeated letter takes the diagonal)."""
    strides = [
        sum(s for c, s in zip(term, x.strides, strict=True) if c == letter) for letter in order
    ]
    shape = [extents[letter] for letter in order]
    if any(extents[c] != e for c, e in zip(term, x.shape, strict=True)):
        raise ValueError("operands could not be broadcast together in einsum")
    return Array(trace, x.storage, x.offset, tuple(strides), tuple(shape))


@handles(np.trace)
def _trace(trace, a):
    return HANDLERS[np.sum](trace, array_of(trace, a).diagonal())
