"""Statistics of an ensemble that is too large to be kept: chunk by chunk, in bounded memory.

All are taken over the trajectories that succeeded, for each component (and output time, over those that came so
far). Sums are made in blocks of fixed size and merged in order, so that the result has the same bits whatever the
chunks were.
"""

from __future__ import annotations

import numpy as np

from diffsol._ensemble.batch import host
from diffsol._ensemble.sketch import Quantiles

BLOCK = 1024  # trajectories; chunks are multiples of it
NAMES = ("mean", "var", "min", "max", "quantiles")


class Reduced:
    """The outcome of `reduce`.

    count     number of trajectories that succeeded, and are counted
    size      number of all
    mean, var, min, max   ndarrays (n, K), or (n,) without output times; None where not asked for. nan where no
              trajectory has come. The variance is that of the sample (divided by count - 1)
    quantiles    `Quantiles`: quantiles(0.5) is the median, to a relative error of 0.5 %; or None
    results   list of what a user's function returned, a chunk each; or None
    status    dict: how many trajectories ended with which status
    """

    def __init__(self, what):
        self.count = self.size = 0
        self.mean = self.var = self.min = self.max = self.quantiles = self.results = None
        self.status: dict[int, int] = {}
        self._what = what

    def __repr__(self):
        return f"<Reduced: {', '.join(map(str, self._what))} of {self.count} of {self.size} trajectories>"


class Reducer:
    """Takes results chunk by chunk, in order.

    what    names among NAMES, and functions of an `EnsembleResult`
    """

    def __init__(self, what):
        self._names = [w for w in what if not callable(w)]
        self._functions = [w for w in what if callable(w)]
        self.reduced = Reduced([getattr(w, "__name__", w) for w in what])
        if self._functions:
            self.reduced.results = []
        self._moments = None  # (count, mean, sum of squares), at each place

    @property
    def has_statistics(self):
        return bool(self._names)

    def take(self, result):
        reduced = self.reduced
        reduced.size += len(result)
        statuses = np.unique(host(result.status), return_counts=True)
        for status, count in zip(*statuses, strict=True):
            reduced.status[int(status)] = reduced.status.get(int(status), 0) + int(count)
        for function in self._functions:
            reduced.results.append(function(result))
        if self._names:
            self._begin(result.y.shape[1:])
            self._take_states(result)

    def _begin(self, shape):
        """What no trajectory at all comes to."""
        reduced = self.reduced
        for name in set(self._names) - {"quantiles"}:
            if getattr(reduced, name) is None:
                setattr(reduced, name, np.full(shape, np.nan))
        if "quantiles" in self._names and reduced.quantiles is None:
            reduced.quantiles = Quantiles(shape)

    def _take_states(self, result):
        for first in range(0, len(result), BLOCK):
            ok = result.success[first : first + BLOCK]
            self._add(result.y[first : first + BLOCK][ok])

    def _add(self, y):
        """Merge a block (m, ...) of states."""
        if not len(y):
            return
        reduced = self.reduced
        reduced.count += len(y)
        if "mean" in self._names or "var" in self._names:
            self._add_moments(y)
        if "min" in self._names:
            self._merge_min(np.fmin.reduce(y, 0))
        if "max" in self._names:
            self._merge_max(np.fmax.reduce(y, 0))
        if "quantiles" in self._names:
            reduced.quantiles.add(y)

    def _merge_min(self, low):
        self.reduced.min = np.fmin(self.reduced.min, low)

    def _merge_max(self, high):
        self.reduced.max = np.fmax(self.reduced.max, high)

    def _add_moments(self, y):
        there = ~np.isnan(y)
        count = there.sum(0)
        mean = np.sum(y, 0, where=there) / np.maximum(count, 1)
        self._merge_moments(count, mean, np.sum(np.square(y - mean), 0, where=there))

    def _merge_moments(self, count, mean, squares):
        """Means and sums of squares of two sets (T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise
        algorithm for computing sample variances", 1979, eq. 2.1), at each place of those that came there."""
        if self._moments is not None:
            before, mean_before, squares_before = self._moments
            delta, total = mean - mean_before, np.maximum(before + count, 1)
            squares = squares_before + squares + np.square(delta) * (before * count / total)
            mean = mean_before + delta * (count / total)
            count = before + count
        self._moments = count, mean, squares

    def end(self) -> Reduced:
        reduced = self.reduced
        if self._moments is not None:
            count, mean, squares = self._moments
            if "mean" in self._names:
                reduced.mean = np.where(count > 0, mean, np.nan)
            if "var" in self._names:
                reduced.var = np.where(count > 1, squares / np.maximum(count - 1, 1), np.nan)
        return reduced


def wanted(reduce) -> tuple:
    """`reduce` as a tuple of names and functions. Raises ValueError."""
    one = not isinstance(reduce, list | tuple | set)
    what = (reduce,) if one else tuple(reduce)
    if not what or not all(callable(w) or w in NAMES for w in what):
        raise ValueError(
            f"`reduce` must be a function, one of {', '.join(map(repr, NAMES))}, or several of these, not {reduce!r}."
        )
    return what
