"""RK23, RK45 and DOP853 used by themselves, next to SciPy's classes."""

import copy

import numpy as np
import pytest
import scipy.integrate
from numpy.testing import assert_allclose

import diffsol.integrate

NAMES = ("RK23", "RK45", "DOP853")
each_class = pytest.mark.parametrize("name", NAMES)
ATTRIBUTES = ("t", "t_old", "step_size", "h_abs", "h_previous", "y", "y_old", "f", "K")


def pendulum(t, y):
    return np.array([y[1], -np.sin(y[0]) + 0.1 * t])


def run(solver):
    """Step to the end."""
    while solver.status == "running":
        solver.step()


def pair(name, fun=pendulum, t0=0, y0=(1.0, 0.5), t_bound=3, **options):
    return [
        getattr(m, name)(fun, t0, list(y0), t_bound, **options)
        for m in (scipy.integrate, diffsol.integrate)
    ]


def assert_same_state(theirs, ours):
    assert (ours.status, ours.nfev, ours.n) == (theirs.status, theirs.nfev, theirs.n)
    for name in ATTRIBUTES:
        mine, other = getattr(ours, name), getattr(theirs, name)
        assert type(mine) is type(other), name
        if mine is not None:
            # DOP853's error norm amplifies rounding, in SciPy as here.
            assert_allclose(mine, other, rtol=1e-6, atol=1e-7, err_msg=name)


@each_class
@pytest.mark.parametrize("t0, t_bound", [(0, 3), (3, 0)])
@pytest.mark.parametrize("y0", [(1.0, 0.5), (1.0 + 1j, 0.5)])
@pytest.mark.parametrize(
    "options", [{}, {"first_step": 0.1}, {"max_step": 0.2, "rtol": [1e-3, 1e-5]}]
)
def test_steps(name, t0, t_bound, y0, options):
    theirs, ours = pair(name, t0=t0, t_bound=t_bound, y0=y0, **options)
    while theirs.status == "running":
        assert ours.step() == theirs.step()
        assert_same_state(theirs, ours)
        middle = (theirs.t + theirs.t_old) / 2
        assert_allclose(ours.dense_output()(middle), theirs.dense_output()(middle), rtol=1e-6)
        assert ours.nfev == theirs.nfev
    with pytest.raises(RuntimeError, match="failed or finished"):
        ours.step()


@each_class
def test_class(name):
    ours, theirs = getattr(diffsol.integrate, name), getattr(scipy.integrate, name)
    assert issubclass(ours, theirs)
    assert ours.__name__ == name
    assert ours.__module__ == "diffsol.integrate._solvers"


@each_class
def test_failure(name):
    theirs, ours = pair(name, fun=lambda t, y: y**2, y0=[2.0], t_bound=2)
    for solver in (theirs, ours):
        while solver.status == "running":
            message = solver.step()
        assert solver.status == "failed"
        assert message == "Required step size is less than spacing between numbers."
    assert ours.t == pytest.approx(theirs.t, rel=1e-6)


@each_class
def test_exception_then_another_try(name):
    broken = []

    def fun(t, y):
        if broken and t > 0.2:
            raise LookupError("broken")
        return pendulum(t, y)

    theirs, ours = pair(name, fun=fun)
    for solver in (theirs, ours):
        solver.step()
        broken.append(True)
        t = solver.t
        with pytest.raises(LookupError, match="broken"):
            run(solver)
        broken.clear()
        assert solver.t >= t
        solver.step()
    assert ours.t == pytest.approx(theirs.t, rel=1e-9)
    assert ours.nfev == theirs.nfev


CHANGES = {
    "h_abs": lambda s: setattr(s, "h_abs", s.h_abs / 3),
    "max_step": lambda s: setattr(s, "max_step", 0.05),
    "t_bound": lambda s: setattr(s, "t_bound", 1.0),
    "rtol": lambda s: setattr(s, "rtol", 1e-7),
    "y in place": lambda s: s.y.__setitem__(0, 0.3),
    "y replaced": lambda s: setattr(s, "y", np.array([0.3, 0.2])),
    "y and f": lambda s: (s.y.__imul__(0.5), setattr(s, "f", s.fun(s.t, s.y))),
}


@each_class
@pytest.mark.parametrize("change", CHANGES)
def test_attributes_changed_between_steps(name, change):
    theirs, ours = pair(name)
    for solver in (theirs, ours):
        for _ in range(2):
            solver.step()
        CHANGES[change](solver)
        for _ in range(3):
            if solver.status == "running":
                solver.step()
    assert_same_state(theirs, ours)


@each_class
def test_wrapped_fun_sees_every_evaluation(name):
    counts = []
    for solver in pair(name):
        calls = []
        solver.step()
        inner = solver.fun
        solver.fun = lambda t, y, inner=inner, calls=calls: (calls.append(t), inner(t, y))[1]
        solver.step()
        counts.append(len(calls))
    assert counts[0] == counts[1] > 0


def doubled(t, y):
    return 2 * pendulum(t, y)


def test_subclass_whose_constructor_wraps_fun(tier):
    def make(base):
        class Twice(base):
            def __init__(self, fun, *args, **kwargs):
                super().__init__(lambda t, y: 2 * fun(t, y), *args, **kwargs)

        return Twice(pendulum, 0, [1.0, 0.5], 3)

    theirs, ours = (make(m.RK45) for m in (scipy.integrate, diffsol.integrate))
    while theirs.status == "running":
        theirs.step()
        ours.step()
        assert_same_state(theirs, ours)


def test_foreign_class_between_ours_and_scipys(tier):
    class Twice(scipy.integrate._ivp.rk.RungeKutta):
        def __init__(self, fun, *args, **kwargs):
            super().__init__(lambda t, y: 2 * fun(t, y), *args, **kwargs)

    theirs, ours = (
        type("Mixed", (m.RK45, Twice), {})(pendulum, 0, [1.0, 0.5], 3)
        for m in (scipy.integrate, diffsol.integrate)
    )
    run(theirs)
    run(ours)
    assert_same_state(theirs, ours)


REPLACED = {
    "fun": doubled,
    "fun_single": doubled,
    "_fun": doubled,
    "E": np.linspace(-1, 1, 7),
    "error_exponent": -0.5,
}


@pytest.mark.parametrize("vectorized", [False, True])
@pytest.mark.parametrize("steps_before", [0, 2])
@pytest.mark.parametrize("name", REPLACED)
def test_replaced_parts_of_the_object_count(name, steps_before, vectorized, tier):
    theirs, ours = pair("RK45", vectorized=vectorized)
    for solver in (theirs, ours):
        for _ in range(steps_before):
            solver.step()
        setattr(solver, name, REPLACED[name])
        for _ in range(2):
            if solver.status == "running":
                solver.step()
    assert_same_state(theirs, ours)


def test_changed_class_counts(monkeypatch):
    theirs, ours = pair("RK45", max_step=0.1)
    monkeypatch.setattr(diffsol.integrate.RK45, "B", np.zeros(6))
    monkeypatch.setattr(scipy.integrate.RK45, "B", np.zeros(6))
    for solver in (theirs, ours):
        solver.step()
    assert_same_state(theirs, ours)


@each_class
def test_subclass_with_own_error_norm(name):
    def make(base):
        class Strict(base):
            def _estimate_error_norm(self, K, h, scale):
                return 10 * super()._estimate_error_norm(K, h, scale)

        return Strict(pendulum, 0, [1.0, 0.5], 3)

    theirs, ours = (make(getattr(m, name)) for m in (scipy.integrate, diffsol.integrate))
    while theirs.status == "running":
        theirs.step()
        ours.step()
    assert_same_state(theirs, ours)


def test_subclass_as_method():
    class Counting(diffsol.integrate.RK45):
        steps = 0

        def step(self):
            Counting.steps += 1
            return super().step()

    ours = diffsol.integrate.solve_ivp(pendulum, (0, 3), [1.0, 0.5], method=Counting)
    theirs = scipy.integrate.solve_ivp(pendulum, (0, 3), [1.0, 0.5])
    assert Counting.steps == len(ours.t) - 1
    assert_allclose(ours.t, theirs.t, rtol=1e-9)


def test_users_own_solver_as_method():
    class Euler(diffsol.integrate.OdeSolver):
        def __init__(self, fun, t0, y0, t_bound, vectorized=False, **options):
            super().__init__(fun, t0, y0, t_bound, vectorized)

        def _step_impl(self):
            h = min(0.01, self.t_bound - self.t)
            self.y = self.y + h * self.fun(self.t, self.y)
            self.t = self.t_bound if h < 0.01 else self.t + h
            return True, None

    ours = diffsol.integrate.solve_ivp(lambda t, y: -y, (0, 1), [1.0], method=Euler)
    assert ours.y[0, -1] == pytest.approx(np.exp(-1), rel=1e-2)


@each_class
@pytest.mark.parametrize("namespace", [scipy.integrate, diffsol.integrate])
def test_class_as_method_is_native(name, namespace):
    by_class = diffsol.integrate.solve_ivp(
        pendulum, (0, 3), [1.0, 0.5], method=getattr(namespace, name), dense_output=True
    )
    by_name = diffsol.integrate.solve_ivp(
        pendulum, (0, 3), [1.0, 0.5], method=name, dense_output=True
    )
    np.testing.assert_array_equal(by_class.y, by_name.y)
    assert type(by_class.sol) is type(by_name.sol)


@each_class
def test_copies_go_on(name):
    _, ours = pair(name)
    ours.step()
    other = copy.copy(ours)
    ours.step()
    other.step()
    np.testing.assert_array_equal(other.y, ours.y)


@each_class
def test_clamping_in_place(name):
    def fun(t, y):
        np.maximum(y, 0.4, out=y)
        return pendulum(t, y)

    theirs, ours = pair(name, fun=fun)
    while theirs.status == "running":
        theirs.step()
        ours.step()
    assert_allclose(ours.y, theirs.y, rtol=1e-6)


@each_class
def test_kernel(name, monkeypatch):
    """With DIFFSOL_JIT=require the steps run over a kernel, whose guards hold at every step."""
    rate = 1.0

    def fun(t, y):
        return -rate * y

    theirs, plain = pair(name, fun=fun)
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    _, ours = pair(name, fun=fun)
    for new_rate in (1.0, 2.0, 3.0):
        rate = new_rate
        for solver in (theirs, ours, plain):
            solver.step()
        assert_same_state(theirs, ours)
        assert_same_state(theirs, plain)


@pytest.mark.parametrize("rtol", [[1e-4], np.array([1e-4]), [1e-4, 1e-5]])
def test_tolerances_that_broadcast(rtol, tier):
    theirs, ours = pair("RK45", rtol=rtol)
    for solver in (theirs, ours):
        solver.step()
        solver.step()
    assert_same_state(theirs, ours)
