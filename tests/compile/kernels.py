"""Calls compiled kernels from the tests, and reads the floating-point flags they leave."""

from __future__ import annotations

import ctypes
import platform

import numpy as np

SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_double, *[ctypes.c_void_p] * 3)
GUARD = -7.25  # stands behind the output, to see that nothing is written there

X86 = platform.machine().lower() in ("x86_64", "amd64")
WATCHED = 1 | 4 | 8 if X86 else 1 | 2 | 4  # invalid, divide by zero, overflow
_libm = ctypes.CDLL(None)


def call(kernel, t, y, params):
    """(output as the kernel's dtype, return code, flags) of one call."""
    y = np.ascontiguousarray(y).reshape(-1)
    params = np.ascontiguousarray(params, dtype=float)
    out = np.full(kernel.out_size + 2, GUARD)
    function = SIGNATURE(kernel.address)
    _libm.feclearexcept(WATCHED)
    code = function(t, y.ctypes.data, out[1:].ctypes.data, params.ctypes.data)
    flags = _libm.fetestexcept(WATCHED)
    _libm.feclearexcept(WATCHED)
    assert out[0] == GUARD == out[-1]
    return out[1:-1], code, flags


def as_doubles(array):
    """What a kernel writes for an array."""
    array = np.ascontiguousarray(array)
    return (array if array.dtype.kind == "c" else array.astype(float)).reshape(-1).view(float)
