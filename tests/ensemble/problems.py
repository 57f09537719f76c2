"""The same systems in C and in Python; a trajectory's own argument is r."""

from __future__ import annotations

import numpy as np

TEXT = """
KERNEL(lorenz) {
    ROWS;
    out[0] = DS_C(10.0) * (y[1] - y[0]);
    out[1] = y[0] * (q[0] - y[2]) - y[1];
    out[2] = y[0] * y[1] - DS_C(8.0 / 3.0) * y[2];
    return 0;
}
KERNEL(pendulum) { /* a series in place of the sine */
    ROWS;
    const V s = y[0] * y[0];
    out[0] = y[1];
    out[1] = -q[0] * y[0] * (DS_C(1) - s * DS_C(1.0 / 6) * (DS_C(1) - s * DS_C(1.0 / 20))) + DS_C(p[0]) * t;
    return 0;
}
KERNEL(decay) { /* five components, one after the other */
    ROWS;
    out[0] = -q[0] * y[0];
    for (int i = 1; i < 5; ++i) out[i] = q[0] * (y[i - 1] - y[i]);
    return 0;
}
KERNEL(swings) { /* pendulum: at the bottom, at half the speed, at t = 1.5 */
    ROWS;
    out[0] = y[0];
    out[1] = y[1] - DS_C(0.5);
    out[2] = t - DS_C(1.5);
    return 0;
}
KERNEL(blows_up) { /* y' = r y**2 */
    ROWS;
    out[0] = q[0] * y[0] * y[0];
    return 0;
}
KERNEL(roots) { /* y' = r sqrt(1 - t), nan beyond 1 */
    ROWS;
    out[0] = q[0] * ds_sqrt(DS_C(1) - t);
    return 0;
}
KERNEL(gives_up) { /* where the state is above 2 */
    ROWS;
    out[0] = q[0] * y[0];
    return ds_mask(y[0] > DS_C(2));
}
"""


def lorenz(t, y, r):
    return [10 * (y[1] - y[0]), y[0] * (r - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]]


def pendulum(t, y, r, push=0.1):
    s = y[0] * y[0]
    return [y[1], -r * y[0] * (1 - s / 6 * (1 - s / 20)) + push * t]


def decay(t, y, r):
    return -r * y + np.concatenate(([0.0], r * y[:-1]))


def bottom(t, y, r):
    return y[0]


def half_speed(t, y, r):
    return y[1] - 0.5


def a_time(t, y, r):
    return t - 1.5
