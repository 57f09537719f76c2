"""Quantiles of many numbers in bounded memory, whatever their order.

Numbers are counted in bins whose edges grow by a constant factor, so that every quantile has a relative error of at
most ACCURACY (C. Masson, J. Rim, H. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", PVLDB 12(12), 2019).
"""

from __future__ import annotations

import numpy as np

ACCURACY = 0.005
GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
_LOG_GAMMA = np.log(GAMMA)
_OFFSET = 1 << 17  # beyond the number of the smallest double's bin
_ZERO = np.int64(0)


class Quantiles:
    """Counts of numbers, for each place of an array of some shape.

    Called with q in [0, 1] it gives the quantile at each place, an ndarray of that shape; nan where there are no
    numbers.
    """

    def __init__(self, shape):
        self.shape = tuple(shape)
        size = int(np.prod(self.shape, dtype=int))
        self._bins = [
            (np.empty(0, np.int64), np.empty(0, np.int64))
        ] * size  # ascending bins, counts

    def add(self, values):
        """values: ndarray (N, *shape); nan are left out."""
        for place, column in enumerate(values.reshape(len(values), -1).T):
            bins, counts = np.unique(_bin(column[~np.isnan(column)]), return_counts=True)
            self._bins[place] = _merged(self._bins[place], (bins, counts))

    def __call__(self, q):
        if np.ndim(q) or not 0 <= q <= 1:
            raise ValueError(f"q must be one number between 0 and 1, not {q!r}.")
        return np.array([_quantile(bins, counts, q) for bins, counts in self._bins]).reshape(
            self.shape
        )


def _bin(x):
    """The number of each value's bin: of the sign of the value, ascending as the values do."""
    size = np.abs(x)
    with np.errstate(divide="ignore"):
        exponent = np.ceil(np.log(size) / _LOG_GAMMA)
    exponent = np.clip(exponent, 1 - _OFFSET, _OFFSET - 1)  # the infinite ones
    return np.where(size == 0, _ZERO, np.sign(x) * (exponent + _OFFSET)).astype(np.int64)


def _middle(bins):
    """The value that stands for a bin."""
    if bins == 0:
        return 0.0
    exponent = abs(int(bins)) - _OFFSET
    with np.errstate(over="ignore"):
        size = 2 * np.exp(exponent * _LOG_GAMMA) / (GAMMA + 1)
    return float(np.copysign(size, bins))


def _merged(a, b):
    bins, where = np.unique(np.concatenate([a[0], b[0]]), return_inverse=True)
    counts = np.zeros(bins.size, np.int64)
    np.add.at(counts, where, np.concatenate([a[1], b[1]]))
    return bins, counts


def _quantile(bins, counts, q):
    if not bins.size:
        return np.nan
    rank = q * (counts.sum() - 1)
    return _middle(bins[np.searchsorted(np.cumsum(counts), rank, side="right")])
