"""Derivatives of a function by extrapolated differences, with an estimate of their error."""

from __future__ import annotations

import numpy as np

FIRST = 1e-2  # step, times the size of what is moved
SHRINK = 1.6
LEVELS = 9


def derivative(fun, x, size):
    """(df/dx at a number, estimate of its error, elementwise), of a function with values in an array.

    Central differences of a row of steps, extrapolated to 0 (Ridders, Adv. Eng. Software 4, 1982); for each element the
    entry of the table that differs least from its neighbours.
    """
    steps = [FIRST * size / SHRINK**k for k in range(LEVELS)]
    best, error = None, None
    above: list = []
    for k, step in enumerate(steps):
        row = [(np.asarray(fun(x + step)) - np.asarray(fun(x - step))) / (2 * step)]
        for i, coarse in enumerate(above):
            factor = SHRINK ** (2 * (i + 1))
            row.append((factor * row[i] - coarse) / (factor - 1))
        if best is None:
            best, error = row[0], np.full(np.shape(row[0]), np.inf)
        for i in range(1, k + 1):
            differs = np.maximum(np.abs(row[i] - row[i - 1]), np.abs(row[i] - above[i - 1]))
            better = differs < error
            best, error = np.where(better, row[i], best), np.where(better, differs, error)
        above = row
    return best, error
