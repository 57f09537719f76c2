"""What SciPy's C code for `ode` makes of a function's result, and the sizes of ODEPACK's memory."""

from __future__ import annotations

import numpy as np

from diffsol._engine.refusal import refused

_FLOAT = np.dtype(float)


def take_derivative(result, out):
    """Writes what the right-hand side returned to `out`, an ndarray (n,).

    Any shape of n numbers will do. Another number of them is an error, where SciPy's `dopri5` and
    `dop853` read memory that is not theirs.
    """
    array = np.asarray(result)
    if array.dtype is not _FLOAT:
        array = as_numbers(result, out.dtype)
    if array.size != out.size:
        raise refused(
            RuntimeError,
            f"The size of the array returned by func ({array.size}) does not match "
            f"the size of y0 ({out.size}).",
        )
    out[:] = array.reshape(out.shape)


def as_numbers(value, dtype):
    """An array by the conversions that C code asks NumPy for: an array must not lose anything."""
    if isinstance(value, np.ndarray | np.generic):
        try:
            return np.asarray(value).astype(dtype, casting="safe", copy=False)
        except TypeError as error:
            raise refused(TypeError, str(error)) from None
    return np.asarray(value, dtype=dtype)


def as_doubles(value):
    """float64 as `as_numbers` makes it."""
    return as_numbers(value, _FLOAT)


def work_lengths(n, orders, band):
    """(lenrw, leniw): the lengths that ODEPACK's work arrays need.

    orders   highest orders of Adams and BDF
    band     (lower, upper) of the Jacobian, or None: full
    """
    lower, upper = band or (0, 0)
    matrix = n * n if band is None else (2 * lower + upper + 1) * n
    nonstiff, stiff = 20 + (orders[0] + 1) * n, 20 + (orders[1] + 1) * n + matrix + 2
    return max(nonstiff, stiff) + 3 * n, 20 + n
