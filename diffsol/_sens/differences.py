"""Derivatives of functions that are only Python: finite differences."""

from __future__ import annotations

import numpy as np

STEP = np.sqrt(np.finfo(float).eps)  # times the size of what is moved
STEP_IN_TIME = np.finfo(float).eps ** (1 / 3)
FLOOR = 1e-3  # of the largest component: smaller ones are moved as if they were this large


def directional(fun, here, t, y, values, dy, dvalues, scale):
    """d fun(t, y, values) along (dy, dvalues), from one evaluation and `here`, the value at (t, y, values).

    scale   the sizes of the values, none of them 0
    """
    with np.errstate(all="ignore"):  # what is not finite fails like any other solve
        sizes = np.abs(y) + FLOOR * np.max(np.abs(y), initial=0.0)
        moved = np.concatenate(
            [np.abs(dy) / np.where(sizes > 0, sizes, 1.0), np.abs(dvalues) / scale]
        )
        largest = moved.max(initial=0.0)
        if not largest > 0:
            return np.zeros(np.shape(here)) if largest == 0 else np.full(np.shape(here), np.nan)
        step = STEP / largest
        there = np.asarray(fun(t, y + step * dy, values + step * dvalues), float)
        return (there - here) / step


def in_time(fun, t, y, values, span):
    """d fun / dt, from two evaluations within an interval of this length."""
    step = STEP_IN_TIME * max(abs(t), span)
    behind = np.asarray(fun(t - step, y.copy(), values), float)
    return (np.asarray(fun(t + step, y.copy(), values), float) - behind) / (2 * step)
