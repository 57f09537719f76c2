"""Derivatives of functions that are only Python: central differences."""

from __future__ import annotations

import numpy as np

STEP = np.finfo(float).eps ** (1 / 3)  # times the size of what is moved
FLOOR = 1e-3  # of the largest component: smaller ones are moved as if they were this large


def directional(fun, t, y, values, dy, dvalues, scale):
    """d fun(t, y, values) along (dy, dvalues), from two evaluations.

    scale   the sizes of the values, none of them 0
    """
    sizes = np.abs(y) + FLOOR * np.max(np.abs(y), initial=0.0)
    moved = np.concatenate([np.abs(dy) / np.where(sizes > 0, sizes, 1.0), np.abs(dvalues) / scale])
    largest = moved.max(initial=0.0)
    if not largest > 0:
        return np.zeros(np.shape(fun(t, y.copy(), values)))
    step = STEP / largest
    behind = np.asarray(fun(t, y - step * dy, values - step * dvalues), float)
    return (np.asarray(fun(t, y + step * dy, values + step * dvalues), float) - behind) / (2 * step)


def in_time(fun, t, y, values, span):
    """d fun / dt, from two evaluations within an interval of this length."""
    step = STEP * max(abs(t), span)
    behind = np.asarray(fun(t - step, y.copy(), values), float)
    return (np.asarray(fun(t + step, y.copy(), values), float) - behind) / (2 * step)
