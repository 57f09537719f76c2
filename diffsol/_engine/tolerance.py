"""rtol and atol of the C core's solver."""

from __future__ import annotations

import numpy as np

from diffsol._native._core import ffi


def set_tolerance(ivp, name, value, n):
    """Sets `name` ('rtol' | 'atol') to a number, or to an array that broadcasts to (n,).

    Returns the memory that the core then reads (None for a number): it must live as long as the solve.
    """
    if type(value) is float or np.ndim(value) == 0:  # the first is the usual, and quick
        if name == "rtol":
            ivp.rtol_value = float(value)
        else:
            ivp.atol_value = float(value)
        return None
    buffer = ffi.from_buffer(
        "double[]", np.ascontiguousarray(np.broadcast_to(value, (n,)), dtype=float)
    )
    setattr(ivp, name, buffer)
    setattr(ivp, f"{name}_stride", 1)
    return buffer
