"""Functions that only move elements: views, joins, rolls, differences."""

from __future__ import annotations

import numpy as np

from diffsol._trace.guards import Outside
from diffsol._trace.numpy_map.registry import HANDLERS, array_of, handles, plain
from diffsol._trace.reasons import Refused
from diffsol._trace.values import Array, keep_c_order, stack


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
    readonly = function is np.broadcast_to
    return lambda trace, a, *args, **kwargs: array_of(trace, a)._viewed(
        lambda x: function(
            x, *(plain(v) for v in args), **{k: plain(v) for k, v in kwargs.items()}
        ),
        readonly,
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
def _diff(trace, a, n=1, axis=-1, prepend=None, append=None):
    a = array_of(trace, a)
    axis = plain(axis) % a.ndim
    parts = [_end(trace, a, axis, prepend), a, _end(trace, a, axis, append)]
    parts = [x for x in parts if x is not None]
    if len(parts) > 1:
        a = _concatenate(trace, parts, axis)
    before = (slice(None),) * axis
    for _ in range(plain(n)):
        a = a[(*before, slice(1, None))] - a[(*before, slice(None, -1))]
    return a


def _end(trace, a, axis, value):
    """What np.diff puts before or behind an array; one number goes for all of them."""
    if value is None:
        return None
    value = array_of(trace, value)
    if value.ndim:
        return value
    shape = [1 if k == axis else e for k, e in enumerate(a.shape)]
    return HANDLERS[np.broadcast_to](trace, value, shape)


def _splitting(function):
    def handler(trace, a, indices_or_sections, axis=0):
        a = array_of(trace, a)
        axis = plain(axis) % max(a.ndim, 1)
        # NumPy tells where by splitting positions, and raises where it cannot
        numbers = function(np.arange(a.shape[axis]), plain(indices_or_sections))
        before, parts = (slice(None),) * axis, []
        for part in numbers:
            start = int(part[0]) if part.size else 0
            parts.append(a[(*before, slice(start, start + part.size))])
        return parts

    return handler


HANDLERS[np.split] = _splitting(np.split)
HANDLERS[np.array_split] = _splitting(np.array_split)


@handles(np.hsplit)
def _hsplit(trace, a, indices_or_sections):
    axis = 1 if array_of(trace, a).ndim > 1 else 0
    return HANDLERS[np.split](trace, a, indices_or_sections, axis)


@handles(np.vsplit)
def _vsplit(trace, a, indices_or_sections):
    if array_of(trace, a).ndim < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return HANDLERS[np.split](trace, a, indices_or_sections)


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
    node = trace.graph.concat([a.node for a in arrays], axis)
    return Array.of(trace, node, c_order=keep_c_order(arrays))


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
            raise Refused("numpy-call", "np.r_ with a directive")
        if isinstance(part, slice):
            part = np.r_[slice(*(plain(x) for x in (part.start, part.stop, part.step)))]
        part = array_of(trace, part)
        parts.append(part if part.ndim else part.reshape(1))
    return _concatenate(trace, parts)


def c_getitem(trace, key):
    """np.c_[...] of vectors, which become columns, and matrices."""
    parts = [array_of(trace, x) for x in (key if isinstance(key, tuple) else (key,))]
    if any(x.ndim not in (1, 2) for x in parts):
        raise Refused("numpy-call", "np.c_ of other than vectors and matrices")
    return HANDLERS[np.column_stack](trace, parts)


@handles(np.meshgrid)
def _meshgrid(trace, *arrays, indexing="xy"):
    arrays = [array_of(trace, a).ravel() for a in arrays]
    index = np.meshgrid(*(np.arange(a.size) for a in arrays), indexing=indexing)
    return [
        Array.of(trace, trace.graph.take(a.node, i)) for a, i in zip(arrays, index, strict=True)
    ]
