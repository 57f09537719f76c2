"""The way of `solve_ivp` for everything that has no native stepper: SciPy's own solver runs."""

import sys
from typing import Any

from diffsol.integrate import _scipy

# Modules whose classes of these names are the native methods: SciPy's and our subclasses.
_HOMES = ("scipy.integrate._ivp.rk", "diffsol.integrate._solvers")
_CLASS_NAMES = ("RK23", "RK45", "DOP853")


def native_name(method: Any) -> str | None:
    """The name of a native method given as a class or a str subclass; None for anything else."""
    if isinstance(method, str):
        return str(method)
    if not isinstance(method, type) or method.__name__ not in _CLASS_NAMES:
        return None
    # A user's class may have any name: it counts only if it is the very class of that module.
    for home in _HOMES:
        if home in sys.modules and getattr(sys.modules[home], method.__name__, None) is method:
            return method.__name__
    return None


def scipy_solve_ivp(
    fun, t_span, y0, method, t_eval, dense_output, events, vectorized, args, options
):
    """SciPy's `solve_ivp` with the caller's own functions."""
    return _scipy.ivp().solve_ivp(
        fun,
        t_span,
        y0,
        method=method,
        t_eval=t_eval,
        dense_output=dense_output,
        events=events,
        vectorized=vectorized,
        args=args,
        **options,
    )
