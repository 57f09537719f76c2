"""`vectorized=True`: y has columns, one state each."""

import numpy as np

from corpus.registry import compiles


@compiles([2.0, 0.0], 5.0, vectorized=True)
def van_der_pol_vectorized(t, y):
    return np.vstack([y[1], 5.0 * (1 - y[0] ** 2) * y[1] - y[0]])


@compiles([1.0, 0.0, 0.0], 10.0, method="BDF", vectorized=True)
def kinetics_vectorized_bdf(t, y):
    r1 = 0.04 * y[0]
    r2 = 1e4 * y[1] * y[2]
    r3 = 3e7 * y[1] ** 2
    return np.array([-r1 + r2, r1 - r2 - r3, r3])


@compiles([1.0, 0.5], 3.0, method="Radau", vectorized=True)
def linear_vectorized_radau(t, y):
    return np.array([[-1.0, 0.5], [0.3, -2.0]]) @ y


@compiles(np.linspace(0, 1, 6), 0.5, method="RK23", vectorized=True)
def stencil_vectorized(t, u):
    d = np.zeros_like(u)
    d[1:-1, :] = u[2:, :] - 2 * u[1:-1, :] + u[:-2, :]
    return d


@compiles([1.0, 0.5], 3.0, vectorized=True)
def unpacked_rows(t, y):
    a, b = y
    return np.array((-a * b, a - b))
