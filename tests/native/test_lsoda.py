"""step_lsoda.h takes SciPy's LSODA's steps, bit for bit where the linear algebra is the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import problems
from diffsol._methods.multistep import FAMILIES
from native.lsoda_harness import Options, Ours, Scipy, build, shown

ONE_STEP = 5  # itask: one step, never beyond the critical time
TO_TIME, TO_TIME_CRITICAL, PAST_TIME = 1, 4, 3


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build(tmp_path_factory.mktemp("lsoda"))


def assert_same_steps(library, options, limit=4000):
    """Both sides step by step to the end; the last istate."""
    theirs, ours = Scipy(options), Ours(library, options)
    for _ in range(limit):
        wanted, got = theirs.call(ONE_STEP), ours.call(ONE_STEP)
        assert (got, shown(ours)) == (wanted, shown(theirs))
        if got != 2 or ours.t == options.t_end:
            break
    ours.close()
    return got


def full_to_band(jac, band):
    lower, upper = band
    n = len(jac)
    rows = [
        np.pad(np.diagonal(jac, k), (max(k, 0), max(-k, 0))) for k in range(upper, -lower - 1, -1)
    ]
    return np.array(rows).reshape(lower + upper + 1, n)


def of_problem(name, rtol, jacobian, banded=False):
    p = problems.load(name)
    band = p.band if banded else None
    jac = None
    if jacobian == "given":
        jac = lambda t, y: p.jac(t, y, *p.params)  # noqa: E731
        if banded:
            full, jac = jac, lambda t, y: full_to_band(full(t, y), band)
    return Options(
        lambda t, y: p.fun(t, y, *p.params), p.y0, *p.t_span, jac,
        rtol=rtol, atol=float(np.min(p.atol(rtol))), band=band,
    )  # fmt: skip


NAMES = [n for k in ("nonstiff", "stiff") for n in problems.names(k) if n != "brusselator_1d_large"]
CASES = [(name, "differences") for name in NAMES]
CASES += [(name, "given") for name in NAMES if problems.load(name).jac is not None]


@pytest.mark.parametrize("rtol", [1e-3, 1e-7])
@pytest.mark.parametrize("name, jacobian", CASES)
def test_problems(library, name, rtol, jacobian):
    assert assert_same_steps(library, of_problem(name, rtol, jacobian)) == 2


@pytest.mark.parametrize("jacobian", ["differences", "given"])
def test_band(library, jacobian):
    assert assert_same_steps(library, of_problem("brusselator_1d", 1e-5, jacobian, True)) == 2


def oscillator(stiffness, curve):
    """A forced oscillator, more or less stiff and nonlinear: the family changes on its way."""

    def fun(t, y):
        fast = -stiffness * (1 + np.sin(t)) * (y[1] - np.cos(y[0])) + curve * y[0] ** 3
        return [y[1] - 0.1 * y[0] + np.sin(3 * t), fast, y[0] - y[2]]

    return fun


@settings(max_examples=60, deadline=None)
@given(
    stiffness=st.sampled_from([0.0, 1.0, 50.0, 1e3, 1e6]),
    curve=st.floats(-1, 0),
    t_end=st.sampled_from([4.0, -2.0, 30.0]),
    rtol=st.sampled_from([1e-2, 1e-5, 1e-9, 0.0]),
    atol=st.sampled_from([1e-3, 1e-8, 1e-12]),
    h0=st.sampled_from([0.0, 1e-4, 0.3]),
    hmax=st.sampled_from([0.0, 0.05, 1.0]),
    mxordn=st.integers(1, 12),
    mxords=st.integers(1, 5),
    band=st.sampled_from([None, (0, 1), (0, 2)]),
)
def test_options(library, stiffness, curve, t_end, rtol, atol, h0, hmax, mxordn, mxords, band):
    options = Options(
        oscillator(stiffness, curve), [1.0, 0.5, -1.0], 0.0, t_end, rtol=rtol, atol=atol,
        h0=np.copysign(h0, t_end), hmax=hmax, mxordn=mxordn, mxords=mxords, band=band,
    )  # fmt: skip
    assert_same_steps(library, options, limit=800)


@settings(max_examples=60, deadline=None)
@given(
    stiffness=st.sampled_from([0.0, 50.0, 1e5]),
    backward=st.booleans(),
    task=st.sampled_from([TO_TIME, PAST_TIME, TO_TIME_CRITICAL]),
    gaps=st.lists(st.floats(0, 3), min_size=1, max_size=8),
    critical=st.floats(0.1, 12),
    mxstep=st.sampled_from([3, 50, 5000]),
    allowance=st.sampled_from([1, 2, 10**9]),
)
def test_calls(library, stiffness, backward, task, gaps, critical, mxstep, allowance):
    """To output times, with and without a critical time, in one go and in slices."""
    sign = -1.0 if backward else 1.0
    times = sign * np.cumsum([0.01, *gaps])
    options = Options(oscillator(stiffness, -0.5), [1.0, 0.5, -1.0], 0.0, 1.0, mxstep=mxstep)
    theirs, ours = Scipy(options), Ours(library, options)
    for t_out in times:
        wanted = theirs.call(task, t_out, sign * critical)
        got = 12  # DS_LSODA_RUNNING
        while got == 12:
            got = ours.call(task, t_out, sign * critical, allowance)
        assert got == wanted
        if got == -3 and ours.steps == 0:
            break  # refused before it began: SciPy has nothing to show
        assert shown(ours) == shown(theirs)
        if got < 0:
            break
    ours.close()


def test_lower_band(library):
    """SciPy 1.17 reads the lower diagonals from the wrong rows where it computes the matrix's norm,
    which only the way back to Adams depends on. Ours is the norm; without a way back all agrees."""
    system = np.array([[-1e3, 2.0, 0.0], [5.0, -700.0, 11.0], [0.0, 17.0, -1900.0]])
    options = Options(
        lambda t, y: system @ y + np.cos(t), [1.0, 0.5, -1.0], 0.0, 4.0, rtol=1e-8, band=(1, 1)
    )
    assert assert_same_steps(library, options) == 2


def test_blow_up_and_jump(library):
    assert assert_same_steps(library, Options(lambda t, y: y**2, [1.0], 0, 0.99)) == 2
    jump = Options(lambda t, y: [1.0 if t < 0.3 else -1e3 * y[0]], [0.0], 0, 2, rtol=1e-8)
    assert assert_same_steps(library, jump) == 2


def test_least_step(library):
    """ODEPACK's meaning of it; SciPy 1.17 reads the option and forgets it."""
    fun = oscillator(50.0, -1.0)
    loose = Options(fun, [1.0, 0.5, -1.0], 0.0, 4.0, rtol=1e-2, atol=1e-2, hmin=2e-3, h0=2e-3)
    ours = Ours(library, loose)
    while ours.call(ONE_STEP) == 2 and ours.t < 4.0:
        assert ours.h_used >= 2e-3 * (1 - 1e-12)
    assert ours.t == 4.0
    ours.close()
    tight = Options(fun, [1.0, 0.5, -1.0], 0.0, 4.0, rtol=1e-10, atol=1e-12, hmin=0.1)
    ours = Ours(library, tight)
    codes = [ours.call(ONE_STEP) for _ in range(100)]
    assert min(codes) in (-4, -5)
    ours.close()


@pytest.mark.parametrize("kind", ["nan", "inf", "nan later", "blow-up", "infinite start"])
def test_never_for_ever(library, kind):
    """SciPy may go on for ever in one-step mode; our budget of steps holds while t stands still."""
    funs = {
        "nan": lambda t, y: y * np.nan,
        "inf": lambda t, y: y / abs(0.5 - t) ** 3,
        "nan later": lambda t, y: -y if t < 0.5 else y * np.nan,
        "blow-up": lambda t, y: y**2,
        "infinite start": lambda t, y: y * np.inf,
    }
    with np.errstate(all="ignore"):
        ours = Ours(library, Options(funs[kind], [1.0], 0.0, 2.0))
        for _ in range(6000):
            code = ours.call(ONE_STEP)
            if code != 2 or ours.t == 2.0:
                break
        else:
            pytest.fail("did not end")
    ours.close()


def test_singular_matrix(library):
    """Exactly singular I - h l_0 J counts as divergence, as in ODEPACK."""
    calls = []

    def jac(t, y):
        calls.append(t)
        return np.full((2, 2), 1e9) if len(calls) % 3 == 1 else [[-1e4, 0.0], [0.0, -1e4]]

    options = Options(lambda t, y: -1e4 * (y - np.cos(t)), [1.0, 1.0], 0, 3, jac)
    theirs, ours = Scipy(options), Ours(library, options)
    for _ in range(100):
        calls.clear()
        wanted = theirs.call(ONE_STEP)
        calls.clear()
        assert ours.call(ONE_STEP) == wanted
        assert shown(ours) == shown(theirs)
    assert ours.jacobians > 3
    ours.close()


@pytest.mark.parametrize("name", ["lorenz", "robertson", "van_der_pol"])
def test_interpolant(library, name):
    """The rows that SciPy's LSODA solver makes its dense output of."""
    from scipy.integrate import LSODA

    p = problems.load(name)
    options = of_problem(name, 1e-5, "differences")
    solver = LSODA(options.fun, p.t_span[0], p.y0, p.t_span[1], rtol=1e-5, atol=options.atol)
    ours = Ours(library, options)
    for _ in range(300):
        solver.step()
        assert ours.call(ONE_STEP) == 2
        dense = solver.dense_output()
        h, rows = ours.interpolant()
        order = len(dense.p) - 1
        assert h == dense.h
        assert ours.order_used == order
        np.testing.assert_allclose(rows[: order + 1].T, dense.yh, rtol=1e-14, atol=0)
        if solver.status != "running":
            break
    ours.close()


def test_formulas_are_scipys(library):
    """The coefficients that SciPy's C code computes at run time are those in our tables."""
    adams = Scipy(Options(lambda t, y: -y, [1.0], 0, 1))
    adams.call(ONE_STEP)
    bdf = Scipy(Options(lambda t, y: -1e6 * (y - np.cos(t)), [1.0], 0, 10))
    for _ in range(100):
        bdf.call(ONE_STEP)
    assert (adams.family, bdf.family) == (0, 1)
    for side, family in zip((adams, bdf), FAMILIES, strict=True):
        vectors = side._doubles[15 : 15 + 156].reshape(12, 13)
        tests = side._doubles[173 : 173 + 36].reshape(12, 3)
        for i, formula in enumerate(family.formulas):
            assert tuple(vectors[i, : i + 2]) == formula.l
            assert tuple(tests[i]) == formula.tests


def test_bdf_has_the_larger_error_at_each_order():
    """What lsoda_control.h takes for granted when it spares a power."""
    adams, bdf = FAMILIES
    for a, b in zip(adams.formulas, bdf.formulas, strict=False):
        assert a.tests[1] * a.l[-1] >= b.tests[1] * b.l[-1]
