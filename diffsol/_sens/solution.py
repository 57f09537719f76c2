"""The continuous solution of a solve with sensitivities."""

from __future__ import annotations

import numpy as np

from diffsol.integrate._dense import OdeSolution


class SensitivitySolution:
    """y(t), or the derivatives dy/dv, over the accepted steps; as `OdeSolution`, with these shapes:

    y       (n,) at one time, (n, n_points) at several
    dy/dv   (n, m), (n, n_points, m)
    """

    def __init__(self, run, derivatives):
        self._whole: OdeSolution = run.solution
        self._n, self._m, self._derivatives = run.n, run.m, derivatives
        self.ts, self.t_min, self.t_max = self._whole.ts, self._whole.t_min, self._whole.t_max

    def __call__(self, t):
        whole = self._whole(t)
        n, m = self._n, self._m
        if not self._derivatives:
            return whole[:n]
        columns = whole[n:].reshape(m, n, *whole.shape[1:])
        return np.moveaxis(columns, 0, -1)
