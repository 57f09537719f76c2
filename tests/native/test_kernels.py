"""Compiled functions: steps as through Python, which is asked where the kernel cannot answer."""

import ctypes
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from native.harness import Solve, ffi, lib
from native.problems import lorenz

METHODS = ("RK23", "RK45", "DOP853")

SOURCE = """
static int calls;
int count(void) { return calls; }
int lorenz(double t, const double *y, double *out, const double *p) {
    (void)t; ++calls;
    out[0] = p[0] * (y[1] - y[0]);
    out[1] = y[0] * (p[1] - y[2]) - y[1];
    out[2] = y[0] * y[1] - p[2] * y[2];
    return 0;
}
int asks_python(double t, const double *y, double *out, const double *p) {
    (void)p;
    out[0] = -y[0];
    return t > 1.0;
}
int root(double t, const double *y, double *out, const double *p) {
    (void)p; out[0] = 1 / (2 - t) * y[0]; return 0;
}
int first_component(double t, const double *y, double *out, const double *p) {
    (void)t; out[0] = y[0] - p[0]; return 0;
}
int invalid(double t, const double *y, double *out, const double *p) {
    (void)p; volatile double zero = y[0] * 0; out[0] = t > 0.5 ? zero / zero : 0.0; return 0;
}
"""


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("kernels")
    (folder / "kernels.c").write_text(SOURCE)
    command = [compiler, "-O1", "-ffp-contract=off", "-shared", "-fPIC", "kernels.c", "-o", "k.so"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "k.so"))


def address(kernels, name):
    return ffi.cast("ds_kernel", ctypes.cast(getattr(kernels, name), ctypes.c_void_p).value)


LORENZ_PARAMS = ffi.new("double[]", [10.0, 28.0, 8 / 3])


@pytest.mark.parametrize("method", METHODS)
def test_same_bits_as_through_python(kernels, method):
    slow = Solve(lorenz, (0, 3), [1.0, 1.0, 1.0], method=method, dense=True)
    fast = Solve(None, (0, 3), [1.0, 1.0, 1.0], method=method, dense=True)
    fast.ivp.fun.kernel = address(kernels, "lorenz")
    fast.ivp.fun.params = LORENZ_PARAMS
    before = kernels.count()
    assert slow.run() == fast.run() == lib.DS_FINISHED
    assert kernels.count() - before == fast.ivp.nfev == slow.ivp.nfev
    assert not fast.calls
    np.testing.assert_array_equal(fast.t, slow.t)
    np.testing.assert_array_equal(fast.y, slow.y)


def test_a_kernel_may_ask_python(kernels):
    ours = Solve(lambda t, y: -y, (0, 2), [1.0])
    ours.ivp.fun.kernel = address(kernels, "asks_python")
    plain = Solve(lambda t, y: -y, (0, 2), [1.0])
    assert ours.run() == plain.run() == lib.DS_FINISHED
    assert ours.ivp.nfev == plain.ivp.nfev
    np.testing.assert_array_equal(ours.y, plain.y)
    late = [call for call in plain.calls if call[2] > 1]
    assert ours.calls == late


@pytest.mark.parametrize("bad", ["invalid", "root"])
def test_floating_point_flags_ask_python(kernels, bad):
    """0 / 0 in the kernel: Python is asked for that evaluation, and may raise."""

    def fun(t, y):
        raise FloatingPointError(f"at {t}")

    ours = Solve(fun, (0, 2), [1.0], first_step=0.5, max_step=0.5, rtol=1e3, atol=1e3)
    ours.ivp.fun.kernel = address(kernels, bad)
    assert ours.run() == lib.DS_PYTHON_ERROR
    assert isinstance(ours.error, FloatingPointError)
    assert len(ours.calls) == 1
    assert ours.ivp.n_points > 1


def test_flags_that_others_raised_do_not_matter(kernels):
    ours = Solve(None, (0, 1), [1.0, 1.0, 1.0])
    ours.ivp.fun.kernel = address(kernels, "lorenz")
    ours.ivp.fun.params = LORENZ_PARAMS
    assert ours.start() == lib.DS_RUNNING
    lib.ds_math_address(0)
    division = ctypes.CDLL(None).ldexp
    division.restype, division.argtypes = ctypes.c_double, [ctypes.c_double, ctypes.c_int]
    assert division(1.0, 5000) == np.inf  # leaves the overflow flag behind
    assert lib.ds_ivp_advance(ours.ivp, 1.0) == lib.DS_FINISHED
    assert not ours.calls


def test_event_kernels(kernels):
    threshold = ffi.new("double[]", [0.0])
    events = (lambda t, y: y[0],)
    slow = Solve(lorenz, (0, 5), [1.0, 1.0, 1.0], events=events)
    assert slow.run() == lib.DS_FINISHED
    fast = Solve(lorenz, (0, 5), [1.0, 1.0, 1.0], events=events)
    fast.start()
    fast.set_events()
    fast.ivp.events[0].kernel = address(kernels, "first_component")
    fast.ivp.events[0].params = threshold
    assert lib.ds_ivp_advance(fast.ivp, 60.0) == lib.DS_FINISHED
    assert not any(which == 1 for which, _, _ in fast.calls)
    np.testing.assert_array_equal(fast.t_events[0], slow.t_events[0])
    np.testing.assert_array_equal(fast.y_events[0], slow.y_events[0])


def test_tier_may_change_between_slices(kernels):
    ours = Solve(lorenz, (0, 5), [1.0, 1.0, 1.0])
    assert ours.start() == lib.DS_RUNNING
    assert lib.ds_ivp_advance(ours.ivp, 0.0) == lib.DS_RUNNING
    in_python = len(ours.calls)
    ours.ivp.fun.params = LORENZ_PARAMS
    ours.ivp.fun.kernel = address(kernels, "lorenz")
    assert lib.ds_ivp_advance(ours.ivp, 60.0) == lib.DS_FINISHED
    assert len(ours.calls) == in_python
    plain = Solve(lorenz, (0, 5), [1.0, 1.0, 1.0])
    plain.run()
    np.testing.assert_array_equal(ours.y, plain.y)


def test_ds_call(kernels):
    ours = Solve(lambda t, y: [t, *y[1:]], (0, 1), [1.0, 2.0, 3.0])
    y, out = ffi.new("double[]", [1.0, 2.0, 3.0]), ffi.new("double[3]")
    assert lib.ds_call(ours.ivp, 0, lib.DS_T_IS_FLOAT, 7.0, y, out) == 0
    assert list(out) == [7, 2, 3]
    assert ours.calls == [(0, float, 7.0)]
    assert ours.ivp.nfev == 0
    ours.ivp.fun.kernel = address(kernels, "lorenz")
    ours.ivp.fun.params = LORENZ_PARAMS
    assert lib.ds_call(ours.ivp, 0, 0, 7.0, y, out) == 0
    assert list(out) == lorenz(7.0, [1.0, 2.0, 3.0])


def test_many_solves_in_many_threads(kernels):
    """No state is shared: threads, which really run at once here, get the bits of one alone."""

    def final(start):
        ours = Solve(None, (0, 20), [start, 1.0, 1.0], rtol=1e-8)
        ours.ivp.fun.kernel = address(kernels, "lorenz")
        ours.ivp.fun.params = LORENZ_PARAMS
        assert ours.run(seconds=1e-4) == lib.DS_FINISHED
        return tuple(ours.y[:, -1])

    starts = np.linspace(0.5, 2, 40)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(final, starts)) == [final(start) for start in starts]


def test_a_slow_python_function_is_given_back_soon(kernels):
    """After fast kernel trials the clock is read seldom; a call into Python changes that."""

    def slow(t, y):
        time.sleep(0.002)
        return lorenz(t, y)

    ours = Solve(slow, (0, 1e6), [1.0, 1.0, 1.0])
    ours.ivp.fun.kernel = address(kernels, "lorenz")
    ours.ivp.fun.params = LORENZ_PARAMS
    ours.start()
    assert lib.ds_ivp_advance(ours.ivp, 0.05) == lib.DS_RUNNING
    ours.ivp.fun.kernel = ffi.NULL
    assert lib.ds_ivp_advance(ours.ivp, 0.0) == lib.DS_RUNNING
    # At most the trials that were left of the last interval, one of which calls and so ends it.
    assert len(ours.calls) <= 6
