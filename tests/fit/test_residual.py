"""diffsol.fit.residual: one solve for whoever asks, and derivatives that optimisers can use."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.integrate
from scipy.optimize import curve_fit, least_squares, minimize

from diffsol import fit
from diffsol.errors import CompilationWarning
from diffsol.testing import check_gradients

TRUE = np.array([1.5, 1.0, 3.0, 1.0])
BEGIN = 1.03 * TRUE
TIMES = np.linspace(0, 10, 31)
Y0 = np.array([1.0, 1.0])


def model(t, y, a, b, c, d):
    return [a * y[0] - b * y[0] * y[1], -c * y[1] + d * y[0] * y[1]]


def _solution(args, y0=Y0, times=TIMES):
    return scipy.integrate.solve_ivp(
        model, (0, 10), y0, "DOP853", times, args=tuple(args), rtol=1e-10, atol=1e-12
    ).y


@pytest.fixture(scope="module")
def data():
    noise = np.random.default_rng(0).normal(size=(2, TIMES.size))
    return _solution(TRUE) * (1 + 0.05 * noise)


def _by_scipy(data):
    def residual(p):
        sol = scipy.integrate.solve_ivp(
            model, (0, 10), Y0, t_eval=TIMES, args=tuple(p), rtol=1e-8, atol=1e-10
        )
        return (sol.y - data).ravel()

    return least_squares(residual, BEGIN)


def test_all_of_scipys_optimisers_find_what_they_find_without(data):
    wanted = _by_scipy(data)
    fun = fit.residual(model, Y0, TIMES, data)
    assert fun.names == ("a", "b", "c", "d")
    found = least_squares(fun, BEGIN, jac=fun.jac)
    assert np.allclose(found.x, wanted.x, rtol=1e-6)
    assert np.isclose(found.cost, wanted.cost, rtol=1e-6)
    assert np.allclose(
        minimize(fun.cost, BEGIN, jac=fun.cost_grad, method="BFGS").x, wanted.x, rtol=1e-5
    )
    best, _ = curve_fit(fun.model, TIMES, data.ravel(), BEGIN, jac=fun.model_jac)
    assert np.allclose(best, wanted.x, rtol=1e-6)


def test_one_solve_serves_all_questions_at_one_place(data):
    fun = fit.residual(model, Y0, TIMES, data)
    residual, jac = fun(BEGIN), fun.jac(BEGIN)
    assert fun.cost(BEGIN) == 0.5 * residual @ residual
    assert np.array_equal(fun.cost_grad(BEGIN), residual @ jac)
    assert np.array_equal(fun.model(TIMES, *BEGIN), residual + data.ravel())
    assert np.array_equal(fun.model_jac(TIMES, *BEGIN), jac)
    assert fun.n_solves == 1
    fun(TRUE), fun(BEGIN)
    assert fun.n_solves == 2


def test_what_is_returned_may_be_overwritten(data):
    fun = fit.residual(model, Y0, TIMES, data)
    before = fun(BEGIN), fun.jac(BEGIN)
    fun(BEGIN)[:] = 0
    fun.jac(BEGIN)[:] = 0
    assert np.array_equal(fun(BEGIN), before[0])
    assert np.array_equal(fun.jac(BEGIN), before[1])


@pytest.mark.parametrize("method", ["RK45", "DOP853", "BDF", "Radau", "LSODA"])
def test_gradients(data, method):
    fun = fit.residual(model, Y0, TIMES, data, method=method)
    assert check_gradients(fun, BEGIN).passed
    assert check_gradients(fun.cost, BEGIN, fun.cost_grad).passed


def start(a, b, c, d):
    return np.array([a / 1.5, b])


def seen(t, y, a, b, c, d):
    return np.log(y) * a + t


@pytest.mark.parametrize(
    "options",
    [
        {"args": tuple(BEGIN), "wrt": ("a", "c")},
        {"args": tuple(BEGIN), "wrt": ("args", "y0")},
        {"args": tuple(BEGIN), "wrt": ("d", "y0[1]"), "log": "y0[1]"},
        {"args": tuple(BEGIN), "log": True},
        {"args": tuple(BEGIN), "log": ("b", "d")},
        {"y0": start},
        {"y0": start, "wrt": ("args", "y0[0]"), "args": tuple(BEGIN)},
        {"observe": 1},
        {"observe": [1, 0]},
        {"observe": seen},
        {"weights": [1.0, 3.0]},
        {"sens": "discrete"},
        {"t_span": (-1.0, 10.0)},
    ],
    ids=lambda value: (
        None if callable(value) else "-".join(value) if isinstance(value, dict) else None
    ),
)
def test_gradients_of_every_option(data, options):
    options = dict(options)
    rows = data[1] if options.get("observe") == 1 else data
    fun = fit.residual(model, options.pop("y0", Y0), TIMES, rows, **options)
    p = BEGIN if np.array_equal(fun.p0, np.ones(4)) else fun.p0
    assert fun(p).size == rows.size
    assert check_gradients(fun, p).passed


def test_missing_numbers_are_left_out(data):
    holes = data.copy()
    holes[0, 3], holes[1, 10:] = np.nan, np.nan
    fun = fit.residual(model, Y0, TIMES, holes)
    whole = fit.residual(model, Y0, TIMES, data)
    there = np.isfinite(holes).ravel()
    assert np.array_equal(fun(BEGIN), whole(BEGIN)[there])
    assert np.array_equal(fun.jac(BEGIN), whole.jac(BEGIN)[there])
    masked = fit.residual(model, Y0, TIMES, np.ma.masked_invalid(holes))
    assert np.array_equal(masked(BEGIN), fun(BEGIN))


def test_times_in_any_order_and_repeated(data):
    order = np.random.default_rng(1).permutation(TIMES.size)
    order = np.concatenate([order, order[:4]])
    fun = fit.residual(model, Y0, TIMES[order], data[:, order], t_span=(0, 10))
    straight = fit.residual(model, Y0, TIMES, data)(BEGIN).reshape(2, -1)
    assert np.array_equal(fun(BEGIN).reshape(2, -1), straight[:, order])


def test_weights_multiply(data):
    weights = np.random.default_rng(2).uniform(size=data.shape)
    plain = fit.residual(model, Y0, TIMES, data)
    fun = fit.residual(model, Y0, TIMES, data, weights=weights)
    assert np.allclose(fun(BEGIN), weights.ravel() * plain(BEGIN))


def test_a_logarithmic_scale_and_bounds(data):
    bounds = {"a": (0.5, 2.0), "c": (1.0, np.inf)}
    fun = fit.residual(model, Y0, TIMES, data, args=tuple(BEGIN), log=("a", "b"), bounds=bounds)
    assert np.allclose(fun.p0, [np.log(BEGIN[0]), np.log(BEGIN[1]), BEGIN[2], BEGIN[3]])
    lower, upper = fun.bounds
    assert np.allclose(lower, [np.log(0.5), -np.inf, 1.0, -np.inf])
    assert np.allclose(upper, [np.log(2.0), np.inf, np.inf, np.inf])
    found = least_squares(fun, fun.p0, jac=fun.jac, bounds=fun.bounds)
    wanted = _by_scipy(data).x
    assert np.allclose(list(fun.values(found.x).values()), wanted, rtol=1e-5)


def test_several_experiments_share_what_is_not_their_own(data):
    starts = [Y0, np.array([1.2, 0.8])]
    second = _solution([1.7, 1.0, 3.0, 1.0], starts[1], TIMES[:12])
    fun = fit.residual(
        model,
        starts,
        [TIMES, TIMES[:12]],
        [data, second],
        args=tuple(BEGIN),
        own="a",
        t_span=(0, 10),
    )
    assert fun.names == ("b", "c", "d", "a (0)", "a (1)")
    assert check_gradients(fun, fun.p0).passed
    assert fun(fun.p0).size == data.size + second.size
    values = fun.values(least_squares(fun, fun.p0, jac=fun.jac).x)
    assert abs(values["a (0)"] - 1.5) < 0.05
    assert abs(values["a (1)"] - 1.7) < 0.05
    one = fit.residual(model, Y0, TIMES, data)
    p = [BEGIN[1], BEGIN[2], BEGIN[3], BEGIN[0], BEGIN[0]]
    assert np.array_equal(fun(p)[: data.size], one(BEGIN))


def growing(t, y, k):
    return k * y**2


def test_a_solve_that_fails_gives_large_finite_numbers_and_is_counted():
    times = np.linspace(0, 2, 5)
    fun = fit.residual(growing, [1.0], times, 1 / (1 - 0.3 * times))
    residual, jac = fun([1.0]), fun.jac([1.0])  # infinite at t = 1
    assert np.isfinite(residual).all()
    assert np.isfinite(jac).all()
    assert residual[-1] >= 1e6
    assert (jac[-1] == 0).all()
    assert abs(residual[0]) < 1
    assert fun.n_failed == 1
    assert fun.n_solves == 1
    found = least_squares(fun, [0.49], jac=fun.jac)
    assert np.isclose(found.x[0], 0.3)


def test_a_fit_that_wanders_off_ends(data):
    """SciPy's own loop, without bounds, crawls for minutes from here."""
    fun = fit.residual(model, Y0, TIMES, data, max_steps=2000)
    found = least_squares(fun, [15.0, 0.01, 0.1, 30.0], jac=fun.jac, max_nfev=50)
    assert np.isfinite(found.cost)


def test_not_a_number_among_the_parameters(data):
    fun = fit.residual(model, Y0, TIMES, data)
    assert np.isfinite(fun([np.nan, 1, 1, 1])).all()
    assert fun.n_failed == 1


def opaque(t, y, a, b, c, d):
    return eval("[a * y[0] - b * y[0] * y[1], -c * y[1] + d * y[0] * y[1]]")


def test_without_a_trace_there_are_differences_and_a_warning(data):
    with pytest.warns(CompilationWarning, match="finite differences"):
        fun = fit.residual(opaque, Y0, TIMES[:5], data[:, :5])
    exact = fit.residual(model, Y0, TIMES[:5], data[:, :5])
    assert np.allclose(fun(BEGIN), exact(BEGIN), rtol=1e-6, atol=1e-7)
    assert np.allclose(fun.jac(BEGIN), exact.jac(BEGIN), rtol=1e-5, atol=1e-5)


def test_threads_may_share_it(data):
    fun = fit.residual(model, Y0, TIMES, data)
    points = [TRUE * (1 + 0.01 * k) for k in range(8)]
    wanted = [fit.residual(model, Y0, TIMES, data)(p) for p in points]
    found = [None] * len(points)

    def work(k):
        for _ in range(20):
            found[k] = fun(points[k])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(points))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_second_derivatives_from_differences_are_symmetric(data):
    fun = fit.residual(model, Y0, TIMES, data, method="DOP853", rtol=1e-10, atol=1e-12)
    steps = 1e-5 * np.diag(TRUE)
    hessian = np.array(
        [(fun.cost_grad(TRUE + e) - fun.cost_grad(TRUE - e)) / (2 * e.sum()) for e in steps]
    )
    assert np.allclose(hessian, hessian.T, rtol=1e-5)


@pytest.mark.parametrize(
    "change, error, match",
    [
        ({"data": np.ones((TIMES.size, 2))}, ValueError, "transposed"),
        ({"data": np.full((2, TIMES.size), np.nan)}, ValueError, "no number"),
        ({"weights": np.ones(5)}, ValueError, "weights"),
        ({"weights": -1.0}, ValueError, "weights"),
        ({"observe": 7}, ValueError, "7"),
        ({"observe": "y"}, TypeError, "observe"),
        ({"method": "Euler"}, ValueError, "Euler"),
        ({"t_span": (1.0, 10.0)}, ValueError, "t_span"),
        ({"log": "q"}, ValueError, "'q'"),
        ({"args": (1.0, -1.0, 1.0, 1.0), "log": "b"}, ValueError, "not positive"),
        ({"bounds": {"a": (2, 1)}}, ValueError, "lower"),
        ({"sens": "adjoint"}, ValueError, "'forward' or 'discrete'"),
        ({"t": [np.inf]}, ValueError, "finite"),
        ({"max_steps": 0}, ValueError, "max_steps"),
    ],
    ids=lambda value: (
        None if callable(value) else "-".join(value) if isinstance(value, dict) else None
    ),
)
def test_arguments_that_make_no_sense(change, error, match):
    given = {"fun": model, "y0": Y0, "t": TIMES, "data": np.ones((2, TIMES.size))} | change
    with pytest.raises(error, match=match):
        fit.residual(**given)


def test_a_vector_of_another_length():
    fun = fit.residual(model, Y0, TIMES, np.ones((2, TIMES.size)))
    with pytest.raises(ValueError, match="4 numbers, a, b, c, d"):
        fun([1.0, 2.0])


def test_args_must_be_given_where_the_function_does_not_tell():
    with pytest.raises(ValueError, match="`args` must be given"):
        fit.residual(lambda t, y, *rates: -y, [1.0], [0.0, 1.0], [1.0, 0.5])


def test_one_weight_for_each_quantity_where_there_are_as_many_times():
    fun = fit.residual(
        lambda t, y, k: -k * y, [1.0, 1.0], [0.0, 1.0], np.zeros((2, 2)), weights=[1.0, 10.0]
    )
    assert np.allclose(fun([0.0]), [1.0, 1.0, 10.0, 10.0])


def test_threads_may_ask_for_the_model_at_other_times(data):
    fun = fit.residual(model, Y0, TIMES, data)
    at = TIMES[:-1] + 0.01
    sets = [BEGIN * factor for factor in np.linspace(0.9, 1.1, 8)]
    alone = [fun.model(at, *p) for p in sets]

    def ask(k):
        return all(np.array_equal(fun.model(at, *sets[k]), alone[k]) for _ in range(100))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8)))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_values_from_outside_that_change(count):
    """The model reads an attribute, as SciPy would at each call."""

    class Decay:
        speed = 1.0

        def __call__(self, t, y, k):
            return -k * self.speed * y

    decay, t = Decay(), np.linspace(0, 1, 4)
    times, numbers = (
        (t, np.zeros((1, 4))) if count == 1 else ([t] * count, [np.zeros((1, 4))] * count)
    )
    fun = fit.residual(decay, [1.0], times, numbers)
    for decay.speed in (1.0, 2.0, 3):
        assert np.allclose(fun([0.5]), np.tile(np.exp(-0.5 * decay.speed * t), count), rtol=1e-6)
        if count == 1:
            assert np.allclose(
                fun.model([0.0, 0.7], 0.5)[-1], np.exp(-0.35 * decay.speed), rtol=1e-6
            )


@pytest.mark.parametrize("count", [1, 5])
def test_all_data_are_of_the_beginning(count):
    times, numbers = ([5.0], [[3.0]]) if count == 1 else ([[5.0]] * count, [[[3.0]]] * count)
    given = {"args": (0.5,), "wrt": ("k", "y0"), "t_span": (5.0, 5.0)}
    fun = fit.residual(lambda t, y, k: -k * y, [1.0], times, numbers, **given)
    assert np.allclose(fun(fun.p0), -2.0)
    assert np.allclose(fun.jac(fun.p0), [0.0, 1.0])
    assert fun.n_failed == 0
