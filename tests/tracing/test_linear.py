"""numpy.linalg on traced matrices."""

import numpy as np
import pytest

from tracing.agreement import agree, differentiates, refusal

MASS = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -0.3], [0.2, -1.0, 5.0]])


def double_pendulum(t, y):
    """Masses and forces of a double pendulum."""
    a, b, u, v = y
    mass = np.array([[2.0, np.cos(a - b)], [np.cos(a - b), 1.0]])
    force = np.array([-(v**2) * np.sin(a - b) - 2 * np.sin(a), u**2 * np.sin(a - b) - np.sin(b)])
    return np.concatenate([[u, v], np.linalg.solve(mass, force)])


def constant_mass(t, y):
    return np.append(np.linalg.solve(MASS, y[:3]), t)


def several_sides(t, y):
    a = np.outer(y, y) + 3.0 * np.eye(4) + t
    return np.linalg.solve(a, np.column_stack([y, y * y, y + 1])).sum(axis=1)


def inverse(t, y):
    return np.linalg.inv(np.outer(y, y) + np.diag([2.0, 3, 4, 5])) @ y


def needs_pivots(t, y):
    a = np.array([[0.0, 2.0, y[0]], [1.0, 0.0, t], [3.0, y[1], 0.0]])
    return np.append(np.linalg.solve(a, y[1:]), np.linalg.inv([[y[0] + 3.0]])[0])


def determinants(t, y):
    two, three = y.reshape(2, 2), MASS * y[:3] + np.eye(3)
    return y * np.linalg.det(two) + np.linalg.det(three) + np.linalg.det(y[:1, None])


@pytest.mark.parametrize(
    "fun",
    [double_pendulum, constant_mass, several_sides, inverse, needs_pivots, determinants],
)
def test_value(fun):
    agree(fun, 4, rtol=1e-12, atol=1e-13)
    differentiates(fun, 4, rtol=1e-6)


@pytest.mark.parametrize("n", [8, 30, 64])
def test_larger(n):
    a = np.random.default_rng(n).normal(size=(n, n)) + n**0.5 * np.eye(n)
    agree(lambda t, y: np.linalg.solve(a + np.diag(y), y), n, rtol=1e-11, atol=1e-12, times=(0.3,))


def singular(t, y):
    return np.linalg.solve(np.array([[y[0], y[1]], [2 * y[0], 2 * y[1]]]), y)


def nearly_singular(t, y):
    a = np.arange(9.0).reshape(3, 3)
    return np.linalg.inv(a * y[0])[0, :2]


@pytest.mark.parametrize("fun", [singular, nearly_singular])
def test_singular_is_left_to_numpy(fun):
    from compile.kernels import call
    from diffsol._compile.cpu import compile_program
    from tracing.agreement import traced

    result, block = traced(fun, 2)
    for unrolled in (True, False):
        kernel = compile_program(result.program, unrolled=unrolled)
        for y in ([1.0, 2.0], [0.0, 0.0], [np.nan, 1.0]):
            assert call(kernel, 0.0, y, block)[2]


def test_refused():
    assert refusal(lambda t, y: np.linalg.solve(y.reshape(2, 2), y), 4) == "raises"
    assert refusal(lambda t, y: np.linalg.inv(y) @ y, 4) == "raises"
    assert refusal(lambda t, y: np.linalg.inv(1j * np.outer(y, y)).real @ y, 4) == "numpy-call"
    assert refusal(lambda t, y: np.linalg.det(np.outer(y, y)) * y, 4) == "numpy-call"
    assert refusal(lambda t, y: np.linalg.eigvalsh(np.outer(y, y)), 4) == "numpy-call"
