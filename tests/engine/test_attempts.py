"""When compiling is tried, and when again: decisions and counts, no seconds."""

import time

import pytest

from diffsol._engine import kernels, making, policy
from diffsol._trace.clock import Clock
from diffsol._trace.reasons import OutOfTime
from diffsol.integrate import solve_ivp


class Loops:
    """A frame in loops, of which the time and the rounds are told."""

    def __init__(self, monkeypatch):
        self.now, self.stack = 100.0, []
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def begin(self, rounds):
        self.stack.append(iter(range(rounds)))

    def followed(self, clock, seconds, rounds=0, looks=1000):
        """Time goes by, and rounds of the outermost loop, between looks at the clock."""
        for _ in range(looks):
            clock.look([self])
            self.now += seconds
            for _ in range(rounds):
                next(self.stack[0])


@pytest.fixture
def loops(monkeypatch):
    return Loops(monkeypatch)


def test_a_loop_that_ends_in_time_is_followed_to_its_end(loops):
    clock = Clock(deadline=110.0, doubtful=101.0)
    loops.begin(100)
    loops.followed(clock, 0.09, rounds=1, looks=100)


def test_a_loop_that_will_not_end_in_time_is_left_early(loops):
    clock = Clock(deadline=110.0, doubtful=101.0)
    loops.begin(1000)
    with pytest.raises(OutOfTime) as refused:
        loops.followed(clock, 0.09, rounds=1)
    assert loops.now < 101.0
    assert refused.value.seconds == pytest.approx(90.0, rel=0.02)


def test_the_inner_loop_tells_nothing_while_the_outer_one_stands(loops):
    clock = Clock(deadline=110.0, doubtful=109.0)
    loops.begin(10)
    loops.begin(10**6)
    for _ in range(80):
        next(loops.stack[1])
        loops.followed(clock, 0.1, looks=1)


def test_what_has_no_end_in_sight_is_given_up_when_in_doubt(loops):
    clock = Clock(deadline=110.0, doubtful=101.0)
    with pytest.raises(OutOfTime):
        loops.followed(clock, 0.1)
    assert loops.now == pytest.approx(101.0, abs=0.2)


def slow(t, y):
    return -y


@pytest.fixture
def tried(monkeypatch):
    """The budgets with which following it was tried; each was too small."""
    budgets = []

    def trace_of(function, budget, told=False):
        budgets.append(budget)
        raise OutOfTime("too-long", "", 1.0)

    kernels.clear()
    monkeypatch.setenv("DIFFSOL_CACHE", "0")
    monkeypatch.setenv("DIFFSOL_JIT", "1")
    monkeypatch.setattr(making, "trace_of", trace_of)
    yield budgets
    kernels.clear()


def test_an_attempt_follows_when_there_is_enough_to_spend(tried):
    for _ in range(100):
        solve_ivp(slow, (0, 1e-3), [1.0])
        (record,) = kernels.records()
        record.python_seconds += 0.1
    # ten seconds: one attempt at first, one with what following it takes (half of a budget is for that),
    # and one with twice as much
    assert len(tried) == 3
    assert tried[1] == pytest.approx(2.0, rel=0.1)
    assert tried[2] == pytest.approx(4.0, rel=0.1)


def test_solvers_that_make_single_steps_do_not_try_at_each(tried):
    from diffsol.integrate import RK45

    solver = RK45(slow, 0, [1.0], 1e9, max_step=0.1)
    for _ in range(50):
        solver.step()
        (record,) = kernels.records()
        record.python_seconds += 0.1
    assert len(tried) == 2


def test_more_to_spend_in_the_middle_of_a_solve(tried, monkeypatch):
    budgets = iter([0.0, 0.1, 0.1, 1.0, 1.9, 2.1, 2.2, 5.0, *[0.0] * 10**6])
    monkeypatch.setattr(policy, "affordable", lambda *given: next(budgets))
    monkeypatch.setattr(policy, "FIRST_LOOK", 1e-4)
    solve_ivp(slow, (0, 1000), [1.0], max_step=0.05)
    assert tried == [0.1, 2.1, 5.0]
