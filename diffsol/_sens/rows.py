"""Sensitivities by the adjoint equation: a way back for each component at each time."""

from __future__ import annotations

import numpy as np

from diffsol._sens.adjoint import Backward, adjoint_kernels
from diffsol._sens.primal import Primal

MEMORY = 256e6  # bytes for the solution


class Rows:
    """A solve and the derivatives of all its outputs; as `Forward` holds them when it has gone.

    start   ndarray (m, n): dy/dv at t0

    Raises Refused.
    """

    def __init__(self, system, method, t0, tf, y0, start, *options):
        self.n, self.m = y0.size, len(start)
        self._start, self._kernels = start, adjoint_kernels(system)
        self._primal = Primal(system, method, t0, tf, y0, *options)

    def go(self, t_eval) -> int:
        primal = self._primal
        primal.go(t_eval, None, MEMORY)
        self.t = primal.t
        self.nfev, self.njev, self.nlu = primal.counts
        columns = np.empty((self.m, self.n, self.t.size))
        for k in range(self.t.size):
            for i in range(self.n):
                columns[:, i, k] = self._row(k, i)
        self.y_whole = np.concatenate([primal.y, columns.reshape(-1, self.t.size)])
        return 0

    def _row(self, k, i):
        """d y_i(t_k) / dv."""
        jump = np.zeros((1, self.n))
        jump[0, i] = 1.0
        back = Backward(self._primal, self._kernels, None, self.t[k : k + 1], jump)
        back.go()
        row = self._start @ back.at_start
        for j, place in enumerate(self._primal.system.variables.columns):
            if place >= 0:
                row[j] += back.gradient[place]
        return row
