"""solve_ensemble: each trajectory against solve_ivp, and with itself in other company."""

import os
import pickle
import signal
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from diffsol import solve_ensemble
from diffsol._ensemble import native, programs, traced
from diffsol._ensemble.batch import batch_of
from diffsol._methods.registry import METHODS
from diffsol.errors import CompilationWarning, MismatchWarning, NotCompiledError
from diffsol.integrate import solve_ivp

RHO = np.random.default_rng(1).uniform(0.0, 24.0, 50)


def lorenz(t, y, rho):
    a, b, c = y
    return [10.0 * (b - a), a * (rho - c) - b, a * b - 8.0 / 3.0 * c]


def rising(t, y, rho):
    return y[0] - 3.0


rising.direction = 1


def third_time(t, y, rho):
    return y[1] - 3.0


third_time.terminal = 3

SWEEP = {"args": (RHO,), "args_axes": 0, "rtol": 1e-6, "atol": 1e-9}


def sweep(**options):
    return solve_ensemble(lorenz, (0, 5), [1.0, 1.0, 1.0], **(SWEEP | options))


def alone(i, **options):
    return solve_ivp(
        lorenz, (0, 5), [1.0, 1.0, 1.0], args=(RHO[i],), rtol=1e-6, atol=1e-9, **options
    )


def same(one, other):
    for name, values in one._outcome.arrays().items():
        np.testing.assert_array_equal(values, getattr(other._outcome, name), err_msg=name)


@pytest.mark.parametrize("method", ["RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA"])
def test_trajectories_are_those_of_solve_ivp(method, monkeypatch):
    if (
        method not in native.IN_LANES
    ):  # an exact Jacobian that joins on the way would make it other steps
        monkeypatch.setenv("DIFFSOL_JIT", "0")
    some = slice(0, 8)
    sol = solve_ensemble(
        lorenz,
        (0, 5),
        [1.0, 1.0, 1.0],
        (RHO[some],),
        args_axes=0,
        method=method,
        rtol=1e-6,
        atol=1e-9,
    )
    assert sol.y.shape == (8, 3)
    for i in range(8):
        wanted = alone(i, method=method)
        assert sol.n_steps[i] == wanted.t.size - 1
        assert sol.nfev[i] == wanted.nfev
        np.testing.assert_allclose(sol.y[i], wanted.y[:, -1], rtol=1e-9)


def test_rodas5p_agrees_with_the_other_stiff_methods():
    def robertson(t, y, k):
        slow, fast = 0.04 * k * y[0], 1e4 * y[1] * y[2]
        return [fast - slow, slow - fast - 3e7 * y[1] ** 2, 3e7 * y[1] ** 2]

    k = np.array([0.5, 1.0, 2.0])
    options = {"args_axes": 0, "rtol": 1e-7, "atol": [1e-10, 1e-14, 1e-10]}
    sol = solve_ensemble(robertson, (0, 1e4), [1.0, 0.0, 0.0], (k,), method="Rodas5P", **options)
    assert sol.stats["tier"] == "lanes"
    wanted = solve_ensemble(robertson, (0, 1e4), [1.0, 0.0, 0.0], (k,), method="Radau", **options)
    np.testing.assert_allclose(sol.y, wanted.y, rtol=1e-5)
    assert (sol.n_steps < 300).all()


def test_output_times_and_events():
    times = np.linspace(0, 5, 21)
    sol = sweep(t_eval=times, events=[rising, third_time])
    assert sol.y.shape == (50, 3, 21)
    ended = 0
    for i in range(50):
        wanted = alone(i, t_eval=times, events=[rising, third_time])
        assert sol.status[i] == wanted.status
        ended += wanted.status
        one = sol[i]
        np.testing.assert_array_equal(one.t, wanted.t)
        np.testing.assert_allclose(one.y, wanted.y, rtol=1e-8, atol=1e-12)
        for k in range(2):
            assert sol.event_counts[i, k] == wanted.t_events[k].size
            np.testing.assert_allclose(one.t_events[k], wanted.t_events[k], rtol=1e-9)
            np.testing.assert_allclose(
                one.y_events[k], wanted.y_events[k].reshape(-1, 3), rtol=1e-8
            )
        assert np.isnan(sol.y[i, :, wanted.t.size :]).all()
    assert 0 < ended < 50  # some ended by an event, and not all


def test_events_beyond_the_room_are_counted():
    sol = sweep(events=rising, max_events=1)
    full = sweep(events=rising)
    np.testing.assert_array_equal(sol.event_counts, full.event_counts)
    assert sol.event_counts.max() > 1
    np.testing.assert_array_equal(sol.t_events[0][:, 0], full.t_events[0][:, 0])


def test_the_same_bits_in_any_company():
    whole = sweep()
    assert whole.stats["tier"] == "lanes"
    for threads in (1, 3):
        same(sweep(threads=threads), whole)
    order = np.random.default_rng(2).permutation(50)
    other = sweep(args=(RHO[order],))
    np.testing.assert_array_equal(other.y, whole.y[order])
    np.testing.assert_array_equal(sweep(args=(RHO[17:18],)).y[0], whole.y[17])


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_the_same_bits_in_any_number_of_lanes(width, monkeypatch):
    if width > native.lanes():
        pytest.skip("this processor has no registers for so many")
    times, whole = np.linspace(0, 5, 7), sweep(t_eval=np.linspace(0, 5, 7))
    monkeypatch.setattr(native, "lanes", lambda: width)
    same(sweep(t_eval=times), whole)


class TestStagesInOne:
    """The kernel of all stages of a trial, which large ensembles get."""

    @pytest.fixture(params=["called", "in one"])
    def stages(self, request, monkeypatch):
        table = {
            "called": lambda *given: None,
            "in one": lambda fun, size, method: METHODS[method].table,
        }
        monkeypatch.setattr(native, "_table_in_one", table[request.param])
        return request.param

    def both(self, monkeypatch, **options):
        found = []
        for table in (lambda *given: None, lambda fun, size, method: METHODS[method].table):
            monkeypatch.setattr(native, "_table_in_one", table)
            found.append(sweep(**options))
        return found

    @pytest.mark.parametrize("method", ["RK23", "RK45", "DOP853"])
    @pytest.mark.parametrize("width", [1, 4])
    def test_the_same_bits(self, method, width, monkeypatch):
        if width > native.lanes():
            pytest.skip("this processor has no registers for so many")
        monkeypatch.setattr(native, "lanes", lambda: width)
        same(*self.both(monkeypatch, method=method, t_eval=np.linspace(0, 5, 9), events=rising))

    def test_functions_of_time_and_of_tables(self, monkeypatch):
        x, table = np.linspace(0, 5, 11), np.sin(np.arange(11.0))

        def fun(t, y, k):
            return [np.interp(t, x, table) - k * y[0], np.exp(-y[1]) * np.sin(t)]

        found = []
        for choose in (lambda *given: None, lambda fun, size, method: METHODS[method].table):
            monkeypatch.setattr(native, "_table_in_one", choose)
            found.append(solve_ensemble(fun, (0, 5), [1.0, 0.5], (RHO,), args_axes=0))
        same(*found)

    def test_what_it_cannot_answer_is_asked_of_python(self, stages):
        table = np.arange(4.0)

        def fun(t, y, i):
            return [table[int(i + t)] - y[0]]

        sol = solve_ensemble(fun, (0, 1), [0.0], (np.array([0.0, 1.0]),), args_axes=0)
        for k in range(2):
            wanted = solve_ivp(fun, (0, 1), [0.0], args=(float(k),))
            np.testing.assert_allclose(sol.y[k], wanted.y[:, -1], rtol=1e-9)

    def test_large_ensembles_get_it(self):
        given = programs.programs_of(lorenz, (), batch_of((0, 5), [1.0] * 3, (RHO,), 0), False)[
            0
        ].fun
        assert native._table_in_one(given, 100, "RK45") is None
        assert native._table_in_one(given, 10**6, "RK45") is METHODS["RK45"].table
        assert native._table_in_one(given, 10**6, "Rodas5P") is None


class TestWhatDiffers:
    def test_initial_states(self):
        y0 = np.random.default_rng(3).normal(size=(9, 3))
        sol = solve_ensemble(lorenz, (0, 2), y0, (10.0,))
        for i in range(9):
            wanted = solve_ivp(lorenz, (0, 2), y0[i], args=(10.0,))
            np.testing.assert_allclose(sol.y[i], wanted.y[:, -1], rtol=1e-9)

    def test_intervals(self):
        ends = np.array([0.5, 1.0, -2.0, 0.0])
        sol = solve_ensemble(lambda t, y: -y, (0.0, ends), [1.0], rtol=1e-8, atol=1e-10)
        np.testing.assert_array_equal(sol.t_final, ends)
        np.testing.assert_allclose(sol.y[:, 0], np.exp(-ends), rtol=1e-7)

    def test_arguments_of_every_kind(self):
        def fun(t, y, k, shared, matrix, count, flag):
            r = k * (matrix @ y) + shared * (count // 2)
            return -r if flag else r

        rng = np.random.default_rng(4)
        k, matrix = rng.normal(size=6), rng.normal(size=(6, 2, 2))
        count, flag = np.arange(6), np.array([True, False] * 3)
        sol = solve_ensemble(
            fun, (0, 1), [1.0, 2.0], (k, 0.5, matrix, count, flag), args_axes=(0, None, 0, 0, 0)
        )
        assert sol.stats["tier"] == "lanes"
        for i in range(6):
            args = (k[i], 0.5, matrix[i], count[i], flag[i])
            wanted = solve_ivp(fun, (0, 1), [1.0, 2.0], args=args)
            np.testing.assert_allclose(sol.y[i], wanted.y[:, -1], rtol=1e-9)

    def test_shared_arguments_may_change_without_compiling_anew(self):
        def fun(t, y, a, k):
            return -a * k * y

        k = np.array([1.0, 2.0])
        for a in (1.0, 3.0):
            sol = solve_ensemble(
                fun, (0, 1), [1.0], (a, k), args_axes=(None, 0), rtol=1e-8, atol=1e-10
            )
            np.testing.assert_allclose(sol.y[:, 0], np.exp(-a * k), rtol=1e-7)
        (known,) = (v for key, v in traced._known.items() if key[0] is fun.__code__)
        assert len(known.variants) == 1


def test_what_a_function_reads_from_outside_is_read_at_each_call():
    rate = {"k": 1.0}

    def fun(t, y):
        return -rate["k"] * y

    y0 = np.ones((3, 1))
    for rate["k"] in (1.0, 2.0):
        sol = solve_ensemble(fun, (0, 1), y0, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(sol.y, np.exp(-rate["k"]), rtol=1e-7)


class TestFailing:
    def test_others_go_on(self):
        def fun(t, y, k):
            return k * y**2  # infinite at t = 1 / k

        k = np.array([0.5, 2.0, 0.1, 5.0, -1.0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sol = solve_ensemble(fun, (0, 1), [1.0], (k,), args_axes=0, rtol=1e-8)
        np.testing.assert_array_equal(sol.status, [0, -1, 0, -1, 0])
        np.testing.assert_array_equal(sol.success, sol.status == 0)
        np.testing.assert_allclose(sol.t_final[[1, 3]], [0.5, 0.2], rtol=1e-3)
        np.testing.assert_allclose(sol.y[[0, 2, 4], 0], 1 / (1 - k[[0, 2, 4]]), rtol=1e-6)

    def test_max_steps(self):
        sol = sweep(max_steps=20)
        assert (sol.status == -2).all()
        assert (sol.n_steps == 20).all()

    def test_what_a_kernel_cannot_answer_is_asked_of_python(self):
        table = np.arange(4.0)

        def fun(t, y, i):
            return [table[int(i + t)] - y[0]]  # beyond the table from t = 4 - i on

        i = np.array([0.0, 1.0, 3.5])
        with pytest.raises(IndexError):
            solve_ensemble(fun, (0, 1), [0.0], (i,), args_axes=0)
        sol = solve_ensemble(fun, (0, 1), [0.0], (i[:2],), args_axes=0)
        for k in range(2):
            wanted = solve_ivp(fun, (0, 1), [0.0], args=(i[k],))
            np.testing.assert_allclose(sol.y[k], wanted.y[:, -1], rtol=1e-9)

    @pytest.mark.filterwarnings("ignore::diffsol.errors.CompilationWarning")
    def test_exceptions_of_the_function_come_out(self):
        def fun(t, y, k):
            raise KeyError("no such thing")

        with pytest.raises(KeyError):
            solve_ensemble(fun, (0, 1), [1.0], (RHO,), args_axes=0)


class TestOneByOne:
    def test_a_function_with_effects_is_called_as_python(self):
        calls = []

        def fun(t, y, k):
            calls.append(t)
            return -k * y

        with pytest.warns(CompilationWarning, match=r"'.*fun' is not compiled: .*one by one"):
            sol = solve_ensemble(fun, (0, 1), [1.0], (RHO[:4],), args_axes=0)
        assert sol.stats["tier"] == "one by one"
        assert len(calls) == sol.nfev.sum()

    def test_rodas5p_needs_a_compiled_function(self):
        def fun(t, y, k):
            print(end="")
            return -k * y

        with pytest.raises(NotCompiledError, match="method Rodas5P"):
            solve_ensemble(fun, (0, 1), [1.0], (RHO[:4],), args_axes=0, method="Rodas5P")

    def test_require(self, monkeypatch):
        monkeypatch.setenv("DIFFSOL_JIT", "require")
        with pytest.raises(NotCompiledError, match="DIFFSOL_JIT=require"):
            solve_ensemble(
                lambda t, y, k: print(end="") or y, (0, 1), [1.0], (RHO[:4],), args_axes=0
            )

    def test_switched_off(self, monkeypatch):
        monkeypatch.setenv("DIFFSOL_JIT", "0")
        with pytest.raises(NotCompiledError, match="DIFFSOL_JIT=0 is set"):
            sweep(method="Rodas5P")
        sol = sweep(args=(RHO[:4],))
        assert sol.stats["tier"] == "one by one"
        monkeypatch.delenv("DIFFSOL_JIT")
        np.testing.assert_allclose(sol.y, sweep(args=(RHO[:4],)).y, rtol=1e-9)

    @pytest.mark.filterwarnings("ignore::diffsol.errors.CompilationWarning")
    def test_complex_states(self):
        sol = solve_ensemble(
            lambda t, y, k: 1j * k * y, (0, 1), [1.0 + 0j], (RHO[:3],), args_axes=0, rtol=1e-8
        )
        np.testing.assert_allclose(sol.y[:, 0], np.exp(1j * RHO[:3]), rtol=1e-5)

    def test_a_wrong_kernel_is_not_used(self, monkeypatch):
        find = programs.programs_of

        def wrong(fun, *rest):
            return find(lambda t, y, rho: [1.0, 2.0, 3.0], *rest)

        monkeypatch.setattr("diffsol._ensemble.plan.programs_of", wrong)
        with pytest.warns(MismatchWarning):
            sol = sweep(args=(RHO[:2],))
        np.testing.assert_allclose(sol.y[0], alone(0).y[:, -1], rtol=1e-9)


class TestReviewed:
    """What reviews have found."""

    @pytest.mark.parametrize("how", [{"over": "raise"}, {"invalid": "raise"}, {"under": "warn"}])
    @pytest.mark.filterwarnings("ignore::diffsol.errors.CompilationWarning")
    def test_errstate_that_raises_is_kept_to(self, how):
        def fun(t, y, k):
            return -y + np.exp(k * 1000.0) * 0.0

        with np.errstate(**how):
            if "under" in how:
                sol = solve_ensemble(fun, (0, 1), [1.0], (np.array([0.0]),), args_axes=0)
                assert sol.stats["tier"] == "one by one"
            else:
                with pytest.raises(FloatingPointError):
                    solve_ensemble(fun, (0, 1), [1.0], (np.array([1.0]),), args_axes=0)

    @pytest.mark.filterwarnings("ignore::diffsol.errors.CompilationWarning")
    def test_complex_chunks(self):
        k = np.linspace(0, 1, 30)
        with ThreadPoolExecutor(1) as executor:
            sol = solve_ensemble(
                lambda t, y, k: 1j * k * y, (0, 1), [1.0 + 0j], (k,), args_axes=0, executor=executor,
                chunk=10, rtol=1e-8,
            )  # fmt: skip
        np.testing.assert_allclose(sol.y[:, 0], np.exp(1j * k), rtol=1e-5)
        with pytest.raises(ValueError, match="real states only"):
            solve_ensemble(lambda t, y: y, (0, 1), [[1j]], reduce="var")

    @pytest.mark.parametrize("method", ["RK45", "BDF", "LSODA"])
    @pytest.mark.parametrize("events", [None, lambda t, y: y[0] - 0.5])
    def test_intervals_of_no_length(self, method, events):
        sol = solve_ensemble(
            lambda t, y: -y,
            (0.0, np.array([0.0, 1.0])),
            [1.0],
            method=method,
            events=events,
            rtol=1e-8,
        )
        np.testing.assert_allclose(sol.y[:, 0], [1.0, np.exp(-1)], rtol=1e-4)
        np.testing.assert_array_equal(sol.status, 0)
        at_start = solve_ensemble(lambda t, y: -y, (1.0, 1.0), [[2.0]], method=method, t_eval=[1.0])
        np.testing.assert_array_equal(at_start.y, [[[2.0]]])

    def test_a_trajectory_that_rodas5p_cannot_answer_for(self):
        def fun(t, y, k):
            if y[0] < k:
                raise ValueError("below")
            return -y

        with pytest.raises(ValueError, match="below"):
            solve_ensemble(
                fun, (0, 5), [1.0], (np.array([0.5, -1.0]),), args_axes=0, method="Rodas5P"
            )
        sol = solve_ensemble(
            fun, (0, np.array([0.0, 1.0])), [1.0], (np.array([-1.0, -1.0]),), args_axes=0,
            method="Rodas5P", events=lambda t, y, k: y[0] - 0.5,
        )  # fmt: skip
        np.testing.assert_allclose(sol.y[:, 0], [1.0, np.exp(-1)], rtol=1e-2)

    def test_too_many_components_for_rodas5p(self):
        with pytest.raises(ValueError, match="at most 32 components, not 33"):
            solve_ensemble(lambda t, y: -y, (0, 1), np.ones((2, 33)), method="Rodas5P")

    @pytest.mark.parametrize("method", ["RK45", "BDF"])
    def test_nan_among_the_times_is_passed_over(self, method):
        sol = sweep(args=(RHO[:2],), t_eval=[0.0, np.nan, 0.5, 1.0], method=method)
        wanted = sweep(args=(RHO[:2],), t_eval=[0.0, 0.5, 1.0], method=method)
        np.testing.assert_allclose(sol.y, wanted.y, rtol=1e-8)

    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    @pytest.mark.parametrize("switch", ["0", "1"])
    def test_times_of_a_trajectory_whose_first_step_fails(self, switch, monkeypatch):
        monkeypatch.setenv("DIFFSOL_JIT", switch)
        sol = solve_ensemble(
            lambda t, y, k: k * np.sqrt(y - 5.0), (0, 1), [1.0], (np.array([1.0]),), args_axes=0,
            t_eval=[0.0, 1.0],
        )  # fmt: skip
        assert sol.status[0] == -1
        assert not sol[0].t.size  # as SciPy
        assert np.isnan(sol.y).all()

    @pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
    @pytest.mark.parametrize("method", ["RK45", "BDF"])
    def test_impatient_ctrl_c(self, method):
        k = np.full(50_000, 28.0)
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        threads = threading.active_count()
        try:
            for _ in range(5):
                signal.setitimer(signal.ITIMER_REAL, 0.1, 0.002)
                try:
                    with pytest.raises(KeyboardInterrupt):
                        solve_ensemble(
                            lorenz, (0, 200), [1.0] * 3, (k,), args_axes=0, method=method, threads=2
                        )
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            pass  # one more, on the way out
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        until = time.monotonic() + 10  # one that is left behind ends by itself, and harms nobody
        while threading.active_count() > threads and time.monotonic() < until:
            time.sleep(0.01)
        assert threading.active_count() <= threads


class TestReduce:
    N = 9000

    def reduced(self, what, chunk=4096, **options):
        k = np.random.default_rng(5).uniform(0.1, 3.0, self.N)
        options = {"rtol": 1e-4, "args_axes": 0} | options
        fun, start = (lambda t, y, k: [-k * y[0], k]), [1.0, -2.0]
        return (
            solve_ensemble(fun, (0, 2), start, (k,), reduce=what, chunk=chunk, **options),
            solve_ensemble(fun, (0, 2), start, (k,), **options),
        )

    @pytest.mark.parametrize("times", [None, np.linspace(0, 2, 5)])
    def test_statistics(self, times):
        found, full = self.reduced(("mean", "var", "min", "max", "quantiles"), t_eval=times)
        assert (found.count, found.size, found.status) == (self.N, self.N, {0: self.N})
        np.testing.assert_allclose(found.mean, full.y.mean(0), rtol=1e-12)
        np.testing.assert_allclose(found.var, full.y.var(0, ddof=1), rtol=1e-10, atol=1e-30)
        np.testing.assert_array_equal(found.min, full.y.min(0))
        np.testing.assert_array_equal(found.max, full.y.max(0))
        for q in (0.0, 0.1, 0.5, 0.99, 1.0):
            exact = np.quantile(full.y, q, axis=0, method="lower")
            np.testing.assert_allclose(found.quantiles(q), exact, rtol=0.0101)

    def test_the_same_bits_in_other_chunks(self):
        first, _ = self.reduced(("mean", "var"))
        second, _ = self.reduced(("mean", "var"), chunk=8192, threads=1)
        np.testing.assert_array_equal(first.mean, second.mean)
        np.testing.assert_array_equal(first.var, second.var)

    def test_a_function_of_chunks(self):
        found, full = self.reduced(lambda chunk: (len(chunk), chunk.y.sum(0)))
        assert [n for n, _ in found.results] == [4096, 4096, 808]
        np.testing.assert_allclose(sum(s for _, s in found.results), full.y.sum(0), rtol=1e-12)
        found = solve_ensemble(
            decay, (0, 1), [1.0], (np.ones(9000),), args_axes=0, reduce=len, chunk=5000
        )
        assert found.results == [5000, 4000]

    def test_those_that_failed_are_left_out(self):
        k = np.array([0.5, 2.0, 0.1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = solve_ensemble(
                lambda t, y, k: k * y**2, (0, 1), [1.0], (k,), args_axes=0, rtol=1e-8, reduce="mean"
            )
        assert (found.count, found.status) == (2, {-1: 1, 0: 2})
        np.testing.assert_allclose(found.mean, np.mean([2.0, 1 / 0.9]), rtol=1e-6)

    def test_places_that_some_did_not_reach(self):
        def ground(t, y, v):
            return y[0]

        ground.terminal, ground.direction = True, -1
        v = np.array([1.0, 10.0])
        found = solve_ensemble(
            lambda t, y, v: [v - 9.81 * t], (0, 1), [0.1], (v,), args_axes=0, events=ground,
            t_eval=[0.1, 0.9], reduce=("mean", "var"),
        )  # fmt: skip
        heights = 0.1 + v * 0.9 - 9.81 * 0.9**2 / 2
        assert heights[0] < 0
        np.testing.assert_allclose(found.mean[0, 1], heights[1], rtol=1e-3)
        assert np.isnan(found.var[0, 1])


class TestPythonIsCalledByOneThread:
    """A function that is not compiled may use what is not for two."""

    def solve(self, fun, **options):
        seen = set()

        def looked(t, y, k):
            seen.add(threading.get_ident())
            return fun(t, y, k)

        solve_ensemble(looked, (0, 1), [1.0], (RHO,), args_axes=0, threads=4, **options)
        return seen

    @pytest.mark.filterwarnings("ignore::diffsol.errors.CompilationWarning")
    @pytest.mark.parametrize("method", ["RK45", "BDF", "LSODA"])
    def test_whatever_the_method(self, method):
        assert len(self.solve(decay, method=method)) == 1

    def test_an_event(self):
        seen = set()

        def event(t, y, k):
            seen.add(threading.get_ident())
            return y[0] - 0.5

        with pytest.warns(CompilationWarning, match="an event function is not compiled"):
            solve_ensemble(decay, (0, 1), [1.0], (RHO,), args_axes=0, threads=4, events=event)
        assert len(seen) == 1


def die(*given):
    os.kill(os.getpid(), signal.SIGKILL)


class TestExecutors:
    BIG = np.random.default_rng(6).uniform(0.0, 2.0, 9000)

    def solve(self, **options):
        return solve_ensemble(decay, (0, 1), [1.0], (self.BIG,), args_axes=0, chunk=4096, **options)

    @pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
    def test_workers(self, kind):
        with kind(2) as executor:
            same(self.solve(executor=executor), self.solve())
            found = self.solve(executor=executor, reduce="mean")
        np.testing.assert_array_equal(found.mean, self.solve(reduce="mean").mean)

    def test_a_killed_worker_loses_nothing(self):
        with ProcessPoolExecutor(2) as executor:
            executor.submit(die).exception(timeout=60)
            with pytest.warns(RuntimeWarning, match="its worker failed"):
                same(self.solve(executor=executor), self.solve())

    def test_an_executor_that_was_shut_down(self):
        executor = ThreadPoolExecutor(1)
        executor.shutdown()
        with pytest.warns(RuntimeWarning, match="takes no tasks"):
            same(self.solve(executor=executor), self.solve())

    def test_the_payload_is_the_graph(self):
        sent = []

        class Remembers(ThreadPoolExecutor):
            def submit(self, fn, *args):
                sent.append(pickle.dumps((fn, args[0])))
                return super().submit(fn, *args)

        with Remembers(1) as executor:
            self.solve(executor=executor)
        assert all(len(payload) < 5000 for payload in sent)
        assert b"decay" not in sent[0]

    def test_what_workers_cannot_answer_is_asked_here(self):
        table = np.arange(4.0)

        def fun(t, y, i):
            return [table[int(i + t)] - y[0]]

        i = np.linspace(0, 3.5, 5000)
        with ThreadPoolExecutor(1) as executor:
            some = solve_ensemble(fun, (0, 0.4), [0.0], (i,), args_axes=0, executor=executor)
            with pytest.raises(IndexError):
                solve_ensemble(fun, (0, 1), [0.0], (i,), args_axes=0, executor=executor)
        same(some, solve_ensemble(fun, (0, 0.4), [0.0], (i,), args_axes=0))


def decay(t, y, k):
    return -k * y


def test_progress():
    told = []
    k = np.random.default_rng(7).uniform(0, 20, 20_000)
    solve_ensemble(
        lorenz, (0, 5), [1.0, 1.0, 1.0], (k,), args_axes=0, rtol=1e-8, progress=told.append
    )
    assert (told[-1].n_done, told[-1].size, told[-1].over) == (20_000, 20_000, True)
    done = [p.n_done for p in told]
    assert done == sorted(done)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
@pytest.mark.parametrize("method", ["BDF", "LSODA"])
def test_ctrl_c_among_threads_that_free_their_solvers(method):
    k = np.full(20_000, 28.0)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for _ in range(10):
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                solve_ensemble(
                    lorenz, (0, 200), [1.0, 1.0, 1.0], (k,), args_axes=0, method=method, threads=2
                )
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
def test_ctrl_c():
    k = np.full(1_000_000, 28.0)
    begun = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            solve_ensemble(lorenz, (0, 1000), [1.0, 1.0, 1.0], (k,), args_axes=0, rtol=1e-8)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.perf_counter() - begun < 30
    assert threading.active_count() < 20
    sweep()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"method": "Euler"}, ValueError, "`method` must be one of"),
        ({"device": "tpu"}, ValueError, "`device` must be"),
        ({"args_axes": (0, 0)}, ValueError, "`args_axes` must be"),
        ({"args": (3.0,)}, ValueError, r"`args\[0\]` has `args_axes` 0"),
        ({"args": (RHO[:4],), "y0": np.ones((3, 3))}, ValueError, "do not agree: `y0` 3, `args"),
        ({"y0": np.ones((1, 1, 3))}, ValueError, "`y0` must have the shape"),
        ({"y0": [np.nan, 1, 1]}, ValueError, "`y0` must be finite"),
        ({"y0": ["a", "b", "c"]}, TypeError, "`y0` must hold numbers"),
        ({"t_eval": [1.0, 0.5]}, ValueError, "not properly sorted"),
        ({"t_eval": [9.0]}, ValueError, "not within"),
        ({"atol": -1.0}, ValueError, "`atol` must be positive"),
        ({"first_step": 100.0}, ValueError, "exceeds bounds"),
        ({"max_step": 0.0}, ValueError, "`max_step` must be positive"),
        ({"max_steps": 0}, ValueError, "`max_steps` must be"),
        ({"max_events": -1}, ValueError, "`max_events` must be"),
        ({"threads": 0}, ValueError, "`threads` must be"),
        ({"chunk": 1.5, "reduce": "mean"}, ValueError, "`chunk` must be"),
        ({"reduce": "median"}, ValueError, "`reduce` must be"),
        ({"reduce": []}, ValueError, "`reduce` must be"),
        ({"reduce": 3}, ValueError, "`reduce` must be"),
        ({"args_axes": None}, ValueError, "Nothing differs .* Give `args_axes=0`"),
        ({"args_axes": 1}, ValueError, "`args_axes` must be"),
        ({"args": (RHO[:0],)}, ValueError, "There are no trajectories"),
        ({"args": RHO[:3]}, ValueError, "`args` itself must be a tuple"),
        ({"t_span": 2}, ValueError, "`t_span` must have two"),
        ({"chunk": "a", "reduce": "mean"}, ValueError, "`chunk` must be"),
        ({"threads": "a"}, ValueError, "`threads` must be"),
        ({"first_step": [0.1, 0.2]}, ValueError, "`first_step` must be one number"),
        ({"executor": 3}, TypeError, "`executor` must be"),
        ({"progress": "yes"}, TypeError, "`progress` must be"),
        ({"events": "x"}, TypeError, "`events` must be"),
        ({"t_span": (0, 1, 2)}, ValueError, "`t_span` must have two"),
        ({"t_span": (-np.inf, 0)}, ValueError, r"`t_span\[0\]` must be finite"),
        ({"t_span": (0, np.nan)}, ValueError, r"`t_span\[1\]` not be nan"),
    ],
)
def test_bad_arguments(options, error, words):
    given = {"t_span": (0, 5), "y0": [1.0, 1.0, 1.0]} | SWEEP | options
    with pytest.raises(error, match=words):
        solve_ensemble(lorenz, **given)


def test_repr_tells_how_they_ended():
    assert "50 trajectories of 3 components" in repr(sweep())
    assert "20 times" in repr(sweep(t_eval=np.linspace(0, 5, 20)))


def test_times_of_a_table():
    """A column of pandas has a `get`, too, which is not that of an array on a GPU."""

    class Column:
        def __array__(self, dtype=None, copy=None):
            return np.array([0.5, 1.0], dtype)

        def get(self, key):
            raise AssertionError

    found = solve_ensemble(lambda t, y: -y, (0, 1), np.ones((3, 2)), t_eval=Column())
    np.testing.assert_array_equal(found.t, [0.5, 1.0])
