"""The garbage collector, while many objects are made that all stay."""

from __future__ import annotations

import contextlib
import gc


@contextlib.contextmanager
def collector_paused():
    """Graphs of a hundred thousand nodes are walked through again and again by the collector, in vain."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
