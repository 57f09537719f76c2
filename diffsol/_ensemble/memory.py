"""Arrays that begin at a multiple of 64 bytes: where kernels may read a row of lanes, and where JAX shares memory
instead of copying it."""

from __future__ import annotations

import numpy as np

ALIGNMENT = 64


def aligned(shape, dtype=float) -> np.ndarray:
    """A new array in C order, with nothing in it yet."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=int)) * dtype.itemsize
    room = np.empty(size + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + size].view(dtype).reshape(shape)


def filled(shape, value, dtype=float) -> np.ndarray:
    """A new array of equal values."""
    array = aligned(shape, dtype)
    array.fill(value)
    return array
