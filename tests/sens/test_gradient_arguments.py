"""What `gradient` is asked, and what it does with functions that it cannot differentiate."""

import copy
import pickle

import numpy as np
import pytest

from diffsol._graph.build import Graph
from diffsol._graph.node import reachable
from diffsol.errors import CompilationWarning
from diffsol.sensitivity import gradient

from .losses import by_differences, half_square_at_end
from .models import decay, logistic

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
    from diffsol._ensemble import traced

    def loss(t, Y):
        return Y[0, -1] * 3.0

    def fun(t, y, k):
        return -k * y * 1.0

    right = traced._trace

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

    monkeypatch.setattr(traced, "_trace", wrong)
    for _ in range(2):  # nor is it the next time
        with pytest.warns(CompilationWarning, match="disagreed|another value"):
            found = gradient(fun, (0, 1), [2.0], (0.5,), loss=loss, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(found.value, 6 * np.exp(-0.5), rtol=1e-6)
        np.testing.assert_allclose(found.flat, [-6 * np.exp(-0.5), 3 * np.exp(-0.5)], rtol=1e-5)
