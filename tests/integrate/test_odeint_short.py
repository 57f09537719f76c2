"""Which calls of odeint are left to SciPy's C code while nothing is compiled."""

import pytest
import scipy.integrate
from numpy.testing import assert_allclose

import diffsol.integrate
from diffsol.integrate import _odeint_scipy
from integrate.which_scipy import FORTRAN

BOTH = (scipy.integrate, diffsol.integrate)


@pytest.mark.skipif(FORTRAN, reason="Fortran's memory is shared by all solves: it is never asked")
def test_short_solves_go_to_scipys_code_and_long_ones_do_not(monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "1")
    asked = []
    scipys = _odeint_scipy.scipy_odeint
    monkeypatch.setattr(
        _odeint_scipy, "scipy_odeint", lambda *a: (asked.append(a[2]), scipys(*a))[1]
    )

    def fun(y, t):
        return [-y[0], y[0] - y[1]]

    def same(times, **options):
        theirs, ours = (m.odeint(fun, [1.0, 0.0], times, **options) for m in BOTH)
        assert_allclose(ours, theirs, rtol=1e-12)

    for _ in range(3):
        same([0.0, 0.01])
    monkeypatch.setattr(_odeint_scipy, "SHORT", 1.0)  # however busy the machine is
    asked.clear()
    same([0.0, 0.01])
    assert len(asked) == 1
    same([0.0, 5.0])  # as long as no solve before: it may pay to compile on the way
    assert len(asked) == 1
