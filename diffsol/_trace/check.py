"""Guard functions, made from their lines (see `guards`). Loading this needs no tracer."""

from __future__ import annotations

import numpy as np

from diffsol._trace.whole import Whole


def made_of(source, constants):
    """check(fun, args, P) -> bool. The lines of `source` may name the constants K0, K1, ..."""
    body = "\n".join(f"        {line}" for line in source.splitlines()) or "        pass"
    text = (
        "def check(fun, args, P):\n    try:\n"
        + body
        + "\n    except Exception:\n        return False\n    return True\n"
    )
    scope = {f"K{i}": value for i, value in enumerate(constants)}
    scope["array_equal"] = np.array_equal
    scope["ascending"] = ascending
    scope["number_table"] = number_table
    scope["fits"] = _comparing()
    exec(compile(text, "<diffsol guards>", "exec"), scope)
    return scope["check"]


def _comparing():
    """fits(constant, value, P): is a long container what `Whole(*constant)` tells?"""
    wholes: dict = {}  # by the constant's id: the guard function keeps it

    def fits(constant, value, block):
        known = wholes.get(id(constant))
        if known is None:
            known = wholes[id(constant)] = Whole(*constant)
        return known.fits(value, block)

    return fits


def ascending(values) -> bool:
    """Is a table sorted (and without NaN)?"""
    return bool((values[:-1] <= values[1:]).all())


def number_table(values, kind) -> np.ndarray:
    """The numbers of a list, all of one type, as an array; TypeError if one is of another."""
    if any(type(x) is not kind for x in values):
        raise TypeError("numbers of several types")
    return np.array(values, dtype=np.float64 if kind is float else np.int64)
