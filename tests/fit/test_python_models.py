"""Fits of models that cannot be traced: as right, and with as few calls, as SciPy's loop."""

import contextlib
import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.integrate
from scipy.optimize import curve_fit, least_squares

from diffsol import fit
from diffsol._fit import remembered
from diffsol.errors import CompilationWarning

TIMES = np.linspace(0, 20, 41)
TRUE, BEGIN = (1.2, 0.6, 0.3), [1.7, 0.4, 0.4]
METHODS = ["RK23", "RK45", "DOP853", "BDF", "Radau", "LSODA"]


class Model:
    """Two stages; a context manager keeps it from being traced."""

    def __init__(self):
        self.calls = 0

    def __call__(self, t, y, a, b, c):
        self.calls += 1
        with contextlib.suppress(ValueError):
            float("x")
        return [a - b * y[0], b * y[0] - c * y[1]]


@pytest.fixture(scope="module")
def data():
    exact = scipy.integrate.solve_ivp(
        Model(), (0, 20), [0.0, 0.0], t_eval=TIMES, args=TRUE, rtol=1e-9
    )
    return exact.y * (1 + 0.01 * np.random.default_rng(1).normal(size=exact.y.shape))


def residual_of(model, data, method, **options):
    with pytest.warns(CompilationWarning, match="finite differences"):
        return fit.residual(
            model,
            [0.0, 0.0],
            TIMES,
            data,
            args=BEGIN,
            method=method,
            rtol=1e-6,
            atol=1e-8,
            **options,
        )


def by_scipy(model, data, method):
    def residual(p):
        sol = scipy.integrate.solve_ivp(
            model,
            (0, 20),
            [0.0, 0.0],
            method,
            TIMES,
            args=tuple(p),
            rtol=1e-6,
            atol=1e-8,
        )
        return (sol.y - data).ravel()

    return least_squares(residual, BEGIN, x_scale="jac")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("has_jac", [True, False])
def test_like_scipys_loop(data, method, has_jac):
    theirs, ours = Model(), Model()
    wanted = by_scipy(theirs, data, method)
    residual = residual_of(ours, data, method)
    ours.calls = 0
    found = least_squares(
        residual, BEGIN, jac=residual.jac if has_jac else "2-point", x_scale="jac"
    )
    np.testing.assert_allclose(found.x, wanted.x, rtol=1e-5)
    assert abs(found.cost / wanted.cost - 1) < 1e-6
    explicit = method in ("RK23", "RK45", "DOP853")
    # staggered columns need the residual of the last iterate as well
    assert ours.calls <= (1.02 if explicit or not has_jac else 1.35) * theirs.calls


@pytest.mark.parametrize("form", [tuple, np.array])
def test_whatever_a_model_returns_it_is_called_once_for_each_state(data, form):
    """The Jacobian behind a residual costs as many solves as there are parameters."""
    model = Model()

    def returning(*args):
        return form(model(*args))

    residual = residual_of(returning, data, "RK45")
    model.calls = 0
    residual(BEGIN)
    for_residual, model.calls = model.calls, 0
    residual.jac(BEGIN)
    assert model.calls == 3 * for_residual


def test_a_number_for_one_state_is_remembered_too():
    model = Model()

    def decay(t, y, k):
        model(t, [0.0, 0.0], 0.0, 0.0, 0.0)
        return -k * y[0]

    with pytest.warns(CompilationWarning, match="finite differences"):
        residual = fit.residual(decay, [1.0], TIMES, np.exp(-TIMES), args=(0.5,))
    model.calls = 0
    residual([0.5])
    for_residual, model.calls = model.calls, 0
    residual.jac([0.5])
    assert model.calls == for_residual


def test_initial_values_alone_cost_as_many_solves(data):
    model = Model()
    residual = residual_of(model, data, "RK45", wrt="y0")
    model.calls = 0
    residual(residual.p0)
    for_residual, model.calls = model.calls, 0
    residual.jac(residual.p0)
    assert model.calls <= 2 * for_residual


def test_what_the_model_reads_from_outside_is_read_at_each_prediction(data):
    model, factor = Model(), [1.0]

    def scaled(t, y, a, b, c):
        return [factor[0] * x for x in model(t, y, a, b, c)]

    residual = residual_of(scaled, data, "RK45")
    residual.predict(BEGIN)
    factor[0] = 0.5
    wanted = residual_of(scaled, data, "RK45").predict(BEGIN)
    np.testing.assert_array_equal(residual.predict(BEGIN), wanted)


def test_what_is_remembered_is_bounded(monkeypatch):
    """A small state takes far more room than its numbers do."""
    room = 1 << 20
    monkeypatch.setattr(remembered, "ROOM", room)
    model = remembered.Remembered(lambda t, y: [-y[0]])
    tracemalloc.start()
    try:
        for k in range(10_000):
            model(np.float64(k), np.ones(1))
        assert tracemalloc.get_traced_memory()[0] < 1.5 * room
    finally:
        tracemalloc.stop()


def test_curve_fit_without_derivatives(data):
    residual = residual_of(Model(), data, "RK45")
    found, _ = curve_fit(residual.model, TIMES, data.ravel(), BEGIN)
    np.testing.assert_allclose(found, by_scipy(Model(), data, "RK45").x, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_jacobian_changes_nothing_about_the_residual(data, method):
    before = residual_of(Model(), data, method)(BEGIN)
    residual = residual_of(Model(), data, method)
    residual.jac(BEGIN)
    np.testing.assert_array_equal(residual(BEGIN), before)


def test_derivatives_of_what_is_observed_and_of_the_start(data):
    def observe(t, y, a, b, c):
        return [y[0] * c]

    def start(a, b, c):
        return [a, b]

    def traceable(t, y, a, b, c):
        return [a - b * y[0], b * y[0] - c * y[1]]

    both = []
    for model in (Model(), traceable):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CompilationWarning)
            residual = fit.residual(
                model,
                start,
                TIMES,
                data[0],
                args=BEGIN,
                observe=observe,
                wrt=("args", "y0[1]"),
            )
        p = residual.p0
        both.append((residual(p), residual.jac(p), residual.model(TIMES[:3] + 0.1, *p)))
    for ours, exact in zip(*both, strict=True):
        np.testing.assert_allclose(ours, exact, rtol=2e-5, atol=1e-6)


def test_a_model_that_fills_the_same_array_again(data):
    model, out = Model(), np.empty(2)

    def same(t, y, a, b, c):
        out[:] = model(t, y, a, b, c)
        return out

    residual, wanted = residual_of(same, data, "RK45"), residual_of(Model(), data, "RK45")
    np.testing.assert_array_equal(residual(BEGIN), wanted(BEGIN))
    np.testing.assert_allclose(residual.jac(BEGIN), wanted.jac(BEGIN), rtol=1e-12)


def test_what_a_model_does_to_its_state_has_no_effect(data):
    model = Model()

    def changing(t, y, a, b, c):
        found = model(t, y, a, b, c)
        y *= 2.0
        return found

    residual, wanted = residual_of(changing, data, "RK45"), residual_of(Model(), data, "RK45")
    np.testing.assert_array_equal(residual(BEGIN), wanted(BEGIN))
    np.testing.assert_array_equal(residual.jac(BEGIN), wanted.jac(BEGIN))


def test_single_precision_is_told_and_still_fits():
    def model(t, y, k):
        return np.float32(-k) * np.asarray(y, np.float32)

    times = np.linspace(0, 2, 11)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CompilationWarning)
        residual = fit.residual(
            Opaque(model),
            [1.0],
            times,
            np.exp(-0.7 * times),
            args=(1.2,),
            rtol=1e-5,
            atol=1e-7,
        )
    with pytest.warns(CompilationWarning, match="single precision"):
        residual.jac([1.2])
    found = least_squares(residual, [1.2], jac=residual.jac)
    np.testing.assert_allclose(found.x, [0.7], rtol=1e-4)


class Opaque:
    """A function that cannot be traced."""

    def __init__(self, fun):
        self._fun = fun

    def __call__(self, *args):
        try:
            float("x")
        except ValueError:
            return self._fun(*args)


@pytest.mark.parametrize("method", ["BDF", "Radau", "LSODA"])
def test_stiff_derivatives(method):
    """Differences are noisy, and a stiff matrix amplifies the noise: that must not shrink the steps."""

    def stiff(t, y, a):
        return [-1e6 * (y[0] - np.cos(t) * a), y[0] * y[1] * -0.5]

    times = np.linspace(0, 2, 5)
    python, found = Opaque(stiff), []
    for model in (python, stiff):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CompilationWarning)
            residual = fit.residual(
                model, [3.0, 1.0], times, np.ones((2, 5)), args=(1.3,), method=method
            )
        found.append((residual([1.3]), residual.jac([1.3])))
        assert residual.n_failed == 0
    for ours, exact in zip(*found, strict=True):
        np.testing.assert_allclose(ours, exact, rtol=1e-5, atol=1e-6)
