"""VODE and ZVODE beside SciPy's own, step by step: the same bits, counts and outcomes.

SciPy 1.17 spoils the dense matrices of its real `vode`: a given Jacobian is transposed (scipy issue
24933), and in any, J[0, 0] stands in the last place. So full matrices are given to it as bands. Its
`zvode` renews a diagonal for another step size by a wrong formula; there its `vode` stands in.
"""

import numpy as np
import pytest
from diffsol._native._core import lib

import problems
from native.vode_sides import ONE_STEP, PAST_TIME, TO_TIME, Options, Ours, Scipy, shown

pytestmark = pytest.mark.filterwarnings("ignore:z?vode.*:UserWarning", "ignore:.*:RuntimeWarning")

NONSTIFF = ("lorenz", "arenstorf")
STIFF = ("robertson", "van_der_pol", "oregonator", "hires")
METHODS = ("adams", "bdf")
NAMES = ("vode", "zvode")


def of_problem(name, integrator, jacobian, rtol, **options):
    """(SciPy's options, ours, the end): jacobian is None, 'given', 'differences' or 'diagonal'."""
    p = problems.load(name)
    n = len(p.y0)

    def fun(t, y):
        return np.asarray(p.fun(t, y, *p.params), dtype=y.dtype)

    def full(t, y):
        return np.asarray(p.jac(t, y, *p.params))

    options |= {"rtol": rtol, "atol": rtol * np.broadcast_to(p.atol_factor, n)}
    given = full if jacobian == "given" else None
    ours = dict(options, with_jacobian=jacobian is not None)
    theirs = dict(ours)
    if jacobian == "diagonal":
        theirs |= {"lband": 0, "uband": 0}
        ours = theirs
    elif jacobian is not None and integrator == "vode":
        theirs |= {"lband": n - 1, "uband": n - 1}
    theirs_given = as_band(given, n) if given and integrator == "vode" else given
    begin, end = p.t_span
    return (
        Options(fun, p.y0, begin, theirs_given, integrator, **theirs),
        Options(fun, p.y0, begin, given, integrator, **ours),
        end,
    )


def as_band(jac, n):
    """The same matrix by its diagonals, all of them."""
    rows, columns = np.indices((n, n))

    def banded(t, y):
        band = np.zeros((2 * n - 1, n))
        band[rows - columns + n - 1, columns] = jac(t, y)
        return band

    return banded


def assert_same(ours, theirs):
    assert repr(shown(ours)) == repr(shown(theirs))  # nan is nan


def walk(theirs, ours, end, steps, same=assert_same):
    """Step by step, as long as there is anywhere to go."""
    begin, reach = ours.t, abs(end - ours.t)
    for k in range(1, steps + 1):
        theirs.call(ONE_STEP, end)
        ours.call(ONE_STEP, end)
        same(ours, theirs)
        if abs(ours.t - begin) >= reach or ours.istate < 0:
            return k
    return steps


# --- steps -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-10])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("integrator", NAMES)
@pytest.mark.parametrize("name", NONSTIFF + STIFF)
def test_functional_iteration(name, integrator, method, rtol):
    theirs, ours, end = of_problem(name, integrator, None, rtol, method=method)
    walk(Scipy(theirs), Ours(ours), end, 300)


@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("jacobian", ["given", "differences"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("integrator", NAMES)
@pytest.mark.parametrize("name", STIFF[:3])
def test_chord_iteration(name, integrator, method, jacobian, rtol):
    theirs, ours, end = of_problem(name, integrator, jacobian, rtol, method=method)
    ours = Ours(ours)
    walk(Scipy(theirs), ours, end, 400)
    assert ours.counts["nlu"] > ours.counts["nje"] > 1


@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", STIFF)
def test_diagonal_iteration(name, method, rtol):
    theirs, ours, end = of_problem(name, "vode", "diagonal", rtol, method=method)
    walk(Scipy(theirs), Ours(ours), end, 300)


def assert_close(ours, theirs):
    """Rounding errors apart."""
    assert (ours.istate, ours.counts) == (theirs.istate, theirs.counts)
    np.testing.assert_allclose(ours.t, theirs.t, rtol=1e-7)
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", STIFF)
def test_complex_diagonal_iteration(name, method):
    theirs, _, end = of_problem(name, "vode", "diagonal", 1e-6, method=method)
    _, ours, _ = of_problem(name, "zvode", "diagonal", 1e-6, method=method)
    walk(Scipy(theirs), Ours(ours), end, 50, assert_close)


@pytest.mark.parametrize("jacobian", ["given", "differences"])
@pytest.mark.parametrize("method", METHODS)
def test_larger_complex_matrices(method, jacobian):
    theirs, ours, end = of_problem("hires", "zvode", jacobian, 1e-6, method=method)
    walk(Scipy(theirs), Ours(ours), end, 60, assert_close)


def spirals(t, y):
    return np.array([1j * y[0] - 0.1 * y[1], (2 - 1j) * np.cos(t) - 50 * y[1]])


def spirals_jac(t, y):
    return np.array([[1j, -0.1], [0, -50]])


def chain(t, y):
    """Diffusion along a line, in complex numbers, with a source."""
    out = -2 * y
    out[1:] += y[:-1]
    out[:-1] += y[1:]
    out *= 30 + 5j
    out[0] += np.exp(1j * t)
    return out


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"with_jacobian": True},
        {"jac": spirals_jac},
        {"lband": 0, "uband": 1},
    ],
    ids=" and ".join,
)
@pytest.mark.parametrize("end", [2.0, -0.3])
@pytest.mark.parametrize("method", METHODS)
def test_complex_numbers(method, end, options):
    o = Options(spirals, [1 + 1j, 0.5], 0, name="zvode", method=method, rtol=1e-7, **options)
    walk(Scipy(o), Ours(o), end, 300)


@pytest.mark.parametrize("integrator", NAMES)
@pytest.mark.parametrize("band", [(1, 1), (2, 1), (1, 3)], ids=str)
@pytest.mark.parametrize("given", [False, True])
def test_bands(integrator, band, given):
    n = 9
    lower, upper = band

    def fun(t, y):
        out = chain(t, y.astype(complex))
        return out if integrator == "zvode" else out.real

    def jac(t, y):
        matrix = np.zeros((lower + upper + 1, n), dtype=complex)
        matrix[upper] = -60 - 10j
        matrix[upper + 1, :-1] = matrix[upper - 1, 1:] = 30 + 5j
        return matrix if integrator == "zvode" else matrix.real

    o = Options(
        fun, np.linspace(0, 1, n), 0, jac if given else None, integrator,
        method="bdf", lband=lower, uband=upper,
    )  # fmt: skip
    # LAPACK's elimination of complex matrices rounds in its own way
    walk(Scipy(o), Ours(o), 3.0, 150, assert_same if integrator == "vode" else assert_close)


# --- calls, options and outcomes -----------------------------------------------------------------------


def oscillator(t, y):
    return np.array([y[1], -y[0]])


def jumpy(t, y):
    return 1e3 * np.sign(np.sin(20 * t)) * np.ones(len(y))


OPTIONS = [
    {"order": 1}, {"order": 3}, {"order": 20}, {"order": 0}, {"order": -1}, {"nsteps": 3},
    {"nsteps": -1}, {"max_step": 0.01}, {"max_step": -1.0}, {"min_step": 0.3}, {"min_step": 1e-3},
    {"min_step": -1.0}, {"first_step": 0.1}, {"first_step": 1e-9}, {"first_step": -0.1},
    {"first_step": 5.0, "max_step": 0.5}, {"rtol": -1.0}, {"atol": -1.0}, {"rtol": 1e-18, "atol": 0},
    {"rtol": [1e-6, 1e-2]}, {"atol": [1e-6, 1e-2]}, {"rtol": 0.0}, {"lband": 5}, {"lband": -1},
    {"lband": 1, "uband": 2}, {"lband": 1, "uband": 1, "min_step": 1e-4},
]  # fmt: skip


@pytest.mark.parametrize("fun", [oscillator, jumpy])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("integrator", NAMES)
def test_options(integrator, method, options, fun):
    if options.get("order") == 0:
        options = dict(options, nsteps=-1)  # SciPy asks for a larger work array: refused as well
    o = Options(fun, [1.0, 0.5], 0, name=integrator, method=method, **options)
    theirs, ours = Scipy(o), Ours(o)
    for end in (1.0, 2.0, 2.0 + 1e-12, 4.0):
        theirs.call(TO_TIME, end)
        ours.call(TO_TIME, end)
        assert_same(ours, theirs)


@pytest.mark.parametrize("task", [TO_TIME, ONE_STEP, PAST_TIME])
@pytest.mark.parametrize(
    "times",
    [(1.0, 2.0), (1.0, 0.5, 1.5), (0.0, 1.0), (1.0, 1.0, 1.0), (-1.0, -2.0), (1e-320, 1.0),
     (np.nan, 1.0), (1.0, np.nan, 2.0), (np.inf,), (1.0, -1.0, 2.0)],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("integrator", NAMES)
def test_calls(integrator, times, task):
    if integrator == "vode" and task == PAST_TIME and np.isnan(times).any():
        integrator = "zvode"  # SciPy's vode then takes all the steps that nsteps allows
    o = Options(oscillator, [1.0, 0.5], 0, name=integrator)
    theirs, ours = Scipy(o), Ours(o)
    for end in times:
        theirs.call(task, end)
        ours.call(task, end)
        assert_same(ours, theirs)


FAILURES = {
    "nan": lambda t, y: np.nan * y,
    "inf later": lambda t, y: y if t < 0.5 else np.inf * y,
    "explosion": lambda t, y: y**2,
    "overflow": lambda t, y: 1e300 * np.exp(y),
    "vanishing": lambda t, y: -np.sign(y) * np.sqrt(np.abs(y)),
    "jumps": jumpy,
}


@pytest.mark.parametrize("fun", FAILURES)
@pytest.mark.parametrize("band", [None, (1, 1), (0, 0)], ids=str)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("integrator", NAMES)
def test_failures(integrator, method, band, fun):
    if band == (0, 0):
        integrator = "vode"
    options = {} if band is None else {"lband": band[0], "uband": band[1]}
    o = Options(FAILURES[fun], [1.0, 2.0], 0, name=integrator, method=method, **options)
    theirs, ours = Scipy(o), Ours(o)
    for end in (0.4, 3.0, 3.5):
        theirs.call(TO_TIME, end)
        ours.call(TO_TIME, end)
        assert_same(ours, theirs)


# --- what surrounds a call ---------------------------------------------------------------------------


def test_slices_of_time_change_nothing(monkeypatch):
    """A call in as many pieces as there are steps."""
    o = Options(oscillator, [1.0, 0.5], 0, method="bdf", with_jacobian=True)
    whole = Ours(o)
    whole.call(TO_TIME, 2.0)
    advanced = []

    def step(core, seconds, *inputs):
        advanced.append(core.step_count)
        return lib.ds_vode_run(core, 0.0, *inputs)

    monkeypatch.setattr("diffsol._engine.tier.calling_python", lambda run, n: step)
    pieces = Ours(o)
    pieces.call(TO_TIME, 2.0)
    assert_same(pieces, whole)
    assert len(set(advanced)) > 20


@pytest.mark.parametrize("fails", ["fun", "jac"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_an_exception_ends_the_call_at_once(fails, at):
    calls = {"fun": 0, "jac": 0}

    def count(which, value):
        calls[which] += 1
        if which == fails and calls[which] == at:
            raise KeyError(at)
        return value

    o = Options(
        lambda t, y: count("fun", -1e3 * (y - np.cos(t))), [1.0, 0.5], 0,
        jac=lambda t, y: count("jac", -1e3 * np.eye(2)), method="bdf", nsteps=5000,
    )  # fmt: skip
    ours = Ours(o)
    with pytest.raises(KeyError):
        ours.call(TO_TIME, 50.0)
    assert calls[fails] == at
    ours.call(TO_TIME, 50.0)
    assert ours.istate == 2
    np.testing.assert_allclose(ours.y, np.cos(50.0), rtol=1e-2)


def test_component_of_the_largest_error():
    def fun(t, y):
        return np.array([0.0, 1.0, 1e3 * np.sign(t - 0.5), 0.0])

    o = Options(fun, np.ones(4), 0, min_step=1e-3)
    theirs, ours = Scipy(o), Ours(o)
    theirs.call(TO_TIME, 1.0)
    ours.call(TO_TIME, 1.0)
    assert ours.istate == theirs.istate == -4
    assert ours._vode.counts()["imxer"] == theirs._ode._integrator.iwork[15] == 3
