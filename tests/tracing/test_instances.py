"""Objects made inside a function: followed where that cannot be told from making them, else Python."""

import dataclasses
from collections import namedtuple

import numpy as np
import pytest

from diffsol._engine import kernels
from diffsol._engine.function import Function
from tracing.agreement import agree, differentiates, refusal


class Vector:
    kind = "plain"

    def __init__(self, x, y=0.0):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor)

    __rmul__ = __mul__

    def __neg__(self):
        return -1.0 * self

    def __eq__(self, other):
        return isinstance(other, Vector) and self.x == other.x

    def __len__(self):
        return 2

    def __getitem__(self, key):
        return (self.x, self.y)[key]

    def __call__(self, scale):
        return scale * self.x

    @property
    def norm(self):
        return np.hypot(self.x, self.y)

    @property
    def double(self):
        return 2 * self.x

    @double.setter
    def double(self, value):
        self.x = value / 2

    @classmethod
    def of(cls, pair):
        return cls(*pair)

    @staticmethod
    def unit():
        return Vector(1.0)


class Signed(Vector):
    __slots__ = ("sign",)

    def __init__(self, x, y, sign):
        super().__init__(x, y)
        self.sign = sign

    @property
    def norm(self):
        return self.sign * super().norm


@dataclasses.dataclass(frozen=True)
class Fixed:
    a: float
    b: float = 2.0

    def total(self):
        return self.a + self.b


Pair = namedtuple("Pair", "first second", defaults=[1.0])


def operators(t, y):
    a, b = Vector(y[0], y[1]), Vector.of(y[::-1])
    c = 2.0 * (a + b) * t + -b
    return [c.x, c.y + a.norm]


def in_place_falls_back_to_add(t, y):
    a = Vector(y[0])
    b = a
    a += Vector(y[1])
    return [a.x, b.x]


def attributes_set_and_read(t, y):
    v = Vector(*y)
    v.x += 1
    v.extra = v.y
    v.double = 3 * v.extra
    return [v.x, v.extra + len(v) + v[1] + v(2.0) + (v.kind == "plain")]


def shared_between_two_names(t, y):
    v = Vector(*y)
    w = v
    w.x = 5.0 * y[1]
    return [v.x, float(v is w) + float(v == w)]


def by_super(t, y):
    s = Signed(y[0], y[1], -1.0)
    return [s.norm, s.x + isinstance(s, Vector) + (type(s) is Signed)]


def frozen(t, y):
    f = Fixed(y[0])
    return [f.total(), Fixed(b=y[1], a=1.0).total()]


def tuples(t, y):
    p = Pair(y[0])
    q = p._replace(second=y[1])
    return [p.second * sum(q), q._asdict()["second"] + max(q)]


def in_a_list(t, y):
    bodies = [Vector(x, i) for i, x in enumerate(y)]
    return [sum(b.x for b in bodies), bodies[1].y + any(b.x > 0 for b in bodies)]


@pytest.mark.parametrize(
    "fun",
    [
        operators,
        in_place_falls_back_to_add,
        attributes_set_and_read,
        shared_between_two_names,
        by_super,
        frozen,
        tuples,
        in_a_list,
    ],
)
def test_followed(fun):
    agree(fun, 2, rtol=1e-13)
    differentiates(fun, 2)


# --- what is not followed --------------------------------------------------------------------------------


class Watched(Vector):
    made = 0

    def __init__(self, x, y=0.0):
        Watched.made += 1


class Recorder(Vector):
    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)


class Last(Vector):
    def __del__(self):
        pass


class New(Vector):
    def __new__(cls, *args):
        return object.__new__(cls)


class Meta(type):
    def __call__(cls, *args):
        return super().__call__(*args)


class OfMeta(metaclass=Meta):
    def __init__(self, x):
        self.x = x


class Descriptor:
    def __get__(self, owner, cls):
        return 1.0

    def __set__(self, owner, value):
        pass


class Described:
    x = Descriptor()

    def __init__(self, x):
        self.x = x


@pytest.mark.parametrize(
    "cls, reason",
    [
        (Watched, "side-effect"),
        (Recorder, "unknown-object"),
        (Last, "unknown-call"),
        (New, "unknown-call"),
        (OfMeta, "unknown-call"),
        (Described, "unknown-object"),
    ],
)
def test_machinery_of_its_own_is_python(cls, reason):
    assert refusal(lambda t, y: [cls(y[0]).x, y[1]], 2) == reason


def test_frozen_attributes_are_python():
    def changes(t, y):
        f = Fixed(y[0])
        f.a = 1.0
        return y

    assert refusal(changes, 2) == "unknown-object"


def test_objects_from_outside_are_not_changed():
    kept = Vector(1.0)

    def changes(t, y):
        kept.x = y[0]
        return y

    assert refusal(changes, 2) == "side-effect"


def test_a_changed_class_is_noticed():
    class Law:
        factor = 2.0

        def __init__(self, x):
            self.x = x

        def rate(self):
            return self.factor * self.x

    def fun(t, y):
        return [Law(x).rate() for x in y]

    kernels.clear()
    bound = Function(fun, (), np.ones(2)).compile()
    assert bound is not None
    agree(fun, 2)
    Law.factor = 3.0
    agree(fun, 2)
    Law.rate = lambda self: -self.x
    agree(fun, 2)


def test_guards_fail_when_a_method_is_replaced():
    class Law:
        def __init__(self, x):
            self.x = x

        def rate(self):
            return 2.0 * self.x

    def fun(t, y):
        return [Law(x).rate() for x in y]

    result = agree(fun, 2)
    block = np.zeros(max(result.n_params, 1))
    assert result.check(fun, (), block)
    Law.rate = lambda self: -self.x
    assert not result.check(fun, (), block)
