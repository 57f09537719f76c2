"""Trajectories one by one, by `solve_ivp`: for stiff methods of SciPy's, for functions that are not compiled, and
for trajectories that a kernel could not answer for."""

from __future__ import annotations

import contextvars
import threading

import numpy as np

from diffsol._ensemble.batch import host
from diffsol._ensemble.native import wait_for
from diffsol._ensemble.outcome import UNKNOWN, Outcome
from diffsol.integrate import solve_ivp

TELL_EVERY = 16  # trajectories
INSTEAD = {"Rodas5P": "Radau"}  # who takes over from methods that only ensembles have


def solve_one(fun, batch, options, i, outcome, look):
    """Trajectory i of the batch, into the outcome. What `fun` raises comes out, and what `look` raises, which is
    called some times a second."""
    span, y0, args = batch.one(i)
    more = {} if options.first_step is None else {"first_step": options.first_step}
    if options.max_steps is not None:
        more["max_steps"] = options.max_steps
    sol = solve_ivp(
        fun,
        span,
        y0,
        method=INSTEAD.get(options.method, options.method),
        dense_output=options.t_eval is not None,  # and every step: the last one is wanted, too
        events=options.events or None,
        args=args,
        rtol=options.rtol,
        atol=options.atol,
        max_step=options.max_step,
        progress=look,
        **more,
    )
    outcome.t[i], outcome.y[i] = sol.t[-1], sol.y[:, -1]
    outcome.status[i], outcome.nfev[i] = sol.status, sol.nfev
    if sol.stats is not None:  # there was something to solve
        outcome.n_steps[i], outcome.n_rejected[i] = sol.stats.n_steps, sol.stats.n_rejected
    if options.t_eval is not None:
        _save(options.t_eval, sol, span, outcome, i)
    for k, (times, states) in enumerate(zip(sol.t_events or (), sol.y_events or (), strict=True)):
        kept = min(len(times), options.event_room)
        outcome.event_count[i, k] = len(times)
        outcome.event_t[i, k, :kept] = times[:kept]
        if kept:
            outcome.event_y[i, k, :kept] = states[:kept]


def _save(t_eval, sol, span, outcome, i):
    t0, tf = span
    if sol.t[-1] == t0 != tf:
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

    def look(progress=None):
        if errors:
            raise _Ended

    def go(tells=False):
        nonlocal done
        while not errors:
            with lock:
                i = next(left, None)
            if i is None:
                return
            try:
                solve_one(fun, batch, options, i, outcome, look)
            except BaseException as error:
                errors.append(error)
            with lock:
                done += 1
            if tells and done % TELL_EVERY == 0:
                tell(done)

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
