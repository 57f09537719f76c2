"""Where a NaN or an infinity comes from: component, time, source line and operation."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from diffsol._trace.reasons import Refused, told_place


@dataclass(frozen=True)
class NonFinite:
    """What made the first NaN or infinity of an evaluation of a function.

    name : str
        The function.
    t, y : float, ndarray
        Where it was evaluated.
    components : tuple of int
        Positions in the result that are not finite; empty where only `where` is known.
    where : (file name, line, function name) or None
        The line that made it; None where the function cannot be followed.
    operation : str
        The operator and what it was given, or what was not finite to begin with.
    """

    name: str
    t: float
    y: np.ndarray
    components: tuple = ()
    where: tuple | None = None
    operation: str = ""

    def __str__(self):
        count = len(self.components)
        which = ", ".join(map(str, self.components[:MOST_TOLD])) + (
            ", ..." if count > MOST_TOLD else ""
        )
        lines = [f"{self.name}: component {which} is not finite in a trial at t={self.t!r}"]
        if self.operation:
            lines.append(f"  what:  {self.operation}")
        return "\n".join([*lines, *told_place(self.where)])


MOST_TOLD = 5  # components that are named


def locate(function, t, y) -> NonFinite | None:
    """What is not finite in `function` (a Function) at t, y; None if all is.

    A function that can be followed is followed, any other called.
    """
    given = _given(y, t)
    try:
        traced = function.told()
    except Refused:
        return _by_calling(function, t, y, given)
    from diffsol._graph import blame, interpret

    block = np.empty(traced.n_params)
    if not traced.check(function.fun, function.args, block):
        return _by_calling(function, t, y, given)
    with np.errstate(all="ignore"):
        result, _ = interpret.run(traced.program, t, y, block)
    fault = blame.first_fault(traced.program, t, y, block)
    components = tuple(np.flatnonzero(~np.isfinite(result)).tolist())
    if fault is None:
        outside = given or ("a number read from outside is not finite" if components else "")
        return (
            NonFinite(function.record.name, t, y, components, None, outside) if components else None
        )
    inputs = ", ".join(_short(x) for x in fault.inputs)
    operation = f"{fault.node.op}({inputs}) is {_short(fault.value)}"
    return NonFinite(function.record.name, t, y, components, fault.node.where, operation)


def _given(y, t):
    """What was not finite before the function began."""
    if not np.isfinite(t):
        return f"t is {t!r}"
    bad = np.flatnonzero(~np.isfinite(y))
    return f"y[{bad[0]}] is {y[bad[0]]!r} already" if len(bad) else ""


def _by_calling(function, t, y, given):
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = function.python(t, y.copy())
        except Exception:
            return None
    components = tuple(np.flatnonzero(~np.isfinite(result)).tolist())
    return NonFinite(function.record.name, t, y, components, None, given) if components else None


def _short(value):
    value = np.asarray(value)
    return repr(value.item()) if value.size == 1 else f"array{list(value.shape)}"
