"""Trajectories one by one, by `solve_ivp`: for stiff methods of SciPy's, for functions that are not compiled, and
for trajectories that a kernel could not answer for."""

from __future__ import annotations

import contextvars
import math
import threading

import numpy as np

from diffsol._engine.watch import OBSERVERS, RUNNING, Watch
from diffsol._ensemble.batch import host
from diffsol._ensemble.native import wait_for
from diffsol._ensemble.outcome import UNKNOWN, Outcome
from diffsol.integrate._native import ScipyHas, solve_native
from diffsol.integrate._passthrough import scipy_solve_ivp

TELL_EVERY = 16  # trajectories
INSTEAD = {"Rodas5P": "Radau"}  # who takes over from methods that only ensembles have


class _End:
    """Looks on at the solve of a trajectory as a `Watch` does, for the state in which it ends.

    look    called some times a second; what it raises ends the solve
    watch   the `Watch` that looks on, too, or None
    t, y, nfev, n_steps, n_rejected    at the end
    """

    __slots__ = ("_look", "_watch", "n_rejected", "n_steps", "nfev", "t", "y")

    def __init__(self, look, watch):
        self._look, self._watch = look, watch

    @property
    def observers(self) -> tuple:
        return () if self._watch is None else self._watch.observers

    def start(self, told):
        self._watch.start(told)

    def advance(self, step, run, seconds) -> int:
        core, watch = run.core, self._watch
        code = step(core, seconds) if watch is None else watch.advance(step, run, seconds)
        if code == RUNNING:
            self._look()
        else:
            self.t, self.y, self.nfev = core.t_stop, run.current(), core.nfev
            self.n_steps, self.n_rejected = core.n_accepted, core.n_trials - core.n_accepted
        return code

    def seconds_left(self) -> float:
        return math.inf

    def end(self, stats):
        self._watch.end(stats)


def solve_one(fun, batch, options, i, outcome, look):
    """Trajectory i of the batch, into the outcome. What `fun` raises comes out, and what `look` raises, which is
    called some times a second."""
    (t0, tf), y0, args = batch.one(i)
    method, events = INSTEAD.get(options.method, options.method), options.events or None
    most, observers, own = options.max_steps, OBSERVERS.get(), options.of_solve_ivp
    end = _End(look, Watch(most, observers=observers) if most or observers else None)
    given = method, options.t_eval, False, events, False, args
    sol = solve_native(fun, t0, tf, y0, *given, own, end)
    if type(sol) is ScipyHas:
        if most and sol.has_begun:
            own = own | {"max_steps": most}  # SciPy says that it does not know it
        _solve_by_scipy(sol.fun, (t0, tf), y0, given, own, options.t_eval, outcome, i)
        return
    outcome.t[i], outcome.y[i], outcome.nfev[i] = end.t, end.y, end.nfev
    outcome.n_steps[i], outcome.n_rejected[i] = end.n_steps, end.n_rejected
    if options.t_eval is not None:
        outcome.n_saved[i] = saved = len(sol["t"])
        if saved:
            outcome.ys[i, :saved] = sol["y"].T
    _put(sol, events, outcome, i)


def _put(sol, events, outcome, i):
    """How it ended, and the events."""
    outcome.status[i] = sol["status"]
    if events is None:
        return
    room = outcome.event_t.shape[2]
    for k, (times, states) in enumerate(zip(sol["t_events"], sol["y_events"], strict=True)):
        kept = min(len(times), room)
        outcome.event_count[i, k] = len(times)
        outcome.event_t[i, k, :kept] = times[:kept]
        if kept:
            outcome.event_y[i, k, :kept] = states[:kept]


def _solve_by_scipy(fun, span, y0, given, own, t_eval, outcome, i):
    """A trajectory for which SciPy has rules of its own: every step is kept, for the last one is wanted, too."""
    method, _, _, *rest = given
    dense = t_eval is not None
    sol = scipy_solve_ivp(fun, span, y0, method, None, dense, *rest, own)
    outcome.t[i], outcome.y[i], outcome.nfev[i] = sol.t[-1], sol.y[:, -1], sol.nfev
    _put(sol, rest[0], outcome, i)
    t0, tf = span
    if not dense or sol.t[-1] == t0 != tf:
        return  # no step was made: SciPy keeps nothing then
    reached = t_eval[t_eval <= sol.t[-1]] if tf >= t0 else t_eval[t_eval >= sol.t[-1]]
    outcome.n_saved[i] = reached.size
    if t0 == tf:
        outcome.ys[i, : reached.size] = sol.y[:, 0]
    elif reached.size:
        outcome.ys[i, : reached.size] = sol.sol(reached).T


class _Ended(Exception):
    """Another thread's trajectory has ended it all."""


def solve_all(fun, batch, options, threads, tell) -> Outcome:
    """The whole batch, by as many threads: compiled solves let each other run. The first exception ends it and
    comes out."""
    outcome = Outcome.empty(batch.size, batch.n, options, batch.y0.dtype)
    left, lock = iter(range(batch.size)), threading.Lock()
    errors: list = []
    done = 0

    def look():
        if errors:
            raise _Ended

    def go(tells=False):
        nonlocal done
        i = None
        while not errors:
            with lock:
                done += i is not None
                i = next(left, None)
            if i is None:
                return
            try:
                if tells and done % TELL_EVERY == 0:
                    tell(done)
                solve_one(fun, batch, options, i, outcome, look)
            except BaseException as error:
                errors.append(error)

    helpers = [
        # what the caller has set for itself (np.errstate, say) holds in each of them
        threading.Thread(target=contextvars.copy_context().run, args=(go,), daemon=True)
        for _ in range(min(threads, batch.size) - 1)
    ]
    try:
        for helper in helpers:
            helper.start()
        go(tells=True)
        for helper in helpers:
            helper.join()
    except BaseException as error:
        errors.append(error)
    wait_for(helpers)
    if errors:
        raise errors[0]
    return outcome


def redo(fun, batch, options, outcome, xp=np) -> int:
    """Solve those trajectories once more that a kernel could not answer for; how many there were.

    xp    the module of the outcome's arrays
    """
    rows = np.flatnonzero(host(outcome.status == UNKNOWN)).tolist()
    if rows:
        again = solve_all(fun, batch.picked(rows), options, 1, lambda done: None)
        outcome.put_rows(rows, again, xp)
    return len(rows)
