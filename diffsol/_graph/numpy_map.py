"""NumPy, math and built-in functions on traced values: one entry each.

`HANDLERS` maps the callable to handler(trace, *args, **kwargs). Elementwise functions need no
handler: they come from the operator table. `PURE` says which further functions may be called at
once when nothing traced is among the arguments.
"""

from __future__ import annotations

import builtins
import functools
import math
import operator

import numpy as np

from diffsol._graph.ops import ALIASES, BOOL, COMPLEX, ELEMENTWISE, FLOAT, INT
from diffsol._graph.outside import Outside, OutsideInt, unpin
from diffsol._graph.reasons import Refused
from diffsol._graph.values import (
    Array,
    Scalar,
    Traced,
    apply,
    as_node,
    is_py,
    matmul,
    stack,
    traced_dtype,
    wrap,
)

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


def _no(name, **given):
    for key, (value, default) in given.items():
        if value is not default:
            raise Refused("unknown-call", f"{name}({key}=...)")


# --- elementwise: ufuncs and math --------------------------------------------------------------

OPERATORS: dict = dict(ALIASES)
MATH: dict = {}
for _row in ELEMENTWISE.values():
    if isinstance(_row.reference, np.ufunc):
        OPERATORS[_row.reference] = _row.name
    for _function in _row.numpy:
        OPERATORS[_function] = _row.name
    for _function in _row.math:
        MATH[_function] = _row.name
OPERATORS.update(
    {
        np.bitwise_and: "logical_and",
        np.bitwise_or: "logical_or",
        np.bitwise_xor: "logical_xor",
        np.invert: "logical_not",
        np.matmul: "matmul",
    }
)


def call_ufunc(trace, ufunc, *operands, out=None, **options):
    if options:
        raise Refused("unknown-call", f"np.{ufunc.__name__}({', '.join(options)}=...)")
    name = OPERATORS.get(ufunc)
    if (
        name == "absolute"
        and ufunc is np.fabs
        and any(as_node(trace, x).dtype == COMPLEX for x in operands)
    ):
        raise TypeError("ufunc 'fabs' not supported for the input types")
    if len(operands) == (ELEMENTWISE[name].arity if name in ELEMENTWISE else 2) + 1:
        *operands, out = operands
    if name == "matmul":
        result = matmul(trace, *operands)
    else:
        if name.startswith("logical_") and ufunc.__name__.startswith("logical_"):
            operands = [wrap(trace, trace.graph.cast(as_node(trace, x), BOOL)) for x in operands]
        elif name == "power" and ufunc is np.power and isinstance(operands[1], OutsideInt):
            operands = (operands[0], operands[1].pinned())
        result = apply(trace, name, *operands)
    result = Scalar(trace, result.node) if isinstance(result, Scalar) else result
    if out is None:
        return result
    if isinstance(out, (tuple, list)):
        (out,) = out
    out[...] = result
    return out


def call_math(trace, function, *operands):
    for x in operands:
        if isinstance(x, Array) and x.size != 1 or isinstance(x, Traced) and x.dtype == COMPLEX:
            raise TypeError("must be real number")
    operands = [
        Scalar(trace, trace.graph.reshape(x.node, ())) if isinstance(x, Array) else x
        for x in operands
    ]
    result = apply(trace, MATH[function], *operands)
    return Scalar(trace, result.node, True)


@handles(math.pow)
def _math_pow(trace, x, y):
    return Scalar(trace, apply(trace, "power", x, unpin(y)).node, True)


@handles(math.log)
def _math_log(trace, x, base=None):
    top = apply(trace, "log", x)
    value = top if base is None else apply(trace, "divide", top, apply(trace, "log", base))
    return Scalar(trace, as_node(trace, value), True)


@handles(math.degrees, np.degrees, np.rad2deg)
def _degrees(trace, x):
    return apply(trace, "multiply", x, 180.0 / math.pi)


@handles(math.radians, np.radians, np.deg2rad)
def _radians(trace, x):
    return apply(trace, "multiply", x, math.pi / 180.0)


@handles(math.floor, math.ceil, math.trunc, int)
def _to_int(trace, x, _name="trunc"):
    node = as_node(trace, x)
    if node.shape != () or node.dtype == COMPLEX:
        raise TypeError("must be real number")
    return Scalar(trace, trace.graph.cast(node, INT), True)


HANDLERS[math.floor] = lambda trace, x: _to_int(trace, apply(trace, "floor", x))
HANDLERS[math.ceil] = lambda trace, x: _to_int(trace, apply(trace, "ceil", x))


# --- built-ins -----------------------------------------------------------------------------------


@handles(float)
def _float(trace, x):
    node = as_node(trace, x)
    if node.size != 1 or node.ndim > 0 or node.dtype == COMPLEX:
        raise TypeError("only 0-dimensional real arrays can be converted to float")
    return Scalar(trace, trace.graph.cast(node, FLOAT), True)


@handles(complex)
def _complex(trace, re, im=0.0):
    re, im = as_node(trace, re), as_node(trace, im)
    if COMPLEX in (re.dtype, im.dtype):
        raise Refused("unknown-call", "complex() of complex values")
    return Scalar(trace, trace.graph.elementwise("make_complex", re, im), True)


@handles(bool)
def _bool(trace, x):
    return Scalar(trace, trace.graph.cast(as_node(trace, x), BOOL), True)


@handles(np.float64)
def _float64(trace, x):
    return wrap(trace, trace.graph.cast(as_node(trace, x), FLOAT))


@handles(np.complex128)
def _complex128(trace, x):
    return wrap(trace, trace.graph.cast(as_node(trace, x), COMPLEX))


def _extreme(trace, compare, items, key=None, default=None):
    if key is not None or default is not None:
        raise Refused("unknown-call", "min/max with key or default")
    items = list(items[0] if len(items) == 1 else items)
    best = items[0]
    for item in items[1:]:
        if any(isinstance(x, Array) and x.shape != () for x in (best, item)):
            raise ValueError("The truth value of an array with more than one element is ambiguous.")
        if not isinstance(item, Traced) and not isinstance(best, Traced):
            best = item if (item > best if compare == "greater" else item < best) else best
            continue
        first, second = as_scalar(trace, item), as_scalar(trace, best)
        chosen = apply(trace, compare, first, second)
        best = Scalar(
            trace,
            trace.graph.elementwise("select", chosen.node, first.node, second.node),
            is_py(item) and is_py(best),
        )
    return best


def as_scalar(trace, value):
    return (
        value if isinstance(value, Scalar) else Scalar(trace, as_node(trace, value), is_py(value))
    )


HANDLERS[builtins.max] = lambda trace, *items, **more: _extreme(trace, "greater", items, **more)
HANDLERS[builtins.min] = lambda trace, *items, **more: _extreme(trace, "less", items, **more)


@handles(isinstance)
def _isinstance(trace, value, types):
    return isinstance(_exemplar(trace, value), _plain_types(types))


def _plain_types(types):
    if isinstance(types, Outside):
        return types.value
    return tuple(_plain_types(t) for t in types) if isinstance(types, tuple) else types


@handles(type)
def _type(trace, value):
    return type(_exemplar(trace, value))


@handles(callable)
def _callable(trace, value):
    return callable(_exemplar(trace, value))


@handles(np.isscalar)
def _isscalar(trace, value):
    return np.isscalar(_exemplar(trace, value))


@handles(np.iscomplexobj)
def _iscomplexobj(trace, value):
    return np.iscomplexobj(_exemplar(trace, value))


def _exemplar(trace, value):
    """A real object of the type that the traced value stands for."""
    if isinstance(value, Scalar):
        exact = value.dtype.type(0)
        if value.node.op == "time":
            raise Refused("concrete-value", "the type of t: SciPy passes float and numpy.float64")
        return exact.item() if value.py else exact
    if isinstance(value, Array):
        return np.empty(value.shape, value.dtype)
    return value.value if isinstance(value, (Outside, OutsideInt)) else value


# --- making arrays ---------------------------------------------------------------------------------


@handles(np.array, np.asarray, np.asanyarray, np.ascontiguousarray)
def _array(trace, value, dtype=None, copy=True, ndmin=0, **more):
    if more or ndmin:
        raise Refused("unknown-call", "np.array with further options")
    node = as_node(trace, value)
    if dtype is not None:
        target = traced_dtype(dtype)
        if node.dtype == COMPLEX and target != COMPLEX:
            raise Refused("complex-to-real", "np.array of complex values as real")
        node = trace.graph.cast(node, target)
    return Array.of(trace, node)


def _asarray(trace, value, dtype=None, **more):
    if isinstance(value, Array) and (dtype is None or traced_dtype(dtype) == value.dtype):
        return value
    return _array(trace, value, dtype, **more)


HANDLERS[np.asarray] = HANDLERS[np.asanyarray] = _asarray
HANDLERS[np.ascontiguousarray] = _asarray


@handles(np.copy)
def _copy(trace, value, order="K"):
    return Array.of(trace, as_node(trace, value))


def _filled(trace, shape, value, dtype):
    shape = plain(shape)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if isinstance(value, (Traced, OutsideInt, Outside)):
        node = as_node(trace, value)
        node = node if dtype is None else trace.graph.cast(node, traced_dtype(dtype))
        return Array.of(trace, trace.graph.broadcast(node, shape))
    made = np.full((), value, dtype=None if dtype is None else traced_dtype(dtype))
    return Array.of(trace, trace.graph.broadcast(trace.graph.const(made), shape))


@handles(np.zeros)
def _zeros(trace, shape, dtype=float, order="C"):
    return _filled(trace, shape, 0, dtype)


@handles(np.ones)
def _ones(trace, shape, dtype=float, order="C"):
    return _filled(trace, shape, 1, dtype)


# an element of np.empty that is never assigned is arbitrary in NumPy, zero here
HANDLERS[np.empty] = _zeros


@handles(np.full)
def _full(trace, shape, value, dtype=None, order="C"):
    return _filled(trace, shape, value, dtype)


def _like(value):
    def handler(trace, prototype, *fill, dtype=None, order="K", shape=None):
        prototype = array_of(trace, prototype)
        return _filled(
            trace,
            prototype.shape if shape is None else shape,
            *(fill or (value,)),
            prototype.dtype if dtype is None else dtype,
        )

    return handler


HANDLERS[np.zeros_like] = HANDLERS[np.empty_like] = _like(0)
HANDLERS[np.ones_like] = _like(1)
HANDLERS[np.full_like] = _like(None)


@handles(np.linspace)
def _linspace(trace, start, stop, num=50, endpoint=True, **more):
    if more:
        raise Refused("unknown-call", "np.linspace with further options")
    num = plain(num)
    steps = np.arange(num, dtype=float)
    divisor = max(num - 1 if endpoint else num, 1)
    step = apply(trace, "divide", apply(trace, "subtract", stop, start), float(divisor))
    return apply(trace, "add", apply(trace, "multiply", steps, step), start)


@handles(np.diag)
def _diag(trace, v, k=0):
    v = array_of(trace, v)
    k = plain(k)
    if v.ndim == 2:
        return v.diagonal(k).copy()
    index = np.diag(np.arange(1, v.size + 1), k)
    node = trace.graph.put(
        trace.graph.const(np.zeros(index.shape, v.dtype)), v.node, np.flatnonzero(index)
    )
    return Array.of(trace, node)


# --- rearranging -------------------------------------------------------------------------------------


def _method(name):
    return lambda trace, a, *args, **kwargs: getattr(array_of(trace, a), name)(*args, **kwargs)


for _function, _name in (
    (np.reshape, "reshape"),
    (np.ravel, "ravel"),
    (np.transpose, "transpose"),
    (np.squeeze, "squeeze"),
    (np.swapaxes, "swapaxes"),
    (np.diagonal, "diagonal"),
):
    HANDLERS[_function] = _method(_name)


def _view_function(function):
    """A NumPy function whose result is always a view of its first argument."""
    return lambda trace, a, *args, **kwargs: array_of(trace, a)._viewed(
        lambda x: function(x, *(plain(v) for v in args), **{k: plain(v) for k, v in kwargs.items()})
    )


for _function in (
    np.expand_dims,
    np.moveaxis,
    np.broadcast_to,
    np.flip,
    np.fliplr,
    np.flipud,
    np.atleast_1d,
    np.atleast_2d,
    np.rollaxis,
):
    HANDLERS[_function] = _view_function(_function)


def _moved(function):
    """A NumPy function that only moves elements: applied to their positions."""

    def handler(trace, a, *args, **kwargs):
        a = array_of(trace, a)
        positions = np.arange(a.size).reshape(a.shape)
        index = function(
            positions, *(plain(v) for v in args), **{k: plain(v) for k, v in kwargs.items()}
        )
        return Array.of(trace, trace.graph.take(a.node, index))

    return handler


for _function in (np.tile, np.repeat, np.rot90, np.delete):
    HANDLERS[_function] = _moved(_function)


@handles(np.roll)
def _roll(trace, a, shift, axis=None):
    a, shift = array_of(trace, a), plain(shift)
    if axis is None:
        return _roll(trace, a.ravel(), shift, 0).reshape(a.shape)
    if isinstance(shift, tuple) or isinstance(axis, tuple):
        return _moved(np.roll)(trace, a, shift, axis)
    axis = plain(axis) % a.ndim
    shift %= max(a.shape[axis], 1)
    if shift == 0:
        return a.copy()
    before = (slice(None),) * axis
    return _concatenate(
        trace, [a[(*before, slice(-shift, None))], a[(*before, slice(None, -shift))]], axis
    )


@handles(np.diff)
def _diff(trace, a, n=1, axis=-1):
    a = array_of(trace, a)
    axis = plain(axis) % a.ndim
    before = (slice(None),) * axis
    for _ in range(plain(n)):
        a = a[(*before, slice(1, None))] - a[(*before, slice(None, -1))]
    return a


@handles(np.gradient)
def _gradient(trace, f, *spacing, axis=None, edge_order=1):
    f = array_of(trace, f)
    if f.ndim != 1 or len(spacing) > 1 or edge_order != 1 or f.size < 2:
        raise Refused("unknown-call", "np.gradient beyond one axis and a scalar spacing")
    h = spacing[0] if spacing else 1.0
    if isinstance(h, Array) and h.shape != ():
        raise Refused("unknown-call", "np.gradient with uneven spacing")
    inner = (f[2:] - f[:-2]) / apply(trace, "multiply", as_scalar(trace, h), 2.0)
    ends = [(f[1] - f[0]) / h, (f[-1] - f[-2]) / h]
    return _concatenate(trace, [stacked(trace, ends[:1]), inner, stacked(trace, ends[1:])])


def stacked(trace, values):
    return Array.of(trace, stack(trace, values))


def _local_list(trace, arrays):
    if isinstance(arrays, Outside):
        arrays = trace.local_copy(arrays)
    return [array_of(trace, a) for a in arrays]


@handles(np.concatenate)
def _concatenate(trace, arrays, axis=0):
    arrays = _local_list(trace, arrays)
    if axis is None:
        arrays, axis = [a.ravel() for a in arrays], 0
    axis = plain(axis)
    if not arrays or any(a.ndim == 0 for a in arrays):
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    axis %= arrays[0].ndim
    rest = {(*a.shape[:axis], *a.shape[axis + 1 :]) for a in arrays}
    if len(rest) > 1:
        raise ValueError(
            "all the input array dimensions except for the concatenation axis must match exactly"
        )
    return Array.of(trace, trace.graph.concat([a.node for a in arrays], axis))


@handles(np.stack)
def _stack(trace, arrays, axis=0):
    arrays = _local_list(trace, arrays)
    axis = plain(axis)
    return _concatenate(
        trace,
        [HANDLERS[np.expand_dims](trace, a, axis) for a in arrays],
        axis % (arrays[0].ndim + 1),
    )


@handles(np.hstack)
def _hstack(trace, arrays):
    arrays = [a if a.ndim else a.reshape(1) for a in _local_list(trace, arrays)]
    return _concatenate(trace, arrays, 0 if arrays[0].ndim == 1 else 1)


@handles(np.vstack)
def _vstack(trace, arrays):
    return _concatenate(
        trace, [HANDLERS[np.atleast_2d](trace, a) for a in _local_list(trace, arrays)]
    )


@handles(np.column_stack)
def _column_stack(trace, arrays):
    return _concatenate(
        trace, [a.reshape(-1, 1) if a.ndim < 2 else a for a in _local_list(trace, arrays)], 1
    )


@handles(np.append)
def _append(trace, a, values, axis=None):
    return _concatenate(trace, [a, values], axis)


def r_getitem(trace, key):
    """np.r_[...] of arrays, scalars and slices along the first axis."""
    parts = []
    for part in key if isinstance(key, tuple) else (key,):
        if isinstance(part, str):
            raise Refused("unknown-call", "np.r_ with a directive")
        if isinstance(part, slice):
            part = np.r_[slice(*(plain(x) for x in (part.start, part.stop, part.step)))]
        part = array_of(trace, part)
        parts.append(part if part.ndim else part.reshape(1))
    return _concatenate(trace, parts)


@handles(np.meshgrid)
def _meshgrid(trace, *arrays, indexing="xy"):
    arrays = [array_of(trace, a).ravel() for a in arrays]
    index = np.meshgrid(*(np.arange(a.size) for a in arrays), indexing=indexing)
    return [
        Array.of(trace, trace.graph.take(a.node, i)) for a, i in zip(arrays, index, strict=True)
    ]


# --- choosing ----------------------------------------------------------------------------------------


@handles(np.where)
def _where(trace, condition, *choices):
    if len(choices) != 2:
        raise Refused("dynamic-index", "np.where with a condition only")
    return _plain_scalar(apply(trace, "select", condition, *choices))


def _plain_scalar(value):
    return Scalar(value.trace, value.node) if isinstance(value, Scalar) else value


@handles(np.clip)
def _clip(trace, a, a_min=None, a_max=None, out=None, *, min=None, max=None):
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is not None:
        a = apply(trace, "maximum", a, low)
    if high is not None:
        a = apply(trace, "minimum", a, high)
    if out is None:
        return _plain_scalar(a)
    out[...] = a
    return out


# --- reductions ----------------------------------------------------------------------------------------


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
        _no(name, dtype=(dtype, None), out=(out, None))
        if more:
            raise Refused("unknown-call", f"{name} with further options")
        a = array_of(trace, a)
        axes = _axes(axis, a.ndim)
        if not a.size and name in ("amax", "amin"):
            raise ValueError("zero-size array to reduction operation which has no identity")
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
    weights = array_of(trace, weights)
    total = HANDLERS[np.sum]
    return total(trace, array_of(trace, a) * weights, axis=axis) / total(trace, weights, axis=axis)


@handles(np.var)
def _var(trace, a, axis=None, ddof=0):
    a = array_of(trace, a)
    if a.dtype == COMPLEX:
        raise Refused("unknown-call", "var of complex values")
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
        raise Refused("unknown-call", f"np.linalg.norm(ord={ord})")
    squares = x * x if x.dtype != COMPLEX else x.real * x.real + x.imag * x.imag
    return _plain_scalar(
        apply(trace, "sqrt", HANDLERS[np.sum](trace, squares, axis=axis, keepdims=keepdims))
    )


# --- products ----------------------------------------------------------------------------------------


@handles(np.dot)
def _dot(trace, a, b, out=None):
    _no("np.dot", out=(out, None))
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
        raise Refused("unknown-call", "np.cross of vectors that have not 3 components")
    x, y, z = range(3)
    rows = [
        a[..., y] * b[..., z] - a[..., z] * b[..., y],
        a[..., z] * b[..., x] - a[..., x] * b[..., z],
        a[..., x] * b[..., y] - a[..., y] * b[..., x],
    ]
    return _stack(trace, rows, -1)


@handles(np.einsum)
def _einsum(trace, subscripts, *operands):
    if not isinstance(subscripts, str) or "." in subscripts:
        raise Refused("unknown-call", "np.einsum without plain subscripts")
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if not arrow:
        output = "".join(sorted(c for c in set(inputs) - {","} if inputs.count(c) == 1))
    operands = [array_of(trace, x) for x in operands]
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


@handles(np.shape)
def _shape(trace, a):
    return array_of(trace, a).shape


@handles(np.ndim)
def _ndim(trace, a):
    return array_of(trace, a).ndim


@handles(np.size)
def _size(trace, a):
    return array_of(trace, a).size


@handles(np.real)
def _real(trace, a):
    return a.real


@handles(np.imag)
def _imag(trace, a):
    return a.imag


@handles(np.angle)
def _angle(trace, z):
    z = array_of(trace, z) if not isinstance(z, Scalar) else z
    return apply(trace, "arctan2", z.imag, z.real)


for _name, _target in (
    ("sum", np.sum),
    ("prod", np.prod),
    ("max", np.max),
    ("min", np.min),
    ("any", np.any),
    ("all", np.all),
    ("mean", np.mean),
    ("std", np.std),
    ("var", np.var),
    ("cumsum", np.cumsum),
    ("dot", np.dot),
    ("clip", np.clip),
    ("repeat", np.repeat),
):
    setattr(
        Array,
        _name,
        lambda self, *args, _target=_target, **kwargs: HANDLERS[_target](
            self.trace, self, *args, **kwargs
        ),
    )
for _name in ("conjugate", "conj"):
    setattr(Array, _name, lambda self: apply(self.trace, "conjugate", self))
Array.item = lambda self, *index: (
    self.reshape(-1)[index[0] if index else 0].item() if index or self.size == 1 else _not_single()
)
Array.tolist = lambda self: (
    [row.tolist() for row in self] if self.ndim > 1 else [x.item() for x in self]
)


def _not_single():
    raise ValueError("can only convert an array of size 1 to a Python scalar")


# what users may read from a traced value; everything else ends the trace
SCALAR_ATTRIBUTES = {
    "real",
    "imag",
    "conjugate",
    "conj",
    "item",
    "copy",
    "shape",
    "ndim",
    "size",
    "dtype",
}
ARRAY_ATTRIBUTES = SCALAR_ATTRIBUTES | {
    "T",
    "transpose",
    "swapaxes",
    "squeeze",
    "diagonal",
    "reshape",
    "ravel",
    "flatten",
    "astype",
    "fill",
    "sum",
    "prod",
    "max",
    "min",
    "any",
    "all",
    "mean",
    "std",
    "var",
    "cumsum",
    "dot",
    "clip",
    "repeat",
    "tolist",
}


# --- functions that may be called at once on known values ------------------------------------------------

IMPURE_NUMPY = {
    "copyto",
    "put",
    "place",
    "putmask",
    "fill_diagonal",
    "save",
    "savez",
    "savez_compressed",
    "savetxt",
    "load",
    "loadtxt",
    "genfromtxt",
    "fromfile",
    "memmap",
    "seterr",
    "seterrcall",
    "setbufsize",
    "set_printoptions",
    "show_config",
    "put_along_axis",
    "info",
    "test",
    "fromregex",
    "empty",
    "empty_like",
    "frompyfunc",
    "vectorize",
    "apply_along_axis",
    "apply_over_axes",
    "piecewise",
    "fromfunction",
    "fromiter",
}
PURE_BUILTINS = {
    abs,
    all,
    any,
    bool,
    bytes,
    chr,
    complex,
    dict,
    divmod,
    enumerate,
    float,
    frozenset,
    int,
    len,
    list,
    max,
    min,
    ord,
    pow,
    range,
    reversed,
    round,
    set,
    slice,
    sorted,
    str,
    sum,
    tuple,
    zip,
    iter,
    next,
    repr,
    callable,
    isinstance,
    issubclass,
    type,
    hash,
    format,
    object,
}


@functools.cache
def is_pure(function) -> bool:
    """May this function be called now, once, when nothing traced is among its arguments?"""
    if function in PURE_BUILTINS:
        return True
    module = getattr(function, "__module__", None)
    name = getattr(function, "__name__", "")
    if isinstance(function, np.ufunc):
        return True
    if module in ("math", "cmath", "_operator", "operator"):
        return name not in ("setitem", "delitem") and not name.startswith("i")
    if isinstance(function, type):
        return issubclass(function, (np.number, np.bool_, np.dtype))
    return module in ("numpy", "numpy.linalg", "numpy.fft") and name not in IMPURE_NUMPY
