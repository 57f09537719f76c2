"""Loops without end for the tracer, and threads that trace at once."""

import threading

import numpy as np
import scipy.integrate

import diffsol
from diffsol._engine import kernels
from diffsol.integrate import solve_ivp


def test_a_huge_loop_is_given_up_and_says_so():
    def f(t, y):
        total = 0.0
        for i in range(10**9):
            total += i * t
        return -y * total

    told = diffsol.explain(f, (0, 1), [1.0])
    assert told.reason == "too-long"
    assert "for" in str(told) or "loop" in str(told)


def test_a_loop_without_end_is_given_up():
    def f(t, y):
        x = 0
        while x >= 0:
            x = x + 1
        return -y

    assert diffsol.explain(f, (0, 1), [1.0]).reason == "too-long"


def in_threads(tasks):
    """Runs them at once, and raises what one of them raised."""
    errors, start = [], threading.Barrier(len(tasks))

    def run(task):
        start.wait()
        try:
            task()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]


def compared(f, args=()):
    def task():
        ours = solve_ivp(f, (0, 1), [1.0, 0.5], args=args or None)
        theirs = scipy.integrate.solve_ivp(f, (0, 1), [1.0, 0.5], args=args or None)
        np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-10)
        assert ours.nfev == theirs.nfev

    return task


def test_threads_trace_the_same_function(monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    kernels.clear()

    def f(t, y, k):
        return [k * y[1], -np.sin(y[0]) * k]

    in_threads([compared(f, (0.5 + i,)) for i in range(6)])


def test_threads_trace_one_code_with_globals_of_their_own(monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    kernels.clear()
    code = compile("def f(t, y): return -k * y * (mode + 1)", "<made>", "exec")
    functions = []
    for i in range(6):
        scope = {"k": 0.5 + i, "mode": i % 2}
        exec(code, scope)
        functions.append(scope["f"])
    in_threads([compared(f) for f in functions])


def test_threads_trace_different_functions(monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    kernels.clear()
    made = []
    for i in range(6):
        scope = {"np": np}
        exec(f"def f(t, y):\n    d = y * {i}.5\n    d[{i % 2}] -= np.cos(t)\n    return -d", scope)
        made.append(scope["f"])
    in_threads([compared(f) for f in made])
