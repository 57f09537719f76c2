"""Arrays of others in sensitivities and fits: objects with `__dlpack__` and nothing else."""

import numpy as np
import pytest

from diffsol import fit, sensitivity
from dlpack.producers import KINDS, Made, Modern, Old, doubles

pytestmark = KINDS
T = np.linspace(0.0, 2.0, 5)
RATES = np.array([0.5, 1.0, 2.0])
DATA = doubles(3)[:, None] * np.exp(-np.outer(RATES, T)) + 0.01


def decay(t, y, rates):
    return -rates * y


def sum_of_squares(t, y):
    return (y * y).sum()


@pytest.fixture
def bare(versioned):
    kind = Modern if versioned else Old
    return lambda array: kind(Made(np.array(array), versioned))


@pytest.mark.parametrize("sens", ["forward", "discrete", "adjoint"])
def test_solutions_with_derivatives(bare, sens):
    dy0, dt0 = np.eye(3, 6), np.linspace(0.0, 0.5, 6)

    def solved(of):
        return sensitivity.solve_ivp(
            decay,
            (0, 2),
            of(doubles(3)),
            t_eval=of(T),
            args=(of(RATES),),
            sens=sens,
            dy0=of(dy0),
            dt0=of(dt0),
        )

    found, expected = solved(bare), solved(np.array)
    assert found.sens_names == expected.sens_names
    for name in ("t", "y", "sens"):
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("sens", ["adjoint", "forward"])
def test_gradients(bare, sens):
    def solved(of):
        return sensitivity.gradient(
            decay,
            (0, 2),
            of(doubles(3)),
            (of(RATES),),
            t_eval=of(T),
            loss=sum_of_squares,
            sens=sens,
        )

    found, expected = solved(bare), solved(np.array)
    assert found.value == expected.value
    np.testing.assert_array_equal(found.flat, expected.flat)


def residual(of, **options):
    return fit.residual(decay, of(doubles(3)), of(T), of(DATA), args=(of(RATES),), **options)


def test_fits(bare):
    weights, p = np.array([1.0, 2.0, 3.0]), 1.1 * RATES
    found, expected = residual(bare, weights=bare(weights)), residual(np.array, weights=weights)
    np.testing.assert_array_equal(found.p0, RATES)
    np.testing.assert_array_equal(found(bare(p)), expected(p))
    np.testing.assert_array_equal(found.jac(bare(p)), expected.jac(p))
    assert found.values(bare(p)) == expected.values(p)
    other = np.linspace(0.0, 1.5, 4)
    np.testing.assert_array_equal(found.predict(bare(p), bare(other)), expected.predict(p, other))
    np.testing.assert_array_equal(found.model(bare(other), *p), expected.model(other, *p))
    before = found.n_solves
    found.model(bare(T), *p)  # the data's own times, whose solve is kept
    assert found.n_solves == before


def test_fits_of_several_experiments(bare):
    def several(of):
        return fit.residual(
            decay,
            [of(doubles(3)), of(2 * doubles(3))],
            [of(T), of(T[1:])],
            [of(DATA), of(2 * DATA[:, 1:])],
            args=(RATES,),
            weights=[of(np.ones((3, 5))), of(np.ones((3, 4)))],
            t_span=(0, 2),
        )

    np.testing.assert_array_equal(several(bare)(RATES), several(np.array)(RATES))
