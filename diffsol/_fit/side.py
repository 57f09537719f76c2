"""Functions beside the right-hand side of a fit: what is observed, where it starts; with their derivatives."""

from __future__ import annotations

import warnings

import numpy as np

from diffsol._engine import verify
from diffsol._native._core import ffi, lib
from diffsol._sens.differences import directional
from diffsol._sens.system import TracedFunction
from diffsol._sens.variables import sizes_of
from diffsol._trace.reasons import Refused
from diffsol.errors import MismatchWarning


class SideFunction:
    """h(t, y, *args) -> k numbers, with dh/dv along the columns of S. By differences where it cannot be traced.

    fun     as it is traced and called
    first   its value at (t, y0) and the variables' own values: tells the shape
    """

    def __init__(self, fun, variables, t, y0, first):
        self._fun, self._variables, self._shape = fun, variables, first.shape
        self.count = first.size
        self._compile()
        self._verify(t, y0, np.ravel(first))

    def _compile(self):
        self._kernel = None
        try:
            self._traced = TracedFunction(self._fun, self._variables, self._shape)
            self._kernel = self._traced.augmented()
        except Refused:
            pass  # differences, from the function itself

    def _verify(self, t, y0, first):
        """Compare the kernel with the function, once."""
        whole = np.zeros((1, self._variables.n * (1 + len(self._variables.columns))))
        whole[0, : self._variables.n] = y0
        found = np.empty((1, self.count * (1 + len(self._variables.columns))))
        if self._by_kernel(np.array([t]), whole, self._variables.values, found) and not (
            verify.close(found[0, : self.count], first)
        ):
            warnings.warn(
                f"the compiled form of {self._fun!r} disagreed with the Python function and is not used.",
                MismatchWarning,
                stacklevel=2,
            )
            self._kernel = None

    def has_changed(self) -> bool:
        """Does it read other values from outside than it did? From now on it is called with these."""
        if self._kernel is None:
            return False
        changed = self._traced.look_again()
        if changed is None:
            self._compile()
            return True
        return changed

    def at(self, times, whole, values):
        """[h, dh/dv] at each time, (nt, k + m k), from augmented states (nt, n + m n)."""
        found = np.empty((len(times), self.count * (1 + len(self._variables.columns))))
        for i in range(self._by_kernel(times, whole, values, found), len(times)):
            found[i] = self._by_python(times[i], whole[i], values)
        return found

    def _by_kernel(self, times, whole, values, found):
        """How many times were answered."""
        if self._kernel is None:
            return 0
        self._traced.set_values(values)
        return lib.ds_kernel_many(
            self._kernel,
            self._traced.params,
            len(times),
            ffi.from_buffer("double[]", times),
            ffi.from_buffer("double[]", whole),
            whole.shape[1],
            ffi.from_buffer("double[]", found),
            found.shape[1],
        )

    def _by_python(self, t, state, values):
        variables = self._variables
        y, columns = state[: variables.n], state[variables.n :].reshape(-1, variables.n)

        def value(t, y, values):
            result = np.asarray(self._fun(t, y.copy(), *variables.args(values)), float)
            return np.ravel(np.broadcast_to(result, self._shape))

        sizes = sizes_of(values)
        parts = [value(t, y, values)]
        for column, place in zip(columns, variables.columns, strict=True):
            moved = np.zeros(values.size)
            if place >= 0:
                moved[place] = 1.0
            parts.append(directional(value, parts[0], t, y, values, column, moved, sizes))
        return np.concatenate(parts)
