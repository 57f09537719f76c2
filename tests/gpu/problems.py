"""What the kernels are tried on: systems with their starts, spans and own arguments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Problem(NamedTuple):
    fun: Any
    y0: list
    span: tuple
    event: Any  # of the state alone
    low: float  # own arguments
    high: float

    def own(self, size, seed=0):
        """One for each trajectory, in no order, so that neighbours take different numbers of steps."""
        return np.random.default_rng(seed).permutation(np.linspace(self.low, self.high, size))

    def watched(self):
        """Counted, and ending the trajectory at the third time."""

        def event(t, y, r):
            return self.event(y)

        event.terminal = 3
        event.direction = -1
        return [event, lambda t, y, r: self.event(y) - 0.1 * t]


def lorenz(t, y, r):
    return [10 * (y[1] - y[0]), y[0] * (r - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]]


def hodgkin_huxley(t, y, current):
    v, m, h, n = y
    am = 0.1 * (v + 40.0) / (1.0 - np.exp(-(v + 40.0) / 10.0))
    bm = 4.0 * np.exp(-(v + 65.0) / 18.0)
    ah = 0.07 * np.exp(-(v + 65.0) / 20.0)
    bh = 1.0 / (1.0 + np.exp(-(v + 35.0) / 10.0))
    an = 0.01 * (v + 55.0) / (1.0 - np.exp(-(v + 55.0) / 10.0))
    bn = 0.125 * np.exp(-(v + 65.0) / 80.0)
    ionic = 120.0 * m**3 * h * (v - 50.0) + 36.0 * n**4 * (v + 77.0) + 0.3 * (v + 54.387)
    return [current - ionic, am * (1 - m) - bm * m, ah * (1 - h) - bh * h, an * (1 - n) - bn * n]


def robertson(t, y, r):
    slow, fast, third = 0.04 * r * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    return [fast - slow, slow - fast - third, third]


def relaxation(t, y, r):
    """Stiff, and dependent on t."""
    return [r * (t * (1.0 - 0.1 * t) - y[0]), y[0] - y[1]]


PROBLEMS = {
    "lorenz": Problem(lorenz, [1.0, 0.5, 0.2], (0.0, 8.0), lambda y: y[0] - 2.0, 0.0, 28.0),
    "hodgkin_huxley": Problem(
        hodgkin_huxley, [-65.0, 0.05, 0.6, 0.32], (0.0, 30.0), lambda y: y[0] + 50.0, 0.0, 20.0
    ),
    "robertson": Problem(robertson, [1.0, 0.0, 0.0], (0.0, 1e4), lambda y: y[0] - 0.5, 0.5, 20.0),
    "relaxation": Problem(relaxation, [0.0, 0.0], (0.0, 9.0), lambda y: y[0] - 1.3, 1.0, 1e4),
}
STIFF = ("robertson", "relaxation")
EXPLICIT = [(m, p) for m in ("RK23", "RK45", "DOP853") for p in ("lorenz", "hodgkin_huxley")]
PAIRS = [*EXPLICIT, *(("Rodas5P", problem) for problem in STIFF)]


def chain(t, y, r):
    """Of any length, every component depending on three."""
    n = len(y)
    return [r * (y[i - 1] - y[i]) + 0.1 * y[i] * y[(i + 1) % n] for i in range(n)]
