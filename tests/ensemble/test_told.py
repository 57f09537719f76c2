"""What the user is told: warnings at the caller's line, exceptions as they were raised, an end by Ctrl-C."""

import os
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import scipy.integrate

from diffsol import solve_ensemble
from diffsol.errors import CompilationWarning

K = np.linspace(0.5, 2.0, 20)


def decay(t, y, k):
    return -k * y


def printing(t, y, k):
    print(end="")
    return -k * y


class TestWarnings:
    def lines(self, *given, **options):
        """(file, category) of each warning."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            solve_ensemble(*given, **options)
        return [(warning.filename, warning.category) for warning in caught]

    def test_not_compiled(self):
        told = self.lines(printing, (0, 1), [1.0], (K,), args_axes=0)
        assert told == [(__file__, CompilationWarning)]

    def test_tolerance(self):
        told = self.lines(decay, (0, 1), [1.0], (K,), args_axes=0, rtol=1e-16)
        assert told == [(__file__, UserWarning)]

    def test_a_worker_that_failed(self):
        executor = ThreadPoolExecutor(1)
        executor.shutdown()
        for reduce in (None, "mean"):
            told = self.lines(
                decay, (0, 1), [1.0], (K,), args_axes=0, executor=executor, reduce=reduce
            )
            assert set(told) == {(__file__, RuntimeWarning)}

    @pytest.mark.parametrize("method", ["RK45", "Rodas5P"])
    def test_jac_where_it_is_of_no_use(self, method):
        told = self.lines(
            decay, (0, 1), [1.0], (K,), args_axes=0, method=method, jac=lambda t, y, k: [[-k]]
        )
        assert told == [(__file__, UserWarning)]
        with pytest.warns(UserWarning, match="no effect") as theirs:
            scipy.integrate.solve_ivp(decay, (0, 1), [1.0], args=(1.0,), jac=[[1.0]])
        with pytest.warns(UserWarning, match="no effect") as ours:
            solve_ensemble(decay, (0, 1), [1.0], (K,), args_axes=0, method=method, jac=[[1.0]])
        assert str(ours[0].message) == str(theirs[0].message)


class NoRoundTrip(Exception):
    def __init__(self, a, b):
        super().__init__(f"{a} {b}")


def raising(t, y, k):
    print(end="")
    if k > 1.5:
        raise KeyError("too large")
    return -k * y


def raising_what_does_not_travel(t, y, k):
    print(end="")
    raise NoRoundTrip(1, 2)


def stopping(t, y, k):
    print(end="")
    raise StopIteration("enough")


@pytest.mark.filterwarnings("ignore::diffsol.errors.CompilationWarning")
class TestExceptions:
    @pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
    def test_of_the_function_in_a_worker(self, kind):
        with kind(1) as executor, warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            with pytest.raises(KeyError, match="too large") as raised:
                solve_ensemble(raising, (0, 1), [1.0], (K,), args_axes=0, executor=executor)
        assert "in raising" in raised.value.__notes__[0]

    def test_one_that_cannot_be_sent(self):
        with ProcessPoolExecutor(1) as executor:
            with (
                warnings.catch_warnings(record=True, action="always") as told,
                pytest.raises(NoRoundTrip, match="1 2"),
            ):
                solve_ensemble(
                    raising_what_does_not_travel,
                    (0, 1), [1.0], (K,), args_axes=0, executor=executor,
                )  # fmt: skip
            assert executor.submit(abs, -1).result() == 1  # it is not broken by that
        if "distributed" not in sys.modules:  # which teaches pickle about all exceptions
            assert any("NoRoundTrip: 1 2)" in str(one.message) for one in told)

    @pytest.mark.parametrize("reduce", [None, "mean"])
    def test_stop_iteration_of_the_function(self, reduce):
        with pytest.raises(StopIteration, match="enough"):
            solve_ensemble(stopping, (0, 1), [1.0], (K,), args_axes=0, reduce=reduce)

    @pytest.mark.parametrize("error", [StopIteration("enough"), ZeroDivisionError("oops")])
    @pytest.mark.parametrize("method", ["RK45", "BDF"])
    @pytest.mark.parametrize("executor", [False, True])
    def test_what_progress_raises(self, error, method, executor):
        def progress(told):
            raise error

        with ThreadPoolExecutor(1) as pool, pytest.raises(type(error)) as raised:
            solve_ensemble(
                decay, (0, 1), [1.0], (K,), args_axes=0, method=method, progress=progress,
                executor=pool if executor else None,
            )  # fmt: skip
        assert raised.value is error


class Never(ThreadPoolExecutor):
    """An executor of which the tasks do not end."""

    def __init__(self):
        self.futures = []

    def submit(self, fn, *args):
        self.futures.append(Future())
        return self.futures[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
class TestCtrlC:
    def interrupt(self, after, executor, **options):
        """Seconds from Ctrl-C, which only this process hears, to the end."""
        told = []

        def send():
            told.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(after, send)
        timer.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                solve_ensemble(
                    decay, (0, 1e5), [1.0], (np.linspace(1, 2, 40_000),), args_axes=0,
                    executor=executor, **options,
                )  # fmt: skip
        finally:
            timer.cancel()
        return time.monotonic() - told[0]

    def test_what_waits_is_cancelled(self):
        executor = Never()
        assert self.interrupt(0.5, executor, chunk=100) < 2
        assert executor.futures
        assert all(future.cancelled() for future in executor.futures)

    def test_processes(self):
        """All chunks together would take minutes; those that have begun end first."""
        with ProcessPoolExecutor(1) as executor:
            seconds = self.interrupt(1.5, executor, chunk=8)
            begun = time.monotonic()
        assert seconds < 2
        assert time.monotonic() - begun < 20
