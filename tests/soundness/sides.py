"""A solve by SciPy beside the same solve by us: what it gives, raises, warns of, writes and changes.

An attack is a factory of a world: it gives `fun`, further arguments of `solve_ivp`, and a function that
tells afterwards what has become of the world. Each side gets a fresh one.
"""

import contextlib
import io
import pathlib
import re
import warnings
from collections import Counter

import numpy as np
import scipy.integrate

import diffsol.integrate
from diffsol._engine import kernels
from diffsol._engine.function import Function
from diffsol._trace.reasons import Refused

FOLDER = pathlib.Path(__file__).parent
ROUNDING = 1e-8  # rounding, amplified by a solve of some ten steps
NOTHING = object()
DIGITS = re.compile(r"\d+\.\d+(e[-+]?\d+)?")  # of numbers in the texts of errors


def attacks():
    """(decorator that collects the attacks of a file, list of them)"""
    collected: list = []

    def attack(make):
        collected.append(make)
        return make

    return attack, collected


def assert_same(make, monkeypatch, explicit=True):
    """The attack `make` meets with the same from us as from SciPy; the reason of a refusal, or None."""
    wanted = outcome(make, scipy.integrate, compiled=False)
    reason = NOTHING
    for mode in ("0", "1", "require"):
        monkeypatch.setenv("DIFFSOL_JIT", "1" if reason not in (None, NOTHING) else mode)
        kernels.clear()
        got = outcome(make, diffsol.integrate, compiled=mode != "0")
        reason = got.pop("reason", NOTHING)
        if (
            mode == "require"
            and reason is None
            and got.get("raised", ("",))[0] == "NotCompiledError"
        ):
            continue  # it is an event or a Jacobian that stays Python
        check(got, wanted, explicit)
    return None if reason is NOTHING else reason


def outcome(make, namespace, compiled):
    """What a solve does. compiled: the function is compiled first, if it can be."""
    fun, options, *rest = make()
    observe = rest[0] if rest else lambda: None
    options = {"t_span": (0, 2), "y0": [1.0, 0.5], **options}
    told = {}
    if compiled:
        told["reason"] = compile_first(fun, options)
    written = io.StringIO()
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stdout(written),
    ):
        warnings.simplefilter("always")
        try:
            sol = namespace.solve_ivp(fun, **options)
            told |= {"t": sol.t, "y": sol.y, "nfev": sol.nfev, "status": sol.status}
            told |= {"events": sol.t_events}
        except Exception as error:
            told["raised"] = type(error).__name__, str(error)
    told["warnings"] = Counter(
        (w.category, str(w.message), w.lineno)
        for w in caught
        if pathlib.Path(w.filename).parent == FOLDER
    )
    told["written"] = written.getvalue()
    told["observed"] = observe()
    return told


def compile_first(fun, options):
    y0 = np.atleast_1d(np.asarray(options["y0"]))
    state = y0.astype(complex if y0.dtype.kind == "c" else float)
    try:
        Function(fun, options.get("args") or (), state).compile()
    except Refused as refusal:
        return refusal.reason.code
    return None


def check(got, wanted, explicit):
    raised = [side.pop("raised", ("", "")) for side in (got, dict(wanted))]
    assert raised[0][0] == raised[1][0]
    assert DIGITS.sub("#", raised[0][1]) == DIGITS.sub("#", raised[1][1])
    wanted = {key: value for key, value in wanted.items() if key != "raised"}
    assert got.keys() == wanted.keys()
    for key, value in wanted.items():
        if key in ("t", "y"):
            assert explicit is False or got[key].shape == value.shape
            if explicit:
                scale = np.max(np.abs(value), initial=0.0)
                np.testing.assert_allclose(got[key], value, rtol=ROUNDING, atol=ROUNDING * scale)
        elif key == "events" and value is not None:
            for one, other in zip(got[key], value, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-6)
        elif explicit or key not in ("nfev", "warnings"):
            assert got[key] == value, key
