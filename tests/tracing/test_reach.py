"""Functions of NumPy, SciPy and the standard library that are formulas here: each gives Python's value."""

import functools
import itertools
import math
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from enum import Enum
from fractions import Fraction

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.signal
import scipy.stats
from numpy.polynomial import Polynomial
from scipy.interpolate import RegularGridInterpolator

from tracing.agreement import agree, differentiates, random_states, refusal

PAIRS = np.array([[0, 1], [0, 2], [5, 0], [3, 3], [0, 1]])
CUBIC = np.poly1d([0.5, -1.0, 0.0, 2.0])
SERIES = Polynomial([1.0, -0.5, 0.25])
SIGNED = np.vectorize(lambda v: v * v if v > 0 else -v)
TABLES = {
    n: RegularGridInterpolator(
        tuple(np.linspace(-1 - k, 2 + k, 4 + k) ** 3 for k in range(n)),
        np.sin(np.arange(math.prod(4 + k for k in range(n)))).reshape([4 + k for k in range(n)]),
        bounds_error=False,
        fill_value=None if n == 2 else 7.0,
    )
    for n in (1, 2, 3)
}
PLAIN = {0: 1.0, 1: -2.0, 2: 0.5}
LONG = [math.sin(k) for k in range(500)]
COUNTS = list(range(0, 900, 3))


class Phase(Enum):
    ON = 1
    OFF = 2


RATES = {Phase.ON: 2.0, Phase.OFF: 0.5}
MODE = Phase.ON


def scattered(t, y):
    a = np.zeros(6)
    np.add.at(a, PAIRS[:, 0], y[PAIRS[:, 1]])
    np.subtract.at(a, [1, 1, 4], y[:3])
    np.multiply.at(a, (PAIRS[:, 1],), 2.0)
    np.maximum.at(a, [2, 2], [t, 0.1])
    b = np.zeros((2, 3))
    np.add.at(b, ([0, 1, 0], [2, 2, 2]), y[:3])
    return a + b.ravel()


@functools.lru_cache(maxsize=8)
def closed(x):
    return math.exp(-x) + x


def products(t, y):
    total = y * 0.0
    for i, j in itertools.product(range(2), [3, 4]):
        total[i] += y[j] * y[i]
    for i, j in itertools.combinations(range(4), 2):
        total[j] -= y[i]
    for a, b in itertools.pairwise(y):
        total[5] += a * b
    return total + sum(itertools.accumulate(y[:3])) + sum(itertools.chain(y[:2], [t]))


FUNCTIONS = {
    "sort": lambda t, y: np.sort(y),
    "argsort": lambda t, y: y[np.argsort(y)] * np.argsort(-y, kind="stable"),
    "median": lambda t, y: y * np.median(y) + np.median(y[:5]),
    "fft": lambda t, y: np.fft.fft(y).real + np.fft.ifft(y + 1j * y[::-1]).imag,
    "rfft": lambda t, y: np.fft.irfft(np.fft.rfft(y) * [1, 2j, 3, 1j], n=6) + np.fft.irfft(y[:4]),
    "insert": lambda t, y: np.insert(y[:-2], 2, [t, 1.0]) + np.insert(y[1:], -1, y[0]),
    "array_split": lambda t, y: np.concatenate(np.array_split(y, 4)[::-1]),
    "hsplit": lambda t, y: np.hstack([x.sum(1) for x in np.hsplit(y.reshape(2, 3), [1, 2])]),
    "ufunc.at": scattered,
    "isclose": lambda t, y: y * np.isclose(y, y[::-1], rtol=0.3) + np.allclose(y, t, atol=9.0),
    "round": lambda t, y: np.round(y, 2) + y.round(1) + np.round(t * 10) + np.round(100 * y, -1),
    "matrix_power": lambda t, y: (
        np.linalg.matrix_power(y[:4].reshape(2, 2), 5) @ y[4:] + y[0]
    ).repeat(3),
    "eigvalsh": lambda t, y: np.linalg.eigvalsh(y[:4].reshape(2, 2)).repeat(3),
    "vectorize": lambda t, y: SIGNED(y) + np.vectorize(math.exp)(y) + np.vectorize(max)(y, t),
    "apply_along_axis": lambda t, y: (
        np.apply_along_axis(np.sum, 0, y.reshape(2, 3)).repeat(2)
        + np.apply_along_axis(lambda r: r[::-1] * t, 1, y.reshape(2, 3)).ravel()
    ),
    "poly1d": lambda t, y: CUBIC(y) + CUBIC.deriv()(t) + CUBIC(t),
    "Polynomial": lambda t, y: SERIES(y) + SERIES.deriv(1)(y) + SERIES.integ()(t),
    "indices": lambda t, y: np.array([a * k[1] for k, a in np.ndenumerate(y.reshape(2, 3))]),
    "c_": lambda t, y: np.c_[y, -y, y * t].sum(1) + np.c_[y.reshape(2, 3), y[:2]].ravel()[:6],
    "itertools": products,
    "partial": lambda t, y: functools.partial(np.multiply, t)(y),
    "hypot": lambda t, y: y * math.hypot(y[0], y[1], t) + math.hypot(t),
    "trapezoid": lambda t, y: scipy.integrate.trapezoid(y, dx=0.5) * y,
    "cumulative": lambda t, y: (
        scipy.integrate.cumulative_trapezoid(y, dx=t, initial=0)
        + scipy.integrate.cumulative_trapezoid(np.append(y, t), np.arange(7.0) ** 2)
    ),
    "simpson": lambda t, y: (
        y * scipy.integrate.simpson(y[:5], dx=0.1)
        + scipy.integrate.simpson(y[1:] * t, x=np.arange(5.0) ** 1.5)
    ),
    "block_diag": lambda t, y: (
        scipy.linalg.block_diag([[t, 1.0], [0.0, t]], y[:4].reshape(2, 2), [[2.0], [1.0]]) @ y[:5]
        + scipy.linalg.block_diag([t], y[:5])[1]
    ),
    "expm": lambda t, y: scipy.linalg.expm(np.diag(np.arange(6.0)) / 6) @ y,
    "waves": lambda t, y: (
        y * scipy.signal.square(7 * t, 0.3)
        + scipy.signal.sawtooth(9 * y, 0.25)
        + scipy.signal.sawtooth(t)
    ),
    "normal": lambda t, y: scipy.stats.norm.pdf(y, 0.2, scale=0.5) + scipy.stats.norm.pdf(t),
    "grid 1": lambda t, y: TABLES[1](y * 2),
    "grid 2": lambda t, y: TABLES[2](np.c_[y * 4, y[::-1] * 9]) + TABLES[2]((t, y[0])),
    "grid 3": lambda t, y: TABLES[3]((y * 3, t, 0.3)) + TABLES[3](y[:3]),
    "dict by int": lambda t, y: y * PLAIN[int(abs(t)) % 3] + PLAIN.get(int(3 * y[0]), 9.0),
    "dict by truth": lambda t, y: y * {True: 2.0, False: t}[bool(y[0] > 0)],
    "long list": lambda t, y: y * LONG[int(100 * t)] + COUNTS[int(100 * t)],
    "enum keys": lambda t, y: y * RATES[MODE],
    "lru_cache": lambda t, y: y * closed(t) + closed(2),
    "fractions": lambda t, y, k=Fraction(1, 3), d=Decimal("0.1"): y * float(k) + float(d),
}
SMOOTH = sorted(
    FUNCTIONS.keys() - {"round", "isclose", "waves", "dict by int", "ufunc.at", "vectorize"}
)
STATES = [y for y in random_states(6) if abs(y).max() < 1] + [np.arange(6) * 0.1 - 0.23]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_agrees(name):
    agree(FUNCTIONS[name], 6, states=STATES, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", SMOOTH)
def test_derivative(name):
    differentiates(FUNCTIONS[name], 6, rtol=1e-6)


NAN = [np.array([1.0, np.nan, 3.0, -1.0, 2.0, 2.0]), np.array([1.0, 2.0, 1.0, 2.0, 1.0, 2.0])]


@pytest.mark.parametrize("name", ["sort", "argsort", "median", "isclose", "vectorize", "grid 2"])
def test_nan_and_equal_values(name):
    agree(FUNCTIONS[name], 6, states=NAN, rtol=1e-13, plain=False)


@pytest.mark.parametrize(
    "fun",
    [
        lambda t, y: y * PLAIN[int(9 * t)],  # KeyError
        lambda t, y: y * LONG[int(900 * t)],  # IndexError
        lambda t, y: y * OUTSIDE_TABLE(30 * t + y[:1]),  # ValueError
    ],
)
def test_errors_are_pythons(fun):
    agree(fun, 6, plain=False)


GRID = ((np.arange(3.0),), np.arange(3.0))
OUTSIDE_TABLE = RegularGridInterpolator(*GRID)


@pytest.mark.parametrize(
    "fun, reason",
    [
        (lambda t, y: np.vectorize(lambda v: 0 if v < 0 else v)(y), "numpy-call"),
        (lambda t, y: np.sort(np.tile(y, 20))[:6], "numpy-call"),
        (lambda t, y: np.fft.fft(np.tile(y, 20)).real[:6], "numpy-call"),
        (lambda t, y: np.linalg.eigvalsh(np.outer(y, y)), "numpy-call"),
        (lambda t, y: scipy.linalg.expm(np.outer(y, y)) @ y, "unknown-call"),
        (lambda t, y: y * defaultdict_of_floats["new"], "side-effect"),
        (lambda t, y: np.apply_along_axis(writes, 0, y * 1.0), "raises"),
        (lambda t, y: y * remembers(1.0), "unknown-call"),
        (lambda t, y: counted(kept_array(2)) + y, "dynamic-index"),
        (lambda t, y: counted(kept_pair(2)[0]) + y, "dynamic-index"),
        (lambda t, y: np.array(counted(kept_list(2))) + y, "unknown-call"),
    ],
)
def test_refused(fun, reason):
    assert refusal(fun, 6) == reason


defaultdict_of_floats = defaultdict(float)
FACTOR = 2.0


def writes(row):
    row[0] = 1.0
    return row


@functools.lru_cache
def remembers(x):
    return FACTOR * x


@functools.lru_cache
def kept_array(n):
    return np.zeros(n)


@functools.lru_cache
def kept_pair(n):
    return np.zeros(n), n


@functools.lru_cache
def kept_list(n):
    return [0.0] * n


def counted(kept):
    kept[0] += 1.0  # found there by the next call
    return kept


def test_an_array_from_a_cache_is_read():
    agree(lambda t, y: kept_pair(6)[0] + kept_pair(6)[1] * y - kept_array(6), 6)


@pytest.mark.parametrize(
    "held",
    [
        OrderedDict(a=2.0, b=0.5),
        defaultdict(float, a=2.0, b=0.5),
        Counter(a=2, b=3),
    ],
)
def test_kinds_of_dict(held):
    def fun(t, y):
        return y * held["a"] + sum(held.values()) + ("c" in held) + held.get("z", 0.25)

    agree(fun, 6)
    held["a"] = 5
    agree(fun, 6)


def test_missing_keys_of_a_counter():
    counts = Counter(a=2)
    agree(lambda t, y: y * (counts["a"] + counts["b"]), 6)


def test_deque():
    last = deque([1.0, 2.0], maxlen=2)
    agree(lambda t, y: y * last[-1] + sum(last) + len(last), 6)
    last.append(7.0)
    agree(lambda t, y: y * last[-1] + sum(last) + len(last), 6)
