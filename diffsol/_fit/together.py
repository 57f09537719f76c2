"""Several experiments with one model, solved in the lanes of the vector registers as an ensemble."""

from __future__ import annotations

import numpy as np

from diffsol._ensemble import native
from diffsol._ensemble.batch import Batch, Own
from diffsol._ensemble.options import Options
from diffsol._ensemble.programs import Parameters, Programs
from diffsol._methods.registry import EXPLICIT
from diffsol._sens.forward import whole_tolerances
from diffsol._trace.reasons import Refused

LEAST = 4  # experiments: fewer leave lanes empty
MOST_TIMES = 4  # times as many output times as an experiment has on average: others are thrown away


class Together:
    """The experiments as one ensemble. Raises Refused where they are none.

    An own argument of a trajectory is what differs: the model's variables, all of them.
    """

    def __init__(self, experiments, threads):
        first = experiments[0]
        self._experiments, self._threads = experiments, threads
        options = first.options
        if len(experiments) < LEAST or options.method not in EXPLICIT or not options.controlled:
            raise Refused("no-lanes", "too few experiments, or a method that is not in lanes")
        if any(e.span[0] == e.span[1] for e in experiments):
            raise Refused("no-lanes", "nothing to be solved")
        if options.deadline is not None or not all(_is_like(e, first) for e in experiments):
            raise Refused("no-lanes", "experiments that differ in more than their variables")
        self.times = np.unique(np.concatenate([e.times for e in experiments]))
        if len(self.times) * len(experiments) > MOST_TIMES * sum(len(e.times) for e in experiments):
            raise Refused("no-lanes", "different times")
        self._places = [np.searchsorted(self.times, e.times) for e in experiments]
        system = first.system
        self._programs = Programs(system.augmented_in_lanes())
        shared = system.block[: system.traced.n_params].copy()
        self._parameters = Parameters(shared, np.empty(0))

    def solve(self, started):
        """For each experiment the augmented states at its own times, (nt, n + m n), or None: it must be solved
        alone.

        started   for each experiment (arguments, y0, dy0/dv)
        """
        first = self._experiments[0]
        options = first.options
        starts = np.array([np.concatenate([y0, dy0.ravel()]) for _, y0, dy0 in started])
        own = np.array([arguments for arguments, _, _ in started])
        batch = Batch(
            len(starts),
            starts,
            (Own(own),),
            np.array([e.span[0] for e in self._experiments]),
            np.array([e.span[1] for e in self._experiments]),
        )
        scale = first.variables.scales(own[0], started[0][1])
        rtol, atol = whole_tolerances(options.rtol, options.atol, first.variables.n, scale)
        ensemble = Options(
            options.method,
            rtol,
            atol,
            self.times,
            (),
            options.max_step,
            None,
            options.max_steps,
            0,
        )
        solver = native.Solver(self._programs, self._parameters, batch, ensemble)
        solver.run(self._threads, lambda done: None)
        outcome = solver.outcome
        found = []
        for i, places in enumerate(self._places):
            done = outcome.status[i] == 0
            found.append(np.ascontiguousarray(outcome.ys[i, places]) if done else None)
        return found


def _is_like(experiment, first) -> bool:
    """Is it the same model with the same shared arguments, but for its variables?"""
    a, b = experiment.system, first.system
    if a.refused is not None or b.refused is not None or a.traced is not b.traced:
        return False
    count = a.traced.n_params
    return np.array_equal(a.block[:count], b.block[:count])


def together(experiments, threads) -> Together | None:
    """The experiments as one ensemble, or None where they are none."""
    try:
        return Together(experiments, threads)
    except Refused:
        return None
