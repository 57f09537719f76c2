"""Kernels that another thread compiles while solves go on."""

import os
import threading
import time

import pytest

from diffsol._engine import ahead, kernels, making, policy
from diffsol.integrate import odeint, solve_ivp


@pytest.fixture(autouse=True)
def by_policy(monkeypatch):
    kernels.clear()
    monkeypatch.setenv("DIFFSOL_CACHE", "0")
    monkeypatch.setenv("DIFFSOL_JIT", "1")
    monkeypatch.setattr(ahead, "_waiting", [])
    yield
    kernels.clear()


@pytest.fixture
def held(monkeypatch):
    """Lets compilations go on when set."""
    go_on = threading.Event()
    compile_now = making.machine_code

    def machine_code(program, budget, quick=False):
        assert go_on.wait(60)
        return compile_now(program, budget, quick)

    monkeypatch.setattr(making, "machine_code", machine_code)
    yield go_on
    go_on.set()


def decay(t, y):
    return -0.5 * y


def arrived(record):
    until = time.monotonic() + 60
    while record.coming:
        assert time.monotonic() < until
        time.sleep(0.001)
    return record.variants


def has_cost(solve, seconds=1.0):
    """The record of `decay`, after a solve, as if solves had taken so long."""
    solve()
    (record,) = kernels.records()
    record.python_seconds = seconds
    return record


@pytest.mark.parametrize(
    "solve",
    [
        lambda: solve_ivp(decay, (0, 1), [1.0]),
        lambda: solve_ivp(decay, (0, 1), [1.0], method="BDF"),
        lambda: odeint(decay, [1.0], [0.0, 1.0], tfirst=True),
    ],
)
def test_a_solve_does_not_wait_for_what_earlier_ones_have_earned(solve, held):
    record = has_cost(solve)
    solve()  # would wait for ever
    assert record.coming
    assert not record.variants
    record.python_seconds = 1.0
    solve()  # nor is it compiled twice
    held.set()
    assert len(arrived(record)) == 1
    before = record.variants[0].uses
    solve()
    assert record.variants[0].uses == before + 1


def test_a_kernel_joins_in_the_middle_of_a_solve(held, monkeypatch):
    has_cost(lambda: solve_ivp(decay, (0, 1), [1.0]))
    count = 0

    def look_on(t, y):
        nonlocal count
        count += 1
        if count == 50:
            held.set()
            arrived(kernels.records()[0])

    sol = solve_ivp(decay, (0, 1000), [1.0], max_step=0.1, callback=look_on)
    assert sol.stats.tier == "compiled"
    assert sol.stats.compiled_at >= 50
    kernels.clear()
    monkeypatch.setenv("DIFFSOL_JIT", "0")
    again = solve_ivp(decay, (0, 1000), [1.0], max_step=0.1)
    assert (sol.t == again.t).all()
    assert (sol.y == again.y).all()


def test_who_is_refused_in_another_thread_is_refused(monkeypatch):
    def machine_code(program, budget, quick=False):
        raise kernels.Refused("compiler", "it is broken")

    monkeypatch.setattr(making, "machine_code", machine_code)
    record = has_cost(lambda: solve_ivp(decay, (0, 1), [1.0]))
    solve_ivp(decay, (0, 1), [1.0])
    assert not arrived(record)
    assert record.refusal.detail == "it is broken"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_does_not_wait_for_its_parents_thread(held):
    record = has_cost(lambda: solve_ivp(decay, (0, 1), [1.0]))
    solve_ivp(decay, (0, 1), [1.0])
    assert record.coming
    child = os.fork()
    if not child:
        os._exit(int(record.coming))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_loading_ahead_costs_its_share_only(monkeypatch):
    loaded = []
    monkeypatch.setattr(ahead.importlib, "import_module", loaded.append)
    monkeypatch.setattr(ahead, "_waiting", [f"portion {i}" for i in range(len(ahead.PORTIONS))])
    monkeypatch.setattr(ahead, "_credit", 0.0)
    assert policy.price(1) == pytest.approx(policy.LOAD_PRICE + policy.KERNEL_PRICE)
    ahead.load(1.9 * ahead.PRICE / ahead.SHARE)
    assert len(ahead._waiting) == len(ahead.PORTIONS) - 1
    ahead.load(0.2 * ahead.PRICE / ahead.SHARE)
    assert len(ahead._waiting) == len(ahead.PORTIONS) - 2
    ahead.load(100.0)
    assert not ahead._waiting
    assert len(loaded) == len(ahead.PORTIONS)
    assert policy.price(1) == pytest.approx(policy.KERNEL_PRICE)


def test_each_call_loads_one_portion_before_anything_is_compiled(monkeypatch):
    loaded = []
    monkeypatch.setattr(ahead.importlib, "import_module", loaded.append)
    monkeypatch.setattr(ahead, "_waiting", ["this", "that"])
    record = has_cost(lambda: solve_ivp(decay, (0, 1), [1.0]))
    for expected in (["that"], ["that", "this"]):
        solve_ivp(decay, (0, 1), [1.0])
        assert loaded == expected
        assert not record.coming
    solve_ivp(decay, (0, 1), [1.0])
    assert arrived(record)


def test_what_cannot_be_loaded_ahead_is_told_by_who_needs_it(monkeypatch):
    monkeypatch.setattr(ahead, "_waiting", ["no_such_module_anywhere"])
    ahead.load(100.0)
    assert not ahead._waiting
