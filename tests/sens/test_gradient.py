"""Gradients of functions of solutions, by the adjoint equation."""

import copy
import pickle

import numpy as np
import pytest

from diffsol._graph.build import Graph
from diffsol._graph.node import reachable
from diffsol._sens.extrapolate import derivative
from diffsol.errors import CompilationWarning
from diffsol.integrate import solve_ivp
from diffsol.sensitivity import gradient
from diffsol.sensitivity import solve_ivp as sensitivities

from .models import LOTKA_VOLTERRA, ROBERTSON, VAN_DER_POL, decay, logistic

METHODS = ["RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA"]
EXPLICIT, IMPLICIT = METHODS[:3], METHODS[3:]


def half_square_at_end(t, Y):
    return 0.5 * Y[0, -1] ** 2


def square(t, y, *args):
    return y[0] ** 2


def by_differences(value, p, j):
    """d value(p) / d p_j to many digits."""

    def moved(x):
        q = np.array(p, float)
        q[j] = x
        return value(q)

    return derivative(moved, float(p[j]), abs(float(p[j])) or 1.0)[0]


# --- what is known in closed form ---------------------------------------------------------------------


def exact_decay(k, y0, T):
    """G = y(T)^2 / 2 + the integral of y^2, dG/dk, dG/dy0; and those of the first term alone."""
    e = np.exp(-2 * k * T)
    at_end, integral = y0**2 * e / 2, y0**2 / (2 * k) * (1 - e)
    first = np.array([at_end, -2 * T * at_end, 2 * at_end / y0])
    second = np.array([integral, -integral / k + y0**2 * T * e / k, 2 * integral / y0])
    return first + second, first


@pytest.mark.parametrize("rtol", [1e-6, 1e-9])
@pytest.mark.parametrize("method", METHODS)
def test_decay(method, rtol):
    """To ten times the tolerance, or as closely as the method solves the equation itself."""
    k, y0, T = 0.7, 2.0, 3.0
    both, first = exact_decay(k, y0, T)
    problem = decay, (0, T), [y0], (k,)
    options = {"method": method, "rtol": rtol, "atol": 1e-3 * rtol, "loss": half_square_at_end}
    y_end = solve_ivp(*problem[:3], method, args=(k,), rtol=rtol, atol=1e-3 * rtol).y[0, -1]
    tolerance = 10 * rtol + 4 * abs(y_end / (y0 * np.exp(-k * T)) - 1)
    found = gradient(*problem, t_eval=np.linspace(0, T, 4), **options)
    got = found.value, *found.dargs, *found.dy0
    np.testing.assert_allclose(got, first, rtol=tolerance)
    np.testing.assert_allclose(found.dt0, k * y0 * first[2], rtol=tolerance)
    found = gradient(*problem, integrand=square, **options)
    got = found.value, *found.dargs, *found.dy0
    np.testing.assert_allclose(got, both, rtol=tolerance)
    size = k * y0 * both[2]
    np.testing.assert_allclose(found.dt0 + found.dt_end, 0.0, atol=tolerance * size)


def test_backward_in_time():
    k, y0, T = 0.7, 2.0, -1.5
    found = gradient(
        decay, (0, T), [y0], (k,), loss=half_square_at_end, integrand=square, rtol=1e-9, atol=1e-11
    )
    got = found.value, *found.dargs, *found.dy0
    np.testing.assert_allclose(got, exact_decay(k, y0, T)[0], rtol=1e-8)


def test_forced_by_what_lambda_does_not_see():
    """f_y = 0: lambda is constant and takes the largest steps; the integral over them is resolved all the same."""

    def pulses(t, y, a, w):
        return np.array([a * np.sin(w * t) ** 2])

    a, w, T = 1.3, 40.0, 10.0
    found = gradient(
        pulses, (0, T), [0.0], (a, w), loss=lambda t, Y: Y[0, -1], rtol=1e-9, atol=1e-10, wrt="args"
    )
    exact = T / 2 - np.sin(2 * w * T) / (4 * w)
    by_w = a * (np.sin(2 * w * T) / (4 * w**2) - 2 * T * np.cos(2 * w * T) / (4 * w))
    np.testing.assert_allclose(found.dargs, [exact, by_w], rtol=1e-7)
    assert found.dy0 is None


# --- the table of errors of other ways ------------------------------------------------------------------

ROBERTSON_40 = (*ROBERTSON[:2], 40.0, ROBERTSON[3])
# name: (problem, method, atol / rtol, the better of the errors that interpolating and Gauss' adjoint were measured to
# make at rtol 1e-6 and 1e-9 with SciPy's steppers; that of Radau to what the reference itself is good for)
TABLE = {
    "Lotka-Volterra": (LOTKA_VOLTERRA, "DOP853", 1e-4, (1.7e-6, 4.1e-9)),
    "Robertson": (ROBERTSON_40, "BDF", 1e-4, (4.4e-7, 9e-10)),
    "Robertson, Radau": (ROBERTSON_40, "Radau", 1e-4, (4.4e-7, 3e-12)),
    "Van der Pol": (VAN_DER_POL, "BDF", 1e-2, (2.7e-5, 1.4e-7)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE)
def test_errors_at_the_end(name):
    (fun, y0, tf, args), method, relative, limits = TABLE[name]
    tight = {"rtol": 1e-13, "atol": 1e-17, "args": args, "wrt": "args"}
    wanted = sensitivities(fun, (0, tf), y0, "Radau", [tf], **tight).sens[:, 0]
    for rtol, limit in zip((1e-6, 1e-9), limits, strict=True):
        options = {"method": method, "rtol": rtol, "atol": relative * rtol, "wrt": "args"}
        rows = [
            gradient(fun, (0, tf), y0, args, loss=lambda t, Y, i=i: Y[i, -1], **options).flat
            for i in range(len(y0))
        ]
        assert np.linalg.norm(rows - wanted) < limit * np.linalg.norm(wanted)


# --- networks ----------------------------------------------------------------------------------------------


def network(t, y, V, W):
    return W @ np.tanh(V @ y)


@pytest.mark.parametrize("method", ["RK45", "BDF"])
@pytest.mark.parametrize("hidden, n", [(3, 2), (11, 5), (31, 16)])
def test_networks(hidden, n, method):
    """12, 110 and 992 weights, against complex steps in some of them."""
    rng = np.random.default_rng(1)
    V, W = rng.standard_normal((hidden, n)) / np.sqrt(n), rng.standard_normal((n, hidden)) / hidden
    y0, times = rng.standard_normal(n), np.linspace(0, 3, 5)[1:]
    data = rng.standard_normal((n, 4))

    def misfit(t, Y):
        return np.sum((Y - data) ** 2)

    found = gradient(
        *(network, (0, 3), y0, (V, W)),
        loss=misfit,
        t_eval=times,
        method=method,
        rtol=1e-9,
        atol=1e-11,
    )
    assert [d.shape for d in found.dargs] == [V.shape, W.shape]
    assert len(found.names) == found.flat.size == 2 * hidden * n + n
    np.testing.assert_array_equal(
        found.flat, np.concatenate([*map(np.ravel, found.dargs), found.dy0])
    )
    p = np.concatenate([V.ravel(), W.ravel(), y0])
    for j in (0, V.size - 1, V.size + 1, p.size - 1):
        z = p.astype(complex)
        z[j] += 1e-20j
        args = z[: V.size].reshape(V.shape), z[V.size : 2 * V.size].reshape(W.shape)
        sol = solve_ivp(network, (0, 3), z[-n:], "DOP853", times, args=args, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(
            found.flat[j], misfit(times, sol.y).imag / 1e-20, rtol=1e-6, atol=1e-8
        )


# --- checkpoints -----------------------------------------------------------------------------------------


def lorenz(t, y, s, r, b):
    return [s * (y[1] - y[0]), y[0] * (r - y[2]) - y[1], y[0] * y[1] - b * y[2]]


def of_lorenz(method, **more):
    return gradient(
        *(lorenz, (0, 4), [1.0, 1.0, 20.0], (10.0, 28.0, 8 / 3)),
        loss=lambda t, Y: np.sum(Y[0] ** 2),
        integrand=lambda t, y, s, r, b: y[2] / s,
        t_eval=np.linspace(0, 4, 9),
        method=method,
        rtol=1e-7,
        atol=1e-9,
        **more,
    )


@pytest.mark.parametrize("every", [1, 7, 50])
@pytest.mark.parametrize("method", EXPLICIT)
def test_checkpoints_change_nothing(method, every):
    """Steps made again are the same steps: the gradient is the same to the last bit, for less memory."""
    whole, parts = of_lorenz(method), of_lorenz(method, checkpoint_every=every)
    assert parts.value == whole.value
    np.testing.assert_array_equal(parts.flat, whole.flat)
    if every == 7:
        assert parts.memory < whole.memory


@pytest.mark.parametrize("method", IMPLICIT)
def test_checkpoints_of_methods_with_a_past(method):
    whole, parts = of_lorenz(method), of_lorenz(method, checkpoint_every=60)
    scale = np.abs(whole.flat).max()
    np.testing.assert_allclose(parts.flat, whole.flat, atol=1e-4 * scale)
    assert parts.memory < whole.memory


def test_memory_is_kept_to():
    """A budget that holds a tenth of the solution."""
    whole = of_lorenz("RK45")
    parts = of_lorenz("RK45", memory=whole.memory / 10)
    assert parts.memory < whole.memory / 2
    np.testing.assert_array_equal(parts.flat, whole.flat)


# --- what is asked -----------------------------------------------------------------------------------------


def test_only_what_is_asked_for():
    def loss(t, Y):
        return Y[0, -1]

    found = gradient(logistic, (0, 2), [0.5], (1.2, 10.0), loss=loss, wrt=("K", "y0"), rtol=1e-8)
    whole = gradient(logistic, (0, 2), [0.5], (1.2, 10.0), loss=loss, rtol=1e-8)
    assert found.names == ("K", "y0[0]")
    assert found.dargs[0] is None
    np.testing.assert_allclose(found.flat, whole.flat[1:], rtol=1e-12)
    value, dargs, dy0 = whole
    assert (value, dy0) == (whole.value, whole.dy0)
    assert [type(d) for d in dargs] == [float, float]


def test_it_can_be_copied_and_pickled():
    found = gradient(lambda t, y, k: -k * y, (0, 1), [2.0], (0.5,), loss=half_square_at_end)
    for again in (copy.copy(found), pickle.loads(pickle.dumps(found))):
        assert again == found
        assert again.names == ("k", "y0[0]")
        np.testing.assert_array_equal(again.flat, found.flat)


def test_times_without_a_part_are_passed_over():
    """What lies behind the last output that counts is not gone back over; the others do not stop lambda."""

    def loss(t, Y):
        return Y[0, 3] ** 2

    many = np.linspace(0, 8, 81)
    options = {"rtol": 1e-8, "atol": 1e-10, "loss": loss}
    few = gradient(logistic, (0, many[3]), [0.5], (1.2, 10.0), t_eval=many[:4], **options)
    found = gradient(logistic, (0, 8), [0.5], (1.2, 10.0), t_eval=many, **options)
    np.testing.assert_allclose(found.flat, few.flat, rtol=1e-6)


def test_an_output_at_the_start():
    found = gradient(
        decay, (0, 1), [2.0], (0.5,), t_eval=[0.0, 1.0], loss=lambda t, Y: Y[0, 0] * 3.0
    )
    np.testing.assert_array_equal(found.flat, [0.0, 3.0])


@pytest.mark.parametrize("method", ["RK45", "Radau"])
def test_ends_of_the_interval(method):
    def ends(t0, tf):
        return gradient(
            *(logistic, (t0, tf), [0.5], (1.2, 10.0)),
            loss=half_square_at_end,
            integrand=lambda t, y, r, K: t * y[0],
            method=method,
            rtol=1e-10,
            atol=1e-12,
        )

    found = ends(0.3, 2.0)
    wanted = [by_differences(lambda p: ends(*p).value, (0.3, 2.0), j) for j in (0, 1)]
    np.testing.assert_allclose([found.dt0, found.dt_end], wanted, rtol=1e-6)


@pytest.mark.parametrize("method", ["Radau", "BDF"])
def test_a_banded_jacobian_is_transposed(method):
    """Advection is not symmetric."""

    def transport(t, u, speed, rate):
        return -speed * (u - np.concatenate([[0.0], u[:-1]])) * 10 - rate * u**2

    u0 = np.exp(-(np.linspace(-2, 2, 60) ** 2))
    weights = np.linspace(0, 1, 60)

    def of(p):
        return gradient(
            *(transport, (0, 0.8), u0, tuple(p)),
            loss=lambda t, Y: np.sum(weights * Y[:, -1] ** 2),
            method=method,
            rtol=1e-9,
            atol=1e-12,
        )

    found = of((1.3, 0.4))
    wanted = [by_differences(lambda p: of(p).value, (1.3, 0.4), j) for j in (0, 1)]
    np.testing.assert_allclose(found.dargs, wanted, rtol=1e-6)


def test_vectorized():
    options = {"loss": half_square_at_end, "rtol": 1e-8}
    columns = gradient(lambda t, y, k: -k * y, (0, 1), [2.0], (0.5,), vectorized=True, **options)
    single = gradient(decay, (0, 1), [2.0], (0.5,), **options)
    np.testing.assert_allclose(columns.flat, single.flat, rtol=1e-14)


def test_what_is_read_from_outside_is_read_each_time():
    box = {"k": 0.5}

    def fun(t, y, a):
        return -box["k"] * a * y

    for k in (0.5, 0.8):
        box["k"] = k
        found = gradient(fun, (0, 1), [2.0], (1.0,), loss=half_square_at_end, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.dy0, 2.0 * np.exp(-2 * k), rtol=1e-7)


def test_data_of_a_loss_are_read_each_time():
    data = np.zeros((1, 2))

    def loss(t, Y):
        return np.sum((Y - data) ** 2)

    for shift in (0.0, 0.4):
        data[:] = shift
        found = gradient(decay, (0, 1), [2.0], (0.5,), t_eval=[0.5, 1.0], loss=loss, rtol=1e-9)
        y = 2 * np.exp([-0.25, -0.5])
        np.testing.assert_allclose(found.dy0, np.sum((y - shift) * y), rtol=1e-5)


def test_a_trace_that_is_wrong_is_not_used(monkeypatch):
    """Whatever the tracer makes of the functions: where that has another value, it is neither solved nor derived."""
    from diffsol._sens import system

    def loss(t, Y):
        return Y[0, -1] * 3.0

    def fun(t, y, k):
        return -k * y * 1.0

    right = system._trace

    def wrong(spread, *rest):
        found = right(spread, *rest)
        other = found.program
        made = other.__class__(
            reversed_sign(other.output), None, other.state_shape, other.state_dtype, other.n_params
        )
        found.program = made
        return found

    def reversed_sign(node):
        graph = Graph()
        copies = {x.id: graph.again(x, ()) for x in reachable([node]) if not x.inputs}
        for x in reachable([node]):
            if x.inputs:
                copies[x.id] = graph.again(x, [copies[i.id] for i in x.inputs])
        return graph.elementwise("negative", copies[node.id])

    monkeypatch.setattr(system, "_trace", wrong)
    for _ in range(2):  # nor is it the next time
        with pytest.warns(CompilationWarning, match="disagreed|another value"):
            found = gradient(fun, (0, 1), [2.0], (0.5,), loss=loss, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(found.value, 6 * np.exp(-0.5), rtol=1e-6)
        np.testing.assert_allclose(found.flat, [-6 * np.exp(-0.5), 3 * np.exp(-0.5)], rtol=1e-5)


# --- losses ------------------------------------------------------------------------------------------------


def test_a_given_gradient_is_used():
    found = gradient(
        *(decay, (0, 1), [2.0], (0.5,)),
        loss=half_square_at_end,
        loss_grad=lambda t, Y: 10.0 * Y,
        rtol=1e-8,
    )
    exact = gradient(decay, (0, 1), [2.0], (0.5,), loss=half_square_at_end, rtol=1e-8)
    np.testing.assert_allclose(found.flat, 10 * exact.flat, rtol=1e-12)


def test_a_loss_that_cannot_be_traced():
    seen = []

    def loss(t, Y):
        seen.append(t)
        return float(np.sum(Y**2))

    with pytest.warns(CompilationWarning, match="loss_grad"):
        found = gradient(*(decay, (0, 1), [2.0], (0.5,)), t_eval=[0.5, 1.0], loss=loss, rtol=1e-8)
    exact = gradient(
        *(decay, (0, 1), [2.0], (0.5,)),
        t_eval=[0.5, 1.0],
        loss=lambda t, Y: np.sum(Y**2),
        rtol=1e-8,
    )
    np.testing.assert_allclose(found.flat, exact.flat, rtol=1e-8)


@pytest.mark.parametrize(
    "loss, loss_grad, match",
    [
        (lambda t, Y: Y[0], None, "number"),
        (half_square_at_end, lambda t, Y: Y[0], "shape"),
        (half_square_at_end, lambda t, Y: Y.T, "shape"),
    ],
)
def test_shapes_are_looked_at_before_anything_is_solved(loss, loss_grad, match):
    calls = []

    def fun(t, y):
        calls.append(t)
        return -y

    with pytest.raises(ValueError, match=match):
        gradient(fun, (0, 1), [1.0, 2.0], t_eval=[0.2, 0.5, 1.0], loss=loss, loss_grad=loss_grad)
    assert not calls


@pytest.mark.parametrize(
    "options, match",
    [
        ({}, "nothing to differentiate"),
        ({"loss_grad": lambda t, Y: Y}, "nothing to differentiate"),
        ({"loss": half_square_at_end, "checkpoint_every": 0}, "checkpoint_every"),
        ({"loss": half_square_at_end, "memory": -1}, "memory"),
        ({"loss": half_square_at_end, "sens": "sideways"}, "sens"),
        ({"loss": half_square_at_end, "method": "Euler"}, "method"),
        ({"loss": half_square_at_end, "t_eval": []}, "t_eval"),
        ({"loss": half_square_at_end, "t_eval": [0.0, 3.0]}, "t_eval"),
    ],
)
def test_bad_arguments(options, match):
    with pytest.raises(ValueError, match=match):
        gradient(decay, (0, 1), [2.0], (0.5,), **options)


def test_a_loss_without_a_slope():
    """The distance from where the solution is."""

    def loss(t, Y):
        return np.sqrt(np.sum((Y - 2.0) ** 2))

    def loss_grad(t, Y):
        return (Y - 2.0) / loss(t, Y)

    with pytest.raises(ValueError, match="not finite"), np.errstate(invalid="ignore"):
        gradient(decay, (0, 1), [2.0], (0.0,), loss=loss, loss_grad=loss_grad)


def test_an_interval_without_length():
    with pytest.raises(ValueError, match="t_span"):
        gradient(decay, (1, 1), [2.0], (0.5,), loss=half_square_at_end)


def test_a_solve_that_breaks_down():
    with pytest.raises(RuntimeError, match=r"t=0\.9"):
        gradient(lambda t, y: y**2, (0, 2), [1.0], loss=half_square_at_end, wrt="y0")


# --- forward, and what cannot go backward ------------------------------------------------------------------


@pytest.mark.parametrize("method", ["RK45", "BDF"])
def test_forward_and_backward_agree(method):
    problem = logistic, (0, 2), [0.5], (1.2, 10.0)
    options = {
        "loss": half_square_at_end,
        "integrand": lambda t, y, r, K: t * y[0] / K,
        "t_eval": [0.5, 1.7],
        "method": method,
        "rtol": 1e-9,
        "atol": 1e-12,
    }
    back, forth = (gradient(*problem, sens=sens, **options) for sens in ("adjoint", "forward"))
    np.testing.assert_allclose(forth.value, back.value, rtol=1e-7)
    np.testing.assert_allclose(forth.flat, back.flat, rtol=1e-6)
    np.testing.assert_allclose(forth.dt0, back.dt0, rtol=1e-6)
    assert forth.names == back.names


def rotation(t, y, w):
    z = (y[0] + 1j * y[1]) * np.exp(1j * w)
    return np.array([-z.imag, z.real])


def test_complex_numbers_on_the_way_go_forward():
    options = {"loss": half_square_at_end, "rtol": 1e-8, "atol": 1e-10}
    with pytest.warns(CompilationWarning, match="adjoint equation cannot be derived.*complex"):
        found = gradient(rotation, (0, 1), [1.0, 0.5], (0.1,), **options)
    wanted = by_differences(
        lambda p: half_square_at_end(
            0,
            solve_ivp(
                rotation, (0, 1), [1.0, 0.5], "DOP853", args=tuple(p), rtol=1e-12, atol=1e-14
            ).y,
        ),
        (0.1,),
        0,
    )
    np.testing.assert_allclose(found.dargs[0], wanted, rtol=1e-5)


def test_a_function_that_cannot_be_traced():
    calls = []

    def fun(t, y, k):
        calls.append(t)
        return -k * y

    with pytest.warns(CompilationWarning):
        found = gradient(
            *(fun, (0, 1), [2.0], (0.5,)), loss=half_square_at_end, rtol=1e-8, atol=1e-10
        )
    exact = exact_decay(0.5, 2.0, 1)[1]
    np.testing.assert_allclose([found.value, *found.flat], exact, rtol=1e-6)


def test_an_integrand_that_cannot_be_traced():
    calls = []

    def integrand(t, y, k):
        calls.append(t)
        return y[0] ** 2

    with pytest.warns(CompilationWarning):
        found = gradient(
            *(decay, (0, 1), [2.0], (0.5,)),
            loss=half_square_at_end,
            integrand=integrand,
            rtol=1e-8,
            atol=1e-10,
        )
    np.testing.assert_allclose([found.value, *found.flat], exact_decay(0.5, 2.0, 1)[0], rtol=1e-6)


# --- solve_ivp(sens="adjoint") -------------------------------------------------------------------------------


@pytest.mark.parametrize("t_eval", [None, [0.3, 1.9]])
@pytest.mark.parametrize("method", ["DOP853", "Radau"])
def test_sensitivities_by_the_adjoint(method, t_eval):
    fun, y0, _, args = LOTKA_VOLTERRA
    options = {"args": args, "rtol": 1e-9, "atol": 1e-12, "max_step": 1.0}
    problem = fun, (0, 2), y0, method, t_eval
    back, forth = (sensitivities(*problem, sens=s, **options) for s in ("adjoint", "discrete"))
    np.testing.assert_array_equal(back.t, forth.t)
    np.testing.assert_allclose(back.y, forth.y, rtol=1e-12)
    np.testing.assert_allclose(back.sens, forth.sens, rtol=1e-6, atol=1e-7)
    assert back.sens_names == forth.sens_names
    np.testing.assert_array_equal(back.sens_y0, back.sens[..., 4:])


def test_another_beginning_goes_back_too():
    options = {"args": (0.7,), "rtol": 1e-9, "atol": 1e-12, "dy0": [[1.0, 0.5]], "dt0": [0.3, 0.1]}
    back, forth = (
        sensitivities(decay, (0, 2), [2.0], "DOP853", [1.0, 2.0], sens=s, **options)
        for s in ("adjoint", "forward")
    )
    np.testing.assert_allclose(back.sens, forth.sens, rtol=1e-7)


def test_the_adjoint_knows_no_events():
    with pytest.raises(ValueError, match=r"adjoint.*events"):
        sensitivities(decay, (0, 1), [1.0], args=(1.0,), sens="adjoint", events=decay)


# --- what is differentiated ----------------------------------------------------------------------------------


def test_second_derivatives_are_symmetric():
    """Differences of gradients: row by row, and the same as column by column."""
    fun, y0, _, args = LOTKA_VOLTERRA

    def slope(p):
        return gradient(
            *(fun, (0, 3), p[:2], tuple(p[2:])),
            loss=lambda t, Y: np.sum(Y**2),
            method="DOP853",
            rtol=1e-11,
            atol=1e-13,
        ).flat

    p = np.array([*y0, *args])
    order = [4, 5, 0, 1, 2, 3]  # of the variables in p: arguments come first in `flat`
    hessian = []
    for j in range(6):
        step = np.zeros(6)
        step[j] = 1e-4
        hessian.append((slope(p + step) - slope(p - step)) / 2e-4)
    hessian = np.array(hessian)[:, order]
    np.testing.assert_allclose(hessian, hessian.T, rtol=0, atol=1e-6 * np.abs(hessian).max())


def test_branches():
    """A tank that overflows; an `if` of the tracer's and one of NumPy's."""

    def tank(t, y, supply, drain, height):
        level = y[0]
        out = drain * np.sqrt(level)
        if level > height:
            out = out + 3.0 * (level - height)
        return [supply - out, np.where(level > 0.5, out, 0.0)]

    def of(p):
        return gradient(
            *(tank, (0, 4), [1.0, 0.0], tuple(p)),
            loss=lambda t, Y: Y[0, -1] + 0.1 * Y[1, -1] ** 2,
            method="DOP853",
            rtol=1e-11,
            atol=1e-12,
        )

    p = (2.0, 0.8, 1.5)
    found = of(p)
    wanted = [by_differences(lambda q: of(q).value, p, j) for j in range(3)]
    np.testing.assert_allclose(found.dargs, wanted, rtol=1e-6)


def test_loops_over_components():
    """Thousands of scalars in a row, which became arrays, and back."""

    def pulls(t, y, w, K):
        rates = []
        for i in range(len(y)):
            pull = 0.0
            for j in range(len(y)):
                pull += K[i, j] * np.sin(y[j] - y[i])
            rates.append(w[i] + pull / len(y))
        return rates

    def arrays(t, y, w, K):
        return w + np.sum(K * np.sin(y - y[:, np.newaxis]), axis=1) / y.size

    rng = np.random.default_rng(2)
    problem = (
        (0, 1),
        rng.uniform(0, 6, 24),
        (rng.standard_normal(24), rng.standard_normal((24, 24))),
    )
    options = {"loss": lambda t, Y: np.sum(np.cos(Y)), "rtol": 1e-8, "atol": 1e-10}
    one, other = (gradient(fun, *problem, **options) for fun in (pulls, arrays))
    np.testing.assert_allclose(one.flat, other.flat, rtol=1e-8, atol=1e-11)
