"""Decisions for each component, in loops: clamps, contacts, piecewise laws, loops until something has converged."""

import math

import numpy as np

from corpus.registry import compiles

rng = np.random.default_rng(7)
W1, B1 = rng.normal(size=(8, 2)), rng.normal(size=8)
W2 = rng.normal(size=(2, 8)) / 8


@compiles([1.0, -0.5], 3.0)
def relu_network_by_loops(t, y):
    hidden = []
    for i in range(8):
        s = B1[i]
        for j in range(2):
            s += W1[i, j] * y[j]
        if s > 0:
            hidden.append(s)
        else:
            hidden.append(0.0)
    out = np.zeros(2)
    for i in range(2):
        for j in range(8):
            out[i] += W2[i, j] * hidden[j]
    return out - y


@compiles(np.linspace(-1.2, 1.0, 20), 2.0, 0.4)
def drag_on_a_chain(t, state, drag):
    """Positions, then velocities; drag by the square of the velocity, against it."""
    n = len(state) // 2
    dydt = np.zeros(2 * n)
    for i in range(n):
        x, v = state[i], state[n + i]
        force = -x
        if i > 0:
            force += state[i - 1] - x
        if i < n - 1:
            force += state[i + 1] - x
        if v > 0:
            force -= drag * v**2
        elif v < 0:
            force += drag * v**2
        dydt[i] = v
        dydt[n + i] = force
    return dydt


@compiles(np.linspace(-0.5, 1.5, 40), 2.0)
def clamped_components(t, y):
    out = np.empty_like(y)
    for i in range(len(y)):
        u = y[i]
        if u < 0.0:
            u = 0.0
        if u > 1.0:
            u = 1.0
        out[i] = 0.5 - u
    return out


def rate_law(s):
    """Mass action, then Michaelis-Menten, then none."""
    if s <= 0:
        return 0.0
    if s < 0.2:
        return 1.5 * s
    return s / (0.4 + s)


@compiles(np.linspace(0.05, 1.0, 12), 3.0)
def piecewise_rates_of_cells(t, s):
    ds = np.zeros(12)
    for i, si in enumerate(s):
        ds[i] -= rate_law(si)
        neighbour = s[(i + 1) % 12]
        if neighbour > si and si > 0.1:
            ds[i] += 0.3 * math.sqrt(neighbour - si)
    return ds


@compiles([0.1, 2.0, 4.0], 6.0)
def kepler_with_a_guard(t, anomalies):
    rates = []
    for M, e in zip(anomalies, (0.1, 0.3, 0.6)):
        E, change, rounds = M, 1.0, 0
        while abs(change) > 1e-12 and rounds < 50:
            change = (E - e * np.sin(E) - M) / (1 - e * np.cos(E))
            E = E - change
            rounds += 1
        rates.append(1.0 / (1 - e * np.cos(E)))
    return rates


@compiles([0.3], 2.0)
def bisection_for_the_pressure(t, y):
    """p with p + p**3 = y, between 0 and 2."""
    low, high = 0.0, 2.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        if middle + middle**3 > y[0]:
            high = middle
        else:
            low = middle
    return [1.0 - low]


@compiles([0.2, 0.4, 0.1, 0.9, 0.5, 0.3], 3.0)
def tanks_that_overflow(t, h):
    """Torricelli's outflow; no flow out of what is empty."""
    flow = [0.0] * (len(h) + 1)
    flow[0] = 0.2 if t < 1 else 0.0
    for i, level in enumerate(h):
        if level <= 0:
            continue
        out = 0.4 * math.sqrt(level)
        if level > 0.8:
            out += 2.0 * (level - 0.8)
        flow[i + 1] = out
    return [flow[i] - flow[i + 1] for i in range(len(h))]


@compiles(np.sin(np.linspace(0, 6, 30)), 1.0)
def upwind_by_the_sign(t, u):
    du = np.zeros_like(u)
    n = u.size
    for i in range(n):
        if u[i] >= 0:
            slope = u[i] - u[i - 1]
        else:
            slope = u[(i + 1) % n] - u[i]
        du[i] = -u[i] * slope * n / 6.0
    return du


@compiles([0.0, 0.9, 2.1, 2.8, 0.3, -0.1, 0.2, -0.4], 1.0)
def contacts_of_discs(t, state):
    """Discs on a line push each other where they overlap."""
    x, v = state[:4], state[4:]
    force = [0.0 for _ in range(4)]
    for i in range(4):
        for j in range(i + 1, 4):
            gap = abs(x[j] - x[i]) - 1.0
            if gap < 0:
                push = 50.0 * (-gap) ** 1.5
                if x[j] < x[i]:
                    push = -push
                force[i] -= push
                force[j] += push
    return np.concatenate([v, np.array(force)])


@compiles([0.5, 0.2, -0.3, 0.8, 0.1, 0.0, 0.4], 4.0)
def any_alarm_stops_all(t, y):
    for value in y:
        if value > 2.0 or value < -2.0:
            return np.zeros_like(y)
    return np.roll(y, 1) - 0.1 * y


@compiles([1.0, 0.0], 4.0, {"stiff": 3.0, "soft": 0.5})
def mode_for_each_quantity(t, y, k):
    mode = "stiff" if y[0] > 0 else "soft"
    gain = k[mode]
    if not y[1] > 0.0:
        gain *= 0.5
    return [y[1], -gain * y[0]]
