"""Functions of the outputs of a solve, and their gradients."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np

from diffsol._engine import verify
from diffsol._engine.kernels import code_of
from diffsol._ensemble.traced import MOST_KEPT, Wrapped
from diffsol._sens.differences import FLOOR, STEP
from diffsol._sens.system import TracedFunction, doubles, reason_of
from diffsol._trace.reasons import Refused
from diffsol.errors import CompilationWarning

# (code, shape of Y) of functions whose results had the right shape
_shapely: set = set()


class AtTimes(Wrapped):
    """loss(t, Y) as a function of a flat state, for the tracer."""

    def __init__(self, loss, t, n):
        super().__init__(loss)
        self._t, self._n = t, n

    def __call__(self, _, y):
        return self.fun(self._t, y.reshape(len(self._t), self._n).T)


class Loss:
    """loss(t, Y) of the times (k,) and of the states there, Y (n, k).

    gradient    gradient(t, Y), shape (n, k), where the user knows it
    """

    def __init__(self, loss, gradient, t, n):
        self._loss, self._given, self._t, self._n = loss, gradient, t, n

    def check(self, y0):
        """Have what these functions give the right shape? Asked at a solution that stays at y0."""
        still = np.broadcast_to(y0[:, np.newaxis], (y0.size, self._t.size))
        for fun, check in ((self._loss, self._number), (self._given, self._array)):
            if fun is None:
                continue
            known = code_of(fun), still.shape
            if known in _shapely:
                continue
            try:
                with np.errstate(all="ignore"):
                    result = fun(self._t.copy(), still.copy())
            except ArithmeticError:
                continue  # it may have no value there
            except ValueError as error:
                if "domain" in str(error):
                    continue
                raise
            check(result)
            if known[0] is not None and len(_shapely) < MOST_KEPT:
                _shapely.add(known)

    def value(self, y) -> float:
        return self._number(self._loss(self._t.copy(), y.copy()))

    def gradient(self, y) -> np.ndarray:
        """(k, n): by the user's function, exact, or by differences with a warning."""
        if self._given is not None:
            return np.ascontiguousarray(self._array(self._given(self._t.copy(), y.copy())).T)
        try:
            return self._exact(y)
        except Refused as refused:
            warnings.warn(
                "`loss` cannot be differentiated exactly; its gradient is by finite differences. "
                f"Give `loss_grad`. {reason_of(refused)}",
                CompilationWarning,
                stacklevel=4,
            )
            return self._differences(y)

    @staticmethod
    def _number(value) -> float:
        if isinstance(value, float):
            return float(value)
        if np.shape(value) not in ((), (1,)):
            raise ValueError(
                f"`loss` must return a number, not an array of shape {np.shape(value)}."
            )
        return float(np.reshape(value, ())[()])

    def _array(self, value) -> np.ndarray:
        array, wanted = np.asarray(value, dtype=float), (self._n, self._t.size)
        if array.shape != wanted:
            raise ValueError(
                f"`loss_grad` must return an array of the shape of Y, {wanted}, not {array.shape}."
            )
        return array

    def _exact(self, y):
        states = np.ascontiguousarray(y.T)
        loss = AtTimes(self._loss, self._t, self._n)
        function = TracedFunction(loss, _only(states.size), ())
        if not function.traced.checked:
            self._verify(function.traced, function.block, y)
        kernel = function.gradient()
        x, out = np.concatenate([[-1.0], states.ravel()]), np.empty(states.size)
        asked = kernel(0.0, *map(doubles, (x, out, function.block)))
        if asked or not np.isfinite(out).all():
            raise Refused("mismatch", "its gradient is not finite here")
        return out.reshape(states.shape)

    def _verify(self, found, block, y):
        """Is what was traced the loss? Asked once, at a solution."""
        from diffsol._graph import interpret

        with np.errstate(all="ignore"):
            got, _ = interpret.run(found.program, 0.0, np.ascontiguousarray(y.T).ravel(), block)
        found.checked = verify.close(got, np.array(self.value(y)))
        if not found.checked:
            raise Refused("mismatch", "what was traced gives another value")

    def _differences(self, y):
        sizes = np.abs(y) + FLOOR * np.max(np.abs(y), initial=0.0)
        steps = STEP * np.where(sizes > 0, sizes, 1.0)
        result = np.empty(y.shape)
        for at in np.ndindex(y.shape):
            ends = []
            for sign in (1, -1):
                moved = y.copy()
                moved[at] += sign * steps[at]
                ends.append(self._number(self._loss(self._t.copy(), moved)))
            result[at] = (ends[0] - ends[1]) / (2 * steps[at])
        return np.ascontiguousarray(result.T)


def _only(n):
    """What a `TracedFunction` asks of variables, for a function of its state only."""
    return SimpleNamespace(n=n, places=(), shared=(), values=np.empty(0))
