"""SciPy's tests of odeint, read from the installed SciPy, run on ours."""

import pytest

import diffsol.integrate
from conformance import scipy_tests

pytestmark = pytest.mark.usefixtures("tier")
FOLDER = scipy_tests.INTEGRATE

if scipy_tests.load("test_integrate", FOLDER) is None:
    pytest.skip("this SciPy was installed without its tests", allow_module_level=True)

_module = scipy_tests.load("test_integrate", FOLDER)
TestOdeint = _module.TestOdeint
globals().update(
    (name, test)
    for name, test in scipy_tests.tests_of("test_integrate", FOLDER).items()
    if "odeint" in name or name == "test_repeated_t_values"
)


def test_our_odeint_is_the_one_tested():
    assert _module.odeint is diffsol.integrate.odeint
    assert len([name for name in globals() if name.startswith("test_odeint")]) >= 4
