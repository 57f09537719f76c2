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
KERNEL(has_a_gap) { /* -1 before t = 0.1, 1 after 0.3, nan between */
    ROWS;
    const V before = t - DS_C(0.1), after = t - DS_C(0.3);
    out[0] = ds_sel(before < DS_C(0), DS_C(-1), ds_sqrt(after) / ds_sqrt(after));
    return 0;
}
KERNEL(gives_up_near_a_fifth) { /* where only DOP853's interpolant looks in a step from 0 to 1 */
    ROWS;
    out[0] = DS_C(0) - q[0];
    return ds_mask(ds_abs(t - DS_C(0.2)) < DS_C(0.01));
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


# Stiff: Robertson's kinetics, r times the slow rate; a forced relaxation, r times as fast.
STIFF_TEXT = """
KERNEL(robertson) {
    ROWS;
    const V slow = DS_C(0.04) * q[0] * y[0], fast = DS_C(1e4) * y[1] * y[2];
    const V third = DS_C(3e7) * y[1] * y[1];
    out[0] = fast - slow;
    out[1] = slow - fast - third;
    out[2] = third;
    return 0;
}
KERNEL(robertson_jac) {
    ROWS;
    const V slow = DS_C(0.04) * q[0], by1 = DS_C(1e4) * y[2], by2 = DS_C(1e4) * y[1];
    const V third = DS_C(6e7) * y[1], none = DS_C(0);
    const V J[] = {none - slow, by1, by2, slow, none - by1 - third, none - by2, none, third, none};
    for (int i = 0; i < 9; ++i) out[i] = J[i];
    return 0;
}
KERNEL(relaxes) { /* y' = -r (y - t**2) + 2 t, z' = y z */
    ROWS;
    out[0] = DS_C(2) * t - q[0] * (y[0] - t * t);
    out[1] = y[0] * y[1];
    return 0;
}
KERNEL(relaxes_jac) {
    ROWS;
    out[0] = DS_C(0) - q[0];
    out[1] = DS_C(0);
    out[2] = y[1];
    out[3] = y[0];
    return 0;
}
KERNEL(relaxes_dfdt) {
    ROWS;
    out[0] = DS_C(2) + DS_C(2) * q[0] * t;
    out[1] = DS_C(0);
    return 0;
}
KERNEL(needs_pivots) { /* y' = A y with zeros on the diagonal of A, which lanes shift in their ways */
    ROWS;
    out[0] = y[1] - q[0] * y[0];
    out[1] = y[2] * DS_C(100);
    out[2] = DS_C(0) - q[0] * y[1] * DS_C(100);
    return 0;
}
KERNEL(needs_pivots_jac) {
    ROWS;
    const V o = DS_C(0);
    const V J[] = {o - q[0], DS_C(1), o, o, o, DS_C(100), o, o - q[0] * DS_C(100), o};
    for (int i = 0; i < 9; ++i) out[i] = J[i];
    return 0;
}
KERNEL(first_is_half) {
    ROWS;
    out[0] = y[0] - DS_C(0.5);
    return 0;
}
"""


def robertson(t, y, r):
    slow, fast, third = 0.04 * r * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    return [fast - slow, slow - fast - third, third]


def relaxes(t, y, r):
    return [2 * t - r * (y[0] - t * t), y[0] * y[1]]


def first_is_half(t, y, r):
    return y[0] - 0.5
