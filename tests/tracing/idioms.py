"""Right-hand sides as people write them: each is (function, state size, args), grouped by what it exercises.

`COMPILED` must be traced and mean the same; `REFUSED` maps a reason to functions that must be called
as Python.
"""
import cmath  # noqa: F401  (a module that a function may look at)
import functools
import logging
import math
import operator
import random
import sys
import time
from collections import namedtuple
from dataclasses import dataclass
from math import cos, exp, sin
from types import SimpleNamespace

import numpy as np

G = 9.81
COEFFICIENTS = [0.5, 1.5, 2.5]
TABLE = {"a": 1.0, "b": 2.0, "n": 3}
MATRIX = np.array([[0.0, 1.0], [-2.0, -0.3]])
WEIGHTS = np.linspace(0.1, 1.0, 3)
INDEX = np.array([2, 0, 1])
FLAG = True
MODE = "linear"
COUNTER = 0
LOG = []
Point = namedtuple("Point", "x y")
POINT = Point(1.5, 2.5)
CONFIG = SimpleNamespace(mass=2.0, drag=SimpleNamespace(c=0.1), names=("a", "b"))

COMPILED = []
REFUSED = {}


def compiled(n, *args):
    def register(fun):
        COMPILED.append((fun, n, args))
        return fun
    return register


def refused(reason, n, *args):
    def register(fun):
        REFUSED.setdefault(reason, []).append((fun, n, args))
        return fun
    return register


# --- arithmetic and results -----------------------------------------------------------------------


@compiled(3)
def plain_list(t, y):
    return [y[1], -y[0] * G, t * y[2]]


@compiled(2)
def plain_tuple(t, y):
    a, b = y
    return b, -a


@compiled(2)
def returns_array(t, y):
    return np.array([y[1] ** 2, -np.sin(y[0])])


@compiled(2)
def vector(t, y):
    return -0.5 * y + t


@compiled(1)
def scalar_result(t, y):
    return -y[0]


@compiled(1)
def list_of_array(t, y):
    return [-y[0] / (1 + y[0])]


@compiled(2)
def nested_arithmetic(t, y):
    a = (y[0] + 1) / (y[1] ** 2 + 3)
    b = a ** 3 - a ** 0.5 + abs(y[1]) ** 1.5 + 2 ** a
    return [a % 0.7, b // 0.3]


@compiled(2)
def unary_operators(t, y):
    return [-y[0], +y[1]]


COUPLING = np.random.default_rng(3).normal(size=(4, 4))


@compiled(4)
def branches_on_an_outside_array(t, y):
    d = np.zeros(4)
    for i in range(4):
        for j in range(4):
            if COUPLING[i, j] > 0:
                d[i] += COUPLING[i, j] * y[j]
            elif i != j:
                d[i] -= y[i]
    return d


@compiled(4, COUPLING.tolist())
def branches_on_a_list_of_args(t, y, w):
    return [sum(w[i][j] * y[j] for j in range(4) if w[i][j] > 0.1) for i in range(4)]


@compiled(4)
def reduced(t, y):
    total = functools.reduce(operator.mul, y, 2.0)
    return [total, functools.reduce(lambda a, b: a - b, [x * t for x in y]), 1.0, -total]


@compiled(6)
def split(t, y):
    a, b, c = np.split(y, 3)
    left, right = np.split(y.reshape(2, 3), [1], axis=1)
    return np.concatenate([a * b[0], c - left.ravel(), right.sum(axis=0)])


@compiled(4)
def slices(t, y):
    q, p = y[:2], y[2:]
    return np.concatenate([p, -q])


@compiled(4)
def steps_and_negative(t, y):
    return [y[-1], y[::2].sum(), y[::-1][0], y[1:-1][1]]


@compiled(3)
def star_unpacking(t, y):
    first, *rest = y
    return [first, rest[0], sum(rest)]


@compiled(2)
def math_functions(t, y):
    return [math.sin(y[0]) * exp(-t), cos(t) + sin(y[1]) + math.sqrt(abs(y[0])) + math.log(2 + y[1] ** 2)]


@compiled(2)
def math_more(t, y):
    return [math.pow(abs(y[0]) + 1, 0.3) + math.atan2(y[1], 2), math.hypot(y[0], 1.0) + math.radians(30) * math.pi]


@compiled(3)
def ufuncs(t, y):
    return np.exp(-y) + np.tanh(y) * np.sqrt(np.abs(y)) - np.log1p(y**2) + np.arctan2(y, 2.0)


@compiled(3)
def ufunc_out(t, y):
    out = np.empty(3)
    np.multiply(y, 2.0, out=out)
    return out


@compiled(3)
def minmax(t, y):
    return [max(y[0], 0.0), min(y[1], t, 3), np.maximum(y[2], 0.1)]


@compiled(3)
def clip_where_sign(t, y):
    return np.where(y > 0, y, -2 * y) + np.clip(y, -0.5, 0.5) + np.sign(y)


@compiled(2)
def builtins_of_numbers(t, y):
    return [abs(y[0]) + round(2.6), float(y[1]) + pow(y[0], 2)]


@compiled(2)
def divmod_and_mod(t, y):
    q, r = divmod(y[0] + 5.0, 1.5)
    return [q, r]


@compiled(2)
def int_of_time(t, y):
    return [int(t) * y[0], math.floor(t / 2) + y[1]]


# --- arrays that are filled -----------------------------------------------------------------------


@compiled(3)
def filled(t, y):
    dydt = np.zeros(3)
    dydt[0] = y[1]
    dydt[1] = -y[0]
    dydt[2] = dydt[0] * 2
    return dydt


@compiled(5)
def filled_slices(t, y):
    d = np.zeros_like(y)
    d[1:-1] = (y[2:] - 2 * y[1:-1] + y[:-2]) / 0.1**2
    d[0] = d[1]
    d[-1] = 0
    return d


@compiled(4)
def views_share_memory(t, y):
    d = np.empty(4)
    top, bottom = d[:2], d[2:]
    top[:] = y[2:]
    bottom[:] = -y[:2]
    bottom *= 2.0
    top += 1
    return d


@compiled(4)
def two_dimensional(t, y):
    m = y.reshape(2, 2)
    d = m @ m - np.eye(2) * np.trace(m)
    return d.ravel()


@compiled(4)
def in_place_copy(t, y):
    y = y.copy()
    y[y < 0] = 0
    y[0] += t
    return y


@compiled(4)
def column_assignment(t, y):
    d = np.zeros((2, 2))
    d[:, 0] = y[:2]
    d[1, :] += y[2:]
    return d.flatten()


@compiled(3)
def list_append(t, y):
    out = []
    for i in range(3):
        out.append(y[i] * i)
    return out


@compiled(3)
def comprehension(t, y):
    return [k * v for k, v in zip(COEFFICIENTS, y)]


@compiled(3)
def generator_sum(t, y):
    total = sum(v * w for v, w in zip(y, WEIGHTS))
    return [total, sum([v for v in y]), sum(y)]


@compiled(3)
def enumerate_and_range(t, y):
    d = [0.0] * 3
    for i, value in enumerate(y):
        for j in range(i):
            d[i] += value * y[j]
    return d


@compiled(3)
def dict_of_values(t, y):
    state = dict(zip("abc", y))
    rates = {k: v * 2 for k, v in state.items()}
    return [rates["a"], rates["b"], rates.get("c", 0)]


@compiled(6)
def bodies(t, y):
    n = 3
    x, v = y[:n], y[n:]
    a = np.zeros(n)
    for i in range(n):
        for j in range(n):
            if i != j:
                r = x[j] - x[i]
                a[i] += r / (abs(r) ** 3 + 0.01)
    return np.concatenate((v, a))


@compiled(3)
def while_counter(t, y):
    i, total = 0, 0.0
    while i < 3:
        total += y[i]
        i += 1
    return [total] * 3


@compiled(6)
def views_of_views(t, y):
    d = np.zeros((3, 2))
    column = d[:, 0].reshape(3, 1)
    column[:] = y[:3, None]
    flat = d.ravel()
    flat[1] = t
    strided = flat[::2].ravel()
    strided[:] = 100.0
    corner = np.diag(d[:2])
    d[0, 0] = 7.0
    return flat + corner[0] + np.sum(strided)


@compiled(4)
def swapped_through_views(t, y):
    d = y.reshape(2, 2).T.copy()
    d[0], d[1] = d[1].copy(), d[0].copy()
    row = d[0]
    row *= 2
    d += d[::-1]
    return d.reshape(-1)


# --- NumPy ----------------------------------------------------------------------------------------


@compiled(3)
def stacking(t, y):
    a = np.hstack([y[:1], y[1:]])
    b = np.vstack([y, y]).sum(axis=0)
    c = np.stack([y, 2 * y], axis=1).mean(axis=1)
    return a + b + c + np.append(y[:2], y[2]) + np.r_[y[0], y[1:]]


@compiled(5)
def roll_diff_gradient(t, y):
    return np.roll(y, 1) - 2 * y + np.roll(y, -1) + np.gradient(y, 0.1) + np.append(np.diff(y), 0.0)


@compiled(3)
def reductions(t, y):
    return [np.sum(y), np.mean(y) + np.max(y) - np.min(y), np.linalg.norm(y) + np.prod(y) + np.std(y)]


@compiled(3)
def products(t, y):
    return np.cross(y, WEIGHTS) + np.outer(y, y) @ y + np.dot(y, y) * WEIGHTS


@compiled(2)
def matrix(t, y):
    return MATRIX @ y


@compiled(2)
def matrix_dot(t, y):
    return MATRIX.dot(y) + np.dot(MATRIX, y) + y @ MATRIX


@compiled(3)
def einsum(t, y):
    return np.einsum("i,ij->j", y, np.outer(WEIGHTS, y))


@compiled(3)
def fancy_index(t, y):
    return y[INDEX] + y[[0, 1, 1]] + WEIGHTS[INDEX]


@compiled(3)
def constant_mask(t, y):
    d = y.copy()
    d[WEIGHTS > 0.5] = 0.0
    return d


@compiled(4)
def broadcasting(t, y):
    x = y[:, None] - y[None, :]
    return (x**2).sum(axis=1)


@compiled(4)
def newaxis_eye(t, y):
    d = y[np.newaxis, :] - y[:, np.newaxis]
    return np.sum(d / (d**2 + np.eye(4)) ** 1.5, axis=1)


@compiled(3)
def cumulative(t, y):
    return np.cumsum(y)


@compiled(3)
def flips(t, y):
    return y[::-1] + np.flip(y) + y.T + np.tile(y[:1], 3) + np.repeat(y[0], 3)


@compiled(3)
def constant_arrays(t, y):
    x = np.linspace(0, 1, 3)
    w = np.arange(3) / 2 + np.ones(3) + np.full(3, 0.5)
    return y * x + w


@compiled(3)
def integer_arrays(t, y):
    n = np.arange(1, 4)
    return y * (np.reciprocal(n) + np.floor(n) / 2 + n // 2 + np.fmod(n, 2) / 4 + n**2 + (-n) % 3)


@compiled(3)
def truth_arrays(t, y):
    inside = (y > -0.5) & (y < 0.5)
    return np.where(inside | ~(y > 0), 1, 2) + inside.sum() + np.any(inside) * y + inside * 2


@compiled(2)
def constant_linear_algebra(t, y):
    return np.linalg.inv(np.array([[2.0, 1.0], [0.0, 1.0]])) @ y


@compiled(2)
def shapes(t, y):
    n = len(y)
    return np.zeros(y.shape) + y.size * y / n + y.ndim


@compiled(3)
def time_dependent(t, y):
    force = np.cos(2 * np.pi * t) * np.exp(-t / 10)
    return force - y


@compiled(3)
def errstate(t, y):
    with np.errstate(divide="ignore"):
        z = 1 / (y + 10)
    return z


# --- what is read from outside --------------------------------------------------------------------


@compiled(2)
def outside_containers(t, y):
    return [COEFFICIENTS[0] * y[0] + TABLE["a"], TABLE["b"] * y[1] ** TABLE["n"]]


@compiled(2)
def outside_objects(t, y):
    return [CONFIG.mass * y[0] + CONFIG.drag.c, POINT.x * y[1] + POINT[1]]


@compiled(2)
def outside_flags(t, y):
    if FLAG and MODE == "linear":
        return -y
    return -(y**2)


@compiled(2, 1.5, 2)
def with_args(t, y, k, n):
    return [-k * y[0] + n, y[1] ** n / k]


@compiled(2, (1.0, 2.0))
def unpacked_parameters(t, y, p):
    a, b = p
    return [a * y[0], b * y[1]]


@compiled(2, {"k": 1.0, "m": [1, 2.5]}, np.array([3.0, 4.0]))
def dict_and_array(t, y, p, w):
    return [p["k"] * y[0] + w[0], p["m"][1] * y[1] * w[1]]


@compiled(2)
def default_arguments(t, y, k=2.5, *, m=3.0):
    return [k * y[0], m * y[1]]


@compiled(3, 3)
def int_argument_as_size(t, y, n):
    d = np.zeros(n)
    for i in range(n):
        d[i] = -y[i] * n
    return d


def helper(x, k=2.0):
    return x * k


def spring(x, *, k):
    return -k * x


@compiled(2)
def helpers(t, y):
    return [helper(y[0]), helper(y[1], k=G) + spring(y[0], k=1.0)]


@compiled(2)
def inner_function(t, y):
    k = 3.0

    def force(x):
        return -k * x

    return [force(y[0]), (lambda z: z + 1)(y[1])]


@compiled(2)
def star_arguments(t, y):
    def add(*values, **named):
        return values[0] + named["b"]
    return [add(y[0], b=t), add(*y, **{"b": 1.0})]


def make_closure():
    k, table = 4.0, [1.0, 2.0]

    def closure(t, y):
        return [k * y[0], table[1] * y[1]]
    return closure


compiled(2)(make_closure())
compiled(2)(lambda t, y: [y[1], -y[0]])


def parameterised(t, y, k, m=1.0):
    return [-k * y[0], m * y[1]]


compiled(2)(functools.partial(parameterised, k=2.0, m=3.0))
compiled(2, 2.0)(functools.partial(parameterised))


class Model:
    scale = 2.0

    def __init__(self):
        self.k = 1.5
        self.matrix = MATRIX.copy()
        self.parts = [1.0, 2.0]

    @property
    def twice(self):
        return 2 * self.k

    @staticmethod
    def cube(x):
        return x**3

    @classmethod
    def scaled(cls, x):
        return cls.scale * x

    def force(self, x):
        return -self.k * x

    def rhs(self, t, y):
        return self.force(self.matrix @ y) + self.twice + self.cube(t) + self.scaled(y) * self.parts[1]

    def __call__(self, t, y):
        return self.rhs(t, y)


@dataclass
class Parameters:
    k: float = 1.0
    label: str = "x"


compiled(2)(Model().rhs)
compiled(2)(Model())


@compiled(2, Parameters(2.0))
def dataclass_argument(t, y, p):
    return -p.k * y if p.label == "x" else y


@compiled(2)
def asks_for_types(t, y):
    scale = 2.0 if isinstance(t, (int, float)) and np.isscalar(y[0]) else 3.0
    if type(y) is np.ndarray and isinstance(y[0], np.float64) and callable(helper):
        return scale * y
    return y


@compiled(2)
def local_import(t, y):
    import numpy as xp
    return xp.sin(y)


# --- branches --------------------------------------------------------------------------------------


@compiled(1)
def branch_on_state(t, y):
    if y[0] > 0.2:
        return -y
    return y


@compiled(1)
def branch_on_time(t, y):
    u = 1.0 if t < 0.5 else 0.0
    return [u - y[0]]


@compiled(2)
def elif_chain(t, y):
    if t < 0.3:
        k = 1.0
    elif t < 0.6 and y[0] > 0:
        k = 2.0
    else:
        k = 3.0
    return [k * y[0], -k * y[1]]


@compiled(2)
def boolean_logic(t, y):
    inside = 0.1 < y[0] < 0.9
    return [1.0 if inside or t > 0.9 else 2.0, 0.0 if not inside else y[1]]


@compiled(2)
def raises_on_one_path(t, y):
    if y[0] > 1e6:
        raise ValueError(f"blew up at {t}: {y[0]}")
    assert y[1] < 1e6, "too large"
    return -y


@compiled(2)
def early_zeros(t, y):
    if y[0] < 0:
        return np.zeros(2)
    return np.array([y[1], -G])


@compiled(2)
def bool_arithmetic(t, y):
    return [(y[0] > 0.1) * y[1], (t > 0.5) + y[0]]


# --- must be called as Python ------------------------------------------------------------------------


@refused("side-effect", 1)
def appends(t, y):
    LOG.append(t)
    return -y


@refused("side-effect", 1)
def counts(t, y):
    global COUNTER
    COUNTER += 1
    return -y


@refused("side-effect", 1)
def sets_attribute(t, y):
    CONFIG.last = t
    return -y


@refused("side-effect", 1)
def sets_item(t, y):
    TABLE["last"] = 1.0
    return -y


@refused("side-effect", 2)
def writes_outside_array(t, y):
    MATRIX[0, 0] = 1.0
    return MATRIX @ y


@refused("side-effect", 3)
def returns_shared_buffer(t, y, out=np.zeros(3)):
    out[:] = -y
    return out


@refused("side-effect", 1)
def function_attribute(t, y):
    function_attribute.calls = 1
    return -y


def make_counter():
    count = 0

    def counting(t, y):
        nonlocal count
        count += 1
        return -y
    return counting


refused("side-effect", 1)(make_counter())


@refused("state-write", 2)
def clamps(t, y):
    y[y < 0] = 0
    return -y


@refused("unknown-attribute", 2)
def assigns_through_real(t, y):
    z = y * 1j
    z.real[0] = 1.0
    return abs(z)


@refused("state-write", 2)
def writes_through_a_view_of_y(t, y):
    top = np.asarray(y)[:1].reshape(-1)
    top += 1
    return y


@refused("state-write", 2)
def in_place_operator(t, y):
    y *= 2.0
    return y


@refused("input-output", 1)
def prints(t, y):
    print(t)
    return -y


@refused("input-output", 1)
def logs(t, y):
    logging.getLogger("x").debug("called")
    return -y


@refused("random", 1)
def numpy_random(t, y):
    return -y + np.random.normal()


@refused("random", 1)
def python_random(t, y):
    return -y + random.random()


@refused("clock", 1)
def clock(t, y):
    return -y * time.time()


@refused("dtype", 2, np.array([1.0, 2.0], dtype=np.float32))
def single_precision(t, y, w):
    return y * w


@compiled(2)
def index_by_time(t, y):
    return [COEFFICIENTS[int(t)] * y[0], y[1]]


@compiled(2)
def array_by_time(t, y):
    return WEIGHTS[int(t)] * y


@compiled(3)
def masked_selection(t, y):
    return y * y[y > 0].sum()


@compiled(8)
def branches_in_loop(t, y):
    return [v if v > 0 else -v * 2 for v in y]


@refused("too-many-branches", 8)
def lists_of_many_lengths(t, y):
    return [sum([v for v in y if v > 0])] * 8


@refused("input-output", 1)
def swallows_everything(t, y):
    try:
        print(t)
    except BaseException:
        pass
    return -y


@refused("try-except", 1)
def handles_exception(t, y):
    try:
        return [1.0 / COEFFICIENTS[7]]
    except IndexError:
        return -y


@refused("too-long", 1)
def endless(t, y):
    while True:
        pass


@refused("raises", 1)
def always_raises(t, y):
    raise ValueError("no")


@refused("complex-to-real", 1)
def complex_result(t, y):
    return 1j * y


@refused("result", 2)
def wrong_length(t, y):
    return [y[0], y[1], 1.0]


@refused("result", 1)
def returns_none(t, y):
    y[0] + 1


@refused("unknown-call", 1)
def foreign_call(t, y):
    return eval("-y")


@refused("numpy-call", 3)
def traced_integers(t, y):
    return np.reciprocal(1 + (y > 0).astype(int)) * y


@refused("concrete-value", 1)
def asks_for_the_type_of_t(t, y):
    return -y if isinstance(2 * t, np.floating) else y


@refused("try-except" if sys.version_info >= (3, 12) else "raises", 2)
def strict_zip(t, y):
    return [a * b for a, b in zip(y, [1.0, 2.0, 3.0], strict=True)]


@refused("concrete-value", 1)
def formats(t, y):
    return [float(f"{y[0]:.3f}")]
