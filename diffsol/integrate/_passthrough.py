"""The way of `solve_ivp` for everything that has no native stepper: SciPy's own solver runs."""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from diffsol._engine.proxy import Proxies
from diffsol._methods.registry import METHODS
from diffsol.integrate import _scipy
from diffsol.integrate._result import OdeResult

# Modules whose classes of a native method's name are that method: SciPy's and our subclasses.
_HOMES = (
    *(f"scipy.integrate._ivp.{name}" for name in ("rk", "radau", "bdf", "lsoda")),
    "diffsol.integrate._solvers",
    "diffsol.integrate._implicit_solvers",
)


def native_name(method: Any) -> str | None:
    """The name of a native method given as a class or a str subclass; None for anything else."""
    if isinstance(method, str):
        return str(method)
    if not isinstance(method, type) or method.__name__ not in METHODS:
        return None
    # A user's class may have any name: it counts only if it is the very class of that module.
    for home in _HOMES:
        if home in sys.modules and getattr(sys.modules[home], method.__name__, None) is method:
            return method.__name__
    return None


def after_first(fun: Callable, result: Any) -> Callable:
    """`fun`, whose first call has been made already and gave `result`."""
    results = [result]

    def resumed(t, y, *args):
        return results.pop() if results else fun(t, y, *args)

    return resumed


def scipy_solve_ivp(
    fun, t_span, y0, method, t_eval, dense_output, events, vectorized, args, options
):
    """SciPy's `solve_ivp`; the caller's functions are compiled for it where that pays."""
    return OdeResult(
        _solve(fun, t_span, y0, method, t_eval, dense_output, events, vectorized, args, options)
    )


def _solve(fun, t_span, y0, method, t_eval, dense_output, events, vectorized, args, options):
    call = {
        "method": method,
        "t_eval": t_eval,
        "dense_output": dense_output,
        "vectorized": vectorized,
    }
    solve = _scipy.ivp().solve_ivp
    state = _plain_state(y0)
    if state is None or vectorized or not _is_iterable(args) or not _are_events(events):
        return solve(fun, t_span, y0, events=events, args=args, **call, **options)
    jac = options.get("jac")
    proxies = Proxies(fun, jac, events, () if args is None else tuple(args), state)
    if proxies.fun is None:
        started = time.perf_counter()
        sol = solve(fun, t_span, y0, events=events, args=args, **call, **options)
        proxies.spent(time.perf_counter() - started, sol.nfev)
        return sol
    if callable(jac):
        options = options | {"jac": proxies.jac}
    return solve(proxies.fun, t_span, y0, events=proxies.events, **call, **options)


def _plain_state(y0):
    """The state as SciPy's solvers will hold it, or None where SciPy has something to say about it."""
    try:
        state = np.asarray(y0)
        state = state.astype(complex if state.dtype.kind == "c" else float)
    except (TypeError, ValueError):
        return None
    return state if state.ndim == 1 and state.size else None


def _is_iterable(args):
    return args is None or hasattr(args, "__iter__")


def _are_events(events):
    return events is None or callable(events) or hasattr(events, "__len__")
