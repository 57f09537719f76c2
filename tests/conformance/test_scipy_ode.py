"""SciPy's tests of ode and complex_ode, read from the installed SciPy, run on ours."""

import pytest

import diffsol.integrate
from conformance import scipy_tests
from integrate.which_scipy import FORTRAN

pytestmark = pytest.mark.usefixtures("tier")
FOLDER = scipy_tests.INTEGRATE
MODULES = ("test_integrate", "test_banded_ode_solvers")

if scipy_tests.load("test_integrate", FOLDER) is None:
    pytest.skip("this SciPy was installed without its tests", allow_module_level=True)

_modules = [scipy_tests.load(name, FOLDER) for name in MODULES]
for _module in _modules:
    globals().update(
        (name, test)
        for name, test in vars(_module).items()
        if name.startswith(("Test", "test_")) and "deint" not in name
    )
del test_repeated_t_values  # noqa: F821  (odeint's)
if FORTRAN:  # it wants an error of two solves in turns, which ours can do (docs/gaps.md)
    del TestOde.test_concurrent_fail  # noqa: F821


def test_our_classes_are_the_ones_tested():
    assert _modules[0].ode is diffsol.integrate.ode
    assert _modules[0].complex_ode is diffsol.integrate.complex_ode
    assert _modules[1].ode is diffsol.integrate.ode
    assert len([name for name in globals() if name.startswith("Test")]) >= 6
