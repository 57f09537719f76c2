"""A solve among other things that a process does: pools, threads, signals, memory, the end of the process."""

import concurrent.futures
import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import diffsol
from diffsol._engine import kernels
from diffsol.integrate import OdeSolution, solve_ivp

# They measure, or take the machine: one after the other.
pytestmark = pytest.mark.xdist_group("machine")

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
LINUX = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="asks Linux for memory")


def lorenz(t, y, s, r, b):
    return [s * (y[1] - y[0]), y[0] * (r - y[2]) - y[1], y[0] * y[1] - b * y[2]]


def one(r):
    return solve_ivp(lorenz, (0, 2), [1.0, 1.0, 1.0], args=(10.0, r, 8 / 3)).y[:, -1].tolist()


# --- processes ---------------------------------------------------------------------------------------


POOLS = """
import concurrent.futures, multiprocessing, sys
from diffsol.integrate import solve_ivp

def lorenz(t, y, s, r, b):
    return [s * (y[1] - y[0]), y[0] * (r - y[2]) - y[1], y[0] * y[1] - b * y[2]]

def one(r):
    return solve_ivp(lorenz, (0, 2), [1.0, 1.0, 1.0], args=(10.0, r, 8 / 3)).y[:, -1].tolist()

if __name__ == "__main__":
    rates = [20.0, 24.0, 28.0, 32.0]
    wanted = [one(r) for r in rates]
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        assert pool.map(one, rates) == wanted
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        assert list(pool.map(one, rates)) == wanted
"""


@pytest.mark.parametrize("start", multiprocessing.get_all_start_methods())
def test_pools(start, tmp_path):
    """Of workers that inherit kernels, and of such that start with nothing."""
    script = tmp_path / "pools.py"
    script.write_text(POOLS)
    subprocess.run(
        [sys.executable, str(script), start],
        check=True,
        timeout=120,
        env=os.environ | {"DIFFSOL_JIT": "require"},
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_fork_while_another_thread_compiles():
    """The child finds locks that nobody will ever release: it must not wait for them."""
    script = """
        import faulthandler, os, threading, time
        import numpy as np
        import diffsol
        from diffsol.integrate import solve_ivp
        sines = "+".join(f"np.sin({i}.0 * y[{i % 3}])" for i in range(150))
        text = "def f{k}(t, y):\\n return [" + sines + ", y[0], y[1]]"
        scope = {"np": np}
        for k in range(40):
            exec(text.replace("{k}", str(k)), scope)
        # imported before, for Python itself leaves a child the locks of modules on their way
        explain, stop = diffsol.explain, False
        def compile_all():
            for k in range(40):
                if not stop: explain(scope[f"f{k}"], (0, 1), [1.0, 1.0, 1.0])
        thread = threading.Thread(target=compile_all)
        thread.start()
        children = []
        for k in range(8):
            time.sleep(0.05)
            pid = os.fork()
            if pid == 0:
                faulthandler.dump_traceback_later(20, exit=True)
                def g(t, y): return -y
                compiled = explain(g, (0, 1), [1.0]).compiled
                good = abs(solve_ivp(g, (0, 1), [1.0]).y[0, -1] - np.exp(-1)) < 1e-3
                os._exit(0 if compiled and good else 1)
            children.append(pid)
        codes = [os.waitpid(pid, 0)[1] for pid in children]
        stop = True
        thread.join()
        assert codes == [0] * 8, codes
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=60)


@pytest.mark.parametrize("doing", ["compiling", "solving", "solving in Python"])
def test_the_process_ends_meanwhile(doing):
    """A daemon thread is in the middle of something: the process ends all the same, and quietly."""
    script = """
        import os, sys, threading, time
        import numpy as np
        import diffsol
        from diffsol.integrate import solve_ivp
        doing = sys.argv[1]
        def f(t, y): return [y[1], -np.sin(y[0])]
        scope = {"np": np}
        sines = "+".join(f"np.sin({i}.5 * y[{i % 2}])" for i in range(900))
        exec("def g(t, y):\\n return [" + sines + ", y[0]]", scope)
        begun = threading.Event()
        def work():
            if doing == "compiling":
                begun.set()
                diffsol.explain(scope["g"], (0, 1), [1.0, 0.0])
            else:
                os.environ["DIFFSOL_JIT"] = "0" if doing.endswith("Python") else "require"
                solve_ivp(f, (0, 1e9), [1.0, 0.0], t_eval=[1e9], callback=lambda t, y: begun.set())
        threading.Thread(target=work, daemon=True).start()
        begun.wait()
        time.sleep(0.1)
        print("end")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), doing],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


# --- threads -----------------------------------------------------------------------------------------


def test_compiled_solves_leave_other_threads_alone(monkeypatch):
    """While two threads solve, a third goes on: nobody holds the interpreter's lock."""
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    one(28.0)
    over, ticks = threading.Event(), []

    def solve():
        solve_ivp(
            lorenz, (0, 1e9), [1.0, 1.0, 1.0], args=(10.0, 28.0, 8 / 3), t_eval=[1e9], deadline=1.0
        )

    def tick():
        while not over.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    ticker = threading.Thread(target=tick)
    solvers = [threading.Thread(target=solve) for _ in range(2)]
    for thread in (ticker, *solvers):
        thread.start()
    for thread in solvers:
        thread.join()
    over.set()
    ticker.join()
    assert len(ticks) > 50  # some hundred; with the lock held for whole slices, twenty


def test_threads_and_limits_of_their_own(monkeypatch):
    """Observers belong to the thread that opened them."""

    class Counter:
        ended = 0

        def on_end(self, stats):
            self.ended += 1

    def work(count):
        with diffsol.observe(Counter()) as counter:
            for _ in range(count):
                one(28.0)
        return counter.ended

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(8))) == list(range(8))


# --- signals, exceptions, generators ---------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers of POSIX")
@pytest.mark.parametrize("switch", ["0", "require"])
@pytest.mark.parametrize("method", ["RK45", "BDF", "LSODA"])
def test_signal_handlers_run_and_may_raise(switch, method, monkeypatch):
    """Also such as solve something themselves."""
    monkeypatch.setenv("DIFFSOL_JIT", switch)
    called = []

    def handler(number, frame):
        called.append(one(24.0))
        if len(called) == 3:
            raise TimeoutError("enough")

    wanted = one(24.0)
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
    try:
        with pytest.raises(TimeoutError, match="enough"):
            solve_ivp(
                lorenz, (0, 1e9), [1.0, 1.0, 1.0], method, args=(10.0, 28.0, 8 / 3), t_eval=[1e9]
            )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert called == [wanted] * 3


def test_generators_inside_fun():
    values = iter(np.linspace(0.0, 1.0, 10_000))

    def fun(t, y):
        return -y + next(values)

    sol = solve_ivp(fun, (0, 1), [1.0])
    assert sol.nfev == round(next(values) * 9999)


def test_solves_inside_solves(monkeypatch):
    """In the function, in an event and in a callback, by the same and by other methods."""
    depth = []

    def fun(t, y):
        if len(depth) < 3:
            depth.append(t)
            method = ("BDF", "RK45", "LSODA")[len(depth) - 1]
            inner = solve_ivp(fun, (0, 0.1), y, method=method)
            depth.pop()
            return inner.y[:, -1] - y
        return -y

    monkeypatch.setenv("DIFFSOL_JIT", "0")
    sol = solve_ivp(
        fun,
        (0, 0.2),
        [1.0],
        events=lambda t, y: one(28.0)[0],
        callback=lambda t, y: one(24.0),
    )
    assert sol.success
    assert depth == []


# --- pickles ------------------------------------------------------------------------------------------


def test_pickles():
    kernels.clear()
    told = diffsol.explain(lorenz, (0, 1), [1.0, 1.0, 1.0], (10.0, 28.0, 8 / 3), method="BDF")
    assert str(pickle.loads(pickle.dumps(told))) == str(told)
    sol = solve_ivp(lorenz, (0, 2), [1.0] * 3, args=(10.0, 28.0, 8 / 3), dense_output=True)
    again = pickle.loads(pickle.dumps(sol.sol))
    assert isinstance(again, OdeSolution)
    np.testing.assert_array_equal(again([0.5, 1.5]), sol.sol([0.5, 1.5]))
    assert pickle.loads(pickle.dumps(sol.stats)) == sol.stats


# --- memory -------------------------------------------------------------------------------------------


def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE


@LINUX
@pytest.mark.parametrize(("switch", "count"), [("0", 20_000), ("require", 100_000)])
def test_memory_of_many_solves(switch, count, monkeypatch, record_property):
    """Nothing is left of 10**5 small solves."""
    monkeypatch.setenv("DIFFSOL_JIT", switch)

    def decay(t, y):
        return -0.5 * y

    def solve(count):
        for _ in range(count):
            solve_ivp(decay, (0, 0.1), [1.0, 2.0])

    solve(5_000)
    before = resident()
    solve(count)
    grown = resident() - before
    record_property("bytes", grown)
    assert grown < 1_000_000


@LINUX
def test_memory_of_solves_of_every_kind(monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "require")

    def all_kinds():
        for method in ("RK23", "DOP853", "Radau", "BDF", "LSODA"):
            solve_ivp(
                lorenz,
                (0, 1),
                [1.0, 1.0, 1.0],
                method,
                args=(10.0, 28.0, 8 / 3),
                dense_output=True,
                events=lambda t, y, *args: y[0],
                callback=lambda t, y: None,
            )

    for _ in range(300):
        all_kinds()
    before = resident()
    for _ in range(1_000):
        all_kinds()
    assert resident() - before < 1_500_000


@LINUX
def test_memory_of_many_functions(monkeypatch):
    """Kernels of functions that are gone go, too, the oldest first."""
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    monkeypatch.setattr(kernels, "MAX_RECORDS", 64)
    kernels.clear()

    def compile_some(start, stop):
        for k in range(start, stop):
            scope = {}
            exec(f"def f(t, y): return -{k}.5 * y", scope)
            solve_ivp(scope["f"], (0, 0.01), [1.0])

    compile_some(0, 600)  # the decoded bytecode of 512 functions is kept
    before = resident()
    compile_some(600, 1000)
    assert resident() - before < 2_000_000
