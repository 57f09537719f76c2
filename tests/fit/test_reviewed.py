"""What users met: what they mean is done, or they are told."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import Bounds, least_squares

from diffsol import fit
from diffsol.testing import check_gradients

TIMES = np.linspace(0, 2, 5)


def decay(t, y, k):
    return -k * y


def chain(t, y, a, b=0.5, c=0.25):
    return [-a * y[0], a * y[0] - b * y[1] * c]


def test_data_at_the_beginning_only():
    assert np.allclose(fit.residual(decay, [1.0], [0.0], [0.4])([1.0]), [0.6])
    fun = fit.residual(decay, [1.0], [TIMES, [0.0]], [np.exp(-TIMES), [1.1]])
    found = least_squares(fun, [0.5], jac=fun.jac)
    assert np.isclose(found.x[0], 1.0)
    free = fit.residual(decay, [1.0], [0.0, 0.0], [0.4, 0.6], args=(1.0,), wrt="y0")
    assert np.array_equal(free.jac([1.0]), [[1.0], [1.0]])


def test_data_that_begin_later_ask_when_y0_holds():
    with pytest.warns(UserWarning, match=r"first time of the data, 0.25. Give `t_span"):
        fit.residual(decay, [1.0], [0.25, 1.0], [0.4, 0.2])
    late = fit.residual(decay, [1.0], [0.25, 1.0], [0.4, 0.2], t_span=(0, 1))
    assert np.allclose(late([1.0]) + [0.4, 0.2], np.exp([-0.25, -1.0]))


@pytest.mark.parametrize("other", [2, [2.0], {"b": 2.0}, np.array(2)])
def test_what_is_not_fitted_is_said(other):
    def model(t, y, a, b):
        return -a * y

    with pytest.warns(UserWarning, match="'b' of `args` .* is not fitted"):
        fun = fit.residual(model, [1.0], TIMES, np.ones(5), args=(1.0, other))
    assert fun.names == ("a",)


def test_defaults_of_the_model_are_where_a_fit_begins():
    fun = fit.residual(chain, [1.0, 0.0], TIMES, np.ones((2, 5)))
    assert np.array_equal(fun.p0, [1.0, 0.5, 0.25])


def test_infinite_data_are_refused():
    with pytest.raises(ValueError, match="infinite"):
        fit.residual(decay, [1.0], TIMES, [1, 1, np.inf, 1, 1])


def test_weights_count_where_there_are_data():
    data = np.array([1.0, np.nan, 0.3, 0.2, 0.1])
    fun = fit.residual(decay, [1.0], TIMES, data, weights=1 / data)
    assert np.isfinite(fun([1.0])).all()
    with pytest.raises(ValueError, match=r"one is -1\.0"):
        fit.residual(decay, [1.0], TIMES, data, weights=-1.0)


@pytest.mark.parametrize(
    "again", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy, copy.copy]
)
def test_it_can_be_copied_and_sent(again):
    fun = fit.residual(decay, [1.0], TIMES, np.exp(-TIMES), log="k")
    other = again(fun)
    assert np.array_equal(other([0.3]), fun([0.3]))
    assert repr(other) == "<Residual of 5 data, parameters k>"


def test_bounds_of_scipy():
    fun = fit.residual(decay, [1.0], TIMES, np.exp(-TIMES), bounds=Bounds(0.5, 2.0))
    assert [bound.tolist() for bound in fun.bounds] == [[0.5], [2.0]]
    with pytest.raises(ValueError, match="'k' to begin with is not within"):
        fit.residual(decay, [1.0], TIMES, np.exp(-TIMES), args=(3.0,), bounds=(0.5, 2.0))


def test_a_model_without_parameters():
    fun = fit.residual(lambda t, y: -y, [1.0], TIMES, np.exp(-TIMES), wrt="y0")
    assert np.isclose(least_squares(fun, [0.5], jac=fun.jac).x[0], 1.0)


def test_predictions():
    fun = fit.residual(
        decay, [[1.0], [2.0]], [TIMES, TIMES], [np.exp(-TIMES)] * 2, args=(1.0,), own="k"
    )
    t = np.array([0.5, 1.5])
    assert np.allclose(fun.predict([1.0, 3.0], t, experiment=1), 2 * np.exp(-3 * t), rtol=1e-6)
    assert fun.predict([1.0, 3.0]).shape == (1, 5)


def test_a_point_that_is_not_finite_is_refused_by_the_check():
    fun = fit.residual(decay, [1.0], TIMES, np.exp(-TIMES))
    with pytest.raises(ValueError, match="finite numbers"):
        check_gradients(fun, [np.nan])


def test_what_functions_read_from_outside_may_change():
    held = {"gain": 1.0, "start": 1.0}

    def seen(t, y, k):
        return held["gain"] * y[0]

    def start(k):
        return np.array([held["start"] * k])

    fun = fit.residual(decay, start, TIMES, np.zeros(5), args=(2.0,), observe=seen)
    before = fun([2.0])
    held["gain"] = 3.0
    assert np.allclose(fun([2.0]), 3 * before)
    held["start"] = 2.0
    assert np.allclose(fun([2.0]), 6 * before)


def test_a_parameter_called_as_the_keyword_is_ambiguous():
    with pytest.raises(ValueError, match="'y0', which is a parameter of `fun`, too"):
        fit.residual(lambda t, y, y0: -y0 * y, [1.0], TIMES, np.ones(5), wrt="y0")


SLOW = """
import numpy as np, os, signal, threading, time
from diffsol import fit

def spring(t, y, k):
    return [y[1], -k * y[0]]

times = np.linspace(0, 1e5, 3)
fun = fit.residual(
    spring, [1.0, 0.0], [times, times], [np.ones((2, 3))] * 2, args=(100.0,), max_steps=None, method="BDF"
)
threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
begun = time.perf_counter()
try:
    fun(fun.p0)
except KeyboardInterrupt:
    print(time.perf_counter() - begun - 1.0)
"""


def test_ctrl_c_ends_several_solves():
    found = subprocess.run([sys.executable, "-c", SLOW], capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    assert float(found.stdout) < 0.5
