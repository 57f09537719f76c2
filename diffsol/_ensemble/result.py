"""What `solve_ensemble` returns."""

from __future__ import annotations

from operator import index

import numpy as np

from diffsol._ensemble.batch import host
from diffsol.integrate._outcome import MESSAGES
from diffsol.integrate._result import OdeResult


class EnsembleResult:
    """The trajectories of an ensemble. What is called an ndarray here is CuPy's where a GPU has solved it.

    t          ndarray (K,): the output times; None where there were none (`t_eval` None)
    y          ndarray (N, n, K): the states at them, nan beyond the end of a trajectory; (N, n), the states at
               the ends, where there were no output times
    t_final, y_final   ndarray (N,), (N, n): where each trajectory ended
    status     ndarray (N,): as of `solve_ivp`: 0 the end was reached, 1 a terminal event, -1 a step failed,
               -2 `max_steps`
    success    ndarray (N,) of bool: status >= 0
    nfev, n_steps, n_rejected   ndarray (N,): evaluations of fun, accepted and rejected steps
    event_counts   ndarray (N, G): how often each event occurred, or None
    t_events, y_events   for each event an ndarray (N, E) and (N, E, n) of its first occurrences in each
               trajectory, nan where there are no more; or None
    stats      dict: 'tier' ('lanes', 'one by one' or 'cuda'), 'seconds', 'redone' (trajectories that
               `solve_ivp` was asked for); of the CPU 'lanes', 'threads', 'occupancy' (share of the lanes that were
               busy); of GPUs 'devices'

    sol[i] is trajectory i as `solve_ivp` returns it, and len(sol) is N. sol[:100], sol[sol.success], sol[[3, 1]] are
    results of some trajectories, by NumPy's rules for an array of one axis: those of slices are views. Their `stats`
    are those of all.
    """

    def __init__(self, outcome, options, stats):
        self._outcome, self._options = outcome, options
        self.t = options.t_eval
        self.t_final, self.y_final = outcome.t, outcome.y
        self.y = outcome.y if options.t_eval is None else np.swapaxes(outcome.ys, 1, 2)
        self.status, self.success = outcome.status, outcome.status >= 0
        self.nfev, self.n_steps, self.n_rejected = outcome.nfev, outcome.n_steps, outcome.n_rejected
        self.event_counts = self.t_events = self.y_events = None
        if options.events:
            self.event_counts = outcome.event_count
            self.t_events = list(np.swapaxes(outcome.event_t, 0, 1))
            self.y_events = list(np.swapaxes(outcome.event_y, 0, 1))
        self.stats = stats

    def __len__(self):
        return len(self.status)

    def __getitem__(self, which):
        if isinstance(which, slice):
            return EnsembleResult(self._outcome.part(which), self._options, self.stats)
        if isinstance(which, bool | np.bool_ | tuple):
            raise IndexError(
                f"The trajectories have one axis: {which!r} is neither a number, nor a slice, nor an array, of it."
            )
        if np.ndim(which):
            picked = np.arange(len(self))[host(which)]
            if picked.ndim != 1:
                raise IndexError(f"Trajectories are picked along one axis, not {picked.ndim}.")
            return EnsembleResult(self._outcome.part(picked), self._options, self.stats)
        return self._one(range(len(self))[index(host(which))])

    def _one(self, i):
        status = int(self.status[i])
        saved = int(self._outcome.n_saved[i])
        t_events = y_events = None
        if self.t_events is not None:
            counts = np.minimum(self.event_counts[i], self.t_events[0].shape[1])
            t_events = [t[i, :k] for t, k in zip(self.t_events, counts, strict=True)]
            y_events = [y[i, :k] for y, k in zip(self.y_events, counts, strict=True)]
        return OdeResult(
            t=self.t_final[i : i + 1] if self.t is None else self.t[:saved],
            y=self.y_final[i][:, None] if self.t is None else self.y[i, :, :saved],
            sol=None,
            t_events=t_events,
            y_events=y_events,
            nfev=int(self.nfev[i]),
            njev=0,
            nlu=0,
            status=status,
            message=MESSAGES[status],
            success=status >= 0,
        )

    def __repr__(self):
        n = self.y_final.shape[1]
        ended = ", ".join(
            f"{count} {MESSAGES[status]!r}"
            for status, count in zip(*np.unique(host(self.status), return_counts=True), strict=True)
        )
        times = "" if self.t is None else f" at {self.t.size} times"
        ended = f"; {ended}" if ended else ""
        return f"<EnsembleResult: {len(self)} trajectories of {n} components{times}{ended}>"
