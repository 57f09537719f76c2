"""Models put together of objects, lists and functions that were made elsewhere."""

import math
from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
import scipy.constants
from scipy.integrate import cumulative_trapezoid, quad, simpson, trapezoid
from scipy.linalg import block_diag
from scipy.spatial.transform import Rotation

from corpus.registry import compiles, stays_python

model = {"name": "one", "Q": [0.5, 0.2], "V": [1.0, 2.0], "CL": 0.3}


class Compartments:
    """A central compartment and others around it, however many there are."""

    def __init__(self, model):
        self.model = model
        self.rows = []

    def dose(self, t):
        return 1.0 if t < 0.5 else 0.0

    def rhs(self, t, state):
        cleared = state[0] / self.model["V"][0] * self.model["CL"]
        dq = [0]
        flux_sum = 0
        for i, (q, v) in enumerate(zip(self.model["Q"], self.model["V"], strict=True), start=1):
            flux = q * (state[0] / 1.5 - state[i] / v)
            flux_sum += flux
            dq.append(flux)
        dq[0] = self.dose(t) - cleared - flux_sum
        return dq


@compiles([0.0, 0.0, 0.0], 4.0, made=True, max_step=0.1)
def compartments_appended_in_a_loop():
    return Compartments(model).rhs


arguments = [0.5, 1.0, 2.0, 0.3]


def two_compartments(t, y, q, v1, v2, cl):
    exchange = q * (y[0] / v1 - y[1] / v2)
    return [1.0 - y[0] / v1 * cl - exchange, exchange]


@compiles([0.0, 0.0], 4.0, made=True)
def arguments_starred_in_a_lambda():
    return lambda t, y: two_compartments(t, y, *arguments)


printed = """
def _lambdified(t, _args, kf, kb):
    [y0, y1, y2] = _args
    return [-2*kf*y0**2*y1 + 2*kb*y2**2, kb*y2**2 - kf*y0**2*y1, sqrt(kf)*exp(-y2)*0.1]
"""


@compiles([1.0, 1.0, 0.0], 5.0, 0.42, 0.17, made=True)
def printed_by_computer_algebra():
    namespace = {"exp": np.exp, "sqrt": np.sqrt}
    exec(printed, namespace)
    return namespace["_lambdified"]


class Force(ABC):
    @abstractmethod
    def __call__(self, x, v): ...


class Spring(Force):
    def __init__(self, k):
        self.k = k

    def __call__(self, x, v):
        return -self.k * x


class Damper(Force):
    def __init__(self, c):
        self.c = c

    def __call__(self, x, v):
        return -self.c * v


@compiles([1.0, 0.0], 5.0, [Spring(2.0), Damper(0.3)])
def sum_of_force_objects(t, y, forces):
    return [y[1], sum(f(*y) for f in forces)]


class Base:
    g = 9.81

    def __init__(self, length):
        self.length = length

    def acceleration(self, t, y):
        return -self.g / self.length * math.sin(y[0])

    def __call__(self, t, y):
        return [y[1], self.acceleration(t, y)]


class Driven(Base):
    def __init__(self, length, force):
        super().__init__(length)
        self.force = force

    def acceleration(self, t, y):
        return super().acceleration(t, y) + self.force * math.cos(t)


class Damped(Driven):
    def acceleration(self, t, y):
        return super(Damped, self).acceleration(t, y) - 0.1 * y[1]


@compiles([0.5, 0.0], 5.0, made=True)
def super_through_three_classes():
    return Damped(1.0, 0.4)


class Plant:
    def __init__(self):
        self.k = 2.0

    @cached_property
    def stiffness(self):
        return np.array([[self.k, -1.0], [-1.0, self.k]])

    def rhs(self, t, y):
        x, v = np.array_split(y, 2)
        return np.hstack((v, -self.stiffness @ x))


@compiles([1.0, 0.0, 0.0, 0.0], 3.0, made=True)
def cached_property_that_was_read():
    plant = Plant()
    assert plant.stiffness.shape == (2, 2)
    return plant.rhs


class Registry:
    """Which rate is called is decided by name."""

    kinds = ("growth", "loss")

    def rate_growth(self, x):
        return 0.8 * x * (1 - x)

    def rate_loss(self, x):
        return -0.3 * x / (1 + x)

    def __call__(self, t, y):
        return sum(getattr(self, f"rate_{kind}")(y) for kind in self.kinds)


@compiles([0.1], 5.0, made=True)
def methods_by_name():
    return Registry()


@compiles([300.0, 1.0], 2.0)
def constants_of_scipy(t, y):
    k = 1e3 * math.exp(-2.5e4 / (scipy.constants.R * y[0]))
    return [10 * k * y[1], -k * y[1]]


blocks = [np.array([[0.0, 1.0], [-1.0, -0.1]]), np.array([[-0.5]])]


@compiles([1.0, 0.0, 1.0], 3.0)
def block_diagonal_system(t, y):
    return block_diag(*blocks) @ y


x = np.linspace(0.0, 1.0, 9)


@compiles(np.ones(9), 1.0)
def integrals_by_scipys_rules(t, u):
    total = trapezoid(u * x, x)
    inner = cumulative_trapezoid(u, x, initial=0)
    return -u * total + 0.1 * inner + simpson(u, x=x)


@stays_python("unknown-call", [1.0], 1.0, why="quadrature with adaptive steps")
def integral_by_quad(t, y):
    return [-quad(lambda s: math.exp(-s * y[0]), 0.0, 1.0)[0]]


@stays_python("unknown-call", [0.0, 0.0, 0.1, 1.0], 1.0, why="a class that is made by a library")
def attitude_by_rotation_class(t, q):
    w = Rotation.from_quat(q / np.linalg.norm(q)).apply([0.1, 0.2, 0.3])
    return np.append(0.5 * w, 0.0)


@compiles([1.0, 0.0], 3.0)
def checked_arguments(t, y):
    assert isinstance(y, np.ndarray)
    assert y.shape == (2,)
    if not np.all(np.isfinite(y)):
        raise ValueError("not finite")
    if np.isclose(t, 1.5) or np.allclose(y, 0.0):
        return np.zeros(2)
    return np.array([y[1], -y[0]], dtype=np.float64)


@compiles([1.0, 0.0], 3.0)
def walrus_and_conditional(t, y):
    return [y[1], -v if (v := y[0] * (1 + y[0] ** 2)) > 0.1 else -0.5 * v]


@compiles([0.3, 0.2], 3.0)
def match_of_a_mode(t, y, mode="logistic"):
    match mode:
        case "logistic":
            growth = y * (1 - y)
        case _:
            growth = y
    return growth


@compiles([0.5, 0.4, 0.3], 2.0, {"A": {"B": 0.3}, "B": {"C": 0.2, "A": 0.1}, "C": {}})
def graph_as_dict_of_dicts(t, y, graph):
    index = {name: i for i, name in enumerate(graph)}
    d = np.zeros(len(graph))
    for source, targets in graph.items():
        for target, k in targets.items():
            flux = k * y[index[source]]
            d[index[source]] -= flux
            d[index[target]] += flux
    return d
