"""Jacobian and product kernels of a compiled function."""

import threading

import numpy as np
import pytest
from diffsol._native._core import ffi, lib

from diffsol._engine import kernels, policy
from diffsol._engine.derived import Derived
from diffsol._engine.function import Function
from diffsol._trace.reasons import Refused


@pytest.fixture(autouse=True)
def no_kernels_yet():
    kernels.clear()


def run(kernel, bound, y, size):
    y, out = np.ascontiguousarray(y), np.empty(size)
    asked = lib.ds_kernel_call(
        kernel.pointer,
        bound.params,
        0.5,
        ffi.from_buffer("double[]", y.view(float)),
        ffi.from_buffer("double[]", out),
    )
    return None if asked else out


def test_parameters_are_those_of_the_function():
    """A changed parameter needs no new Jacobian."""

    def fun(t, y, k):
        return [-k * y[0], k * y[0] - y[1] ** 2]

    for k in (2.0, 5.0):
        bound = (
            Function(fun, (k,), np.zeros(2)).bind() or Function(fun, (k,), np.zeros(2)).compile()
        )
        jacobian = bound.variant.jacobian(10.0)
        got = run(jacobian, bound, np.array([1.0, 3.0]), 4)
        np.testing.assert_array_equal(got.reshape(2, 2).T, [[-k, 0.0], [k, -6.0]])
        product = bound.variant.product(10.0)
        got = run(product, bound, np.array([1.0, 3.0, 1.0, 2.0]), 2)
        np.testing.assert_array_equal(got, [-k, k - 12.0])
    assert bound.variant.jacobian(0.0) is jacobian


@pytest.mark.parametrize("vectorized", [False, True])
def test_sparse_values_in_columns(vectorized):
    def fun(t, y):
        return np.concatenate([y[1:] * y[:-1], y[:1]])

    bound = Function(fun, (), np.zeros(6), vectorized=vectorized).compile()
    jacobian = bound.variant.jacobian(10.0)
    assert not jacobian.full
    np.testing.assert_array_equal(jacobian.start, [0, 2, 4, 6, 8, 10, 11])
    np.testing.assert_array_equal(jacobian.row, [0, 5, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    got = run(jacobian, bound, np.arange(1.0, 7.0), 11)
    np.testing.assert_array_equal(got, [2, 1, 1, 3, 2, 4, 3, 5, 4, 6, 5])


def test_a_singular_derivative_asks():
    """The slope of a root at 0 raises a flag, as the function's own infinities do."""
    bound = Function(lambda t, y: np.sqrt(y), (), np.zeros(2)).compile()
    jacobian = bound.variant.jacobian(10.0)
    assert run(jacobian, bound, np.array([0.0, 1.0]), 4) is None
    np.testing.assert_array_equal(run(jacobian, bound, np.array([4.0, 1.0]), 4), [0.25, 0, 0, 0.5])


def test_a_refusal_stands_until_there_is_more_time(monkeypatch):
    monkeypatch.setattr(policy, "LEAST_BUDGET", 0.0)
    bound = Function(lambda t, y: np.sin(np.roll(y, 1)), (), np.zeros(3000)).compile()
    assert bound.variant.jacobian(0.001) is None
    assert bound.variant.jacobian.refusal.reason.code == "too-large"
    assert bound.variant.jacobian(10.0) is not None
    assert bound.variant.jacobian.refusal is None


def test_full_matrices_of_thousands_are_refused():
    bound = Function(lambda t, y: y - y.sum(), (), np.zeros(4000)).compile()
    assert bound.variant.jacobian(10.0) is None
    assert "entries" in bound.variant.jacobian.refusal.detail


def test_it_is_made_once_whoever_asks():
    made, ready = [], threading.Barrier(4)

    def make(budget):
        made.append(budget)
        return object()

    derived, got = Derived(make), []

    def ask():
        ready.wait()
        got.append(derived(1.0))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(set(map(id, got))) == 1


def test_smaller_budgets_are_not_tried_again():
    tried = []

    def make(budget):
        tried.append(budget)
        raise Refused("too-large")

    derived = Derived(make)
    assert [derived(b) for b in (2.0, 1.0, 2.0, 3.0)] == [None] * 4
    assert tried == [2.0, 3.0]


def test_derived_kernels_count_among_those_kept(monkeypatch):
    monkeypatch.setattr(kernels, "MAX_KERNELS", 3)
    first = Function(lambda t, y: -y, (), np.zeros(2))
    variant = first.compile().variant
    assert variant.jacobian(10.0)
    assert variant.product(10.0)
    Function(lambda t, y: y, (), np.zeros(2)).compile()
    assert first.bind() is None
