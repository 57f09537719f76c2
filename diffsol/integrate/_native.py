"""One solve by a native method: what solve_ivp does behind its checks, and ensembles for a single trajectory."""

from collections.abc import Callable
from math import isnan
from typing import NamedTuple

import numpy as np

from diffsol._engine import Function, Unusual
from diffsol._engine.watch import Start
from diffsol._methods.registry import METHODS
from diffsol.integrate import _options, _passthrough, _scipy
from diffsol.integrate._ivp_again import keep_warm
from diffsol.integrate._outcome import result_of
from diffsol.integrate._start import is_refused, start


class ScipyHas(NamedTuple):
    """A problem for which SciPy has rules of its own: it is to solve it, with the function `fun`.

    has_begun    has `fun` been called?
    """

    fun: Callable
    has_begun: bool


def solve_native(
    fun, t0, tf, y0, name, t_eval, dense_output, events, vectorized, args, options, onlooker
):
    """The `OdeResult` of the native method `name`, or `ScipyHas`. `options` are the method's own.

    onlooker    a `Watch` or what is like it, or None
    """
    traits = METHODS[name]
    state = _options.check_y0(y0)
    if isinstance(fun, tuple):
        fun = _options.check_c_function(fun, args, state, vectorized)
    if (
        t0 == tf
        or not state.size
        or (t_eval is not None and _has_nan(t_eval))
        or (traits.implicit and is_refused(traits, state, options))
    ):
        # Nothing to integrate, or times that no order holds for: there is nothing to gain.
        return ScipyHas(fun, False)
    try:
        run = start(name, fun, t0, tf, state, vectorized, args, options)
    except Unusual as unusual:
        # The shape of the first result is one that SciPy broadcasts in ways of its own.
        return ScipyHas(_passthrough.after_first(fun, unusual.result), True)
    if events is not None:
        _watch(run, events, args, state, y0)
    run.set_output(t_eval, dense_output)
    if onlooker is not None:
        _let_look_on(run, onlooker)
    try:
        status = run.go()
    except Exception as error:
        if not traits.starts_later or not _scipy.takes_over(error):
            raise
        status = None
    if status is None or (
        traits.starts_later and status >= 0 and run.y.size and _scipy.refuses_nan(run.y[:, -1])
    ):
        return ScipyHas(fun, True)  # SciPy before 1.17 has an outcome of its own
    if status == -1 and traits.starts_later:
        _scipy.warn_of_istate(run.istate, stacklevel=3)
    result = result_of(run, status, name, y0, t_eval, dense_output, events is not None)
    if onlooker is None and events is None and not dense_output and status == 0:
        keep_warm(run, name, options)
    if onlooker is not None and onlooker.observers:
        onlooker.end(result.stats)
    return result


def _has_nan(t_eval):
    # A NaN among them makes the sum one; the full test is for those that inf - inf makes.
    if t_eval.dtype != float:
        return bool(np.any(t_eval != t_eval))
    return isnan(t_eval.sum()) and bool(np.isnan(t_eval).any())


def _watch(run, events, args, state, y0):
    """Let the run look for events; their first values come from the caller's own `y0`."""
    events, max_events, direction = _options.prepare_events(events)
    functions = [Function(event, args, state, kind="event") for event in events]
    run.set_events(functions, max_events, direction, y0)


def _let_look_on(run, onlooker):
    """What looks on is told of the solve, and is asked from now on whether it goes on."""
    run.onlooker = onlooker
    if onlooker.observers:
        t0, tf, state, rtol, atol = run.options[:5]
        onlooker.start(Start(run.method, state.size, t0, tf, rtol, atol, run.is_compiled))
