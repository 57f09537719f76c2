"""`observe`: see what solves do that somebody else's code makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from diffsol._engine.stats import Stats
from diffsol._engine.watch import OBSERVERS, Start


class Observer(Protocol):
    """What may look on at solves. Every method is optional; what they raise is logged (logger "diffsol").

    on_start     method, size, interval and tolerances, and whether it begins compiled
    on_progress  time, next step size and number of accepted steps, every so many steps (see `observe`)
    on_event     number of the event function, time and state of an event
    on_end       `sol.stats`
    """

    def on_start(self, info: Start) -> None: ...
    def on_progress(self, t: float, h: float, n_steps: int) -> None: ...
    def on_event(self, index: int, t: float, y: Any) -> None: ...
    def on_end(self, stats: Stats) -> None: ...


METHODS = ("on_start", "on_progress", "on_event", "on_end")


@contextmanager
def observe(observer: Any, every: int | None = None) -> Iterator[Any]:
    """Let `observer` look on at every native `solve_ivp` of this thread (or task) inside the with-block.

    Parameters
    ----------
    observer : object
        With any of the methods of `Observer`.
    every : int, optional
        Its `on_progress` is called after so many accepted steps. Without, solves do not pause for it.

    Raises
    ------
    TypeError
        `observer` has none of the methods.
    ValueError
        `every` is not a positive integer.
    """
    if not any(hasattr(observer, name) for name in METHODS):
        raise TypeError(
            f"`observer` must have one of the methods {', '.join(METHODS)}: {observer!r}"
        )
    if every is not None and (not isinstance(every, int) or every < 1):
        raise ValueError(f"`every` must be a positive integer, not {every!r}")
    token = OBSERVERS.set((*OBSERVERS.get(), (observer, every)))
    try:
        yield observer
    finally:
        OBSERVERS.reset(token)
