"""For all tests."""

import os
import signal

import pytest

from diffsol._engine import kernels, making, policy

# New interpreters that tests start must import the installed package, as the tests do, and not a
# source tree (without its extension) that happens to be the current folder.
os.environ["PYTHONSAFEPATH"] = "1"
# A shell lets what it starts in the background ignore Ctrl-C, and then no test of it would ever end.
signal.signal(signal.SIGINT, signal.default_int_handler)
# What an earlier run has compiled must not decide what this one tests.
os.environ["DIFFSOL_CACHE"] = "0"


def pytest_collection_modifyitems(items):
    """Long tests first: with several processes, none of them is then left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(params=["python", "compiled"])
def tier(request, monkeypatch):
    """Both tiers, one after the other: functions called as Python, and compiled at once.

    'compiled' compiles whatever can be compiled before the first step, however short the solve.
    """
    kernels.clear()
    if request.param == "python":
        monkeypatch.setenv("DIFFSOL_JIT", "0")
    else:
        monkeypatch.setattr(policy, "price", lambda count: -1.0)
        monkeypatch.setattr(policy, "LEAST_BUDGET", 10.0)
        monkeypatch.setattr(making, "begin", lambda function, budget: function.attempt(budget))
    return request.param
