"""Losses of gradients."""

import numpy as np
import pytest

from diffsol.errors import CompilationWarning
from diffsol.sensitivity import gradient

from .losses import half_square_at_end
from .models import decay

# --- losses ------------------------------------------------------------------------------------------------


def test_a_given_gradient_is_used():
    found = gradient(
        *(decay, (0, 1), [2.0], (0.5,)),
        loss=half_square_at_end,
        loss_grad=lambda t, Y: 10.0 * Y,
        rtol=1e-8,
    )
    exact = gradient(decay, (0, 1), [2.0], (0.5,), loss=half_square_at_end, rtol=1e-8)
    np.testing.assert_allclose(found.flat, 10 * exact.flat, rtol=1e-12)


def test_a_loss_that_cannot_be_traced():
    seen = []

    def loss(t, Y):
        seen.append(t)
        return float(np.sum(Y**2))

    with pytest.warns(CompilationWarning, match="loss_grad"):
        found = gradient(*(decay, (0, 1), [2.0], (0.5,)), t_eval=[0.5, 1.0], loss=loss, rtol=1e-8)
    exact = gradient(
        *(decay, (0, 1), [2.0], (0.5,)),
        t_eval=[0.5, 1.0],
        loss=lambda t, Y: np.sum(Y**2),
        rtol=1e-8,
    )
    np.testing.assert_allclose(found.flat, exact.flat, rtol=1e-8)


@pytest.mark.parametrize(
    "loss, loss_grad, match",
    [
        (lambda t, Y: Y[0], None, "number"),
        (half_square_at_end, lambda t, Y: Y[0], "shape"),
        (half_square_at_end, lambda t, Y: Y.T, "shape"),
    ],
)
def test_shapes_are_looked_at_before_anything_is_solved(loss, loss_grad, match):
    calls = []

    def fun(t, y):
        calls.append(t)
        return -y

    with pytest.raises(ValueError, match=match):
        gradient(fun, (0, 1), [1.0, 2.0], t_eval=[0.2, 0.5, 1.0], loss=loss, loss_grad=loss_grad)
    assert not calls


@pytest.mark.parametrize(
    "options, match",
    [
        ({}, "nothing to differentiate"),
        ({"loss_grad": lambda t, Y: Y}, "nothing to differentiate"),
        ({"loss": half_square_at_end, "checkpoint_every": 0}, "checkpoint_every"),
        ({"loss": half_square_at_end, "memory": -1}, "memory"),
        ({"loss": half_square_at_end, "sens": "sideways"}, "sens"),
        ({"loss": half_square_at_end, "method": "Euler"}, "method"),
        ({"loss": half_square_at_end, "t_eval": []}, "t_eval"),
        ({"loss": half_square_at_end, "t_eval": [0.0, 3.0]}, "t_eval"),
    ],
)
def test_bad_arguments(options, match):
    with pytest.raises(ValueError, match=match):
        gradient(decay, (0, 1), [2.0], (0.5,), **options)


def test_a_loss_without_a_slope():
    """The distance from where the solution is."""

    def loss(t, Y):
        return np.sqrt(np.sum((Y - 2.0) ** 2))

    def loss_grad(t, Y):
        return (Y - 2.0) / loss(t, Y)

    with pytest.raises(ValueError, match="not finite"), np.errstate(invalid="ignore"):
        gradient(decay, (0, 1), [2.0], (0.0,), loss=loss, loss_grad=loss_grad)


def test_an_interval_without_length():
    with pytest.raises(ValueError, match="t_span"):
        gradient(decay, (1, 1), [2.0], (0.5,), loss=half_square_at_end)


def test_a_solve_that_breaks_down():
    with pytest.raises(RuntimeError, match=r"t=0\.9"):
        gradient(lambda t, y: y**2, (0, 2), [1.0], loss=half_square_at_end, wrt="y0")
