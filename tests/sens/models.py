"""Problems whose derivatives are known, or can be had to many digits."""

import numpy as np


def decay(t, y, k):
    return -k * y


def decay_solution(t, k, y0):
    """y0 exp(-k t) and its derivatives with respect to k and y0: (nt,), (nt, 2)."""
    y = y0 * np.exp(-k * t)
    return y, np.stack([-t * y, y / y0], axis=-1)


def logistic(t, y, r, K):
    return r * y * (1.0 - y / K)


def logistic_solution(t, r, K, y0):
    """K / (1 + (K / y0 - 1) exp(-r t)), and its derivatives with respect to r, K and y0."""
    e = np.exp(-r * t)
    w = K / y0 - 1
    bottom = 1 + w * e
    by_r = K * w * t * e / bottom**2
    by_k = 1 / bottom - K * e / (y0 * bottom**2)
    by_y0 = K**2 * e / (y0**2 * bottom**2)
    return K / bottom, np.stack([by_r, by_k, by_y0], axis=-1)


def lotka_volterra(t, y, a, b, c, d):
    return [a * y[0] - b * y[0] * y[1], -c * y[1] + d * y[0] * y[1]]


def robertson(t, y, k1, k2, k3):
    a, b, c = y
    return np.array([-k1 * a + k3 * b * c, k1 * a - k2 * b * b - k3 * b * c, k2 * b * b])


def van_der_pol(t, y, mu):
    return [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]]


# (fun, y0, tf, args): those of the table of errors, whose derivatives at the end are compared
LOTKA_VOLTERRA = (lotka_volterra, [1.0, 1.0], 10.0, (1.5, 1.0, 3.0, 1.0))
ROBERTSON = (robertson, [1.0, 0.0, 0.0], 1e4, (0.04, 3e7, 1e4))
VAN_DER_POL = (van_der_pol, [2.0, 0.0], 15.0, (10.0,))


def ball(t, y, g):
    return [y[1], -g]


def hits_ground(t, y, g):
    return y[0]


hits_ground.terminal = True
hits_ground.direction = -1
