"""What a solve leaves in the C core: points, interpolants and events, or an error."""

from __future__ import annotations

import numpy as np

from diffsol._engine.dense import Segments
from diffsol._native._core import ffi, lib

_SPARE = 8  # doubles in 64 bytes
_DOUBLES, _from_buffer = ffi.typeof("double[]"), ffi.from_buffer


def error_of(code, ivp) -> Exception:
    """The exception that this outcome of the core means, in SciPy's words where it has one."""
    if code == lib.DS_BRACKET:
        return ValueError("f(a) and f(b) must have different signs")
    if code == lib.DS_ROOT_ITER:
        return RuntimeError("Failed to converge after 100 iterations.")
    if code == lib.DS_NOT_FINITE:
        return ValueError("array must not contain infs or NaNs")
    if code == lib.DS_SINGULAR:
        return RuntimeError("Factor is exactly singular")
    if code == lib.DS_ROOT_NAN:
        return ValueError(f"The function value at x={ivp.error_t} is NaN; solver cannot continue.")
    return MemoryError("no memory for the solution")


def points(ivp, state):
    """(t, y) of the points that were kept: y is (n, nt). Both lie in C order and begin at multiples of 64
    bytes, as JAX wants what it shares."""
    count, size = ivp.n_points, ivp.n_points * state.size
    t, y = np.empty(count + _SPARE), np.empty(size + _SPARE, state.dtype)
    skipped = lib.ds_ivp_take_points(ivp, _from_buffer(_DOUBLES, t), _from_buffer(_DOUBLES, y))
    of_y, of_t = divmod(skipped, _SPARE)
    if y.itemsize != t.itemsize:
        of_y //= 2
    return t[of_t : of_t + count], y[of_y : of_y + size].reshape(state.size, count)


def segments(ivp, method, state) -> Segments:
    count, n = ivp.n_segments, state.size
    at = copied(ivp.seg_at, count + 1, np.int64) if count else np.zeros(1, np.int64)
    return Segments(
        method,
        copied(ivp.seg_t_old, count, float),
        copied(ivp.seg_t, count, float),
        copied(ivp.seg_y_old, count * n, state.dtype).reshape(count, n),
        copied(ivp.seg_q, int(at[-1]), float),
        at,
    )


def events(ivp, functions, state):
    """(t_events, y_events): a list of arrays each, one of every event function."""
    count, n = ivp.n_event_records, state.size
    index = copied(ivp.ev_index, count, np.int64)
    t = copied(ivp.ev_t, count, float)
    y = copied(ivp.ev_y, count * n, state.dtype).reshape(count, n)
    chosen = [index == i for i in range(functions)]
    # SciPy's np.asarray of an empty list has shape (0,)
    return [t[mask] for mask in chosen], [
        y[mask] if mask.any() else np.asarray([]) for mask in chosen
    ]


def copied(pointer, count, dtype):
    if not count:
        return np.empty(0, dtype=dtype)
    return np.frombuffer(ffi.buffer(pointer, count * np.dtype(dtype).itemsize), dtype).copy()
