"""An odeint like the one before: the same function and options, whose checks are not repeated.

A solve with a compiled function leaves a solver behind, with its options set; the next call with the
same options needs the guards of the kernel, the initial state and the times.
"""

from __future__ import annotations

from operator import is_
from typing import Any

import numpy as np

from diffsol._engine import kernels
from diffsol._engine.warm import keep, taken
from diffsol.integrate import _scipy

# types of options that cannot change behind our back
PLAIN = frozenset((int, float, bool, type(None), np.float64))
_FLOAT, _INT = np.dtype(float), np.dtype(int)
_TOLERANCES = 5, 6  # where rtol and atol stand among the options


def solve_as_before(func, y0, t, args, given):
    """(y, istate), with `full_output` the infodict between them; None where there was no solve with
    the very same options and a kernel that fits, or where Python must be called.

    given   the options
    """
    state = floats(y0)
    if state is None or type(args) is not tuple:
        return None
    record = kernels.record_of(func, "odepack", state.size, False, False, given[-1] is False)
    times = floats(t) if record.idle else None  # the quick way out
    warm = None
    if times is not None and times.size:
        warm = taken(record.idle, lambda options: _are_same(given, options[0]))
    if warm is None or not warm.fits(record, func, args):
        return None
    before, options = warm.options
    has_arrays = any(before[i] is np.ndarray for i in _TOLERANCES)
    arrays = _array_tolerances(given, state.size) if has_arrays else ()
    told = options.full_output
    answer = warm.go(times, state, told, arrays)
    if answer is None:
        return None
    y, first = answer
    core = warm.core
    istate = core.solve.istate
    if istate < 0:
        y[core.solve.row :] = np.nan
    elif _scipy.refuses_nan(y[-1]):
        return None
    answers = (y, infodict(core, options, times, first), istate) if told else (y, istate)
    keep(record.idle, warm)
    return answers


def _are_same(given, before):
    if all(map(is_, given, before)):
        return True  # the usual, and quick
    given = _without_arrays(given)
    return all(
        a is b or (type(a) is type(b) and type(a) in PLAIN and a == b)
        for a, b in zip(given, before, strict=True)
    )


def keep_warm(record, solve, given, options):
    """The next solve may begin where this one's checks ended, if options are all plain numbers, but
    for tolerances that are arrays: those are not kept, and read each time."""
    if not solve.is_compiled:
        return
    known = _without_arrays(given)
    plain = all(type(value) in PLAIN or value is np.ndarray for value in known)
    if plain:
        warm = solve.warm((known, options))
        if warm is not None:
            keep(record.idle, warm)


def _without_arrays(given):
    """The options, with the class in place of each array among the tolerances."""
    options = list(given)
    for i in _TOLERANCES:
        if type(options[i]) is np.ndarray:
            options[i] = np.ndarray
    return tuple(options)


def _array_tolerances(given, n):
    """(name, array) of those tolerances that are arrays (n,) of floats."""
    named = [(name, given[i]) for name, i in zip(("rtol", "atol"), _TOLERANCES, strict=True)]
    return [
        (name, a) for name, a in named if type(a) is np.ndarray and floats(a) is a and a.size == n
    ]


def floats(value):
    """A one-dimensional array of floats, from what most callers give; else None."""
    if type(value) is list:
        try:
            value = np.array(value)
        except Exception:
            return None  # it is told later what is wrong
    if type(value) is np.ndarray and value.dtype is _INT:
        value = value.astype(_FLOAT)
    usual = type(value) is np.ndarray and value.dtype is _FLOAT and value.ndim == 1
    return value if usual and value.flags.c_contiguous else None


def infodict(core, options, times, first) -> dict[str, Any]:
    """The columns and numbers of full_output, in SciPy's order."""
    info: dict[str, Any] = core.columns()
    mused = info.pop("mused")
    if first == times.size:
        imxer, lengths = 0, (0, 0)  # nothing was called
    else:
        worst = core.solve.worst
        imxer = worst + 1 if worst >= 0 else -1
        lengths = options.work_lengths(core.n, times, first)
    info["imxer"] = imxer
    info["lenrw"], info["leniw"] = lengths
    info["mused"] = mused
    return info
