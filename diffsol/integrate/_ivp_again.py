"""A solve_ivp like the one before: the same function, explicit method and options, whose checks are not repeated.

A solve with a compiled function leaves a solver behind, with its options set; the next call needs the guards of the
kernel, the interval, the initial state and the times.
"""

from __future__ import annotations

from math import isfinite
from types import FunctionType, MethodType

import numpy as np

from diffsol._engine import kernels
from diffsol._engine.run_again import WarmRun
from diffsol._engine.warm import LARGEST, keep, taken
from diffsol._engine.watch import OBSERVERS
from diffsol._methods.registry import METHODS
from diffsol.integrate import _options
from diffsol.integrate._odeint_again import PLAIN, floats
from diffsol.integrate._outcome import result_of

_TIMES = (float, int, np.float64)


def solve_as_before(fun, t_span, y0, method, t_eval, args, options):
    """The result of a solve without events and interpolants; None where there was no solve with the very same options
    and a kernel that fits, or where Python must be called. Nothing was called then."""
    traits = METHODS.get(method) if type(method) is str else None
    if traits is None or traits.implicit or type(fun) not in (FunctionType, MethodType):
        return None
    state = floats(y0)
    if state is None or not isfinite(state.dot(state)) or type(args) not in (tuple, type(None)):
        return None
    record = kernels.record_of(fun, traits.rhs_kind, state.size, False, False)
    if not record.idle or kernels.KEEP_FUNCTIONS or OBSERVERS.get():
        return None
    if type(t_span) not in (tuple, list, np.ndarray) or not all(type(t) in _TIMES for t in t_span):
        return None
    t0, tf = map(float, t_span)
    if t0 == tf or not (t_eval is None or _is_grid(t_eval, t0, tf)):
        return None
    if not all(type(value) in PLAIN for value in options.values()):
        return None
    warm = taken(record.idle, lambda known: known == (method, options))
    if warm is None or not warm.fits(record, fun, args or ()):
        return None
    status = warm.go(t0, tf, state, t_eval)
    if status is None:
        return None
    result = result_of(warm, status, method, y0, t_eval, False, False)
    if warm.is_small:
        keep(record.idle, warm)
    return result


def _is_grid(t_eval, t0, tf):
    usual = type(t_eval) is np.ndarray and t_eval.flags.c_contiguous
    return usual and _options.is_plain_grid(t_eval, t0, tf)


def keep_warm(run, method, options):
    """The next solve may begin where this one's checks ended, if its options are plain numbers and no check of them
    warns or depends on the interval."""
    traits, state, idle = METHODS[method], run.options[2], run.rhs.record.idle
    if (
        run.is_silent
        and not any(warm.options == (method, options) for warm in idle)
        and not traits.implicit
        and state.dtype.kind == "f"
        and 0 < state.size <= LARGEST
        and type(run.rhs.fun) in (FunctionType, MethodType)
        and not run.rhs.vectorized
        and all(type(value) in PLAIN for value in options.values())
        and options.get("rtol", 1.0) >= _options.MIN_RTOL
        and options.get("first_step") is None
    ):
        keep(idle, WarmRun(run, (method, options)))
