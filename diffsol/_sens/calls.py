"""The way from the C core to Python in a solve with sensitivities."""

from __future__ import annotations

from functools import cached_property
from types import SimpleNamespace

import numpy as np

from diffsol._engine.callback import Callbacks, LsodaCallbacks, doubles_at
from diffsol._native._core import ffi, lib
from diffsol._sens.differences import directional


class _Augmented:
    """The core's calls of [f, dS/dt], where there is no kernel or the kernel asks.

    system, values   the function, what the columns of S belong to, and p
    state            ndarray (n,): y0
    scale            the sizes of the variables
    user_jac         jac(t, y, *args) or None: df/dy, where the user knows it
    """

    def __init__(self, system, values, state, scale, user_jac):
        self.variables, self.values, self.user_jac = system.variables, values, user_jac
        self._scale = scale
        rhs = SimpleNamespace(fun=system.fun, args=self.variables.args(values), vectorized=False)
        super().__init__(rhs, state)
        self.handle.by_answer = False

    @cached_property
    def sizes(self):
        """The sizes of the values, none of them 0: (q,)."""
        columns = np.array(self.variables.columns)
        sizes = np.ones(self.values.size)
        sizes[columns[columns >= 0]] = self._scale[columns >= 0]
        return sizes

    def answer(self, which, flags, t, y, out):
        if which == lib.DS_CALL_AUGMENTED:
            self._augmented(np.float64(t), y, out)
        else:
            super().answer(which, flags, t, y, out)

    def _augmented(self, t, y, out):
        n, m = self.variables.n, len(self.variables.columns)
        count = n * (1 + m)
        state, found = (
            np.frombuffer(ffi.buffer(doubles_at(address), 8 * count)) for address in (y, out)
        )
        y, columns = state[:n].copy(), state[n:].reshape(m, n)
        here = found[:n] = self.derivative(t, y, self.values)
        slopes = found[n:].reshape(m, n)
        matrix = None
        if self.user_jac is not None:
            matrix = self.user_jac(t, y.copy(), *self.args)
        for j, place in enumerate(self.variables.columns):
            dvalues = np.zeros(self.values.size)
            if place >= 0:
                dvalues[place] = 1.0
            if matrix is None:
                slopes[j] = self._along(here, t, y, columns[j], dvalues)
            else:
                slopes[j] = matrix @ columns[j]
                if place >= 0:
                    slopes[j] += self._along(here, t, y, np.zeros(n), dvalues)

    def _along(self, here, t, y, dy, dvalues):
        return directional(self.derivative, here, t, y, self.values, dy, dvalues, self.sizes)

    def derivative(self, t, y, values):
        """f, as the user's function gives it."""
        return self.take(self.fun(t, y, *self.variables.args(values)))


class SensCallbacks(_Augmented, Callbacks):
    """For the methods that begin with an evaluation."""


class SensLsodaCallbacks(_Augmented, LsodaCallbacks):
    """For LSODA."""
