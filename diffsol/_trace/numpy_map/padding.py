"""numpy.pad, axis after axis as joins of parts, so that stencils over padded arrays stay loops."""

from __future__ import annotations

import numpy as np

from diffsol._trace.numpy_map.registry import HANDLERS, array_of, handles, plain
from diffsol._trace.reasons import Refused


@handles(np.pad)
def _pad(trace, array, pad_width, mode="constant", **options):
    array, widths = array_of(trace, array), plain(pad_width)
    widths = np.broadcast_to(np.asarray(widths), (array.ndim, 2)).tolist()
    if any(w < 0 for pair in widths for w in pair):
        raise ValueError("index can't contain negative values")
    if mode == "constant":
        return _constant(trace, array, widths, options.pop("constant_values", 0), options)
    if options or mode not in SIDES:
        raise Refused("numpy-call", f"np.pad in the mode {mode!r} with {sorted(options)}")
    for axis, (before, after) in enumerate(widths):
        array = _padded(trace, array, axis, before, after, mode)
    return array


def _constant(trace, array, widths, value, options):
    if options or isinstance(value, (tuple, list)):
        raise Refused("numpy-call", "np.pad with several constants")
    shape = [b + e + a for (b, a), e in zip(widths, array.shape, strict=True)]
    made = HANDLERS[np.full](trace, shape, value, dtype=array.dtype)
    if array.size:
        made[tuple(slice(b, b + e) for (b, _), e in zip(widths, array.shape, strict=True))] = array
    return made


def _padded(trace, array, axis, before, after, mode):
    """The array with copies of its elements before and after it along one axis."""
    n = array.shape[axis]
    places = np.pad(np.arange(n), (before, after), mode=mode)
    parts = [_picked(trace, array, axis, places[:before]), array]
    parts.append(_picked(trace, array, axis, places[before + n :]))
    return HANDLERS[np.concatenate](trace, [p for p in parts if p.shape[axis]], axis)


def _picked(trace, array, axis, places):
    """array[places] along an axis: a view where the places go on in equal steps."""
    lead = (slice(None),) * axis
    if not places.size:
        return array[(*lead, slice(0, 0))]
    step = places[1] - places[0] if places.size > 1 else 1
    if (np.diff(places) != step).any():
        return array[(*lead, places)]
    one = array[(*lead, slice(int(places[0]), int(places[0]) + 1))]
    if step == 0:
        shape = [places.size if k == axis else e for k, e in enumerate(array.shape)]
        return HANDLERS[np.broadcast_to](trace, one, shape)
    stop = int(places[-1]) + (1 if step > 0 else -1)
    return array[(*lead, slice(int(places[0]), None if stop < 0 else stop, int(step)))]


SIDES = ("edge", "wrap", "reflect", "symmetric")
