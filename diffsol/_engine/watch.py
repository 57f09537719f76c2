"""Who looks on while a solve runs, and may end it: limits, callbacks, progress, observers.

Nothing of this runs inside kernels or steps: the C core pauses after so many accepted steps, or when its slice
of time is over, and what is here is asked whether it goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

from diffsol._native._core import lib

RUNNING = lib.DS_RUNNING
GOES_ON = (RUNNING, lib.DS_FINISHED, lib.DS_EVENT)
# Why a solve was ended from here, beside the C core's reasons.
STOPPED, STEPS_OUT, TIME_OUT = 101, 102, 103
PROGRESS_EVERY = 0.1  # seconds

# (observer, every) of each `diffsol.observe` that is open, the outermost first.
OBSERVERS: ContextVar[tuple] = ContextVar("diffsol_observers", default=())
logger = logging.getLogger("diffsol")


class Progress(NamedTuple):
    """How far a solve is. fraction: of the interval; seconds: since it began; over: has it ended?"""

    t: float
    t0: float
    tf: float
    fraction: float
    n_steps: int
    seconds: float
    over: bool

    def told(self) -> str:
        """That in words."""
        return f"t={self.t:.6g} of {self.tf:.6g}, {self.n_steps} steps"


class Start(NamedTuple):
    """What observers are told of a solve that begins."""

    method: str
    n: int
    t0: float
    tf: float
    rtol: Any
    atol: Any
    compiled: bool


class Watch:
    """All that looks on at one solve.

    max_steps   accepted steps, or None
    deadline    seconds, or None
    callback    (t, y) -> None after each accepted step; StopIteration ends the solve
    progress    (Progress) -> None, some times a second and at the end; StopIteration as of the callback
    observers   (observer, every) pairs
    """

    def __init__(
        self,
        max_steps: int | None = None,
        deadline: float | None = None,
        callback: Callable | None = None,
        progress: Callable | None = None,
        observers: tuple = (),
    ):
        self.max_steps, self.deadline = max_steps, deadline
        self.callback, self.progress, self.observers = callback, progress, observers
        self.begun = time.perf_counter()
        self._every = [every for _, every in observers if every]
        self._seen = self._events_seen = 0
        self._told_at = self.begun

    def start(self, told: Start):
        self._tell("on_start", told)

    def end(self, stats):
        self._tell("on_end", stats)

    def advance(self, step, run, seconds) -> int:
        """A slice of the solve by `step`, and what those who look on say to it."""
        ivp = run.core
        ivp.pause_at = self._next_pause(ivp.n_accepted)
        left = self.seconds_left()
        if self.deadline is not None:
            ivp.seconds_left = max(left, 1e-9)  # 0 would be no limit
        code = step(ivp, min(seconds, left))
        if code == lib.DS_TIME_OUT:
            code = TIME_OUT
        if code in GOES_ON or code == TIME_OUT:
            code = self._look(run, code)
        return code

    def _next_pause(self, steps):
        """The number of steps after which somebody here wants to look; 0: nobody does."""
        if self.callback is not None:
            return steps + 1
        pauses = [(steps // every + 1) * every for every in self._every]
        if self.max_steps is not None:
            pauses.append(self.max_steps)
        return min(pauses, default=0)

    def seconds_left(self) -> float:
        """Until the deadline."""
        if self.deadline is None:
            return float("inf")
        return max(0.0, self.begun + self.deadline - time.perf_counter())

    def _look(self, run, code):
        ivp = run.core
        steps, before = ivp.n_accepted, self._seen
        self._seen = steps
        if self.callback is not None and steps > before:
            try:
                self.callback(ivp.t_stop, run.current())
            except StopIteration:
                code = STOPPED
            run.refresh()  # it may have changed what kernels read
        if self.observers:
            self._tell_events(run)
            self._tell_steps(ivp, before, steps)
        if code == RUNNING:
            if self.max_steps is not None and steps >= self.max_steps:
                code = STEPS_OUT
            elif self.seconds_left() == 0.0:
                code = TIME_OUT
        if self.progress is not None:
            try:
                self._tell_progress(ivp, code)
            except StopIteration:
                code = STOPPED if code == RUNNING else code
        return code

    def _tell_steps(self, ivp, before, steps):
        for observer, every in self.observers:
            if every and steps // every > before // every:
                self._call(observer, "on_progress", ivp.t_stop, ivp.h_abs, steps)

    def _tell_events(self, run):
        ivp = run.core
        for k in range(self._events_seen, ivp.n_event_records):
            self._tell("on_event", ivp.ev_index[k], ivp.ev_t[k], run.event_state(k))
        self._events_seen = ivp.n_event_records

    def _tell_progress(self, ivp, code):
        now = time.perf_counter()
        if code == RUNNING and now < self._told_at + PROGRESS_EVERY:
            return
        self._told_at = now
        span = ivp.t_bound - ivp.t0
        fraction = (ivp.t_stop - ivp.t0) / span if span else 1.0
        told = ivp.t_stop, ivp.t0, ivp.t_bound, fraction, ivp.n_accepted, now - self.begun
        self.progress(Progress(*told, code != RUNNING))

    def _tell(self, name, *values):
        for observer, _ in self.observers:
            self._call(observer, name, *values)

    @staticmethod
    def _call(observer, name, *values):
        """An observer's mistakes are its own: they are logged, and the solve goes on."""
        method = getattr(observer, name, None)
        if method is not None:
            try:
                method(*values)
            except Exception:
                logger.exception("%s of %r failed", name, observer)
