"""Gradients over solves of which only parts are kept."""

import numpy as np
import pytest

from diffsol.sensitivity import gradient

from .losses import METHODS

EXPLICIT, IMPLICIT = METHODS[:3], METHODS[3:]


# --- checkpoints -----------------------------------------------------------------------------------------


def lorenz(t, y, s, r, b):
    return [s * (y[1] - y[0]), y[0] * (r - y[2]) - y[1], y[0] * y[1] - b * y[2]]


def of_lorenz(method, **more):
    return gradient(
        *(lorenz, (0, 4), [1.0, 1.0, 20.0], (10.0, 28.0, 8 / 3)),
        loss=lambda t, Y: np.sum(Y[0] ** 2),
        integrand=lambda t, y, s, r, b: y[2] / s,
        t_eval=np.linspace(0, 4, 9),
        method=method,
        rtol=1e-7,
        atol=1e-9,
        **more,
    )


@pytest.mark.parametrize("every", [1, 7, 50])
@pytest.mark.parametrize("method", EXPLICIT)
def test_checkpoints_change_nothing(method, every):
    """Steps made again are the same steps: the gradient is the same to the last bit, for less memory."""
    whole, parts = of_lorenz(method), of_lorenz(method, checkpoint_every=every)
    assert parts.value == whole.value
    np.testing.assert_array_equal(parts.flat, whole.flat)
    if every == 7:
        assert parts.memory < whole.memory


@pytest.mark.parametrize("method", IMPLICIT)
def test_checkpoints_of_methods_with_a_past(method):
    whole, parts = of_lorenz(method), of_lorenz(method, checkpoint_every=60)
    scale = np.abs(whole.flat).max()
    np.testing.assert_allclose(parts.flat, whole.flat, atol=1e-4 * scale)
    assert parts.memory < whole.memory


def test_memory_is_kept_to():
    """A budget that holds a tenth of the solution."""
    whole = of_lorenz("RK45")
    parts = of_lorenz("RK45", memory=whole.memory / 10)
    assert parts.memory < whole.memory / 2
    np.testing.assert_array_equal(parts.flat, whole.flat)
