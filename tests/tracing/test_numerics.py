"""NumPy functions that are formulas of others: term by term NumPy's value."""

import numpy as np
import pytest

from tracing.agreement import agree, differentiates, refusal

X = np.array([0.0, 0.3, 0.7, 1.6, 2.0, 2.9])
EVEN = np.linspace(0.0, 1.0, 6)
H = 0.25


def filled(t, y):
    a = np.outer(y, y)
    np.fill_diagonal(a, t)
    return a


FUNCTIONS = {
    "trapezoid": lambda t, y: np.trapezoid(y) * y,
    "trapezoid with dx": lambda t, y: np.trapezoid(y, dx=H) * y,
    "trapezoid over x": lambda t, y: np.trapezoid(y * y, X) * y,
    "trapezoid of rows": lambda t, y: np.repeat(np.trapezoid(y.reshape(2, 3), X[:2], axis=0), 2),
    "trapezoid over moving x": lambda t, y: np.trapezoid(y, t * X) * y,
    "gradient": lambda t, y: np.gradient(y),
    "gradient with spacing": lambda t, y: np.gradient(y, H) + np.gradient(y, t + 1.0),
    "gradient over x": lambda t, y: np.gradient(y, X) + np.gradient(y, EVEN),
    "gradient of order 2": lambda t, y: np.gradient(y, 2, edge_order=2),
    "gradient over x of order 2": lambda t, y: np.gradient(y, X, edge_order=2),
    "gradient along an axis": lambda t, y: np.gradient(y.reshape(2, 3), H, axis=1).ravel(),
    "gradient along both": lambda t, y: (
        np.gradient(y.reshape(2, 3))[0] * np.gradient(y.reshape(2, 3), 0.5, X[:3])[1]
    ).ravel(),
    "polyval": lambda t, y: np.polyval([1.0, -2, 0.5], y) + np.polyval([t, 1], t),
    "vander": lambda t, y: np.vander(y)[:, 2] + np.vander(y, 3, increasing=True)[:, 2],
    "convolve": lambda t, y: np.convolve(y, [0.25, 0.5, 0.25], mode="same"),
    "convolve whole": lambda t, y: (
        np.convolve(y, [1.0, t])[1:] + np.convolve([1, 2], y, "full")[:-1]
    ),
    "convolve inside": lambda t, y: np.repeat(np.convolve(y, y[:4], "valid"), 2),
    "sinc": lambda t, y: np.sinc(y) + np.sinc(t),
    "nan_to_num": lambda t, y: np.nan_to_num(y) + np.nan_to_num(np.sqrt(y * y), nan=t),
    "ptp": lambda t, y: np.ptp(y) * y + np.ptp(y.reshape(2, 3), axis=0).sum(),
    "kron": lambda t, y: np.kron(y[:2], y[3:]) + np.kron(np.outer(y[:2], y[:2]), np.eye(3))[0],
    "tensordot": lambda t, y: (
        np.tensordot(y.reshape(2, 3), y.reshape(3, 2), 1).ravel().repeat(2)[:6]
        + np.tensordot(y.reshape(2, 3), y.reshape(2, 3), axes=([0, 1], [0, 1]))
    ),
    "diff with ends": lambda t, y: np.diff(y, prepend=0.0) + np.diff(y, append=y[:1]),
    "pad": lambda t, y: np.pad(y, 1)[2:] + np.pad(y, (2, 0), constant_values=t)[:-2],
    "pad edge": lambda t, y: np.pad(y, 1, mode="edge")[2:] - 2 * y + np.pad(y, 1, mode="edge")[:-2],
    "pad wrap": lambda t, y: np.pad(y, (1, 2), mode="wrap")[3:] + np.pad(y, 9, mode="wrap")[:6],
    "pad reflect": lambda t, y: np.pad(y, 2, "reflect")[4:] + np.pad(y, 2, "reflect")[:6],
    "pad symmetric": lambda t, y: np.pad(y, 2, "symmetric")[4:] + np.pad(y, 2, "symmetric")[:6],
    "pad a square": lambda t, y: np.pad(y.reshape(2, 3), ((1, 0), (0, 2)), "edge").ravel()[4:10],
    "select": lambda t, y: np.select([y < -0.5, y < 0.5], [y * y, 2.0], t),
    "argmax": lambda t, y: y * y[np.argmax(y)] + np.argmin(np.abs(y)),
    "argmax of rows": lambda t, y: np.repeat(y.reshape(2, 3).argmax(axis=0), 2) * y,
    "count_nonzero": lambda t, y: y * np.count_nonzero(y > 0) / 6,
    "triangles": lambda t, y: (np.tril(np.outer(y, y)) + np.triu(np.outer(y, y), 1)).sum(0),
    "take": lambda t, y: np.take(y, [5, 0, 1, 2, 3, 3]) + y.take(2),
    "methods of ufuncs": lambda t, y: (
        np.add.reduce(y.reshape(2, 3), axis=0).repeat(2) * np.maximum.reduce(y)
        + np.add.accumulate(y) * np.subtract.outer(y, y)[1]
    ),
    "cumprod": lambda t, y: np.cumprod(y) + np.cumprod(y.reshape(2, 3), axis=1).ravel(),
    "block": lambda t, y: (
        np.block([[np.outer(y[:2], y[:2]), y[2:4, None]], [y[:2], t]]).ravel()[3:]
        + np.block([y[:3], y[:2], t])
    ),
    "fill_diagonal": lambda t, y: filled(t, y) @ y,
    "piecewise": lambda t, y: (
        np.piecewise(y, [y < -0.5, y < 0.5], [0.5, lambda v: v * v, np.sin])
        + np.piecewise(t, [t < 0.4, t >= 1.0], [lambda v: 2 * v, t])
    ),
    "by columns": lambda t, y: (
        y.reshape(2, 3, order="F").ravel(order="F") + y.reshape(2, 3).flatten(order="F")
    ),
}
STEPS = ("argmax", "argmax of rows", "nan_to_num")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_value(name):
    agree(FUNCTIONS[name], 6, rtol=4e-14, atol=1e-14)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in STEPS])
def test_derivative(name):
    differentiates(FUNCTIONS[name], 6)


ODD = [
    [np.nan, 1.0, 2.0, 3.0, 4.0, 5.0],
    [np.inf, -np.inf, 0.0, -0.0, 1.0, 1.0],
    [2.0, 2.0, 2.0, 0.0, 0.0, 0.0],
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_odd_values(name):
    agree(FUNCTIONS[name], 6, states=ODD, times=(0.0, 0.5), rtol=1e-13, plain=False)


@pytest.mark.parametrize(
    "fun",
    [
        lambda t, y: np.gradient(y[:1]),
        lambda t, y: np.gradient(y, X[:3]),
        lambda t, y: np.argmax(y[:0]) * y,
        lambda t, y: np.trapezoid(y, X[:4]) * y,
        lambda t, y: np.convolve(y, y[:0]),
        lambda t, y: np.pad(y, -1),
    ],
)
def test_what_numpy_refuses(fun):
    assert refusal(fun, 6) == "raises"
    with pytest.raises((ValueError, TypeError)):
        fun(0.5, np.ones(6))


@pytest.mark.parametrize(
    "fun",
    [
        lambda t, y: np.pad(y, 1, "linear_ramp")[1:-1],
        lambda t, y: np.convolve(np.pad(y, 100), np.pad(y, 100))[:6],
    ],
)
def test_refused(fun):
    assert refusal(fun, 6) == "numpy-call"
