"""A solver of the C core."""

from __future__ import annotations

from diffsol._methods.registry import METHODS
from diffsol._native._core import ffi, lib


def new_solver(method, n, is_complex=False):
    """A `ds_ivp` of n states, for a method of the registry. Raises MemoryError."""
    ivp = lib.ds_ivp_new(METHODS[method].id, n, is_complex)
    if ivp == ffi.NULL:
        raise MemoryError(f"no memory for {n} states")
    # freed by C code: Ctrl-C would be lost in a __del__
    return ffi.gc(ivp, lib.ds_ivp_free)
