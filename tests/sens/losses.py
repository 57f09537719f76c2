"""Losses of one component, what they come to, and derivatives by differences."""

import numpy as np

from diffsol._sens.extrapolate import derivative

METHODS = ["RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA"]


def half_square_at_end(t, Y):
    return 0.5 * Y[0, -1] ** 2


def square(t, y, *args):
    return y[0] ** 2


def by_differences(value, p, j):
    """d value(p) / d p_j to many digits."""

    def moved(x):
        q = np.array(p, float)
        q[j] = x
        return value(q)

    return derivative(moved, float(p[j]), abs(float(p[j])) or 1.0)[0]


def exact_decay(k, y0, T):
    """G = y(T)^2 / 2 + the integral of y^2, dG/dk, dG/dy0; and those of the first term alone."""
    e = np.exp(-2 * k * T)
    at_end, integral = y0**2 * e / 2, y0**2 / (2 * k) * (1 - e)
    first = np.array([at_end, -2 * T * at_end, 2 * at_end / y0])
    second = np.array([integral, -integral / k + y0**2 * T * e / k, 2 * integral / y0])
    return first + second, first
