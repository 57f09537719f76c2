"""Radau, BDF and LSODA used by themselves, next to SciPy's classes."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import scipy.integrate
import scipy.sparse
from numpy.testing import assert_allclose

import diffsol
import diffsol.integrate
from integrate.which_scipy import FORTRAN

NEWTON = ("Radau", "BDF")
NAMES = (*NEWTON, "LSODA")
BOTH = (scipy.integrate, diffsol.integrate)
each_class = pytest.mark.parametrize("name", NAMES)
each_newton = pytest.mark.parametrize("name", NEWTON)

pytestmark = pytest.mark.usefixtures("tier")


def kinetics(t, y):
    a, b, c = y
    return [-0.04 * a + 1e4 * b * c, 0.04 * a - 1e4 * b * c - 3e7 * b * b, 3e7 * b * b]


def kinetics_jac(t, y):
    _, b, c = y
    rows = [[-0.04, 1e4 * c, 1e4 * b], [0.04, -1e4 * c - 6e7 * b, -1e4 * b], [0, 6e7 * b, 0]]
    return np.array(rows)


def pair(name, fun=kinetics, t0=0, y0=(1.0, 0.0, 0.0), t_bound=100, **options):
    options = {"rtol": 1e-5, "atol": 1e-8} | options
    if name != "LSODA":
        options.setdefault("jac", kinetics_jac)
    return [getattr(m, name)(fun, t0, list(y0), t_bound, **options) for m in BOTH]


def run(solver):
    """Step to the end."""
    while solver.status == "running":
        solver.step()


def is_native(solver):
    return solver._steps is not None


def assert_same(ours, theirs, rtol=1e-6):
    assert (ours.status, ours.n, ours.direction) == (theirs.status, theirs.n, theirs.direction)
    for name in ("nfev", "njev", "nlu"):
        assert getattr(ours, name) == getattr(theirs, name), name
        assert type(getattr(ours, name)) is type(getattr(theirs, name)), name
    for name in ("t", "t_old", "y", "step_size"):
        mine, other = getattr(ours, name), getattr(theirs, name)
        assert type(mine) is type(other), name
        if mine is not None:
            assert_allclose(mine, other, rtol=rtol, atol=1e-12, err_msg=name)


@each_class
@pytest.mark.parametrize("t_bound", [2, 1e4])
def test_steps(name, t_bound):
    theirs, ours = pair(name, t_bound=t_bound)
    assert_same(ours, theirs)
    for _ in range(40):
        if theirs.status != "running":
            break
        assert ours.step() == theirs.step()
        assert_same(ours, theirs)
        middle = (theirs.t + theirs.t_old) / 2
        assert_allclose(ours.dense_output()(middle), theirs.dense_output()(middle), rtol=1e-6)
        assert type(ours.dense_output()) is type(theirs.dense_output())
    assert is_native(ours)


@each_class
def test_to_the_end(name):
    theirs, ours = pair(name, t_bound=3)
    for solver in (theirs, ours):
        run(solver)
        with pytest.raises(RuntimeError, match="failed or finished"):
            solver.step()
    assert_same(ours, theirs)
    assert ours.t == 3


@each_class
def test_backwards(name):
    theirs, ours = (
        getattr(m, name)(lambda t, y: -50 * (y - np.cos(t)), 0, [1.0, 0.5], -0.1) for m in BOTH
    )
    for _ in range(8):
        for solver in (theirs, ours):
            if solver.status == "running":
                solver.step()
    assert ours.t == pytest.approx(theirs.t, rel=1e-6)
    assert_allclose(ours.y, theirs.y, rtol=1e-6)


def test_complex_states():
    theirs, ours = (
        m.BDF(lambda t, y: 1j * y * [1.0, 30.0], 0, [1.0 + 0j, 1j], 1.0, jac=np.diag([1j, 30j]))
        for m in BOTH
    )
    for _ in range(10):
        theirs.step()
        ours.step()
        assert_same(ours, theirs)
    assert is_native(ours)


@each_class
def test_class(name):
    ours, theirs = getattr(diffsol.integrate, name), getattr(scipy.integrate, name)
    assert issubclass(ours, theirs)
    assert ours.__name__ == name
    assert str(ours.__signature__) == str(__import__("inspect").signature(theirs))
    assert f"{name}" in repr(ours)


@each_newton
def test_attributes_that_both_have(name):
    theirs, ours = pair(name, max_step=0.5, first_step=1e-4)
    for attribute in ("h_abs", "max_step", "rtol", "atol", "t_bound", "vectorized"):
        mine, other = getattr(ours, attribute), getattr(theirs, attribute)
        assert mine == other, attribute
        assert type(mine) in (type(other), np.float64, float), attribute
    theirs.step()
    ours.step()
    assert ours.h_abs == pytest.approx(theirs.h_abs, rel=1e-6)
    assert is_native(ours)


@each_class
def test_failure(name):
    def grows(t, y):
        return y**2

    # SciPy's LSODA may loop for ever on a blow-up
    modules = BOTH[1:] if name == "LSODA" else BOTH
    message = "Required step size is less than spacing between numbers."
    for m in modules:
        solver = getattr(m, name)(grows, 0, [2.0], 2, max_step=0.05)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            while solver.status == "running":
                told = solver.step()
        assert solver.status == "failed"
        assert solver.t == pytest.approx(0.5, abs=0.01)
        if name == "LSODA":
            assert told == "Unexpected istate in LSODA."
            assert str(caught[-1].message).startswith("lsoda: ")
        else:
            assert told == message


@each_class
def test_exception(name):
    def fun(t, y):
        if t > 0.01:
            raise LookupError("broken")
        return kinetics(t, y)

    for solver in pair(name, fun=fun):
        with pytest.raises(LookupError, match="broken"):
            run(solver)
        assert solver.status == "running"
        assert 0 < solver.t <= 0.01


HIDDEN = {
    "BDF": ["D", "order", "n_equal_steps", "J", "jac", "newton_tol", "gamma", "LU", "I"],
    "Radau": ["f", "J", "sol", "h_abs_old", "error_norm_old", "current_jac", "y_old", "newton_tol"],
}


@each_newton
@pytest.mark.parametrize("steps", [0, 1, 12])
@pytest.mark.parametrize("jac", ["dense", "sparse", "constant", "differences", "sparsity"])
def test_what_scipy_keeps_for_itself(name, steps, jac):
    """Whoever looks into the object gets SciPy's attributes, and SciPy's steps from there on."""
    full = np.ones((3, 3))
    options = {
        "dense": {"jac": kinetics_jac},
        "sparse": {"jac": lambda t, y: scipy.sparse.csc_matrix(kinetics_jac(t, y))},
        "constant": {"jac": kinetics_jac(0, [1.0, 1e-5, 0.1])},
        "differences": {"jac": None},
        "sparsity": {"jac": None, "jac_sparsity": full},
    }[jac]
    theirs, ours = pair(name, **options)
    for _ in range(steps):
        theirs.step()
        ours.step()
    calls = ours.nfev
    rtol = 1e-4 if options["jac"] is None else 1e-6
    for attribute in HIDDEN[name]:
        mine, other = getattr(ours, attribute), getattr(theirs, attribute)
        if attribute in ("jac", "LU", "sol", "I"):
            assert attribute == "LU" or (mine is None) == (other is None), attribute
            continue
        if scipy.sparse.issparse(other):
            assert scipy.sparse.issparse(mine)
            mine, other = mine.toarray(), other.toarray()
        if attribute == "D":  # what is above order + 2 was never set in SciPy
            mine, other = mine[: theirs.order + 1], other[: theirs.order + 1]
        if other is None:
            assert mine is None, attribute
        else:
            # differences of a kernel's values and of Python's are rounded differently
            slack = 1e-6 if attribute == "J" and options["jac"] is None else 1e-9
            assert_allclose(mine, other, rtol=rtol, atol=slack * np.abs(other).max())
    assert not is_native(ours)
    assert ours.nfev == calls  # nothing of the user's was called
    for _ in range(5):
        theirs.step()
        ours.step()
        assert (ours.nfev, ours.njev) == (theirs.nfev, theirs.njev)
        assert_allclose(ours.t, theirs.t, rtol=rtol)
        assert_allclose(ours.y, theirs.y, rtol=rtol, atol=1e-12)


CHANGES = {
    "max_step": lambda s: setattr(s, "max_step", 0.01),
    "t_bound": lambda s: setattr(s, "t_bound", 0.5),
    "h_abs": lambda s: setattr(s, "h_abs", s.h_abs / 2),
    "fun": lambda s: setattr(s, "fun", lambda t, y: np.zeros(3)),
}


# SciPy's Radau would go on with factors for the step size that it had chosen itself.
CHANGED = [(n, c) for n in NEWTON for c in CHANGES if (n, c) != ("Radau", "h_abs")]


@pytest.mark.parametrize(("name", "change"), CHANGED)
def test_attributes_changed_between_steps(name, change):
    theirs, ours = pair(name)
    for solver in (theirs, ours):
        for _ in range(6):
            solver.step()
        CHANGES[change](solver)
        for _ in range(4):
            if solver.status == "running":
                solver.step()
    assert ours.status == theirs.status
    assert_allclose(ours.t, theirs.t, rtol=1e-5)
    assert_allclose(ours.y, theirs.y, rtol=1e-5, atol=1e-12)


def test_state_changed_in_place():
    theirs, ours = pair("Radau")
    for solver in (theirs, ours):
        solver.step()
        solver.y[0] = 0.9
        for _ in range(3):
            solver.step()
    assert is_native(ours)
    assert_same(ours, theirs)


@each_class
def test_own_attributes_are_no_change(name):
    _, ours = pair(name)
    ours.note = "mine"
    ours.step()
    assert is_native(ours)
    assert ours.note == "mine"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ours.nothing


def test_an_lsoda_looked_into_begins_anew():
    theirs, ours = pair("LSODA")
    for solver in (theirs, ours):
        for _ in range(10):
            solver.step()
    assert ours._lsoda_solver.t == ours.t
    assert not is_native(ours)
    run(ours)
    exact = scipy.integrate.solve_ivp(
        kinetics, (0, 100), [1.0, 0, 0], "Radau", rtol=1e-9, atol=1e-12
    )
    assert_allclose(ours.y, exact.y[:, -1], rtol=1e-3)


@each_newton
def test_copies_go_on(name):
    _, ours = pair(name)
    for _ in range(5):
        ours.step()
    other = copy.deepcopy(ours)  # shallow copies of a BDF share its differences, in SciPy too
    ours.step()
    other.step()
    assert_allclose(other.y, ours.y, rtol=1e-12)
    assert other.t == ours.t


@each_newton
def test_as_unpicklable_as_scipys(name):
    for solver in pair(name):
        with pytest.raises((AttributeError, pickle.PicklingError, TypeError)):
            pickle.dumps(solver)


@each_newton
def test_subclass_that_changes_a_part(name):
    def make(base):
        class Watched(base):
            jacobians = 0

            def _validate_jac(self, jac, sparsity):
                Watched.jacobians += 1
                return super()._validate_jac(jac, sparsity)

        return Watched

    solvers = [make(getattr(m, name))(kinetics, 0, [1.0, 0, 0], 10.0) for m in BOTH]
    for solver in solvers:
        solver.step()
        assert type(solver).jacobians == 1
    assert not is_native(solvers[1])
    assert_same(solvers[1], solvers[0])


@each_class
def test_subclass_whose_constructor_wraps_fun(name):
    def make(base):
        class Twice(base):
            def __init__(self, fun, *args, **kwargs):
                super().__init__(lambda t, y: 2 * np.asarray(fun(t, y)), *args, **kwargs)

        jac = {} if name == "LSODA" else {"jac": lambda t, y: 2 * kinetics_jac(t, y)}
        return Twice(kinetics, 0, [1.0, 0, 0], 10.0, **jac)

    theirs, ours = (make(getattr(m, name)) for m in BOTH)
    for _ in range(5):
        theirs.step()
        ours.step()
    assert_allclose(ours.t, theirs.t, rtol=1e-5)


@each_class
def test_refused_arguments(name):
    calls = [
        (kinetics, 0, [[1.0, 0, 0]], 1.0),
        (kinetics, 0, [1.0, np.nan, 0], 1.0),
        (lambda t, y: [1.0, 2.0], 0, [1.0, 0, 0], 1.0),
        (kinetics, 0, [1j, 0, 0], 1.0) if name != "BDF" else (kinetics, 0, [[1j]], 1.0),
    ]
    for call in calls:
        if FORTRAN and name == "LSODA" and call[0] is not kinetics:
            continue  # an error from inside f2py, not the same twice
        messages = []
        for m in BOTH:
            with pytest.raises(Exception) as caught:
                getattr(m, name)(*call).step()
            messages.append((type(caught.value), str(caught.value)))
        assert messages[0] == messages[1]


@each_class
def test_refused_options(name):
    for options in ({"first_step": -1}, {"first_step": 1e9}, {"max_step": -1}, {"atol": [1, 2]}):
        messages = []
        for m in BOTH:
            with pytest.raises(ValueError) as caught:
                getattr(m, name)(kinetics, 0, [1.0, 0, 0], 1.0, **options)
            messages.append(str(caught.value))
        assert messages[0] == messages[1]
    for m in BOTH:
        with pytest.warns(UserWarning, match="no effect for a chosen solver: `nonsense`"):
            getattr(m, name)(kinetics, 0, [1.0, 0, 0], 1.0, nonsense=3)


@each_class
def test_nothing_to_integrate(name):
    for t0, y0, t_bound in ((1.0, [1.0, 0, 0], 1.0), (0, [], 1.0)):
        for m in BOTH:
            solver = getattr(m, name)(lambda t, y: 0 * y, t0, y0, t_bound)
            solver.step()
            assert (solver.status, solver.t) == ("finished", t_bound)


@each_class
def test_guards_hold_at_every_step(name, monkeypatch):
    """With a kernel, too, what the function reads from outside may change between two steps."""
    rate = 1.0

    def fun(t, y):
        return -rate * y

    monkeypatch.setenv("DIFFSOL_JIT", "require")
    theirs, ours = (getattr(m, name)(fun, 0, [1.0, 2.0], 50.0) for m in BOTH)
    for new_rate in (1.0, 2.0, 0.5, 1.0):
        rate = new_rate
        for solver in (theirs, ours):
            for _ in range(3):
                solver.step()
        assert_allclose(ours.y, theirs.y, rtol=1e-3)
    assert is_native(ours)


def test_compiles_when_it_has_paid(monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "1")

    def fun(t, y):
        return [-y[0] + 0.1 * np.sin(t), -100 * (y[1] - y[0])]

    for _ in range(40):
        solver = diffsol.integrate.BDF(fun, 0, [1.0, 0.0], 100.0, rtol=1e-8)
        while solver.status == "running":
            solver.step()
    assert solver._steps._bound is not None


@each_class
def test_class_as_method_is_native(name):
    for m in BOTH:
        by_class = diffsol.integrate.solve_ivp(kinetics, (0, 3), [1.0, 0, 0], getattr(m, name))
        by_name = diffsol.integrate.solve_ivp(kinetics, (0, 3), [1.0, 0, 0], name)
        assert np.array_equal(by_class.t, by_name.t)
        assert type(by_class) is type(by_name)


def test_scipys_own_loop_over_our_class():
    class Counting(diffsol.integrate.BDF):
        steps = 0

        def step(self):
            Counting.steps += 1
            return super().step()

    ours = diffsol.integrate.solve_ivp(kinetics, (0, 3), [1.0, 0, 0], Counting, dense_output=True)
    theirs = scipy.integrate.solve_ivp(kinetics, (0, 3), [1.0, 0, 0], "BDF")
    assert Counting.steps == len(ours.t) - 1
    assert_allclose(ours.y[:, -1], theirs.y[:, -1], rtol=1e-3)
