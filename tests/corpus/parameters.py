"""Parameters: module globals, closures, args, dicts, dataclasses, namedtuples, defaults."""

import functools
from collections import namedtuple
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from corpus.registry import compiles

# --- units and constants as globals -------------------------------------------------------------

g = 9.81  # m/s^2
L = 1.2  # m
damping = 0.15  # 1/s

km = 1e3
hour = 3600.0
mu_earth = 3.986004418e14  # m^3/s^2
R_earth = 6371 * km
J2 = 1.08262668e-3


@compiles([np.pi / 3, 0.0], 10.0)
def pendulum(t, y):
    theta, omega = y
    return [omega, -g / L * np.sin(theta) - damping * omega]


@compiles([7000 * km, 0.0, 0.0, 0.0, 5.3e3, 5.3e3], 2 * hour, method="DOP853", rtol=1e-8, atol=1e-2)
def low_orbit_with_j2(t, state):
    """Satellite about an oblate Earth."""
    x, y, z, vx, vy, vz = state
    r2 = x * x + y * y + z * z
    r = np.sqrt(r2)
    k = 1.5 * J2 * mu_earth * R_earth**2 / r**5
    ax = -mu_earth * x / r**3 + k * x * (5 * z**2 / r2 - 1)
    ay = -mu_earth * y / r**3 + k * y * (5 * z**2 / r2 - 1)
    az = -mu_earth * z / r**3 + k * z * (5 * z**2 / r2 - 3)
    return [vx, vy, vz, ax, ay, az]


# --- args -----------------------------------------------------------------------------------------


@compiles([1.0, 1.0, 1.0], 4.0, 10.0, 28.0, 8 / 3)
def lorenz(t, xyz, sigma, rho, beta):
    x, y, z = xyz
    return sigma * (y - x), x * (rho - z) - y, x * y - beta * z


@compiles([10.0, 5.0], 15.0, (1.1, 0.4, 0.1, 0.4), call="odeint")
def lotka_volterra(z, t, p):
    alpha, beta, delta, gamma = p
    prey, predator = z
    return [alpha * prey - beta * prey * predator, delta * prey * predator - gamma * predator]


@compiles([0.99, 0.01, 0.0], 120.0, 0.3, 0.1, call="odeint")
def sir(y, t, beta, gamma):
    S, I, R = y
    N = S + I + R  # stays 1
    dSdt = -beta * S * I / N
    dIdt = beta * S * I / N - gamma * I
    dRdt = gamma * I
    return dSdt, dIdt, dRdt


@compiles([1.0, 0.0], 5.0, [4.0, 0.3], np.array([1.0, 2.0]))
def oscillator_with_list_and_array(t, y, p, w):
    return [w[0] * y[1], -p[0] * y[0] - p[1] * w[1] * y[1]]


@compiles([2.0, 0.0], 30.0, 8.0, call="odeint", tfirst=True)
def van_der_pol_tfirst(t, y, mu):
    return [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]]


# --- dictionaries ---------------------------------------------------------------------------------

CELL = {"C": 1.0, "gNa": 120.0, "gK": 36.0, "gL": 0.3, "ENa": 50.0, "EK": -77.0, "EL": -54.387}


@compiles([-65.0, 0.05, 0.6, 0.32], 30.0, CELL, 10.0)
def hodgkin_huxley(t, X, p, I_ext):
    V, m, h, n = X
    alpha_m = 0.1 * (V + 40.0) / (1.0 - np.exp(-(V + 40.0) / 10.0))
    beta_m = 4.0 * np.exp(-(V + 65.0) / 18.0)
    alpha_h = 0.07 * np.exp(-(V + 65.0) / 20.0)
    beta_h = 1.0 / (1.0 + np.exp(-(V + 35.0) / 10.0))
    alpha_n = 0.01 * (V + 55.0) / (1.0 - np.exp(-(V + 55.0) / 10.0))
    beta_n = 0.125 * np.exp(-(V + 65) / 80.0)
    I_Na = p["gNa"] * m**3 * h * (V - p["ENa"])
    I_K = p["gK"] * n**4 * (V - p["EK"])
    I_L = p["gL"] * (V - p["EL"])
    return [
        (I_ext - I_Na - I_K - I_L) / p["C"],
        alpha_m * (1 - m) - beta_m * m,
        alpha_h * (1 - h) - beta_h * h,
        alpha_n * (1 - n) - beta_n * n,
    ]


@compiles([1.0, 0.0, 0.0], 40.0, {"k1": 0.04, "k2": 3e7, "k3": 1e4}, method="BDF")
def robertson_dict(t, c, k):
    A, B, C = c
    r1 = k["k1"] * A
    r2 = k["k2"] * B**2
    r3 = k["k3"] * B * C
    return [-r1 + r3, r1 - r2 - r3, r2]


@compiles(
    [100.0, 0.0, 0.0],
    24.0,
    {"ka": 1.2, "CL": 5.0, "V": {"central": 40.0, "tissue": 60.0}, "Q": 8.0},
    call="odeint",
)
def two_compartment_nested_dict(a, t, p):
    """Oral dose: gut, central, tissue."""
    V1, V2 = p["V"]["central"], p["V"]["tissue"]
    c1 = a[1] / V1
    c2 = a[2] / V2
    absorbed = p["ka"] * a[0]
    exchange = p["Q"] * (c1 - c2)
    return [-absorbed, absorbed - p["CL"] * c1 - exchange, exchange]


@compiles([0.5, 0.2], 10.0, dict(r=1.0, K=2.0, a=0.5, e=0.4, m=0.2))
def keyword_unpacked_dict(t, y, params):
    def growth(n, r, K, **unused):
        return r * n * (1 - n / K)

    n, p = y
    eaten = params["a"] * n * p
    return [growth(n, **params) - eaten, params["e"] * eaten - params.get("m", 0.1) * p]


# --- objects that hold parameters -----------------------------------------------------------------


@dataclass
class Tank:
    area: float = 2.0
    outlet: float = 0.05
    inflow: float = 0.1
    name: str = "T1"


@dataclass(frozen=True)
class Plant:
    first: Tank = field(default_factory=Tank)
    second: Tank = field(default_factory=lambda: Tank(area=1.0, inflow=0.0, name="T2"))
    gravity: float = 9.81

    @property
    def root(self):
        return np.sqrt(2 * self.gravity)


@compiles([1.0, 0.2], 60.0, Plant())
def two_tanks_dataclass(t, h, plant):
    h1, h2 = h
    q1 = plant.first.outlet * plant.root * np.sqrt(max(h1, 0.0))
    q2 = plant.second.outlet * plant.root * np.sqrt(max(h2, 0.0))
    return [(plant.first.inflow - q1) / plant.first.area, (q1 - q2) / plant.second.area]


Motor = namedtuple("Motor", ["R", "L", "Kt", "Ke", "J", "b"])


@compiles([0.0, 0.0], 0.5, Motor(1.0, 0.5e-2, 0.05, 0.05, 1e-4, 1e-4), 12.0, method="LSODA")
def dc_motor_namedtuple(t, x, m, volts):
    current, speed = x
    return [(volts - m.R * current - m.Ke * speed) / m.L, (m.Kt * current - m.b * speed) / m.J]


cfg = SimpleNamespace(mass=1500.0, drag=SimpleNamespace(cd=0.3, area=2.2), rho=1.225, power=6e4)


@compiles([0.0, 1.0], 20.0)
def car_namespace(t, s):
    x, v = s
    F = cfg.power / v - 0.5 * cfg.rho * cfg.drag.cd * cfg.drag.area * v**2
    return v, F / cfg.mass


def make_duffing(alpha, beta, delta, gamma, omega):
    def duffing(t, y):
        return [y[1], gamma * np.cos(omega * t) - delta * y[1] - alpha * y[0] - beta * y[0] ** 3]

    return duffing


@compiles([0.1, 0.0], 20.0, made=True)
def duffing_closure():
    return make_duffing(-1.0, 1.0, 0.3, 0.37, 1.2)


def rlc(t, y, R, L, C, V=1.0, *, omega=2.0):
    q, i = y
    return [i, (V * np.sin(omega * t) - R * i - q / C) / L]


@compiles([0.0, 0.0], 20.0, made=True)
def rlc_partial():
    return functools.partial(rlc, R=0.5, L=1.0, C=0.25, omega=1.5)


@compiles([0.0, 0.0], 10.0, made=True)
def rlc_lambda():
    R, L, C = 0.5, 1.0, 0.25
    return lambda t, y: rlc(t, y, R, L, C)


@compiles([1.0, 0.0], 10.0)
def defaults_hold_parameters(t, y, k=4.0, c=0.1, forcing=(0.5, 2.0)):
    amplitude, omega = forcing
    return [y[1], -k * y[0] - c * y[1] + amplitude * np.cos(omega * t)]


rates = [0.5, 0.3, 0.2, 0.1]  # 1/h, a decay chain
n_species = len(rates)


@compiles([1.0, 0.0, 0.0, 0.0], 20.0)
def decay_chain_of_globals(t, N):
    dN = np.zeros(n_species)
    dN[0] = -rates[0] * N[0]
    for i in range(1, n_species):
        dN[i] = rates[i - 1] * N[i - 1] - rates[i] * N[i]
    return dN
