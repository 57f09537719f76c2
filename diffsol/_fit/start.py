"""Where a model starts: an initial state, fixed or a function of the arguments."""

from __future__ import annotations

import numpy as np

from diffsol._ensemble.traced import Wrapped
from diffsol._fit.side import SideFunction
from diffsol.integrate import _options


class FixedStart:
    """The same initial state for all arguments."""

    def __init__(self, y0, m):
        self._y0, self._m = y0, m

    def has_changed(self) -> bool:
        """Does it read other values from outside than it did?"""
        return False

    def values(self, arguments):
        """(y0, dy0/dv): (n,), (m, n); new arrays."""
        return self._y0.copy(), np.zeros((self._m, self._y0.size))


class _AtStart(Wrapped):
    """y0(*args) as a function of time and state."""

    def __call__(self, t, y, *args):
        return self.fun(*args)


class StartFunction:
    """y0(*args)."""

    def __init__(self, fun, variables):
        nothing = np.zeros(variables.n)
        first = np.asarray(fun(*variables.args(variables.values)), float)
        self._side = SideFunction(_AtStart(fun), variables, 0.0, nothing, first)
        self._width = variables.n * (1 + len(variables.columns))
        self._n = variables.n
        self.has_changed = self._side.has_changed

    def values(self, arguments):
        """(y0, dy0/dv): (n,), (m, n); new arrays."""
        found = self._side.at(np.zeros(1), np.zeros((1, self._width)), arguments)[0]
        return found[: self._n].copy(), found[self._n :].reshape(-1, self._n).copy()


def first_state(y0, args) -> np.ndarray:
    """y0 as numbers, at these arguments. Raises ValueError."""
    state = _options.check_y0(y0(*args) if callable(y0) else y0)
    if state.dtype.kind == "c":
        raise TypeError("`y0` must be real.")
    return np.array(state)


def start_of(y0, variables):
    """The start of a model: `y0` is an array, or a function of the arguments."""
    if callable(y0):
        return StartFunction(y0, variables)
    return FixedStart(first_state(y0, ()), len(variables.columns))
