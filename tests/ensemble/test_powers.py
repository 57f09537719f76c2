"""Powers that lanes compute by roots: NumPy's values where roots have others."""

import numpy as np
import pytest

from diffsol import solve_ensemble
from diffsol.integrate import solve_ivp

X = np.array([-np.inf, -0.0, 0.0, 4.0, np.inf])


POWERS = {  # written out: a number that is read from outside is no constant
    "0.5": lambda t, y, x: [np.arctan(x**0.5)],
    "-0.5": lambda t, y, x: [np.arctan(x**-0.5)],
    "1.5": lambda t, y, x: [np.arctan(x**1.5)],
    "-1.5": lambda t, y, x: [np.arctan(x**-1.5)],
    "0.5 of arrays": lambda t, y, x: np.arctan((0 * y + x) ** 0.5),
    "-0.5 of arrays": lambda t, y, x: np.arctan((0 * y + x) ** -0.5),
    "1.5 of arrays": lambda t, y, x: np.arctan((0 * y + x) ** 1.5),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("power", POWERS)
def test_of_infinities_and_zeros(power):
    """The power, made finite, is the derivative."""
    fun = POWERS[power]
    sol = solve_ensemble(fun, (0, 1), [0.0], (X,), args_axes=0)
    assert sol.stats["tier"] == "lanes"
    for i, x in enumerate(X):
        wanted = solve_ivp(fun, (0, 1), [0.0], args=(x,))
        assert sol.status[i] == wanted.status
        np.testing.assert_allclose(sol.y[i], wanted.y[:, -1], rtol=1e-12)
