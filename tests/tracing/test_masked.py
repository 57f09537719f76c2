"""Selections by masks that depend on t or y."""

import numpy as np
import pytest

from tracing.agreement import agree, differentiates, refusal

FULL = [[0.5, 0.7, 0.9, 0.2], [-0.5, -0.1, 0.3, 0.8]]


def scaled(t, y):
    dy = np.zeros(4)
    m = y > 0
    dy[m] = 3.0 * y[m] ** 2 - t
    dy[~m] = -y[~m]
    return dy


def updated(t, y):
    dy = y * 1.0
    dy[y > 0.3] += 0.5
    dy[y < t] *= 2.0
    return dy


def sums(t, y):
    x = y[y > -0.5]
    return y * x.sum() + np.sum(x * x) - x.prod() + (x > 0).any() + np.all(x > 0)


def functions(t, y):
    dy = y.copy()
    m = (y > 0) & (y < 0.8)
    dy[m] = np.exp(-y[m]) + np.maximum(y[m], 0.3) + abs(y[m])
    return dy


def in_place(t, y):
    m = y > 0
    x = y[m]
    z = x
    x *= 2.0
    dy = np.zeros(4)
    dy[m] = z
    return dy


def of_a_square(t, y):
    u = y.reshape(2, 2)
    v = u.copy()
    v[u > 0] = u[u > 0] * t
    return v.ravel()


def of_booleans(t, y):
    mask = y > 0
    kept = y > -9.0
    kept[mask] = False
    return kept * y


@pytest.mark.parametrize(
    "fun", [scaled, updated, sums, functions, in_place, of_a_square, of_booleans]
)
def test_value(fun):
    agree(fun, 4)
    agree(fun, 4, states=FULL)
    differentiates(fun, 4)


def extremes(t, y):
    x = y[y > 0]
    return y * x.max() - x.min() + x.mean()


def test_of_nothing_is_left_to_python():
    agree(extremes, 4, states=FULL)
    agree(extremes, 4, states=[[-1.0, -2.0, -3.0, -4.0], [1.0, np.nan, 2.0, -1.0]], plain=False)
    differentiates(extremes, 4, states=FULL[:1])


def test_unselected_elements_only_cost_a_call():
    def fun(t, y):
        dy = np.zeros(2)
        dy[y > 0] = np.log(y[y > 0])
        return dy

    agree(fun, 2, states=[[0.5, 2.0]])
    agree(fun, 2, states=[[-0.5, 2.0], [0.0, 0.0]], plain=False)


@pytest.mark.parametrize(
    "fun",
    [
        lambda t, y: len(y[y > 0]) * y,
        lambda t, y: y[y > 0].size * y,
        lambda t, y: y[y > 0],
        lambda t, y: y[y > 0] + y[y < 0],
        lambda t, y: y[y > 0] * np.ones(4),
        lambda t, y: y[y > 0][0] * y,
        lambda t, y: list(y[y > 0]),
        lambda t, y: np.cumsum(y[y > 0]) * y,
        lambda t, y: y.reshape(2, 2)[y[:2] > 0].sum() * y,
    ],
)
def test_refused(fun):
    assert refusal(fun, 4) in ("dynamic-index", "unknown-attribute", "result")
