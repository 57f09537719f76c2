"""Which callables are functions compiled by numba (`numba.njit`), and of what."""

from __future__ import annotations

import sys
import types


def python_of(fun):
    """The Python function that numba compiled, or None. numba is never imported for the question."""
    dispatcher = sys.modules.get("numba.core.dispatcher")
    if dispatcher is None or not isinstance(fun, dispatcher.Dispatcher):
        return None
    return fun.py_func if isinstance(fun.py_func, types.FunctionType) else None


def is_prange(value) -> bool:
    """Is this `numba.prange`, the range of a parallel loop?"""
    numba = sys.modules.get("numba")
    return numba is not None and value is numba.prange
