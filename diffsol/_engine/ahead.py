"""Loads what compiling will need in small portions, while solves go on in Python.

Tracer and llvmlite are some hundred modules; who waited for all of them in one call would feel it. So each
solve that may have to be compiled one day pays a small share of its time for the next of them; and when it is time
to compile, each call loads one more.
"""

from __future__ import annotations

import contextlib
import importlib
import sys

from diffsol._compile.locks import LOADING

SHARE = 0.1  # of the seconds that solves take in Python
# Each takes 2 to 8 ms with those before it.
PORTIONS = [
    "diffsol._graph.interpret",
    "diffsol._graph.roll",
    "diffsol._trace.values",
    "diffsol._trace.frozen",
    "diffsol._trace.numpy_map",
    "diffsol._trace.scipy_map",
    "diffsol._trace.machine",
    "diffsol._trace.trace",
    "importlib.resources",
    "zipfile",
    "llvmlite.ir",
    "llvmlite.binding",
    "diffsol._compile.cpu",
]
PRICE = 5e-3  # seconds, of one portion

_waiting = list(reversed(PORTIONS))
_credit = 0.0  # seconds that may be spent on loading


def load(seconds):
    """A solve has spent so many seconds in Python: load what that pays for."""
    global _credit
    if not _waiting:
        return
    _credit += SHARE * seconds
    while _credit >= PRICE and load_one():
        _credit -= PRICE


def load_one() -> bool:
    """Load the next portion, whoever pays; was there one?"""
    with LOADING:
        if not to_come():
            return False
        with contextlib.suppress(ImportError):  # who compiles tells what is missing
            importlib.import_module(_waiting.pop())
        return True


def to_come() -> float:
    """The share that is not loaded yet."""
    with LOADING:
        while _waiting and _waiting[-1] in sys.modules:
            _waiting.pop()
    return len(_waiting) / len(PORTIONS)
