"""LAPACK as SciPy exports it: function pointers for `ds_lu_plan.lapack`.

`scipy.linalg.cython_lapack` publishes the addresses of its functions (32-bit integers) in capsules.
"""

from __future__ import annotations

import ctypes
import functools

from diffsol._native._core import ffi

FUNCTIONS = ("getrf", "getrs")
PREFIXES = ("d", "z")  # real, complex


@functools.cache
def table():
    """The filled `ds_lapack`, for the life of the process.

    Made on first need: the import takes about 0.2 s where nobody has imported scipy.linalg yet.
    """
    from scipy.linalg import cython_lapack

    lapack = ffi.new("ds_lapack *")
    for function in FUNCTIONS:
        for kind, prefix in enumerate(PREFIXES):
            address = address_of(cython_lapack.__pyx_capi__[prefix + function])
            getattr(lapack, function)[kind] = ffi.cast("void *", address)
    return lapack


def address_of(capsule) -> int:
    """The pointer in a capsule of Cython's, under the name that says its type."""
    name, pointer = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return pointer(capsule, name(capsule))
