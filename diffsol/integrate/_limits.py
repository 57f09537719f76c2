"""Options of `solve_ivp` that SciPy's has not: limits, a callback, progress."""

from __future__ import annotations

from numbers import Integral, Real

from diffsol._engine.bar import Bar
from diffsol._engine.watch import Watch

NAMES = ("max_steps", "deadline", "callback", "progress")


def taken(options):
    """(those of our options that are given, the others)"""
    own = {name: options[name] for name in NAMES if name in options}
    return own, {name: value for name, value in options.items() if name not in own}


def watch(observers, max_steps=None, deadline=None, callback=None, progress=None) -> Watch:
    """Who looks on at a solve. Raises TypeError or ValueError for options that make no sense."""
    if max_steps is not None:
        if isinstance(max_steps, bool) or not isinstance(max_steps, Integral):
            raise TypeError(f"`max_steps` must be an integer, not {max_steps!r}")
        if max_steps < 1:
            raise ValueError(f"`max_steps` must be positive, not {max_steps!r}")
        max_steps = int(max_steps)
    if deadline is not None:
        if isinstance(deadline, bool) or not isinstance(deadline, Real):
            raise TypeError(f"`deadline` must be a number of seconds, not {deadline!r}")
        if not float(deadline) > 0:
            raise ValueError(f"`deadline` must be a positive number of seconds, not {deadline!r}")
        deadline = float(deadline)
    if callback is not None and not callable(callback):
        raise TypeError(f"`callback` must be callable, not {callback!r}")
    if progress is True:
        progress = Bar()
    elif progress is False:
        progress = None
    elif progress is not None and not callable(progress):
        raise TypeError(f"`progress` must be True, False or callable, not {progress!r}")
    return Watch(max_steps, deadline, callback, progress, observers)
