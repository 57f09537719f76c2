"""The arguments of `solve_ivp`, checked in SciPy's order and with SciPy's words.

Each check is a function of its own, with a quick way for what nearly everybody passes (plain
floats, tuples, float64 arrays): the whole call of a tiny problem has a budget of 30 us.
"""

import math
from typing import Any
from warnings import warn

import numpy as np

EPS = np.finfo(float).eps
MIN_RTOL = 100 * EPS
_FLOAT = np.dtype(float)


def unpack_args(args: Any) -> tuple:
    """`args` as a tuple: any iterable will do, as with SciPy; else a TypeError that says so."""
    if type(args) is tuple:
        return args
    if args is None:
        return ()
    try:
        return (*args,)
    except TypeError as error:
        raise TypeError(
            "Supplied 'args' cannot be unpacked. Please supply `args`"
            f" as a tuple (e.g. `args=({args},)`)"
        ) from error


def check_t_eval(t_eval: Any, t0: float, tf: float) -> np.ndarray:
    """`t_eval` as a 1-D array of any dtype, inside the span and strictly in its direction."""
    t_eval = np.asarray(t_eval)
    if is_plain_grid(t_eval, t0, tf):
        return t_eval
    if t_eval.ndim != 1:
        raise ValueError("`t_eval` must be 1-dimensional.")
    if np.any(t_eval < min(t0, tf)) or np.any(t_eval > max(t0, tf)):
        raise ValueError("Values in `t_eval` are not within `t_span`.")
    d = np.diff(t_eval)
    if tf > t0 and np.any(d <= 0) or tf < t0 and np.any(d >= 0):
        raise ValueError("Values in `t_eval` are not properly sorted.")
    return t_eval


def is_plain_grid(t_eval: np.ndarray, t0: float, tf: float) -> bool:
    """The usual case, seen in one comparison: float64, strictly monotone, its ends in the span."""
    if t_eval.dtype != _FLOAT or t_eval.ndim != 1 or not t_eval.size:
        return False
    first, last = t_eval[0], t_eval[-1]
    if t0 < tf:
        return t0 <= first and last <= tf and bool((t_eval[1:] > t_eval[:-1]).all())
    return t0 >= first and last >= tf and bool((t_eval[1:] < t_eval[:-1]).all())


def warn_extraneous(names: Any, stacklevel: int = 3) -> None:
    """Warn of options that mean nothing to the method, in the order given."""
    warn(
        "The following arguments have no effect for a chosen solver: "
        f"{', '.join(f'`{name}`' for name in names)}.",
        stacklevel=stacklevel,
    )


def check_y0(y0: Any) -> np.ndarray:
    """The initial state as float64 or complex128, 1-D and finite; not copied if it is already."""
    y0 = np.asarray(y0)
    if y0.dtype != _FLOAT:
        dtype = complex if np.issubdtype(y0.dtype, np.complexfloating) else float
        y0 = y0.astype(dtype, copy=False)
    if y0.ndim != 1:
        raise ValueError("`y0` must be 1-dimensional.")
    if not _is_finite(y0):
        raise ValueError("All components of the initial state `y0` must be finite.")
    return y0


def _is_finite(y: np.ndarray) -> bool:
    # A finite sum of squares proves that all components are finite, at a tenth of the price
    # of the full test, which is left for states that overflow when squared and for complex ones.
    if y.dtype == _FLOAT and math.isfinite(y.dot(y)):
        return True
    return bool(np.isfinite(y).all())


def check_max_step(max_step: Any) -> float:
    """`max_step` as a float; a NaN bounds nothing, as with SciPy, where no comparison is true."""
    if max_step <= 0:
        raise ValueError("`max_step` must be positive.")
    max_step = float(max_step)
    return math.inf if math.isnan(max_step) else max_step


def check_tolerances(rtol: Any, atol: Any, n: int, stacklevel: int = 2) -> tuple[Any, Any]:
    """Tolerances as floats or float64 arrays that broadcast against the state.

    A relative tolerance below 100 EPS is raised to it with a warning.  `atol` must be a scalar
    or have shape (n,), and not be negative.  stacklevel as if the caller warned.
    """
    if type(rtol) is not float or not rtol >= MIN_RTOL:
        if np.any(rtol < MIN_RTOL):
            warn(
                "At least one element of `rtol` is too small. "
                f"Setting `rtol = np.maximum(rtol, {MIN_RTOL})`.",
                stacklevel=stacklevel + 1,
            )
            rtol = np.maximum(rtol, MIN_RTOL)
        rtol = _scalar_or_array(rtol)
        if type(rtol) is not float:
            # NumPy's own complaint if the shape does not fit, as SciPy lets it come out.
            rtol = (np.ones(n) * rtol).reshape(n)
    if type(atol) is not float or not atol >= 0:
        atol = np.asarray(atol)
        if atol.ndim > 0 and atol.shape != (n,):
            raise ValueError("`atol` has wrong shape.")
        if np.any(atol < 0):
            raise ValueError("`atol` must be positive.")
        atol = _scalar_or_array(atol)
    return rtol, atol


def _scalar_or_array(tolerance: Any) -> Any:
    tolerance = np.asarray(tolerance, dtype=float)
    return float(tolerance) if tolerance.ndim == 0 else tolerance


def check_first_step(first_step: Any, t0: float, tf: float) -> float:
    """`first_step` as a float, positive and not longer than the span."""
    if first_step <= 0:
        raise ValueError("`first_step` must be positive.")
    if first_step > np.abs(tf - t0):
        raise ValueError("`first_step` exceeds bounds.")
    return float(first_step)


def prepare_events(events: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """Event functions with their ``terminal`` and ``direction`` attributes.

    Returns
    -------
    events : sequence of callables
    max_events : ndarray, shape (n_events,)
        How often each may happen before the integration ends; inf where it never ends it.
    direction : ndarray, shape (n_events,)
        NaN (from a direction of None) never fires.
    """
    if callable(events):
        events = (events,)
    max_events = np.empty(len(events))
    direction = np.empty(len(events))
    for i, event in enumerate(events):
        direction[i] = getattr(event, "direction", 0)
        max_events[i] = _max_events(getattr(event, "terminal", None))
    return events, max_events, direction


def _max_events(terminal: Any) -> float:
    if terminal is None or terminal == 0:
        return math.inf
    if int(terminal) == terminal and terminal > 0:
        return terminal
    raise ValueError(
        "The `terminal` attribute of each event must be a boolean or positive integer."
    )


def check_c_function(fun: Any, args: Any, state: np.ndarray, vectorized: Any) -> Any:
    """A `scipy.LowLevelCallable` as a right-hand side; anything else as it is."""
    from diffsol._engine.c_function import CFunction, is_low_level

    if not is_low_level(fun):
        return fun
    if args:
        raise TypeError("`args` cannot be handed to a LowLevelCallable; use its user data.")
    if state.dtype.kind == "c" or vectorized:
        raise TypeError("a LowLevelCallable takes real states, one at a time (no `vectorized`).")
    return CFunction(fun, state.size)
