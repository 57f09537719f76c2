"""The solves of odeint that are left to SciPy's own C code."""

from __future__ import annotations

import sys
import time
from copy import copy

import numpy as np

from diffsol._engine import ahead, kernels, policy, switch
from diffsol.integrate import _scipy

# Seconds of a solve in Python from which on SciPy's shorter preparations (25 us) no longer show.
SHORT = 2e-4


def solve_as_scipy(func, y0, t, times, args, as_given):
    """What SciPy's C code answers, where a function is better off with it; else None."""
    if times is None or not callable(func) or switch.mode_of_solve() != "1":
        return None
    n = len(y0) if type(y0) is list or (type(y0) is np.ndarray and y0.ndim) else 1
    record = kernels.record_of(func, "odepack", n, False, False, as_given[-1] is False)
    if not _is_better_off_with_scipy(record, _span(times)):
        return None
    started = time.perf_counter()
    answers = scipy_odeint(func, y0, t, args, as_given)
    spent = time.perf_counter() - started
    record.python_seconds += spent
    record.python_solves += 1
    if not _stays_python(record):
        ahead.load(spent)
    return answers


def note_python(record, times):
    """A solve at these times was made natively, in Python to its end."""
    record.python_solves += 1
    record.python_span = max(record.python_span, _span(times))


def _span(times):
    return abs(float(times[-1] - times[0]))


def _is_better_off_with_scipy(record, span):
    """Is this a function that stays Python, or one whose solves are so short that compiling it has not
    paid yet? SciPy's C code has less to prepare, which takes as long as some fifty evaluations."""
    return (
        (_stays_python(record) or _is_short(record, span))
        and "scipy.integrate" in sys.modules
        and not _scipy.is_in_fortran()  # whose memory all solves share
        and not _is_inside_scipys()
    )


def _stays_python(record):
    return record.refusal is not None and not record.may_trace()


def _is_short(record, span):
    """Have the solves so far been short, over intervals no shorter than this one, and all of them too
    few to pay for a kernel?"""
    spent, solves = record.python_seconds, record.python_solves
    few = 0 < spent < min(SHORT * solves, policy.price(1))
    return few and span <= record.python_span and not record.variants


def _is_inside_scipys():
    """Is a solve by SciPy's LSODA under way further up? A second one inside it would fail."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code is scipy_odeint.__code__:
            return True
        name = frame.f_globals.get("__name__")
        if type(name) is str and name.startswith("scipy.integrate"):
            return True
        frame = frame.f_back
    return False


def scipy_odeint(func, y0, t, args, as_given):
    """SciPy's own code, called as SciPy calls it."""
    (
        Dfun, col_deriv, full_output, ml, mu, rtol, atol, tcrit,
        h0, hmax, hmin, ixpr, mxstep, mxhnil, mxordn, mxords, tfirst,
    ) = as_given  # fmt: skip
    with _scipy.odeint_lock():
        return _scipy.odepack().odeint(
            func, copy(y0), copy(t), args, Dfun, col_deriv, -1 if ml is None else ml,
            -1 if mu is None else mu, full_output, rtol, atol, tcrit, h0, hmax, hmin, ixpr,
            mxstep, mxhnil, mxordn, mxords, int(bool(tfirst)),
        )  # fmt: skip
