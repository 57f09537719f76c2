"""Trajectories one by one, by `solve_ivp`: for stiff methods of SciPy's, for functions that are not compiled, and
for trajectories that a kernel could not answer for."""

from __future__ import annotations

import threading

import numpy as np

from diffsol._ensemble.outcome import Outcome
from diffsol.integrate import solve_ivp

TELL_EVERY = 16  # trajectories


def solve_one(fun, batch, options, i, outcome, row):
    """Trajectory i of the batch, into a row of the outcome. What `fun` raises comes out."""
    span, y0, args = batch.one(i)
    more = {} if options.first_step is None else {"first_step": options.first_step}
    if options.max_steps is not None:
        more["max_steps"] = options.max_steps
    sol = solve_ivp(
        fun,
        span,
        y0,
        method=options.method,
        # the last point too, wherever a trajectory ends
        dense_output=options.t_eval is not None,
        events=options.events or None,
        args=args,
        rtol=options.rtol,
        atol=options.atol,
        max_step=options.max_step,
        **more,
    )
    outcome.t[row], outcome.y[row] = sol.t[-1], sol.y[:, -1]
    outcome.status[row], outcome.nfev[row] = sol.status, sol.nfev
    outcome.n_steps[row], outcome.n_rejected[row] = sol.stats.n_steps, sol.stats.n_rejected
    if options.t_eval is not None:
        reached = _reached(options.t_eval, *span, sol.t[-1])
        outcome.n_saved[row] = reached.size
        if reached.size:
            outcome.ys[row, : reached.size] = sol.sol(reached).T
    for k, (times, states) in enumerate(zip(sol.t_events or (), sol.y_events or (), strict=True)):
        kept = min(len(times), options.event_room)
        outcome.event_count[row, k] = len(times)
        outcome.event_t[row, k, :kept] = times[:kept]
        if kept:
            outcome.event_y[row, k, :kept] = states[:kept]


def _reached(t_eval, t0, tf, t_end):
    return t_eval[t_eval <= t_end] if tf > t0 else t_eval[t_eval >= t_end]


def solve_some(fun, batch, options, indices, outcome, threads, tell):
    """These trajectories, into the rows of the same numbers, by as many threads: compiled solves let each
    other run. The first exception ends it and comes out."""
    left, lock = iter(indices), threading.Lock()
    errors: list = []
    done = 0

    def go(look):
        nonlocal done
        while not errors:
            with lock:
                i = next(left, None)
            if i is None:
                return
            try:
                solve_one(fun, batch, options, i, outcome, i)
            except BaseException as error:
                errors.append(error)
            with lock:
                done += 1
            if look and done % TELL_EVERY == 0:
                tell(done)

    helpers = [
        threading.Thread(target=go, args=(False,), daemon=True)
        for _ in range(min(threads, len(indices)) - 1)
    ]
    for helper in helpers:
        helper.start()
    go(True)
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]


def solve_all(fun, batch, options, threads, tell) -> Outcome:
    """The whole batch."""
    outcome = Outcome.empty(batch.size, batch.n, options)
    if np.iscomplexobj(batch.y0):
        outcome.y, outcome.ys, outcome.event_y = (
            a.astype(complex) for a in (outcome.y, outcome.ys, outcome.event_y)
        )
    solve_some(fun, batch, options, range(batch.size), outcome, threads, tell)
    return outcome
