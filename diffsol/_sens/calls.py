"""The way from the C core to Python in a solve with sensitivities."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from diffsol._engine.callback import Callbacks, LsodaCallbacks, doubles_at
from diffsol._native._core import ffi, lib
from diffsol._sens.differences import ColumnDifferences


class _Augmented:
    """The core's calls of [f, dS/dt], where there is no kernel or the kernel asks.

    system, values   the function, what the columns of S belong to, and p
    state            ndarray (n,): y0
    scale            the sizes of the variables
    user_jac         jac(t, y, *args) or None: df/dy, where the user knows it
    fun              what is called in place of the system's function where p does not move, or None
    """

    def __init__(self, system, values, state, scale, user_jac, fun=None):
        self._shape = 1 + len(system.variables.columns), state.size
        self._seen: dict = {}  # the core's few addresses -> what is there
        self._user_jac = user_jac
        args = system.variables.args(values)
        rhs = SimpleNamespace(fun=fun or system.fun, args=args, vectorized=False)
        super().__init__(rhs, state)
        self.handle.by_answer = False
        self.differences = ColumnDifferences(system.fun, self.take, system.variables, values, scale)

    def answer(self, which, flags, t, y, out):
        if which == lib.DS_CALL_AUGMENTED:
            self._augmented(np.float64(t), y, out)
        else:
            super().answer(which, flags, t, y, out)

    def _rows(self, address):
        """The core's [y, S] or [f, dS/dt] at an address, a row each."""
        rows = self._seen.get(address)
        if rows is None:
            m, n = self._shape
            rows = np.frombuffer(ffi.buffer(doubles_at(address), 8 * m * n)).reshape(m, n)
            self._seen[address] = rows
        return rows

    def _augmented(self, t, y, out):
        rows, found = self._rows(y), self._rows(out)
        y, columns, slopes = rows[0], rows[1:], found[1:]
        here = found[0] = self.take(self.fun(t, y.copy(), *self.args))
        if self._user_jac is None:
            slopes[:] = self.differences(t, y, here, columns)
        else:
            slopes[:] = self.differences(t, y, here, np.zeros(columns.shape))
            slopes += (self._user_jac(t, y.copy(), *self.args) @ columns.T).T


class SensCallbacks(_Augmented, Callbacks):
    """For the methods that begin with an evaluation."""


class SensLsodaCallbacks(_Augmented, LsodaCallbacks):
    """For LSODA."""
