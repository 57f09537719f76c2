"""Statistics of states that stay in a device's memory: only the numbers of a chunk as a whole come back."""

from __future__ import annotations

from diffsol._ensemble.batch import host
from diffsol._ensemble.reduce import Reducer


class DeviceReducer(Reducer):
    """Sums are made over a chunk at a time, in the order that CuPy takes: they differ from the CPU's by rounding.
    Quantiles are counted by the CPU, to which all states are copied for that."""

    def __init__(self, what, xp):
        super().__init__(what)
        self._xp = xp

    def _take_states(self, result):
        xp, reduced = self._xp, self.reduced
        y = result.y[result.success]
        if not len(y):
            return
        reduced.count += len(y)
        there = ~xp.isnan(y)
        if "mean" in self._names or "var" in self._names:
            count = there.sum(0)
            mean = xp.where(there, y, 0).sum(0, dtype=float) / xp.maximum(count, 1)
            squares = xp.where(there, xp.square(y - mean), 0).sum(0)
            self._merge_moments(*map(host, (count, mean, squares)))
        some = there.any(0)
        if "min" in self._names:
            low = xp.where(there, y, xp.inf).min(0)
            self._merge_min(host(xp.where(some, low, xp.nan)))
        if "max" in self._names:
            high = xp.where(there, y, -xp.inf).max(0)
            self._merge_max(host(xp.where(some, high, xp.nan)))
        if "quantiles" in self._names:
            reduced.quantiles.add(host(y))
