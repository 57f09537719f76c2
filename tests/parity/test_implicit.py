"""Radau, BDF and LSODA beside SciPy's: every source of a Jacobian, and what goes wrong with one."""

import warnings

import numpy as np
import pytest
import scipy.integrate
import scipy.sparse as sp
from scipy.linalg import LinAlgWarning

import diffsol
import diffsol.integrate
from diffsol._engine import kernels, verify
from diffsol.errors import MismatchWarning

NEWTON = ("Radau", "BDF")
BOTH = (scipy.integrate, diffsol.integrate)

pytestmark = pytest.mark.usefixtures("tier")


def counts(sol):
    return sol.status, len(sol.t), sol.nfev, int(sol.njev), int(sol.nlu)


def kinetics(t, y):
    a, b, c = y
    return [-0.04 * a + 1e4 * b * c, 0.04 * a - 1e4 * b * c - 3e7 * b * b, 3e7 * b * b]


def kinetics_jac(t, y):
    _, b, c = y
    return [
        [-0.04, 1e4 * c, 1e4 * b],
        [0.04, -1e4 * c - 6e7 * b, -1e4 * b],
        [0.0, 6e7 * b, 0.0],
    ]


def diffusion(t, y):
    """A chain with a reaction: tridiagonal."""
    dy = -2 * y - 0.1 * y**3
    dy[1:] += y[:-1]
    dy[:-1] += y[1:]
    return 50 * dy


def diffusion_jac(t, y):
    n = len(y)
    off = np.ones(n - 1)
    return 50 * (np.diag(-2 - 0.3 * y**2) + np.diag(off, 1) + np.diag(off, -1))


CHAIN = np.sin(np.arange(40.0))
TRIDIAGONAL = sp.diags_array([np.ones(39), np.ones(40), np.ones(39)], offsets=[-1, 0, 1])


# --- the same Jacobian: the same steps ------------------------------------------------------------


@pytest.mark.parametrize("method", NEWTON)
@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
@pytest.mark.parametrize("form", ["list", "array", "csc", "csr", "coo", "dia"])
def test_users_jacobian(method, rtol, form):
    def jac(t, y):
        matrix = kinetics_jac(t, y)
        if form == "list":
            return matrix
        return np.array(matrix) if form == "array" else sp.coo_array(matrix).asformat(form)

    call = {"method": method, "jac": jac, "rtol": rtol, "atol": 1e-9}
    theirs, ours = (m.solve_ivp(kinetics, (0, 1e3), [1.0, 0.0, 0.0], **call) for m in BOTH)
    assert counts(ours) == counts(theirs)
    np.testing.assert_allclose(ours.y[:, -1], theirs.y[:, -1], rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("method", NEWTON)
@pytest.mark.parametrize("form", ["array", "csc", "callable", "callable csc"])
def test_large_chain(method, form):
    """Found to be tridiagonal, whichever way it is given."""
    jac = {
        "array": diffusion_jac(0, 0 * CHAIN),
        "csc": sp.csc_array(diffusion_jac(0, 0 * CHAIN)),
        "callable": diffusion_jac,
        "callable csc": lambda t, y: sp.csc_array(diffusion_jac(t, y)),
    }[form]
    call = {"method": method, "jac": jac, "rtol": 1e-5, "atol": 1e-8}
    theirs, ours = (m.solve_ivp(diffusion, (0, 2), CHAIN, **call) for m in BOTH)
    assert counts(ours) == counts(theirs)
    assert type(ours.njev) is type(theirs.njev) is int
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-6, atol=1e-9)


def test_complex_states_with_a_jacobian():
    def rotation(t, y):
        return [1j * y[0] - 100 * (y[0] - y[1]), -1j * y[1]]

    def jac(t, y):
        return [[1j - 100, 100], [0, -1j]]

    for given in (jac, np.array(jac(0, 0)), None):
        call = {"method": "BDF", "jac": given, "rtol": 1e-5}
        theirs, ours = (m.solve_ivp(rotation, (0, 5), [1 + 1j, 2.0], **call) for m in BOTH)
        if given is not None:
            assert counts(ours) == counts(theirs)
        np.testing.assert_allclose(ours.y[:, -1], theirs.y[:, -1], rtol=1e-3)


@pytest.mark.parametrize("method", NEWTON)
def test_a_pattern_that_changes(method):
    """The user's sparse matrix has other places later on."""

    def fun(t, y):
        return [-y[0], -50 * y[1] + (t > 0.5) * y[0]]

    def jac(t, y):
        return sp.csc_array([[-1.0, 0.0], [1.0 if t > 0.5 else 0.0, -50.0]])

    call = {"method": method, "jac": jac, "rtol": 1e-6}
    theirs, ours = (m.solve_ivp(fun, (0, 3), [1.0, 1.0], **call) for m in BOTH)
    assert counts(ours) == counts(theirs)
    np.testing.assert_allclose(ours.y[:, -1], theirs.y[:, -1], rtol=1e-6)


def test_a_dense_jacobian_whose_zeros_do_not_stay():
    def fun(t, y):
        dy = diffusion(t, y)
        dy[0] += (t > 0.5) * y[-1]
        return dy

    def jac(t, y):
        matrix = diffusion_jac(t, y)
        matrix[0, -1] = t > 0.5
        return matrix

    call = {"method": "BDF", "jac": jac, "rtol": 1e-6}
    theirs, ours = (m.solve_ivp(fun, (0, 3), CHAIN, **call) for m in BOTH)
    assert counts(ours) == counts(theirs)
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-6, atol=1e-9)


# --- differences --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", NEWTON)
@pytest.mark.parametrize("vectorized", [False, True])
@pytest.mark.parametrize(
    "sparsity", [None, TRIDIAGONAL, TRIDIAGONAL.toarray()], ids=["", "sp", "np"]
)
def test_differences_call_fun_as_scipy_does(method, vectorized, sparsity):
    """An impure function: as often, at the same points, in the same shapes."""
    logs = []
    for module in BOTH:
        log = []

        def fun(t, y, log=log):
            log.append((type(t), float(t), y.shape, y.copy()))
            return diffusion(t, y)

        options = {"vectorized": vectorized, "jac_sparsity": sparsity, "rtol": 1e-4}
        sol = module.solve_ivp(fun, (0, 0.5), CHAIN, method=method, **options)
        logs.append((counts(sol), log))
    (their_counts, theirs), (our_counts, ours) = logs
    assert our_counts == their_counts
    assert [x[0] for x in ours] == [x[0] for x in theirs]
    assert [x[2] for x in ours] == [x[2] for x in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine[1], other[1], rtol=1e-7)
        np.testing.assert_allclose(mine[3], other[3], rtol=1e-6, atol=1e-9)


def test_differences_that_are_too_small_are_taken_again():
    """A component that hardly matters, one that does not, and complex states."""

    def fun(t, y):
        log.append(t)
        return [-y[0] + 1e-14 * y[1], -y[1], 0 * y[2]]

    for start in ([1.0, 1.0, 1.0], [1.0 + 1j, 1.0, 1j]):
        found = []
        for module in BOTH:
            log = []
            sol = module.solve_ivp(fun, (0, 1), start, method="BDF")
            found.append((counts(sol), len(log)))
        assert found[0] == found[1]


# --- what goes wrong ----------------------------------------------------------------------------------


def outcome(module, *args, **options):
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            answer = counts(module.solve_ivp(*args, **options))
        except Exception as error:
            answer = type(error), str(error)
    return answer, {(w.category, str(w.message)) for w in caught if w.category is LinAlgWarning}


SINGULAR = [[2.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("method", NEWTON)
@pytest.mark.parametrize("convert", [np.array, sp.csc_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_jacobian_that_is_not_finite(method, convert, bad):
    """Dense: SciPy's error. Sparse: SciPy's SuperLU may answer anything, ours has the dense error."""
    matrix = [[-1.0, 0.0], [0.0, bad]]
    call = (lambda t, y: -y, (0, 1), [1.0, 1.0])
    ours, _ = outcome(diffsol.integrate, *call, method=method, jac=convert(matrix))
    assert ours == (ValueError, "array must not contain infs or NaNs")
    if convert is np.array:
        theirs, _ = outcome(scipy.integrate, *call, method=method, jac=matrix)
        assert ours == theirs


@pytest.mark.parametrize("convert", [np.array, sp.csc_array], ids=["dense", "sparse"])
def test_a_singular_newton_matrix(convert):
    """I - c J with c = 1/2, met in BDF's first step: a warning and a smaller step, or SciPy's error."""
    h = 0.5 * 1.1850  # c = h / alpha_1, alpha_1 = 1 + 0.185
    call = (lambda t, y: 0 * y, (0, 10), [1.0, 1.0])
    options = {"method": "BDF", "jac": convert(SINGULAR), "first_step": h}
    assert outcome(diffsol.integrate, *call, **options) == outcome(
        scipy.integrate, *call, **options
    )


def test_a_warning_of_a_singular_matrix_may_be_an_error():
    call = (lambda t, y: 0 * y, (0, 10), [1.0, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", LinAlgWarning)
        with pytest.raises(LinAlgWarning, match="exactly zero"):
            diffsol.integrate.solve_ivp(*call, method="BDF", jac=SINGULAR, first_step=0.5 * 1.1850)


@pytest.mark.parametrize("method", [*NEWTON, "LSODA"])
def test_an_exception_of_the_jacobian_comes_out(method):
    def jac(t, y):
        calls.append(t)
        if len(calls) == 2:
            raise KeyError("mine")
        return np.array(kinetics_jac(t, y))

    found = []
    for module in BOTH:
        calls = []
        with pytest.raises(KeyError, match="mine"):
            module.solve_ivp(kinetics, (0, 1e5), [1.0, 0, 0], method=method, jac=jac)
        found.append(len(calls))
    assert found == [2, 2]


# --- compiled ----------------------------------------------------------------------------------------


def test_the_structure_is_found_without_being_told():
    kernels.clear()
    n = 300
    y0 = np.sin(np.arange(float(n)))
    for _ in range(3):
        sol = diffsol.integrate.solve_ivp(diffusion, (0, 5), y0, method="BDF", rtol=1e-8)
    theirs = scipy.integrate.solve_ivp(
        diffusion, (0, 5), y0, method="BDF", rtol=1e-8, jac=diffusion_jac
    )
    np.testing.assert_allclose(sol.y[:, -1], theirs.y[:, -1], rtol=1e-5, atol=1e-8)


# --- found by reviews ---------------------------------------------------------------------------------


def rebuilt(form):
    matrix = [[-1.0, 0.5], [0.0, -20.0]]
    return {
        "callable": lambda t, y: np.array(matrix),
        "callable sparse": lambda t, y: sp.csc_array(matrix),
        "constant": np.array(matrix),
        "constant sparse": sp.csc_array(matrix),
        "none": None,
    }[form]


@pytest.mark.parametrize("method", [*NEWTON, "LSODA"])
@pytest.mark.parametrize(
    "form", ["callable", "callable sparse", "constant", "constant sparse", "none"]
)
def test_a_solve_redone_in_python_has_its_jacobian(method, form, monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "1")
    if method == "LSODA" and form not in ("callable", "none"):
        form = "callable"  # LSODA takes no other

    def fun(t, y):
        return [-y[0] + 0.5 * y[1], -20 * y[1]]

    for _ in range(3):
        diffsol.explain(fun, (0, 1), [1.0, 1.0], method=method)
    verdicts = iter([False])
    monkeypatch.setattr(verify, "agrees", lambda *a: next(verdicts, True))
    call = {"method": method, "jac": rebuilt(form), "rtol": 1e-6}
    with pytest.warns(MismatchWarning):
        ours = diffsol.integrate.solve_ivp(fun, (0, 3), [1.0, 1.0], **call)
    theirs = scipy.integrate.solve_ivp(fun, (0, 3), [1.0, 1.0], **call)
    assert counts(ours) == counts(theirs)


@pytest.mark.parametrize("method", ["RK45", *NEWTON, "LSODA"])
def test_rounding_at_a_steady_state_is_no_mismatch(method):
    """All terms of A y + b cancel there: f is made of rounding errors."""
    matrix = np.random.RandomState(0).randn(12, 12) - 8 * np.eye(12)

    def fun(t, y):
        return matrix @ y + 1

    with warnings.catch_warnings():
        warnings.simplefilter("error", MismatchWarning)
        for _ in range(6):
            call = {"method": method, "rtol": 1e-10, "atol": 1e-12}
            assert diffsol.integrate.solve_ivp(fun, (0, 60.0), np.ones(12), **call).success


@pytest.mark.parametrize("method", ["RK45", *NEWTON, "LSODA"])
@pytest.mark.parametrize("culprit", ["events", "jac"])
def test_what_the_first_event_or_jacobian_changes_is_seen(method, culprit, monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "1")
    if culprit == "jac" and method == "RK45":
        culprit = "events"
    answers = []
    for module in (*BOTH, diffsol.integrate):
        state = {"k": 1.0}

        def fun(t, y, state=state):
            return [-state["k"] * y[0], -10.0 * y[1]]

        def event(t, y, state=state):
            state["k"] = 3.0
            return 1.0

        def jac(t, y, state=state):
            state["k"] = 3.0
            return [[-3.0, 0.0], [0.0, -10.0]]

        if module is diffsol.integrate:
            diffsol.explain(
                fun, (0, 1), [1.0, 1.0], method=method
            )  # a kernel is there from the start
        options = {"method": method, culprit: event if culprit == "events" else jac, "rtol": 1e-6}
        sol = module.solve_ivp(fun, (0, 1), [1.0, 1.0], **options)
        answers.append(sol.y[0, -1])
    np.testing.assert_allclose(answers[1:], answers[0], rtol=1e-5)


@pytest.mark.slow
def test_a_flag_in_a_sparse_jacobian_costs_few_evaluations():
    """sqrt|y| has no derivative at the start: differences serve, in groups of columns."""
    n = 3000

    def fun(t, y):
        dy = -2 * y - 1e-3 * np.sqrt(np.abs(y)) + 1.0
        dy[1:] += y[:-1]
        dy[:-1] += y[1:]
        return dy

    for _ in range(3):
        sol = diffsol.integrate.solve_ivp(fun, (0, 0.1), np.zeros(n), method="BDF")
    theirs = scipy.integrate.solve_ivp(
        fun, (0, 0.1), np.zeros(n), method="BDF",
        jac_sparsity=sp.diags_array([np.ones(n - 1), np.ones(n), np.ones(n - 1)], offsets=[-1, 0, 1]),
    )  # fmt: skip
    np.testing.assert_allclose(sol.y[:, -1], theirs.y[:, -1], rtol=1e-3)
