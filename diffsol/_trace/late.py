"""Handlers for parts of NumPy that are loaded only once somebody uses those parts."""

from __future__ import annotations

import importlib
import sys

MODULES = {
    "numpy.fft": "diffsol._trace.numpy_map.fourier",
    "numpy.polynomial": "diffsol._trace.polynomials",
}
_waiting = dict(MODULES)


def join() -> bool:
    """Load the handlers for what has been loaded; are there new ones?"""
    found = [name for name in _waiting if name in sys.modules]
    for name in found:
        importlib.import_module(_waiting.pop(name))
    return bool(found)
