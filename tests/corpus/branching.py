"""Decisions on t and y: if and elif, early returns, while, any and all, max and min, chained comparisons."""

import math

import numpy as np

from corpus.registry import compiles


@compiles([20.0], 10.0, max_step=0.1)
def thermostat_if(t, T):
    if T[0] < 19.0:
        heat = 5.0
    else:
        heat = 0.0
    return [heat - 0.3 * (T[0] - 10.0)]


@compiles([1.0, 0.0], 30.0, call="odeint")
def infusion_elif(y, t):
    if t < 1:
        rate = 10.0
    elif t < 8:
        rate = 2.0
    elif 12 <= t <= 13:
        rate = 10.0
    else:
        rate = 0.0
    return [rate - 0.5 * y[0], 0.5 * y[0] - 0.1 * y[1]]


@compiles([0.0, 10.0], 3.0)
def ball_early_return(t, s):
    if s[0] < -1.0:
        return [0.0, 0.0]
    return [s[1], -9.81]


@compiles([0.0, 0.0, 1.0], 5.0)
def friction_with_a_dead_band(t, y):
    x, v, _ = y
    drive = 2.0 * math.sin(3 * t)
    if abs(v) < 1e-3 and abs(drive) < 0.5:
        return np.zeros(3)
    return np.array([v, drive - x - 0.5 * np.sign(v), 0.0])


@compiles([1.0, 0.2], 20.0)
def builtin_max_min(t, y):
    growth = max(0.0, 1.0 - y[0] / 3.0)
    uptake = min(y[0], 0.5, 0.1 + y[1])
    return [growth * y[0] - uptake, uptake - 0.3 * y[1]]


@compiles([0.5, 0.5], 10.0)
def chained_comparison(t, y):
    inside = 0.2 < y[0] < 0.8
    k = 1.0 if inside else -1.0
    return [k * y[1], -k * y[0]]


@compiles([1.0, -1.0, 0.5], 5.0)
def any_and_all(t, y):
    if np.any(np.abs(y) > 5.0):
        return -y
    if all(v > 0 for v in y):
        return 0.1 * y
    return np.array([y[1], -y[0], 0.1])


@compiles([1.0, 0.5], 8.0, "sine")
def string_switch(t, y, mode):
    if mode == "step":
        u = float(t > 1)
    elif mode == "sine":
        u = np.sin(t)
    elif mode in ("none", None):
        u = 0.0
    else:
        raise ValueError(f"unknown mode {mode!r}")
    return [y[1], u - y[0]]


@compiles([0.1], 2.0)
def bounded_while_newton(t, y):
    """Solves k + k**3 = y by a fixed number of Newton's steps."""
    k, i = 0.0, 0
    while i < 6:
        k -= (k + k**3 - y[0]) / (1 + 3 * k**2)
        i += 1
    return [1.0 - k]


@compiles([0.7], 6.0)
def while_folds_an_angle(t, y):
    angle = 3.0 * t
    while angle > math.pi:
        angle -= 2 * math.pi
    return [angle - y[0]]


@compiles([0.5], 5.0)
def for_with_break(t, y):
    total, term = 0.0, 1.0
    for k in range(1, 30):
        term = term / k
        total += term
        if term < 1e-12:
            break
    return [total * y[0] * (1 - y[0])]


@compiles([0.4], 1.0)
def kepler_equation_until_converged(t, y):
    E = y[0]
    while True:
        step = (E - 0.3 * math.sin(E) - t) / (1 - 0.3 * math.cos(E))
        E -= step
        if abs(step) < 1e-12:
            break
    return [math.cos(E)]


@compiles([0.0, 0.0], 10.0)
def ternaries_in_sequence(t, y):
    u = 1 if t > 2 else 0
    d = -1 if y[0] > 0.8 else (1 if y[0] < 0.2 else 0)
    return [u - y[0], d - y[1]]


@compiles([5.0, 0.0], 6.0)
def not_and_or(t, y):
    filling = not (y[0] > 8.0 or t > 3.0)
    leaking = y[0] > 0 and not filling
    return [(1.0 if filling else 0.0) - (0.4 * y[0] if leaking else 0.0), float(leaking)]


@compiles([3.0, 1.0, 0.0], 12.0)
def stops_at_zero(t, y):
    """Nothing is taken where there is nothing."""
    a, b, c = y
    r1 = 0.5 if a > 0 else 0.0
    r2 = 0.3 * b if b > 0 else 0
    return [-r1, r1 - r2, r2]


@compiles([0.2, 0.5, 0.9, 0.4], 4.0)
def select_by_where(t, y):
    low = y < 0.5
    return np.where(low, 0.3 * (1 - y), np.where(t > 2, -0.5 * y, -0.1))


@compiles([0.2, 0.8], 4.0)
def heaviside_and_sign(t, y):
    return np.heaviside(t - 1.0, 0.5) * np.sign(y[::-1] - y) - 0.1 * y


@compiles([-60.0, 0.0], 50.0)
def integrate_and_fire_clamped(t, y):
    v, w = y
    spike = v > -40.0
    dv = 0.0 if spike else (-65.0 - v + 15.0 + 2.0 * math.exp((v + 50.0) / 2.0)) / 10.0
    return [dv, (2.0 * (v + 65.0) - w) / 30.0]


@compiles([1.0], 3.0, None)
def none_as_a_default(t, y, extra=None):
    if extra is None:
        extra = 0.5
    return [-extra * y[0]]


@compiles([0.5, 1.5, 2.5], 3.0)
def clip_in_a_loop(t, y):
    out = []
    for v in y:
        if v > 2.0:
            out.append(-v)
        elif v > 1.0:
            out.append(-0.5 * v)
        else:
            out.append(0.1)
    return out


@compiles([1.0, 2.0], 3.0)
def isinstance_and_hasattr(t, y):
    if isinstance(y, (list, tuple)):
        y = np.array(y)
    scale = 2.0 if hasattr(y, "shape") else 1.0
    return -scale * y
