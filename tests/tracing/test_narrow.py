"""float32, int32 and their like from outside: NumPy's promotion to the bit, or Python."""

import numpy as np
import pytest

from tracing.agreement import agree, refusal

W = np.array([0.1, 0.2, 0.3], dtype=np.float32)
N = np.array([3, 1, 2], dtype=np.int32)
B = np.array([200, 100, 50], dtype=np.uint8)
M = np.arange(9, dtype=np.float32).reshape(3, 3) / 7
ONE = np.float32(0.1)
K = 0.1

FUNCTIONS = {
    "product": lambda t, y: y * W - W * y / 3.0,
    "scalar": lambda t, y: y + ONE + W[0],
    "among themselves": lambda t, y: y * (W * W + ONE) * (W / 3),
    "with a fixed float": lambda t, y: y * (W * K) + y * (N * K),
    "wraps as NumPy's": lambda t, y: y * (B + B),
    "integers": lambda t, y: -N * y + y ** N[1] + N // 2,
    "integer and t": lambda t, y: y * (N * t) + t * N[0],
    "matrix": lambda t, y: M @ y + y @ M.T + np.dot(M, y),
    "sums": lambda t, y: y * W.sum() + M.mean(axis=0) * y.sum(),
    "index": lambda t, y: y[N - 1] * W[::-1] + M[1] * y,
    "comparison": lambda t, y: y * (y > W) + y * (N > 1),
    "functions": lambda t, y: np.maximum(y, W) + np.where(y > 0, W, y) + np.exp(W) * y,
    "interp": lambda t, y: np.interp(y, [0, 1, 2], W) + np.interp(t, N[1:], W[1:]) * y,
    "cast": lambda t, y: y * W.astype(float) + W.astype(np.float64) * t,
    "loop": lambda t, y: np.array([w * x for w, x in zip(W, y, strict=True)]),
    "minus": lambda t, y: -W * y + abs(N) * y,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_agrees(name):
    agree(FUNCTIONS[name], 3, rtol=4e-16 if name != "matrix" else 1e-14)


@pytest.mark.parametrize(
    "fun",
    [
        lambda t, y: y * (W * t),  # single precision arithmetic, at first
        lambda t, y: y * (W * float(y[0])),
        lambda t, y: [w * min(y[0], 1.0) for w in W],
        lambda t, y: y * np.full_like(W, y[0]),
        lambda t, y: np.zeros(3, dtype=np.float32) + y,
        lambda t, y: np.array([y[0], *W[1:]], dtype=np.float32),
    ],
)
def test_precision_that_the_graph_has_not_is_python(fun):
    assert refusal(fun, 3) == "dtype"


def test_values_are_guarded():
    weights = W.copy()

    def fun(t, y):
        return y * weights

    result = agree(fun, 3)
    block = np.zeros(1)
    assert result.check(fun, (), block)
    weights[1] = 0.5
    assert not result.check(fun, (), block)
    agree(fun, 3)
