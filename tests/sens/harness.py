"""Drive the native solver with sensitivity columns, from plain Python callbacks."""

from __future__ import annotations

import numpy as np

from native.harness import Solve, ffi, lib
from sens.problems import ROBERTSON

EXPLICIT = ("RK23", "RK45", "DOP853")
IMPLICIT = ("Radau", "BDF", "LSODA")


class Sensitive(Solve):
    """A Solve of y and the columns dy/dp_j of a Problem; `controlled`: see ds_ivp.sens_control.

    A column's absolute tolerance is that of y over the size of p_j. What Solve keeps of states is of
    [y, columns]; `S` takes them apart.
    """

    def __init__(self, problem, method, controlled=True, atol=1e-6, **options):
        self.problem, self.controlled = problem, controlled
        self.k, self.m = len(problem.y0), len(problem.p)
        whole = np.concatenate([problem.y0, np.ravel(problem.start())])
        atol = np.broadcast_to(atol, self.k)
        scales = [atol / (abs(p) or 1.0) for p in problem.p]
        super().__init__(
            problem.fun,
            problem.t_span,
            whole,
            method,
            atol=np.concatenate([atol, *scales]),
            **options,
        )

    def __post_init__(self):
        self.counts = {"fun": 0, "augmented": 0, "jac": 0}
        super().__post_init__()
        self._columns()

    def _columns(self):
        self.ivp.n_states, self.ivp.sens_control = self.k, self.controlled

    def _differences(self):
        """Factors are of y's size."""
        self._columns()
        pattern = ffi.new("ds_pattern *", {"n": self.k, "count": self.k**2})
        assert lib.ds_ivp_set_jacobian(self.ivp, pattern, ffi.new("ds_lu_plan *")) == 0

    def _call(self, handle, which, flags, t, y, out):
        try:
            if which == lib.DS_CALL_SINGULAR:
                return 0
            y = np.frombuffer(ffi.buffer(y, 8 * self._size(which)))
            if which == lib.DS_CALL_AUGMENTED:
                self._answer("augmented", out, self.problem.augmented(t, y))
            elif which == lib.DS_CALL_JACOBIAN:
                self._answer("jac", out, np.ravel(self.problem.jac(t, y), order="F"))
            elif which == 0:
                self._answer("fun", out, self.problem.fun(t, y))
            else:
                out[0] = self.events[which - 1](t, y)
            return 0
        except BaseException as error:
            self.error = error
            return 1

    def _size(self, which):
        return self.n if which == lib.DS_CALL_AUGMENTED else self.k

    def _answer(self, name, out, values):
        self.counts[name] += 1
        values = np.asarray(values, float)
        np.frombuffer(ffi.buffer(out, values.nbytes))[:] = values

    @property
    def S(self):
        """Columns at the points, (m, k, points)."""
        return self.y[self.k :].reshape(self.m, self.k, -1)


def tolerances(problem, rtol):
    """A thousandth of rtol, and less for the small component of Robertson's."""
    return {
        "rtol": rtol,
        "atol": rtol * 1e-3 * (np.array([1, 1e-4, 1]) if problem is ROBERTSON else 1),
    }


def solved(problem, method, *args, **options):
    solve = Sensitive(problem, method, *args, **options)
    assert solve.run() == lib.DS_FINISHED, solve.error
    return solve
