"""Helpers: of the same file, of other modules, nested, recursive, keyword-only, generators of terms."""

import math

import numpy as np

from corpus import physics
from corpus.physics import hill, michaelis_menten, saturation_pressure
from corpus.registry import compiles


def monod(S, mu_max, Ks):
    return mu_max * S / (Ks + S)


@compiles([0.1, 10.0, 0.0], 20.0, call="odeint")
def fermentation(y, t):
    X, S, P = y
    mu = monod(S, 0.4, 1.5)
    rg = mu * X
    return [rg, -rg / 0.5, 0.2 * rg + 0.03 * X]


@compiles([5.0, 0.0, 1.0], 30.0)
def enzyme_chain_from_another_module(t, c):
    s, i, p = c
    v1 = michaelis_menten(s, vmax=1.0, km=0.5)
    v2 = physics.michaelis_menten(i, 0.8, 0.3) * hill(p, k=2.0, n=4, repress=True)
    return [-v1, v1 - v2, v2 - 0.1 * p]


@compiles([293.0, 0.4], 500.0)
def drying_uses_module_constants(t, y):
    T, w = y
    flux = 1e-7 * (saturation_pressure(T) - 1200.0) * w
    return [(physics.AIR - T) / 200.0 - 2.0e3 * flux / physics.HEAT_CAPACITY, -flux]


@compiles([1.0, 0.5], 10.0)
def nested_functions(t, y):
    a, b = y

    def rate(x, k=0.5):
        def inner(z):
            return z / (1 + z)

        return k * inner(x) * scale

    scale = 1.5
    return [-rate(a), rate(a) - rate(b, k=0.2)]


def chebyshev(n, x):
    """By its recurrence, which the function walks by calling itself."""
    if n == 0:
        return 1.0
    if n == 1:
        return x
    return 2 * x * chebyshev(n - 1, x) - chebyshev(n - 2, x)


@compiles([0.3], 2.0)
def recursive_polynomial(t, y):
    return [-chebyshev(5, y[0]) * math.exp(-t)]


terms = (lambda x: -x, lambda x: 0.2 * x**2, lambda x: -0.05 * x**3)


@compiles([1.5], 5.0)
def list_of_lambdas(t, y):
    return [sum(f(y[0]) for f in terms)]


def rotation(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


@compiles([1.0, 0.0], 6.0)
def rotating_frame(t, y):
    return rotation(0.1 * t) @ np.array([-y[1], y[0]])


def atmosphere(h):
    """Density and temperature of the standard atmosphere, below and above the tropopause."""
    if h < 11000.0:
        T = 288.15 - 0.0065 * h
        p = 101325.0 * (T / 288.15) ** 5.2559
    else:
        T = 216.65
        p = 22632.0 * np.exp(-0.000157688 * (h - 11000.0))
    return p / (287.05 * T), T


def drag(v, rho, *, cd=0.5, A=0.01):
    speed = np.linalg.norm(v)
    return -0.5 * rho * cd * A * speed * v


@compiles([0.0, 9000.0, 250.0, 200.0], 30.0)
def ballistic_through_the_tropopause(t, state):
    pos, vel = state[:2], state[2:]
    rho, _T = atmosphere(pos[1])
    acc = drag(vel, rho, A=0.02) / 5.0 + np.array([0.0, -9.81])
    return np.concatenate((vel, acc))


def unpack(y):
    return {"V": y[0], "w": y[1]}


def pack(d):
    return [d["V"], d["w"]]


@compiles([-1.0, 1.0], 40.0, call="odeint")
def fitzhugh_nagumo_pack_unpack(y, t):
    s = unpack(y)
    d = {}
    d["V"] = s["V"] - s["V"] ** 3 / 3 - s["w"] + 0.5
    d["w"] = 0.08 * (s["V"] + 0.7 - 0.8 * s["w"])
    return pack(d)


@compiles([0.0, 0.0], 10.0)
def function_valued_argument(t, y, force=lambda t: np.sin(2 * t)):
    return [y[1], force(t) - y[0] - 0.2 * y[1]]
