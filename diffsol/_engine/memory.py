"""Arrays that begin at a multiple of 64 bytes: where kernels may read a row of lanes, and where JAX shares memory
instead of copying it."""

from __future__ import annotations

from math import prod

import numpy as np

from diffsol._native._core import ffi

_BYTES, _ADDRESS = ffi.typeof("char[]"), ffi.typeof("uintptr_t")


def aligned(shape, dtype=float) -> np.ndarray:
    """A new array in C order, of doubles or complex numbers, with nothing in it yet."""
    dtype = np.dtype(dtype)
    each = 64 // dtype.itemsize
    room = np.empty(prod(shape) + each, dtype)
    address = int(ffi.cast(_ADDRESS, ffi.from_buffer(_BYTES, room)))
    return np.ndarray(shape, dtype, room, -address % 64)


def filled(shape, value, dtype=float) -> np.ndarray:
    """A new array of equal values."""
    array = aligned(shape, dtype)
    array.fill(value)
    return array
