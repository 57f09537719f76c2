"""Quadrature, differences, polynomials and other small formulas, term by term as NumPy has them."""

from __future__ import annotations

import math

import numpy as np

from diffsol._graph.ops import BOOL, COMPLEX, INT
from diffsol._trace.arithmetic import apply
from diffsol._trace.guards import OutsideInt
from diffsol._trace.numpy_map.registry import HANDLERS, array_of, handles, plain, plain_scalar
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Traced
from diffsol._trace.values import Array, as_node, wrap

LONGEST_KERNEL = 64  # of a convolution, whose products are written out


def _axis(a, axis):
    axis = plain(axis)
    if not -a.ndim <= axis < a.ndim:
        raise np.exceptions.AxisError(axis, a.ndim)
    return axis % a.ndim


def _along(axis, part):
    """The key that applies a slice (or an int) to one axis."""
    return (*(slice(None),) * axis, part)


def trapezoid(trace, y, x=None, dx=1.0, axis=-1):
    y = array_of(trace, y)
    axis = _axis(y, axis)
    if x is not None:
        x = array_of(trace, x)
        dx = HANDLERS[np.diff](trace, x, axis=-1 if x.ndim == 1 else axis)
        if x.ndim == 1:
            dx = dx.reshape([-1 if k == axis else 1 for k in range(y.ndim)])
    pairs = y[_along(axis, slice(1, None))] + y[_along(axis, slice(None, -1))]
    return HANDLERS[np.sum](trace, apply(trace, "multiply", dx, pairs) / 2.0, axis=axis)


for _name in ("trapezoid", "trapz"):  # the older name went with NumPy 2.4
    if hasattr(np, _name):
        HANDLERS[getattr(np, _name)] = trapezoid


# --- gradient -----------------------------------------------------------------------------------------


@handles(np.gradient)
def _gradient(trace, f, *varargs, axis=None, edge_order=1):
    f = array_of(trace, f)
    axis, edge_order = plain(axis), plain(edge_order)
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    if f.dtype != COMPLEX:
        f = f.astype(float)
    axes = range(f.ndim) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
    axes = [_axis(f, k) for k in axes]
    spacings = [_spacing(trace, h, f.shape[k]) for h, k in _paired(varargs, axes)]
    result = []
    for k, h in zip(axes, spacings, strict=True):
        if f.shape[k] < edge_order + 1:
            raise ValueError("Shape of array too small to calculate a numerical gradient")
        result.append(_derivative(trace, f, k, h, edge_order))
    return result[0] if len(result) == 1 else tuple(result)


def _paired(varargs, axes):
    if not varargs:
        varargs = (1.0,)
    if len(varargs) == 1 and (
        not isinstance(varargs[0], (list, tuple)) and getattr(varargs[0], "ndim", 0) == 0
    ):
        varargs = varargs * len(axes)
    if len(varargs) != len(axes):
        raise TypeError("invalid number of arguments")
    return zip(varargs, axes, strict=True)


def _spacing(trace, h, extent):
    """A number, or the array of distances (fixed) where they are not all the same."""
    if isinstance(h, OutsideInt):
        return h
    if isinstance(h, (int, float)) or isinstance(h, Traced) and h.ndim == 0:
        return h
    places = array_of(trace, h)
    if places.ndim != 1 or places.size != extent:
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    distances = np.diff(trace.concrete(places).astype(float))
    return float(distances[0]) if (distances == distances[0]).all() else distances


def _derivative(trace, f, axis, h, edge_order):
    def part(start, stop):
        return f[_along(axis, slice(start, stop or None))]

    if isinstance(h, np.ndarray):
        inner = _weighted(_inner_weights(h[:-1], h[1:], f.ndim, axis), part, (0, 1, 2), (-2, -1, 0))
        first, last = h[:2], h[-2:]
    else:
        inner = (part(2, 0) - part(0, -2)) / apply(trace, "multiply", 2.0, h)
        first = last = h
    if edge_order == 1:
        steps = (h[0], h[-1]) if isinstance(h, np.ndarray) else (h, h)
        ends = (part(1, 2) - part(0, 1)) / steps[0], (part(-1, 0) - part(-2, -1)) / steps[1]
    else:
        n = f.shape[axis]
        ends = tuple(
            _weighted(weights, part, starts, [s + 1 for s in starts])
            for weights, starts in (
                (_first_weights(trace, first), (0, 1, 2)),
                (_last_weights(trace, last), (n - 3, n - 2, n - 1)),
            )
        )
    return HANDLERS[np.concatenate](trace, [ends[0], inner, ends[1]], axis)


def _weighted(weights, part, starts, stops):
    a, b, c = (part(s, e) for s, e in zip(starts, stops, strict=True))
    return weights[0] * a + weights[1] * b + weights[2] * c


def _inner_weights(d1, d2, ndim, axis):
    shape = [-1 if k == axis else 1 for k in range(ndim)]
    weights = (-d2 / (d1 * (d1 + d2)), (d2 - d1) / (d1 * d2), d1 / (d2 * (d1 + d2)))
    return [w.reshape(shape) for w in weights]


def _first_weights(trace, h):
    if isinstance(h, np.ndarray):
        d1, d2 = h.tolist()
        return (
            -(2.0 * d1 + d2) / (d1 * (d1 + d2)),
            (d1 + d2) / (d1 * d2),
            -d1 / (d2 * (d1 + d2)),
        )
    return [apply(trace, "divide", w, h) for w in (-1.5, 2.0, -0.5)]


def _last_weights(trace, h):
    if isinstance(h, np.ndarray):
        d1, d2 = h.tolist()
        return (
            d2 / (d1 * (d1 + d2)),
            -(d2 + d1) / (d1 * d2),
            (2.0 * d2 + d1) / (d2 * (d1 + d2)),
        )
    return [apply(trace, "divide", w, h) for w in (0.5, -2.0, 1.5)]


# --- polynomials, convolution, and further formulas -----------------------------------------------------


@handles(np.polyval)
def _polyval(trace, p, x):
    coefficients = array_of(trace, p)
    x = wrap(trace, as_node(trace, x))
    total = wrap(trace, HANDLERS[np.zeros_like](trace, x).node)
    for k in range(coefficients.size):
        total = apply(trace, "add", apply(trace, "multiply", total, x), coefficients[k])
    return total


@handles(np.vander)
def _vander(trace, x, N=None, increasing=False):
    x = array_of(trace, x)
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    count = x.size if N is None else plain(N)
    columns = [HANDLERS[np.ones_like](trace, x)]
    while len(columns) < count:
        columns.append(columns[-1] * x)
    columns = columns[:count] if plain(increasing) else columns[:count][::-1]
    return HANDLERS[np.stack](trace, columns, 1)


@handles(np.convolve)
def _convolve(trace, a, v, mode="full"):
    a, v = (array_of(trace, HANDLERS[np.atleast_1d](trace, x)) for x in (a, v))
    if v.size > a.size:
        a, v = v, a
    if not v.size:
        raise ValueError("a and v cannot be empty")
    if v.size > LONGEST_KERNEL or mode not in ("full", "same", "valid"):
        raise Refused("numpy-call", f"np.convolve with {v.size} weights, mode {mode!r}")
    pad = v.size - 1
    for x in (a, v):  # NumPy does not multiply beyond the ends, where we multiply by zero
        finite = trace.graph.reduce("all", trace.graph.elementwise("isfinite", x.node), (0,))
        trace.trap_if(trace.graph.elementwise("logical_not", finite))
    wide = HANDLERS[np.pad](trace, a, pad)
    total = None
    for k in range(v.size):
        term = wide[pad - k : pad - k + a.size + pad] * v[k]
        total = term if total is None else total + term
    start, count = {"full": (0, a.size + pad), "same": (pad // 2, a.size)}.get(
        mode, (pad, a.size - pad)
    )
    return total[start : start + count]


@handles(np.sinc)
def _sinc(trace, x):
    y = apply(trace, "multiply", math.pi, wrap(trace, as_node(trace, x)))
    y = apply(trace, "select", apply(trace, "equal", y, 0.0), np.finfo(float).eps, y)
    return plain_scalar(apply(trace, "sin", y) / y)


@handles(np.nan_to_num)
def _nan_to_num(trace, x, copy=True, nan=0.0, posinf=None, neginf=None):
    x = wrap(trace, as_node(trace, x))
    if x.dtype == COMPLEX or plain(copy) is not True:
        raise Refused("numpy-call", "np.nan_to_num of complex values or in place")
    if x.dtype in (BOOL, INT):
        return plain_scalar(x)
    limits = np.finfo(float)
    high, low = (
        (limits.max if posinf is None else posinf),
        (limits.min if neginf is None else neginf),
    )
    for name, value in (("isnan", nan), ("greater", high), ("less", low)):
        bounds = () if name == "isnan" else (limits.max if name == "greater" else limits.min,)
        x = apply(trace, "select", apply(trace, name, x, *bounds), value, x)
    return plain_scalar(x)


@handles(np.cumprod)
def _cumprod(trace, a, axis=None):
    a = array_of(trace, a)
    a, axis = (a.ravel(), 0) if axis is None else (a, _axis(a, axis))
    if not 0 < a.shape[axis] <= LONGEST_KERNEL:
        raise Refused("numpy-call", f"np.cumprod of {a.shape[axis]} factors")
    parts = [a[_along(axis, slice(0, 1))]]
    for k in range(1, a.shape[axis]):
        parts.append(parts[-1] * a[_along(axis, slice(k, k + 1))])
    return HANDLERS[np.concatenate](trace, parts, axis)


@handles(np.fill_diagonal)
def _fill_diagonal(trace, a, val, wrap=False):
    if not isinstance(a, Array) or a.ndim != 2 or plain(wrap):
        raise Refused("numpy-call", "np.fill_diagonal of other than a matrix")
    if as_node(trace, val).ndim:
        raise Refused("numpy-call", "np.fill_diagonal with several values")
    places = np.arange(min(a.shape))
    a[places, places] = val


@handles(np.block)
def _block(trace, arrays):
    def joined(part, axis):
        if not isinstance(part, list):
            return HANDLERS[np.atleast_2d if depth > 1 else np.atleast_1d](trace, part)
        return HANDLERS[np.concatenate](trace, [joined(p, axis + 1) for p in part], axis - depth)

    depth, first = 0, arrays
    while isinstance(first, list) and first:
        depth, first = depth + 1, first[0]
    if depth not in (1, 2):
        raise Refused("numpy-call", "np.block of other than lists of one or two levels")
    return joined(arrays, 0)


@handles(np.ptp)
def _ptp(trace, a, axis=None):
    return HANDLERS[np.max](trace, a, axis=axis) - HANDLERS[np.min](trace, a, axis=axis)


@handles(np.kron)
def _kron(trace, a, b):
    a, b = array_of(trace, a), array_of(trace, b)
    if a.ndim != b.ndim or a.ndim not in (1, 2):
        raise Refused("numpy-call", "np.kron of arrays of different ranks")
    product = a.reshape([x for e in a.shape for x in (e, 1)]) * b.reshape(
        [x for e in b.shape for x in (1, e)]
    )
    return product.reshape([m * n for m, n in zip(a.shape, b.shape, strict=True)])


@handles(np.tensordot)
def _tensordot(trace, a, b, axes=2):
    a, b, axes = array_of(trace, a), array_of(trace, b), plain(axes)
    if isinstance(axes, int):
        axes = (list(range(a.ndim - axes, a.ndim)), list(range(axes)))
    left, right = ([x] if isinstance(x, int) else list(x) for x in axes)
    left, right = [_axis(a, k) for k in left], [_axis(b, k) for k in right]
    if [a.shape[k] for k in left] != [b.shape[k] for k in right]:
        raise ValueError("shape-mismatch for sum")
    rows, columns = ([k for k in range(x.ndim) if k not in s] for x, s in ((a, left), (b, right)))
    depth = math.prod(a.shape[k] for k in left)
    first = a.transpose((*rows, *left)).reshape(-1, depth)
    second = b.transpose((*right, *columns)).reshape(depth, -1)
    shape = [a.shape[k] for k in rows] + [b.shape[k] for k in columns]
    node = trace.graph.matmul(first.node, second.node)
    return Array.of(trace, trace.graph.reshape(node, tuple(shape)))
