"""Models as classes: bound methods, `__call__`, helpers, properties, inheritance, objects made of objects."""

from abc import ABC, abstractmethod
from enum import Enum

import numpy as np

from corpus.registry import compiles


@compiles([0.2, 0.0, 0.1, 0.0], 5.0, made=True, rtol=1e-6)
class DoublePendulum:
    def __init__(self, m1=1.0, m2=1.0, l1=1.0, l2=0.8, g=9.81):
        self.m1, self.m2, self.l1, self.l2, self.g = m1, m2, l1, l2, g

    def __call__(self, t, y):
        th1, w1, th2, w2 = y
        d = th2 - th1
        M = self.m1 + self.m2
        den = M * self.l1 - self.m2 * self.l1 * np.cos(d) ** 2
        a1 = (
            self.m2 * self.l1 * w1**2 * np.sin(d) * np.cos(d)
            + self.m2 * self.g * np.sin(th2) * np.cos(d)
            + self.m2 * self.l2 * w2**2 * np.sin(d)
            - M * self.g * np.sin(th1)
        ) / den
        a2 = (
            -self.m2 * self.l2 * w2**2 * np.sin(d) * np.cos(d)
            + M
            * (
                self.g * np.sin(th1) * np.cos(d)
                - self.l1 * w1**2 * np.sin(d)
                - self.g * np.sin(th2)
            )
        ) / (self.l2 / self.l1 * den)
        return w1, a1, w2, a2


class Cstr:
    """A stirred tank with an exothermic first order reaction."""

    R = 8.314

    def __init__(self, **kwargs):
        self.q = 100.0
        self.V = 100.0
        self.k0 = 7.2e10
        self.E = 8.314 * 8750
        self.Tc = 300.0
        for key, value in kwargs.items():
            setattr(self, key, value)

    def arrhenius(self, T):
        return self.k0 * np.exp(-self.E / (self.R * T))

    def heat(self, T, r):
        return 209.0 * r + 2.09 * (self.Tc - T)

    def deriv(self, X, t):
        c, T = X
        r = self.arrhenius(T) * c
        dc = self.q / self.V * (1.0 - c) - r
        dT = self.q / self.V * (350.0 - T) + self.heat(T, r)
        return [dc, dT]


@compiles([0.5, 350.0], 5.0, call="odeint", made=True)
def stirred_tank_bound_method():
    return Cstr(Tc=295.0).deriv


class Vehicle(ABC):
    mass = 1.0

    @abstractmethod
    def force(self, t, x, v): ...

    def rhs(self, t, y):
        x, v = y
        return np.array([v, self.force(t, x, v) / self.mass])


class Rocket(Vehicle):
    def __init__(self, thrust, burn):
        self.thrust = thrust
        self.burn = burn

    @property
    def weight(self):
        return 9.81 * self.mass

    def force(self, t, x, v):
        push = self.thrust if t < self.burn else 0.0
        return push - self.weight - self.drag(v)

    @staticmethod
    def drag(v, c=0.02):
        return c * v * abs(v)


@compiles([0.0, 0.0], 8.0, made=True)
def rocket_subclass():
    return Rocket(30.0, 2.5).rhs


class Gyroscope(Rocket):
    """Overrides what it inherits and calls its parent."""

    def __init__(self):
        super().__init__(thrust=5.0, burn=1e9)
        self.scale = 0.5

    def force(self, t, x, v):
        return self.scale * super().force(t, x, v) - x


@compiles([1.0, 0.0], 8.0, made=True)
def super_call():
    return Gyroscope().rhs


class Regime(Enum):
    LAMINAR = 1
    TURBULENT = 2


class Pipe:
    def __init__(self, regime):
        self.regime = regime

    def loss(self, q):
        if self.regime is Regime.LAMINAR:
            return 2.0 * q
        elif self.regime == Regime.TURBULENT:
            return 0.7 * q * abs(q)
        raise NotImplementedError(self.regime)

    def __call__(self, t, y):
        level, q = y
        return [-q, level - self.loss(q)]


@compiles([1.0, 0.0], 10.0, made=True)
def pipe_enum():
    return Pipe(Regime.TURBULENT)


class Spring:
    def __init__(self, k, rest):
        self.k, self.rest = k, rest

    def pull(self, a, b):
        return self.k * (b - a - self.rest)


class Chain:
    """Beads on a line that are held by spring objects."""

    def __init__(self, n):
        self.n = n
        self.springs = [Spring(1.0 + 0.1 * i, 0.5) for i in range(n - 1)]

    def rhs(self, t, y):
        x, v = y[: self.n], y[self.n :]
        a = np.zeros(self.n)
        for i, spring in enumerate(self.springs):
            f = spring.pull(x[i], x[i + 1])
            a[i] += f
            a[i + 1] -= f
        return np.concatenate([v, a])


@compiles([0.0, 0.7, 1.0, 1.8, 0.0, 0.0, 0.1, 0.0], 10.0, made=True)
def chain_of_spring_objects():
    return Chain(4).rhs


class Gene:
    __slots__ = ("alpha", "n")

    def __init__(self, alpha, n):
        self.alpha = alpha
        self.n = n

    def repressed(self, p):
        return self.alpha / (1 + p**self.n)


class Repressilator:
    alpha0 = 0.2
    beta = 5.0

    def __init__(self):
        self.genes = {"lacI": Gene(200.0, 2), "tetR": Gene(200.0, 2), "cI": Gene(200.0, 2)}
        self.order = ["cI", "lacI", "tetR"]

    def _rhs(self, t, y):
        m, p = np.split(np.asarray(y), 2)
        dm = [
            -m[i] + self.genes[name].repressed(p[i - 1]) + self.alpha0
            for i, name in enumerate(self.order)
        ]
        dp = -self.beta * (p - m)
        return np.hstack([dm, dp])


@compiles([1.0, 2.0, 3.0, 0.0, 0.0, 1.0], 10.0, made=True)
def repressilator_slots():
    return Repressilator()._rhs


class Quadrotor2D:
    """Planar quadrotor under a linear feedback that is a method of another object."""

    class Feedback:
        def __init__(self, K):
            self.K = np.asarray(K)

        def __call__(self, x):
            return -self.K @ x

    def __init__(self):
        self.m, self.J, self.r, self.g = 0.5, 0.01, 0.15, 9.81
        self.control = self.Feedback(
            [[0.0, 2.0, 0.5, 0.0, 1.5, 0.1], [-0.5, 0.0, 4.0, -0.5, 0.0, 0.8]]
        )

    def dynamics(self, t, x):
        u = self.control(x)
        thrust = self.m * self.g + u[0]
        torque = self.r * u[1] * 0.1
        theta = x[2]
        xdot = np.empty(6)
        xdot[:3] = x[3:]
        xdot[3] = -thrust * np.sin(theta) / self.m
        xdot[4] = thrust * np.cos(theta) / self.m - self.g
        xdot[5] = torque / self.J
        return xdot


@compiles([0.3, -0.2, 0.1, 0.0, 0.0, 0.0], 5.0, made=True)
def quadrotor_with_feedback_object():
    return Quadrotor2D().dynamics


class Battery:
    """The solve is started from within: `lambda` that wraps a method with parameters."""

    def __init__(self, capacity):
        self.capacity = capacity

    def soc_rate(self, t, soc, current):
        ocv = 3.2 + 0.8 * soc
        return -current / self.capacity * (ocv / 3.7)

    def problem(self, current):
        return lambda t, y: self.soc_rate(t, y, current)


@compiles([0.9], 1.0, made=True)
def battery_lambda_of_method():
    return Battery(2.5).problem(1.2)
