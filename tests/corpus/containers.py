"""Where models keep their numbers: classes as namespaces, containers of `collections`, records made inside."""

import types
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from corpus.registry import compiles, stays_python


class cell:  # noqa: N801
    """A class that nobody instantiates: numbers under one name."""

    i_ext, C_dl, F = -2.0, 50.0, 96.485
    rates = {"anode": 0.3, "cathode": 0.7}

    class thermal:  # noqa: N801
        on = 1
        h = 0.2


class pointer:  # noqa: N801
    phi, T, X = 0, 1, slice(2, 5)


@compiles([0.1, 1.0, 0.2, 0.3, 0.5], 2.0, cell, pointer)
def battery_by_class_namespaces(t, sv, pars, ptr):
    d = np.zeros_like(sv)
    i_far = pars.rates["anode"] * np.sinh(sv[ptr.phi])
    d[ptr.phi] = -(pars.i_ext / pars.F + i_far) / 2
    d[ptr.T] = pars.thermal.on * pars.thermal.h * (1.0 - sv[ptr.T]) + i_far**2
    d[ptr.X] = np.diff(sv[ptr.X], append=0.1) / pars.C_dl * 10
    return d


@compiles([1.0, 0.2], 3.0, OrderedDict(a=1.1, b=0.4, c=0.4, d=0.1))
def ordered_dict(t, y, p):
    x, z = y
    return [p["a"] * x - p["b"] * x * z, -p["c"] * z + p["d"] * x * z]


inflow = defaultdict(float, {"A": 0.3})


@compiles([1.0, 0.2], 3.0)
def default_dict(t, y):
    return [inflow["A"] - y[0], y[0] - 0.5 * y[1] + inflow.get("B", 0.0)]


@compiles(
    [1.0, 0.2], 3.0, ChainMap({"k": 0.5}, {"k": 2.0, "c": 0.1}), missing="collections.ChainMap"
)
def chain_map(t, y, p):
    return [y[1], -p["k"] * y[0] - p["c"] * y[1]]


@compiles([1.0, 0.2], 3.0, deque([0.5, 0.1]))
def deque_of_gains(t, y, gains):
    return [y[1], -gains[0] * y[0] - gains[1] * y[1]]


mapping = types.MappingProxyType({"k": 0.5, "c": 0.1})


@compiles([1.0, 0.2], 3.0)
def read_only_mapping(t, y):
    return [y[1], -mapping["k"] * y[0] - mapping["c"] * y[1]]


@compiles([1.0, 0.5, 0.1], 2.0, Counter({"A": 2, "B": 1}))
def stoichiometry_counter(t, y, s):
    r = 0.4 * y[0] ** s["A"] * y[1] ** s["B"]
    return [-s["A"] * r, -s["B"] * r, r]


State = namedtuple("State", "x v")


@compiles([1.0, 0.0], 5.0)
def named_tuple_made_inside(t, y):
    s = State(*y)
    return State(x=s.v, v=-s.x - 0.2 * s.v)


class Populations(NamedTuple):
    prey: float
    predators: float

    def encounters(self):
        return self.prey * self.predators


@compiles([10.0, 5.0], 5.0)
def typed_named_tuple_with_a_method(t, y):
    p = Populations(*y)
    e = p.encounters()
    return [1.1 * p.prey - 0.4 * e, 0.1 * e - 0.4 * p.predators]


@dataclass
class Point:
    x: float
    y: float
    angle: float = 0.0
    weights: list = field(default_factory=lambda: [1.0, 2.0])

    def speed(self, v):
        return v * np.cos(self.angle), v * np.sin(self.angle)


@compiles([0.0, 0.0, 0.1], 4.0)
def dataclass_made_inside(t, y):
    p = Point(y[0], y[1], angle=y[2])
    dx, dy = p.speed(1.5)
    return [dx * p.weights[0], dy, 0.1 * p.x]


class Vector:
    """Operators of its own, made at each call."""

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor)

    @property
    def norm(self):
        return (self.x**2 + self.y**2) ** 0.5


@compiles([1.0, 0.0, 0.0, 0.8], 4.0)
def vector_class_with_operators(t, s):
    r, v = Vector(s[0], s[1]), Vector(s[2], s[3])
    a = r * (-1.0 / r.norm**3) + v * -0.05
    return [v.x, v.y, a.x, a.y]


class Species(IntEnum):
    S = 0
    I = 1  # noqa: E741
    R = 2


@compiles([0.99, 0.01, 0.0], 30.0)
def states_by_int_enum(t, y):
    new = 0.4 * y[Species.S] * y[Species.I]
    d = np.zeros(3)
    d[Species.S] = -new
    d[Species.I] = new - 0.1 * y[Species.I]
    d[Species.R] = 0.1 * y[Species.I]
    return d


class Parameter:
    """As fitting packages wrap theirs."""

    def __init__(self, value, vary=True):
        self.value, self.vary = value, vary


@compiles([2.0, 1.0], 3.0, {"k1": Parameter(0.3), "k2": Parameter(0.1, vary=False)})
def fitted_parameters(t, y, pars):
    try:
        k1, k2 = pars["k1"].value, pars["k2"].value
    except KeyError:
        k1, k2 = pars
    return [-k1 * y[0], k1 * y[0] - k2 * y[1]]


@compiles([1.0, 0.0], 2.0, {"k": 1.0, "c": 0.1, "unused": None})
def locals_updated_by_name(t, y, p):
    k, c = (p[name] for name in ("k", "c"))
    values = {f"d{i}": value for i, value in enumerate([y[1], -k * y[0] - c * y[1]])}
    return [values["d0"], values["d1"]]


sink = [0.0, 0.0, 0.0]


@stays_python("side-effect", [1.0, 0.5, 0.1], 3.0)
def derivatives_in_a_global_list(t, y):
    sink[0] = -0.5 * y[0]
    sink[1] = 0.5 * y[0] - 0.2 * y[1]
    sink[2] = 0.2 * y[1]
    return list(sink)
