"""The C steppers with sensitivity columns where things go wrong: matrices that do not fit, nan, exceptions."""

from dataclasses import replace

import numpy as np
import pytest

from diffsol._methods.registry import METHODS
from native.harness import ffi, lib
from sens.harness import EXPLICIT, IMPLICIT, Sensitive, solved, tolerances
from sens.problems import DECAY, LINEAR, LOGISTIC, ROBERTSON

# --- where y's matrix is not good enough ---------------------------------------------------------------


class WithJacobian(Sensitive):
    """With the user's Jacobian, times `factor`."""

    def __init__(self, problem, method, factor, *args, **options):
        wrong = replace(problem, f_y=lambda t, y, *p: factor * np.array(problem.f_y(t, y, *p)))
        super().__init__(replace(problem, jac_of=wrong.f_y), method, *args, **options)
        self.ivp.jac_source = lib.DS_JAC_GIVEN


@pytest.mark.parametrize("method", IMPLICIT)
@pytest.mark.parametrize("factor", [1, 0.8])
def test_jacobian_of_the_user(method, factor):
    """One that is a little wrong slows the columns down as it does y; residuals are exact, and so they are."""
    options = tolerances(ROBERTSON, 1e-6)
    solve = WithJacobian(ROBERTSON, method, factor, True, **options)
    assert solve.run() == lib.DS_FINISHED, solve.error
    assert solve.counts["jac"] > 0
    exact = ROBERTSON.at_end()
    assert abs(solve.S[:, :, -1] - exact).max() < 1e-5 * abs(exact).max()


@pytest.mark.parametrize("method", ["BDF", "Radau"])
def test_constant_jacobian(method):
    class Constant(Sensitive):
        def start(self):
            self.ivp.jac_source = lib.DS_JAC_CONSTANT
            return super().start()

    solve = Constant(LINEAR, method, **tolerances(LINEAR, 1e-7))
    assert solve.run() == lib.DS_FINISHED, solve.error
    np.testing.assert_allclose(solve.S[:, :, -1], LINEAR.at_end(), atol=2e-5)


def test_a_column_with_its_own_factors_costs_y_nothing():
    """Uncontrolled, the columns of the logistic equation need them often."""
    solve = solved(LOGISTIC, "BDF", False, **tolerances(LOGISTIC, 1e-6))
    assert solve.ivp.columns_nlu > 5


def band(k):
    """The heat equation on k points, with its conductivity as parameter."""
    A = -2 * np.eye(k) + np.eye(k, k=1) + np.eye(k, k=-1)
    y0 = np.sin(np.pi * np.arange(1, k + 1) / (k + 1))
    return replace(
        DECAY, f=lambda t, y, c: c * k**2 * (A @ y) - y**3, f_y=lambda t, y, c: c * k**2 * A - 3 * np.diag(y**2),
        f_p=lambda t, y, c: [k**2 * (A @ y)], t_span=(0.0, 0.05),
        y0=tuple(y0), p=(0.7,), exact=None, stiff=True,
    )  # fmt: skip


class Banded(Sensitive):
    """Factors of a band, in an order that the caller forgets."""

    def __init__(self, *args, kind, **options):
        self.kind = kind
        super().__init__(*args, **options)

    def _differences(self):
        self._columns()
        k = self.k
        rows = [[i for i in (j - 1, j, j + 1) if 0 <= i < k] for j in range(k)]
        self.start_of = np.cumsum([0, *map(len, rows)]).astype(np.int64)
        self.rows = np.concatenate(rows).astype(np.int64)
        pattern = ffi.new("ds_pattern *", {"n": k, "count": len(self.rows)})
        pattern.start = ffi.from_buffer("int64_t[]", self.start_of)
        pattern.rows = ffi.from_buffer("int64_t[]", self.rows)
        order = np.arange(k, dtype=np.int64)[::-1].copy()
        plan = ffi.new("ds_lu_plan *", {"kind": self.kind, "lower": 1, "upper": 1})
        plan.order = ffi.from_buffer("int64_t[]", order)
        assert lib.ds_ivp_set_jacobian(self.ivp, pattern, plan) == 0
        order[:] = -1


@pytest.mark.parametrize("kind", [lib.DS_LU_BANDED, lib.DS_LU_SPARSE], ids=["banded", "sparse"])
@pytest.mark.parametrize("controlled", [True, False])
@pytest.mark.parametrize("method", IMPLICIT)
def test_structured_factors(method, controlled, kind):
    problem = band(20)
    solve = Banded(problem, method, controlled, kind=kind, rtol=1e-6, atol=1e-9)
    assert solve.run() == lib.DS_FINISHED, solve.error
    exact = problem.at_end()
    assert abs(solve.S[:, :, -1] - exact).max() < 1e-4 * abs(exact).max()


# --- failures -----------------------------------------------------------------------------------------


def spoilt(problem, after):
    """From some time on the columns' derivatives are nan."""

    def f_p(t, y, *p):
        return np.array(problem.f_p(t, y, *p)) * (np.nan if t > after else 1)

    return replace(problem, f_p=f_p)


@pytest.mark.parametrize("controlled", [True, False])
@pytest.mark.parametrize("method", EXPLICIT + IMPLICIT)
def test_nan_in_a_column_ends_as_nan_in_y(method, controlled):
    options = tolerances(LINEAR, 1e-5)
    solve = Sensitive(spoilt(LINEAR, 2.0), method, controlled, **options)
    code = solve.run()
    if method in EXPLICIT and not controlled:  # nobody looks at the columns
        assert code == lib.DS_FINISHED
        assert np.isnan(solve.S[:, :, -1]).all()
        return
    if method == "LSODA":  # to its norms a nan is nothing, in y as well
        assert code == lib.DS_FINISHED
        return
    assert code == lib.DS_FAILED
    assert solve.t[-1] <= 2.0 < solve.t[-1] + 0.1


@pytest.mark.parametrize("method", EXPLICIT + IMPLICIT)
def test_exceptions_come_through(method):
    class Oops(Exception):
        pass

    def f_p(t, y, *p):
        if t > 1:
            raise Oops
        return LINEAR.f_p(t, y, *p)

    solve = Sensitive(replace(LINEAR, f_p=f_p), method)
    assert solve.run() == lib.DS_PYTHON_ERROR
    assert isinstance(solve.error, Oops)


def test_complex_states_have_no_columns():
    ivp = ffi.gc(lib.ds_ivp_new(METHODS["RK45"].id, 4, True), lib.ds_ivp_free)
    ivp.n_states, ivp.t_bound = 2, 1
    assert lib.ds_ivp_start(ivp) == lib.DS_FAILED
