"""A handful of right-hand sides for the native tests, each with its span and start."""

import numpy as np


def oscillator(t, y):
    return [y[1], -y[0]]


def lorenz(t, y):
    return [10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]]


def decay(t, y):
    return -0.5 * y


def van_der_pol(t, y):
    return [y[1], (1 - y[0] ** 2) * y[1] - y[0]]


def spin(t, y):
    return 1j * (t + 1) * y


def forced(t, y):
    return [np.cos(3 * t) - y[0]]


PROBLEMS = {
    "oscillator": (oscillator, (0, 20), [1.0, 0.5]),
    "lorenz": (lorenz, (0, 3), [1.0, 1.0, 1.0]),
    "decay of nine": (decay, (0, 10), np.arange(9.0)),
    "van der Pol": (van_der_pol, (0, 10), [2.0, 0.0]),
    "forced, one component": (forced, (1, 6), [0.0]),
    "backward": (oscillator, (5, -5), [1.0, 0.5]),
    "complex": (spin, (0, 4), [1 + 0j, 2j]),
    "complex, backward": (spin, (2, -1), [1 + 1j]),
}


def takes(method, y0):
    """Does SciPy's method take such a state? Radau and LSODA are for real ones."""
    return method not in ("Radau", "LSODA") or not np.iscomplexobj(np.asarray(y0))
