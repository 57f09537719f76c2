"""Gradients of functions of solutions, by the adjoint equation: their errors."""

import numpy as np
import pytest

from diffsol.integrate import solve_ivp
from diffsol.sensitivity import gradient
from diffsol.sensitivity import solve_ivp as sensitivities

from .losses import METHODS, by_differences, exact_decay, half_square_at_end, square
from .models import LOTKA_VOLTERRA, ROBERTSON, VAN_DER_POL, decay

# --- what is known in closed form ---------------------------------------------------------------------


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


@pytest.mark.parametrize("method", METHODS)
def test_a_variable_that_neither_solve_sees(method):
    """Its value is 0, and both y and lambda are straight lines: long steps, over many waves of its integrand."""

    def drift(t, y, speed, swing):
        return [speed + swing * np.sin(9 * t)]

    found = gradient(
        *(drift, (0, 10), [1.0], (2.0, 0.0)),
        loss=lambda t, Y: Y[0, -1],
        method=method,
        rtol=1e-8,
        atol=1e-10,
    )
    np.testing.assert_allclose(found.dargs, [10.0, (1 - np.cos(90)) / 9], rtol=1e-6)
