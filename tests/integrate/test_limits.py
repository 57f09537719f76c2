"""Options that SciPy has not: max_steps, deadline, callback, progress; sol.stats; diffsol.observe."""

import logging
import pathlib
import pickle
import re
import time

import numpy as np
import pytest
import scipy.integrate

import diffsol
from diffsol.integrate import solve_ivp

METHODS = ("RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA")


def swing(t, y):
    return [y[1], -np.sin(y[0])]


SPAN, START = (0.0, 20.0), [1.0, 0.0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("output", [{}, {"t_eval": np.linspace(0, 20, 41)}, {"dense_output": True}])
class TestPartial:
    """Each limit ends the solve at a step of the full one, with all that was reached."""

    def check(self, part, method, output):
        full = solve_ivp(swing, SPAN, START, method=method, **output)
        count = part.t.size
        assert 0 < count < full.t.size
        np.testing.assert_allclose(part.t, full.t[:count], rtol=1e-9)
        np.testing.assert_allclose(part.y, full.y[:, :count], rtol=1e-6, atol=1e-9)
        assert part.y.shape == (2, count)
        if part.sol is not None:
            assert part.sol.t_max == part.t[-1]
            np.testing.assert_allclose(part.sol(part.t), part.y, rtol=1e-9, atol=1e-12)

    def test_max_steps(self, tier, method, output):
        part = solve_ivp(swing, SPAN, START, method=method, max_steps=9, **output)
        assert (part.status, part.success) == (-2, False)
        assert part.message == "The number of steps reached `max_steps`."
        assert part.stats.n_steps == 9
        self.check(part, method, output)

    def test_callback(self, tier, method, output):
        seen = []

        def callback(t, y):
            seen.append((t, y))
            if t > 5.0:
                raise StopIteration

        part = solve_ivp(swing, SPAN, START, method=method, callback=callback, **output)
        assert (part.status, part.success) == (2, True)
        assert part.message == "The callback ended the integration."
        self.check(part, method, output)
        full = solve_ivp(swing, SPAN, START, method=method)
        np.testing.assert_allclose([t for t, _ in seen], full.t[1 : len(seen) + 1], rtol=1e-9)
        for k, (_, y) in enumerate(seen):
            np.testing.assert_allclose(y, full.y[:, k + 1], rtol=1e-6, atol=1e-9)


@pytest.mark.xdist_group("machine")
@pytest.mark.parametrize("method", METHODS)
def test_deadline(tier, method):
    started = time.perf_counter()
    part = solve_ivp(swing, (0, 1e12), START, method=method, deadline=0.2)
    passed = time.perf_counter() - started
    assert 0.2 <= passed < 5.0  # a test machine may be slow; the clock is asked every slice
    assert (part.status, part.success) == (-3, False)
    assert part.message == "The time for the solve, `deadline`, was over."
    assert part.t[-1] > 0
    assert part.stats.n_steps == part.t.size - 1


@pytest.mark.xdist_group("machine")
@pytest.mark.parametrize("method", ["Radau", "BDF"])
def test_the_deadline_does_not_wait_for_all_columns_of_a_jacobian(method, monkeypatch):
    """A Jacobian by differences of a function that is slow there: 40 calls, of which some fit."""
    monkeypatch.setenv("DIFFSOL_JIT", "0")
    steps, columns, before = [], [], [np.zeros(40)]

    def fun(t, y):
        moved = np.count_nonzero(y != before[0])  # by the differences: this column and the last
        before[0] = y.copy()
        if steps and 0 < moved <= 2:
            columns.append(t)
            time.sleep(0.25)
        return 100 * np.sin(20 * t + y) * y - y**3

    def callback(t, y):
        steps.append(t)

    y0 = np.linspace(1, 2, 40)
    part = solve_ivp(fun, (0, 100), y0, method, deadline=2.0, callback=callback)
    assert part.status == -3
    assert 0 < len(columns) < 39
    assert part.t.size == len(steps) + 1
    assert part.y.shape == (40, part.t.size)


def test_limits_that_are_not_reached_change_nothing(tier):
    limits = {"max_steps": 10**6, "deadline": 100.0, "callback": lambda t, y: None}
    for method in METHODS:
        got = solve_ivp(swing, SPAN, START, method=method, **limits)
        wanted = solve_ivp(swing, SPAN, START, method=method)
        assert got.status == 0
        np.testing.assert_array_equal(got.t, wanted.t)
        np.testing.assert_array_equal(got.y, wanted.y)
        assert got.nfev == wanted.nfev


def test_max_steps_as_many_as_it_takes(tier):
    steps = solve_ivp(swing, SPAN, START).stats.n_steps
    assert solve_ivp(swing, SPAN, START, max_steps=steps).status == 0
    assert solve_ivp(swing, SPAN, START, max_steps=steps - 1).status == -2


def test_callback_sees_the_event_that_ends_it(tier):
    seen = []

    def event(t, y):
        return y[0]

    event.terminal = True
    sol = solve_ivp(swing, SPAN, START, events=event, callback=lambda t, y: seen.append((t, y)))
    assert sol.status == 1
    assert seen[-1][0] == sol.t_events[0][0] == sol.t[-1]
    np.testing.assert_array_equal(seen[-1][1], sol.y_events[0][0])


def test_callback_has_a_copy(tier):
    def callback(t, y):
        y[:] = 7.0

    got = solve_ivp(swing, SPAN, START, callback=callback)
    np.testing.assert_array_equal(got.y, solve_ivp(swing, SPAN, START).y)


def test_callback_that_raises(tier):
    def callback(t, y):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        solve_ivp(swing, SPAN, START, callback=callback)
    assert solve_ivp(swing, SPAN, START).success


def test_callback_that_changes_what_the_function_reads(tier):
    """As an event of Python's would: the kernel reads it anew."""
    damping = [0.0]

    def damped(t, y):
        return [y[1], -y[0] - damping[0] * y[1]]

    def callback(t, y):
        damping[0] = 1.0 if t > 2.0 else 0.0

    got = solve_ivp(damped, SPAN, START, callback=callback, max_step=0.5)
    damping[0] = 0.0
    solver = scipy.integrate.RK45(damped, 0.0, START, 20.0, max_step=0.5)
    while solver.status == "running":
        solver.step()
        callback(solver.t, solver.y)
    assert got.t[-1] == solver.t
    np.testing.assert_allclose(got.y[:, -1], solver.y, rtol=1e-9)


def test_complex_states(tier):
    seen = []
    solve_ivp(lambda t, y: 1j * y, (0, 1), [1 + 0j], callback=lambda t, y: seen.append(y))
    assert seen[-1].dtype == complex
    assert seen[-1][0] == pytest.approx(np.exp(1j), abs=1e-2)


@pytest.mark.parametrize(
    ("option", "error", "text"),
    [
        ({"max_steps": 0}, ValueError, "`max_steps` must be positive, not 0"),
        ({"max_steps": 1.5}, TypeError, "`max_steps` must be an integer, not 1.5"),
        ({"deadline": 0}, ValueError, "`deadline` must be a positive number of seconds, not 0"),
        ({"deadline": np.nan}, ValueError, "`deadline` must be a positive number of seconds"),
        ({"deadline": "1"}, TypeError, "`deadline` must be a number of seconds, not '1'"),
        ({"max_steps": True}, TypeError, "`max_steps` must be an integer, not True"),
        ({"callback": 3}, TypeError, "`callback` must be callable, not 3"),
        ({"progress": "yes"}, TypeError, "`progress` must be True, False or callable"),
    ],
)
def test_options_that_make_no_sense(option, error, text):
    with pytest.raises(error, match=text):
        solve_ivp(swing, SPAN, START, **option)


def test_other_unknown_options_warn_as_before():
    with pytest.warns(UserWarning, match="no effect for a chosen solver: `max_stepps`"):
        solve_ivp(swing, SPAN, START, max_stepps=3, max_steps=100)


def test_deadline_holds_for_compiling():
    """What is left of the time bounds what compiling may take."""

    def network(t, y):
        return [-k * y[k] + np.sin(y[k - 1] * y[k - 2]) for k in range(300)]

    part = solve_ivp(network, (0, 1e6), np.ones(300), deadline=0.3)
    assert part.status == -3
    assert part.stats.compile_seconds < 0.3
    assert part.stats.t == part.t[-1] > 0


class TestProgress:
    def test_stops(self):
        def progress(told):
            raise StopIteration

        assert solve_ivp(swing, (0, 1e12), START, progress=progress).status == 2

    def test_callable(self, tier):
        told = []
        solve_ivp(swing, (0, 1e12), START, progress=told.append, deadline=0.5)
        fractions = [p.fraction for p in told]
        assert fractions == sorted(fractions)
        assert [p.over for p in told] == [False] * (len(told) - 1) + [True]
        assert 2 <= len(told) <= 7
        assert (told[0].t0, told[0].tf) == (0, 1e12)
        assert told[-1].n_steps >= told[0].n_steps > 0

    def test_bar(self, capsys):
        solve_ivp(swing, SPAN, START, progress=True)
        written = capsys.readouterr()
        assert written.out == ""
        assert written.err.startswith("\r100%|#")
        assert written.err.endswith("s\n")
        assert "t=20 of 20" in written.err

    def test_backwards_and_to_infinity(self):
        told = []
        solve_ivp(swing, (20, 0), START, progress=told.append)
        assert told[-1].fraction == 1.0
        solve_ivp(swing, (0, np.inf), START, progress=True, max_steps=20)

    def test_false(self, capsys):
        solve_ivp(swing, SPAN, START, progress=False)
        assert capsys.readouterr().err == ""


class TestStats:
    @pytest.mark.parametrize("method", METHODS)
    def test_counts(self, tier, method):
        sol = solve_ivp(swing, SPAN, START, method=method)
        stats, steps = sol.stats, np.diff(sol.t)
        assert (stats.method, stats.status, stats.message) == (method, 0, sol.message)
        assert (stats.nfev, stats.njev, stats.nlu) == (sol.nfev, sol.njev, sol.nlu)
        assert stats.n_steps == steps.size
        assert stats.n_rejected >= 0
        assert stats.min_step == pytest.approx(steps.min(), rel=1e-6)
        assert stats.max_step == pytest.approx(steps.max(), rel=1e-6)
        assert (stats.n_newton is None) == (method not in ("Radau", "BDF"))
        if stats.n_newton is not None:
            assert stats.n_newton >= stats.n_steps
        assert stats.tier == ("python" if tier == "python" else "compiled")
        assert stats.compiled_at == (None if tier == "python" else 0)
        assert 0 <= stats.compile_seconds <= stats.wall_seconds
        assert f"{method}: {stats.n_steps} steps" in str(stats)

    def test_rejections(self, tier):
        """Against SciPy's solver, whose steps are counted by its evaluations: 6 for each trial."""
        sol = solve_ivp(swing, SPAN, START, rtol=1e-6, first_step=5.0)
        trials = (sol.nfev - 1) // 6
        assert sol.stats.n_steps + sol.stats.n_rejected == trials
        assert sol.stats.n_rejected > 0

    def test_the_result_is_scipys(self):
        sol = solve_ivp(swing, SPAN, START)
        wanted = scipy.integrate.solve_ivp(swing, SPAN, START)
        assert list(sol) == list(wanted)
        assert dir(sol) == dir(wanted)
        assert "stats" not in repr(sol)
        assert pickle.loads(pickle.dumps(sol)).nfev == wanted.nfev

    def test_none_where_scipy_solves(self):
        assert solve_ivp(swing, (1.0, 1.0), START).stats is None


class Watcher:
    def __init__(self):
        self.told = []

    def on_start(self, info):
        self.told.append(("start", info))

    def on_progress(self, t, h, n_steps):
        self.told.append(("progress", n_steps))

    def on_event(self, index, t, y):
        self.told.append(("event", index, t, y))

    def on_end(self, stats):
        self.told.append(("end", stats))


class TestObserve:
    def test_everything(self, tier):
        with diffsol.observe(Watcher(), every=5) as watcher:
            sol = solve_ivp(swing, SPAN, START, events=[lambda t, y: y[0], lambda t, y: t - 7.0])
        start, end = watcher.told[0][1], watcher.told[-1][1]
        assert (start.method, start.n, start.t0, start.tf) == ("RK45", 2, *SPAN)
        assert end == sol.stats
        kinds = [told[0] for told in watcher.told]
        assert kinds.count("progress") == sol.stats.n_steps // 5
        events = [told[1:] for told in watcher.told if told[0] == "event"]
        for index in (0, 1):
            assert [t for i, t, _ in events if i == index] == sol.t_events[index].tolist()
            np.testing.assert_array_equal(
                [y for i, _, y in events if i == index], sol.y_events[index]
            )

    def test_outside_nothing_is_told(self):
        watcher = Watcher()
        with diffsol.observe(watcher):
            pass
        solve_ivp(swing, SPAN, START)
        assert watcher.told == []

    def test_without_every_there_is_no_progress(self):
        with diffsol.observe(Watcher()) as watcher:
            solve_ivp(swing, SPAN, START)
        assert [told[0] for told in watcher.told] == ["start", "end"]

    def test_two_of_them(self):
        with (
            diffsol.observe(Watcher(), every=2) as outer,
            diffsol.observe(Watcher(), every=3) as inner,
        ):
            sol = solve_ivp(swing, SPAN, START)
        for watcher, every in ((outer, 2), (inner, 3)):
            count = sum(told[0] == "progress" for told in watcher.told)
            assert count == sol.stats.n_steps // every

    def test_methods_are_optional_and_mistakes_are_logged(self, caplog):
        class Half:
            def on_start(self, info):
                raise ValueError("mine")

        with caplog.at_level(logging.ERROR, "diffsol"), diffsol.observe(Half()):
            assert solve_ivp(swing, SPAN, START).success
        (record,) = caplog.records
        assert "on_start of" in record.getMessage()
        assert record.exc_info[0] is ValueError

    @pytest.mark.parametrize("observer", [None, 5, [].append])
    def test_no_observer(self, observer):
        with (
            pytest.raises(TypeError, match="must have one of the methods on_start"),
            diffsol.observe(observer),
        ):
            pass

    @pytest.mark.parametrize("every", [0, -1, 1.5, "2"])
    def test_every_that_makes_no_sense(self, every):
        with (
            pytest.raises(ValueError, match="`every` must be a positive integer"),
            diffsol.observe(Watcher(), every=every),
        ):
            pass


def test_the_page_runs():
    """docs/inside.md, as a reader would type it."""
    page = pathlib.Path(__file__).parents[2] / "docs" / "inside.md"
    scope: dict = {"__name__": "page"}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        exec(compile(block, str(page), "exec"), scope)
    assert scope["counter"].steps > 0
