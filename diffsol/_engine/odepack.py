"""What SciPy's C code for `ode` makes of a function's result."""

from __future__ import annotations

import numpy as np

_FLOAT = np.dtype(float)


def take_derivative(result, out):
    """Writes what the right-hand side returned to `out`, an ndarray (n,).

    Any shape of n numbers will do. Another number of them is an error, where SciPy's `dopri5` and
    `dop853` read memory that is not theirs.
    """
    array = np.asarray(result)
    if array.dtype is not _FLOAT:
        array = as_numbers(result, array, out.dtype)
    if array.size != out.size:
        raise RuntimeError(
            f"The size of the array returned by func ({array.size}) does not match "
            f"the size of y0 ({out.size})."
        )
    out[:] = array.reshape(out.shape)


def as_numbers(result, array, dtype):
    """The conversions that C code asks NumPy for: an array must not lose anything."""
    if isinstance(result, np.ndarray | np.generic):
        return array.astype(dtype, casting="safe")
    return np.asarray(result, dtype=dtype)
