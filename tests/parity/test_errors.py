"""Every row of `cases`, against SciPy and ours side by side: same outcome, words and warnings."""

import pytest
import scipy.integrate

import diffsol.integrate
from integrate.which_scipy import FORTRAN, forget_refusals
from parity import battery, cases

pytestmark = pytest.mark.usefixtures("tier")

NATIVE = ("RK23", "RK45", "DOP853")
STIFF = ("Radau", "BDF", "LSODA")


# SciPy does not come back from these, and neither do its own classes here.
SCIPY_HANGS = {("inf later", "LSODA"), ("blow-up y^2", "LSODA")}
# Where the state leaves the domain of fun, an exact Jacobian fails at another place than differences.
OTHER_WITH_EXACT_JACOBIAN = {("sqrt goes negative", "Radau")}
# On purpose: docs/gaps.md says what and why.
DIFFERENT_HERE = {
    "event complex",
    "event returns a 1-array",
    "event returns a list",
    "event returns y itself, n=2",
    "sol of 2-D t",
}
if FORTRAN:
    DIFFERENT_HERE |= {f"f returns a tuple, {name}" for name in ("vode", "dopri5", "lsoda")}
    DIFFERENT_HERE.add("convergence fails")  # fails there, too, by another code


def rows(table, methods=None):
    """Parameters for the rows of `table` that SciPy answers well, for each of `methods`."""
    return [
        pytest.param(call, flag, method, id=name if method is None else f"{name}, {method}")
        for name, call, flag in table
        for method in methods or (None,)
        if flag != "!"
        and name not in DIFFERENT_HERE
        and (name, method) not in SCIPY_HANGS | OTHER_WITH_EXACT_JACOBIAN
    ]


def without(told, names):
    """A result in words, less the entries of these names in its dicts."""
    if isinstance(told, dict):
        return {key: without(item, names) for key, item in told.items() if key not in names}
    return [without(item, names) for item in told] if isinstance(told, list) else told


def check_beside_fortran(call, method):
    """Before SciPy 1.17: f2py's words may be rubbish, and after a failure so are numbers."""
    forget_refusals()
    theirs = battery.outcome(call, scipy.integrate, method)
    ours = battery.outcome(call, diffsol.integrate, method)
    if "raised" in theirs and issubclass(theirs["raised"], ValueError):
        assert issubclass(ours["raised"], ValueError)
        return
    # a call that SciPy makes again in its own way warns again
    warned = set(theirs.pop("warnings"))
    assert set(ours.pop("warnings")) == warned
    if not any(issubclass(category, scipy.integrate.ODEintWarning) for category, _ in warned):
        # tolsf is never written; the others feel rounding
        names = ("tolsf", "hu", "tcur")
        assert without(ours, names) == without(theirs, names)


def is_in_fortran(call, method):
    return FORTRAN and any(name in f"{call} {method}" for name in ("LSODA", "odeint(", "I(m, "))


def check(call, flag, method=None):
    if is_in_fortran(call, method):
        check_beside_fortran(call, method)
        return
    theirs = battery.outcome(call, scipy.integrate, method)
    ours = battery.outcome(call, diffsol.integrate, method)
    if flag == "~" and "raised" in theirs:
        assert "raised" in ours, ours
        kinds = ours["raised"], theirs["raised"]
        assert issubclass(*kinds) or issubclass(*reversed(kinds))
        return
    if flag == "%" and "value" in theirs:
        for answer in (theirs, ours):
            for key in ("t", "y", "nfev", "njev", "nlu"):
                del answer["value"][key]
    assert ours == theirs


@pytest.mark.parametrize("call, flag, method", rows(cases.ARGUMENTS))
def test_arguments(call, flag, method):
    check(call, flag)


@pytest.mark.parametrize("call, flag, method", rows(cases.RIGHT_HAND_SIDE, NATIVE + STIFF))
def test_right_hand_side(call, flag, method):
    check(call, flag, method)


@pytest.mark.parametrize("call, flag, method", rows(cases.EXCEPTIONS, NATIVE + STIFF))
def test_exceptions(call, flag, method):
    check(call, flag, method)


@pytest.mark.parametrize("call, flag, method", rows(cases.EVENTS))
def test_events(call, flag, method):
    check(call, flag)


@pytest.mark.parametrize("call, flag, method", rows(cases.ODEINT))
def test_odeint(call, flag, method):
    check(call, flag)


@pytest.mark.parametrize("call, flag, method", rows(cases.ODE))
def test_ode(call, flag, method):
    check(call, flag)


@pytest.mark.parametrize("call, flag, method", rows(cases.JACOBIAN))
def test_jacobian(call, flag, method):
    check(call, flag)


@pytest.mark.parametrize("call, flag, method", rows(cases.CLASSES))
def test_classes(call, flag, method):
    check(call, flag)


def test_event_of_wrong_shape():
    """SciPy's root finder loses the TypeError now and then, and something else comes out."""
    call = "m.solve_ivp(f, (0, 5), Y, events=lambda t, y: 1.0 * np.asarray(y))"
    assert battery.outcome(call, diffsol.integrate)["raised"] is TypeError


# Where SciPy never comes back: a start that is not finite must fail with what there is.
FAILS_AT_ONCE = [
    "m.solve_ivp(lambda t, y: None, (0, 1), [1.0], method=M)",
    "m.solve_ivp(lambda t, y: y * np.nan, (0, 1), Y, method=M)",
    "m.solve_ivp(f, (0, 1), [1.0, 0.0], atol=0, method=M)",
    "m.solve_ivp(f1, (np.nan, 1), [1.0], method=M)",
]


@pytest.mark.parametrize("method", NATIVE)
@pytest.mark.parametrize("call", FAILS_AT_ONCE)
def test_nan_at_the_start_fails(call, method):
    result = battery.outcome(call, diffsol.integrate, method)["value"]
    assert result["status"] == -1
    assert result["t"][2] == (1,)
    assert result["message"].startswith("Required step size")
