"""Every right-hand side of the corpus does under our solvers what it does under SciPy's."""

import contextlib
import io
import pathlib
import re
import warnings

import numpy as np
import pytest
import scipy.integrate

import corpus
import diffsol.integrate
from diffsol._engine import kernels
from diffsol._trace.reasons import Refused

CASES = corpus.cases()
FOLDER = pathlib.Path(__file__).parent
SMALLEST = 170  # functions that the corpus must have
COMPILED_SHARE = 0.9  # of the pure functions
# Rounding, amplified by a hundred steps and a discontinuity or two.
ROUNDING = 1e-7
# Solves by implicit methods differ by their Jacobians (ours are exact), within the error that they admit;
# over a whole solve that is some tens of tolerances.
TOLERANCES = 50
NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")


@pytest.fixture(autouse=True)
def _fresh():
    kernels.clear()


def marked(cases):
    """The cases as parameters; those that wait for the tracer fail, and are noticed when they do not."""
    return [
        pytest.param(case, id=f"{case.family}-{case.name}", marks=pending(case)) for case in cases
    ]


def pending(case):
    return pytest.mark.xfail(reason=case.missing, raises=Refused) if case.missing else ()


@pytest.mark.parametrize("case", marked(c for c in CASES if c.reason is None))
def test_compiles(case):
    compiled(case)


@pytest.mark.parametrize("case", marked(c for c in CASES if c.reason is not None))
def test_refused_for_this_reason(case):
    with pytest.raises(Refused) as refusal:
        compiled(case)
    assert refusal.value.reason.code == case.reason, refusal.value.detail


def compiled(case):
    fun, _ = case.fresh()
    return case.function(fun).compile()


@pytest.mark.parametrize("mode", ["1", "0", "require"])
@pytest.mark.parametrize("case", [pytest.param(c, id=f"{c.family}-{c.name}") for c in CASES])
def test_like_scipy(case, mode, monkeypatch):
    if mode == "require" and (case.reason or case.missing):
        mode = "1"  # nothing can be required of it: once more, now that its refusal is known
        with contextlib.suppress(Refused):
            compiled(case)
    monkeypatch.setenv("DIFFSOL_JIT", mode)
    wanted = outcome(case, scipy.integrate)
    got = outcome(case, diffsol.integrate)
    assert got.keys() == wanted.keys(), got
    for key, value in wanted.items():
        same(got[key], value, case, key)


def outcome(case, namespace):
    """What a solve does: its result or exception, what it writes and warns of, and its effects."""
    fun, observe = fresh(case, namespace)
    written = io.StringIO()
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stdout(written),
        contextlib.redirect_stderr(written),
    ):
        warnings.simplefilter("always")
        try:
            told = told_of(case.solve(namespace, fun), case)
        except Exception as error:
            told = {"raised": type(error), "text": str(error)}
    told["warnings"] = sorted({described(warning) for warning in caught} - {None})
    told["written"] = written.getvalue()
    told["observed"] = observe()
    return told


def described(warning):
    """None for those that SciPy's own arithmetic makes: what it does in NumPy, we do in C."""
    name = warning.category.__name__
    if pathlib.Path(warning.filename).parent == FOLDER:
        return name, str(warning.message), warning.filename, warning.lineno
    return None if name == "RuntimeWarning" else (name, str(warning.message), "", 0)


def fresh(case, namespace):
    fun, observe = case.fresh()
    if case.gap and namespace is scipy.integrate:
        return (lambda *args: np.copy(fun(*args))), observe
    return fun, observe


def told_of(result, case):
    if case.call == "odeint":
        return {"solution": result}
    told = {"status": result.status, "message": result.message, "end": result.y[:, -1]}
    if case.is_explicit:
        told |= {"nfev": result.nfev, "t": result.t, "solution": result.y}
    return told


def same(got, wanted, case, what):
    """Equal, but for the rounding of numbers, wherever they stand."""
    if isinstance(wanted, np.ndarray | float) and not isinstance(wanted, np.ma.MaskedArray):
        assert np.shape(got) == np.shape(wanted), what
        assert np.asarray(got).dtype == np.asarray(wanted).dtype, what
        scale = np.max(np.abs(wanted), initial=0.0)
        np.testing.assert_allclose(got, wanted, err_msg=what, **closeness(case, scale))
    elif isinstance(wanted, str):
        assert NUMBER.sub("#", got) == NUMBER.sub("#", wanted), what
        numbers = [np.array(NUMBER.findall(text), dtype=float) for text in (got, wanted)]
        np.testing.assert_allclose(*numbers, err_msg=what, rtol=ROUNDING, atol=ROUNDING)
    elif isinstance(wanted, list | tuple):
        assert type(got) is type(wanted), what
        assert len(got) == len(wanted), what
        for one, other in zip(got, wanted, strict=True):
            same(one, other, case, what)
    elif isinstance(wanted, dict):
        assert got.keys() == wanted.keys(), what
        for key, value in wanted.items():
            same(got[key], value, case, f"{what}: {key}")
    else:
        assert got == wanted, what


def closeness(case, scale):
    if case.is_explicit:
        return {"rtol": ROUNDING, "atol": ROUNDING * scale}
    default = (1.49e-8, 1.49e-8) if case.call == "odeint" else (1e-3, 1e-6)
    rtol, atol = (case.options.get(k, d) for k, d in zip(("rtol", "atol"), default, strict=True))
    return {"rtol": TOLERANCES * rtol, "atol": TOLERANCES * np.max(atol)}


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=f"{c.family}-{c.name}") for c in CASES if c.reason]
)
def test_python_is_called_when_and_as_often_as_by_scipy(case):
    wanted, got = (recorded_calls(case, module) for module in (scipy.integrate, diffsol.integrate))
    assert [type(t) for t, _ in got] == [type(t) for t, _ in wanted]
    for one, other in zip(zip(*got, strict=True), zip(*wanted, strict=True), strict=True):
        scale = np.max(np.abs(other), initial=0.0)
        np.testing.assert_allclose(one, other, rtol=ROUNDING, atol=ROUNDING * scale)


def recorded_calls(case, namespace):
    """(t, y) of each call of the function during a solve."""
    fun, _ = fresh(case, namespace)
    calls = []

    def recorder(*args):
        t, y = args[1::-1] if case.y_first else args[:2]
        calls.append((t, np.array(y)))
        return fun(*args)

    written = io.StringIO()
    with (
        warnings.catch_warnings(action="ignore"),
        contextlib.redirect_stdout(written),
        contextlib.redirect_stderr(written),
        contextlib.suppress(Exception),
    ):
        case.solve(namespace, recorder)
    return calls


def test_the_corpus_is_large_enough():
    assert len(CASES) >= SMALLEST
    names = [(case.family, case.name) for case in CASES]
    assert len(set(names)) == len(names)


def test_most_pure_functions_compile():
    pure = [case for case in CASES if case.pure]
    good = [case for case in pure if case.reason is None and case.missing is None]
    if len(good) < COMPILED_SHARE * len(pure):
        waiting = sorted({case.missing for case in pure if case.missing})
        pytest.xfail(f"{len(good)} of {len(pure)} compile; waiting for {waiting}")
    assert all(case.why for case in pure if case.reason)
