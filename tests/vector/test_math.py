"""ds_math next to mpmath and NumPy."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from diffsol._graph.ops import ELEMENTWISE

from .lanes import Function
from .ulps import BINARY, FUNCTIONS, SPECIAL, UNARY, errors, near_quarter_turns, points, with_signs

COEFFICIENTS = pathlib.Path(__file__).parents[2] / "tools" / "make_coefficients.py"
MOST = 2.0  # units in the last place, promised


def test_coefficients_are_those_of_the_script_that_makes_them():
    subprocess.run([sys.executable, COEFFICIENTS, "--check"], check=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors(name):
    operands = points(name, np.random.default_rng(7), 1200)
    off = errors(name, operands, Function(name, 4)(*operands))
    worst = off.argmax()
    assert off[worst] <= MOST, [x[worst] for x in operands]


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_as_near_to_quarter_turns_as_doubles_come(name):
    x = near_quarter_turns()[::7]
    assert errors(name, (x,), Function(name, 4)(x)).max() <= MOST


def agree_with_numpy(name, *operands):
    """NaN where NumPy has NaN, its zeros with their signs and its infinities; else next to each other."""
    ours = Function(name, 4)(*operands)
    with np.errstate(all="ignore"):
        theirs = ELEMENTWISE[name].reference(*operands)
        near = np.abs(ours - theirs) <= 3 * np.spacing(np.abs(theirs))
    exact = (ours == theirs) & (np.signbit(ours) == np.signbit(theirs))
    both_nan = np.isnan(ours) & np.isnan(theirs)
    # a subnormal result may round to the zero next to it
    plain = np.isfinite(theirs) & (theirs != 0) & (np.signbit(ours) == np.signbit(theirs))
    wrong = ~(exact | both_nan | near & plain)
    assert not wrong.any(), [x[wrong] for x in operands]


@pytest.mark.parametrize("name", UNARY)
def test_special_values(name):
    agree_with_numpy(name, with_signs(SPECIAL))


@pytest.mark.parametrize("name", [*BINARY, "logaddexp", "fmod", "remainder", "floor_divide"])
def test_pairs_of_special_values(name):
    x, y = (a.ravel() for a in np.meshgrid(with_signs(SPECIAL), with_signs(SPECIAL)))
    agree_with_numpy(name, x, y)


@pytest.mark.parametrize("name", UNARY)
def test_near_the_ends_of_the_range(name):
    """Where results overflow, become subnormal, or vanish."""
    ends = np.array(
        [709.0, 710.4, 710.5, -708.3, -744.5, -745.2, 1023.5, -1022.0, -1074.4, 26.5, 27.3]
    )
    x = (ends[:, None] + np.linspace(-1, 1, 101)).ravel()
    agree_with_numpy(name, x)


def test_exact_powers_and_logarithms():
    n = np.arange(-300, 300).astype(float)
    np.testing.assert_array_equal(Function("log2", 4)(2.0**n), n)
    np.testing.assert_array_equal(Function("exp2", 4)(n), 2.0**n)
    np.testing.assert_array_equal(Function("log10", 4)(10.0 ** np.arange(23)), np.arange(23.0))
    small = np.arange(1.0, 30.0)
    np.testing.assert_array_equal(Function("power", 4)(small, 3.0), small**3)
    np.testing.assert_array_equal(Function("cbrt", 4)(-(small**3)), -small)
    np.testing.assert_array_equal(Function("hypot", 4)(3.0 * small, 4.0 * small), 5.0 * small)
