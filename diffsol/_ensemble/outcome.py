"""What becomes of trajectories: arrays, one entry for each."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from diffsol._engine.memory import filled

UNKNOWN = -4  # a status: nothing is known of the trajectory yet, or its kernel could not answer (DS_ENS_TRAPPED)


@dataclass
class Outcome:
    """N trajectories of n components, K output times, G events of which E records are kept each.

    t, y            (N,), (N, n): where they ended
    status          (N,): as ens.h has them
    nfev, n_steps, n_rejected, n_saved   (N,)
    ys              (N, K, n): at the output times; nan beyond the end of a trajectory
    event_count     (N, G): all occurrences
    event_t, event_y    (N, G, E), (N, G, E, n): the first ones; nan where there are none
    """

    t: np.ndarray
    y: np.ndarray
    status: np.ndarray
    nfev: np.ndarray
    n_steps: np.ndarray
    n_rejected: np.ndarray
    n_saved: np.ndarray
    ys: np.ndarray
    event_count: np.ndarray
    event_t: np.ndarray
    event_y: np.ndarray

    @classmethod
    def empty(cls, size, n, options, dtype=float):
        events, room = len(options.events), options.event_room
        counts = [np.zeros(size, np.int64) for _ in range(4)]
        return cls(
            filled((size,), np.nan),
            filled((size, n), np.nan, dtype),
            np.full(size, UNKNOWN, np.int32),
            *counts,
            filled((size, options.n_eval, n), np.nan, dtype),
            np.zeros((size, events), np.int64),
            filled((size, events, room), np.nan),
            filled((size, events, room, n), np.nan, dtype),
        )

    def arrays(self):
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def part(self, which) -> Outcome:
        """Some trajectories: views for a slice, copies for an array of their numbers."""
        taken = isinstance(which, np.ndarray)
        return Outcome(
            **{
                name: values.take(which, axis=0) if taken else values[which]
                for name, values in self.arrays().items()
            }
        )

    def put(self, first, other):
        """The outcome of other trajectories from row `first` on."""
        for name, values in other.arrays().items():
            getattr(self, name)[first : first + len(values)] = values

    def put_rows(self, rows, other, xp=np):
        """The outcome of other trajectories, which the processor's memory holds, in these rows; `xp`: the module of
        the arrays here."""
        for name, values in other.arrays().items():
            target = getattr(self, name)
            if values.size:
                target[xp.asarray(rows)] = xp.asarray(values, dtype=target.dtype)

    def __len__(self):
        return len(self.status)
