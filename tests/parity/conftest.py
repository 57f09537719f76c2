"""Every comparison with SciPy is made at both tiers: functions called as Python, and compiled at once."""

import pytest

from diffsol._engine import kernels, policy


@pytest.fixture(params=["python", "compiled"], autouse=True)
def tier(request, monkeypatch):
    """'compiled' compiles whatever can be compiled before the first step, however short the solve."""
    kernels.clear()
    if request.param == "python":
        monkeypatch.setenv("DIFFSOL_JIT", "0")
    else:
        monkeypatch.setattr(policy, "price", lambda count: -1.0)
    return request.param
