"""What of a solution is compared with data: components, or a function of the state, with its derivatives."""

from __future__ import annotations

import numpy as np

from diffsol._fit.side import SideFunction


class Components:
    """Some components of y.

    indices   ndarray of int (k,)
    """

    def __init__(self, indices):
        self.indices = indices
        self.count = len(indices)

    def has_changed(self) -> bool:
        """Does it read other values from outside than it did?"""
        return False

    def values(self, times, whole, n, values):
        """(h, dh/dv): (k, nt), (k, nt, m) from augmented states (nt, n + m n)."""
        states, columns = whole[:, :n], whole[:, n:].reshape(len(whole), whole.shape[1] // n - 1, n)
        return states[:, self.indices].T, columns[:, :, self.indices].transpose(2, 0, 1)


class Observed:
    """A function observe(t, y, *args) -> k numbers. Raises ValueError for any other result."""

    def __init__(self, fun, variables, t, y0):
        first = np.asarray(fun(t, y0.copy(), *variables.args(variables.values)))
        if first.dtype.kind not in "fiub" or first.ndim > 1:
            raise ValueError(
                f"`observe` must return a number or a one-dimensional array of real numbers, not {first!r}."
            )
        self._side = SideFunction(fun, variables, t, y0, first)
        self.count = first.size
        self.has_changed = self._side.has_changed

    def values(self, times, whole, n, values):
        """(h, dh/dv): (k, nt), (k, nt, m) from augmented states (nt, n + m n)."""
        found = self._side.at(times, whole, values)
        slopes = found[:, self.count :].reshape(
            len(times), found.shape[1] // self.count - 1, self.count
        )
        return found[:, : self.count].T, slopes.transpose(2, 0, 1)


def observed(observe, variables, t, y0):
    """What `observe` says: None (all components), an index, several, or a function. Raises ValueError, TypeError."""
    if observe is None:
        return Components(np.arange(variables.n))
    if callable(observe):
        return Observed(observe, variables, t, y0)
    indices = np.atleast_1d(np.asarray(observe))
    if indices.dtype.kind not in "iu" or indices.ndim != 1:
        raise TypeError(
            f"`observe` must be None, a component's index, several of them, or a function, not {observe!r}."
        )
    if indices.size and not (-variables.n <= indices.min() and indices.max() < variables.n):
        raise ValueError(f"`observe={observe!r}` has an index outside of {variables.n} components.")
    return Components(indices % variables.n)
