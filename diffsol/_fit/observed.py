"""What of a solution is compared with data: components, or a function of the state, with its derivatives."""

from __future__ import annotations

import numpy as np

from diffsol._native._core import ffi, lib
from diffsol._sens.differences import directional
from diffsol._sens.system import traced
from diffsol._trace.reasons import Refused


class Components:
    """Some components of y.

    indices   ndarray of int (k,)
    """

    def __init__(self, indices):
        self.indices = indices
        self.count = len(indices)

    def values(self, times, whole, n, values):
        """(h, dh/dv): (k, nt), (k, nt, m) from augmented states (nt, n + m n)."""
        states, columns = whole[:, :n], whole[:, n:].reshape(len(whole), whole.shape[1] // n - 1, n)
        return states[:, self.indices].T, columns[:, :, self.indices].transpose(2, 0, 1)


class Observed:
    """A function observe(t, y, *args) -> k numbers. Raises ValueError for any other result."""

    def __init__(self, fun, variables, t, y0):
        self._fun, self._variables = fun, variables
        first = np.asarray(fun(t, y0.copy(), *variables.args(variables.values)))
        if first.dtype.kind not in "fiub" or first.ndim > 1:
            raise ValueError(
                f"`observe` must return a number or a one-dimensional array of real numbers, not {first!r}."
            )
        self.count = first.size
        self._kernel = None
        try:
            self._traced, self._block = traced(fun, variables, first.shape)
            columns = tuple(max(place, -1) for place in variables.columns)

            def make():
                from diffsol._graph.forward import forward_program

                return forward_program(self._traced.program, variables.n, columns)

            kernel = self._traced.kernel(("augmented", columns), make)
            self._kernel = ffi.cast("ds_kernel", kernel.address)
        except Refused:
            pass  # differences, from `observe` itself

    def values(self, times, whole, n, values):
        """(h, dh/dv): (k, nt), (k, nt, m) from augmented states (nt, n + m n)."""
        k, m = self.count, len(self._variables.columns)
        found = np.empty((len(times), k * (1 + m)))
        done = 0 if self._kernel is None else self._by_kernel(times, whole, values, found)
        for i in range(done, len(times)):
            found[i] = self._by_python(times[i], whole[i], n, values)
        slopes = found[:, k:].reshape(len(times), m, k)
        return found[:, :k].T, slopes.transpose(2, 0, 1)

    def _by_kernel(self, times, whole, values, found):
        """How many times were answered."""
        if values.size:
            self._block[-values.size :] = values
        return lib.ds_kernel_many(
            self._kernel,
            ffi.from_buffer("double[]", self._block),
            len(times),
            ffi.from_buffer("double[]", times),
            ffi.from_buffer("double[]", whole),
            whole.shape[1],
            ffi.from_buffer("double[]", found),
            found.shape[1],
        )

    def _by_python(self, t, state, n, values):
        variables = self._variables
        y, columns = state[:n], state[n:].reshape(-1, n)

        def value(t, y, values):
            return np.ravel(np.asarray(self._fun(t, y.copy(), *variables.args(values)), float))

        sizes = np.where(np.abs(values) > 0, np.abs(values), 1.0)
        parts = [value(t, y, values)]
        for column, place in zip(columns, variables.columns, strict=True):
            moved = np.zeros(values.size)
            if place >= 0:
                moved[place] = 1.0
            parts.append(directional(value, parts[0], t, y, values, column, moved, sizes))
        return np.concatenate(parts)


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
