"""Right-hand sides in C (`scipy.LowLevelCallable`): called by pointer, without Python."""

from __future__ import annotations

import ctypes
import re
from types import SimpleNamespace

import numpy as np

from diffsol._engine import kernels
from diffsol._engine.derived import Derived
from diffsol._native._core import ffi, lib
from diffsol._trace.reasons import Refused

SIGNATURE = re.compile(
    r"(int|void) \(double, (?:double|void) \*, (?:double|void) \*(?:, (?:double|void) \*)?\)"
)


class CFunction:
    """f(t, y, out) or f(t, y, out, data) in C, as a kernel, and as a callable like any right-hand side.

    fun     the LowLevelCallable
    n       numbers in a state

    Raises ValueError for another signature.
    """

    def __init__(self, fun, n):
        signature = fun.signature
        found = SIGNATURE.fullmatch(signature)
        if found is None:
            raise ValueError(
                f"`fun` is a LowLevelCallable of signature {signature!r}; it must be "
                "'void (double, double *, double *, void *)' for (t, y, dydt, user data), may return an "
                "int (0: all went well), and may do without the last argument."
            )
        capsule = tuple.__getitem__(fun, 0)
        get = ctypes.pythonapi.PyCapsule_GetPointer
        get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        data = ctypes.pythonapi.PyCapsule_GetContext
        data.restype, data.argtypes = ctypes.c_void_p, [ctypes.py_object]
        self._fun, self._n = fun, n  # keeps the code and the data alive
        self._struct = ffi.new("ds_c_function *")
        self._struct.address = ffi.cast("void *", get(capsule, signature.encode()))
        self._struct.data = ffi.cast("void *", data(capsule) or 0)
        self._struct.returns_int = found[1] == "int"
        self.params = ffi.cast("double *", self._struct)
        self.variant = _variant()

    def __call__(self, t, y):
        y, out = np.ascontiguousarray(y, dtype=float), np.empty(self._n)
        code = lib.ds_c_function_kernel(
            t, ffi.from_buffer("double[]", y), ffi.from_buffer("double[]", out), self.params
        )
        if code:
            raise RuntimeError(f"the C function of the right-hand side returned {code} at t={t!r}")
        return out


def _variant():
    """What stands for a compiled kernel; nothing can be derived from it."""
    address = int(ffi.cast("uintptr_t", ffi.addressof(lib, "ds_c_function_kernel")))
    kernel = SimpleNamespace(address=address, compile_ms=0.0)
    variant = kernels.Variant(kernel, lambda fun, args, block: True, None, None)
    variant.jacobian, variant.product = Derived(_unknown), Derived(_unknown)
    return variant


def is_low_level(fun) -> bool:
    """Is this a `scipy.LowLevelCallable`? (A tuple that cannot be called from Python.)"""
    return isinstance(fun, tuple) and type(fun).__name__ == "LowLevelCallable"


def _unknown(budget):
    raise Refused("unknown-call", "a function in C: its derivatives are not known")
