"""SciPy's ``test_ivp.py`` and ``test_rk.py``, read from the installed SciPy, run on our solvers."""

import pytest

import diffsol.integrate
from conformance import scipy_tests

pytestmark = pytest.mark.usefixtures("tier")
MODULES = ("test_ivp", "test_rk")

if scipy_tests.load("test_ivp") is None:
    pytest.skip("this SciPy was installed without its tests", allow_module_level=True)

for _name in MODULES:
    globals().update(scipy_tests.tests_of(_name, scipy_tests.IVP))


def test_our_names_are_the_ones_tested():
    module = scipy_tests.load("test_ivp")
    for name in ("solve_ivp", "RK23", "RK45", "DOP853"):
        assert getattr(module, name) is getattr(diffsol.integrate, name)
