"""User functions for SciPy's own solvers: compiled where it pays, the user's function otherwise.

SciPy's solvers call fun from Python, where a kernel costs about `KERNEL_CALL`. A function that is
cheaper than that is never replaced.
"""

from __future__ import annotations

import time

import numpy as np

from diffsol._engine import policy, switch, verify
from diffsol._engine.function import Function
from diffsol._native._core import ffi, lib

KERNEL_CALL = 1e-6  # seconds
LOOK_EVERY = 64  # calls between two looks at what the function has cost
_DOUBLES = ffi.typeof("double[]")
_from_buffer = ffi.from_buffer
_kernel_call = lib.ds_kernel_call
_empty = np.empty


class Proxies:
    """The functions of one solve by one of SciPy's solvers.

    fun, jac, events    as the solver takes them; `fun` is None where the user's own functions shall
                        be called, and nothing be put in between

    Event functions and Jacobians have kernels only next to a compiled right-hand side, which is
    thereby pure; what they change outside while they are Python is read again.
    """

    def __init__(self, fun, jac, events, args, state):
        self._mode = switch.mode_of_solve()
        self._bounds: list = []
        self.rhs = Function(fun, args, state, kind="strict")
        self._bound = self.rhs.at_start(self._mode)
        self.calls = 0
        self.fun, self.jac, self.events = None, jac, events
        if self._bound is not None:
            self.fun = self._kernel_first(self.rhs)
        elif self._may_compile():
            self.fun = self._watched(self.rhs)
        else:
            return
        if callable(jac):
            self.jac = self._companion(jac, "jac", args, state)
        if events is not None:
            events = (events,) if callable(events) else events
            self.events = [self._companion(event, "event", args, state) for event in events]

    def _may_compile(self):
        return self._mode == "1" and self.rhs.record.may_trace()

    def spent(self, seconds, calls):
        """A solve by the user's own functions took so long for so many calls."""
        if seconds > 4 * KERNEL_CALL * calls:
            self.rhs.record.python_seconds += seconds

    # --- callables for the solver ---------------------------------------------------------------

    def _kernel_first(self, function):
        """function(t, y): the kernel's value, or Python's where the kernel does not stand for it."""
        kind, n, plain = function.kind, function.n, _plain(function)
        shape = {"strict": n, "event": (), "jac": (n, n)}[kind]
        dtype = np.dtype(complex if function.is_complex and kind != "event" else float)
        size = n * (16 if function.is_complex else 8)
        bounds, own = self._bounds, len(self._bounds)
        if kind == "strict":
            bounds.append(self._bound)
        else:
            bounds.append(function.at_start(self._mode) if self._bound is not None else None)

        def call(t, y):
            bound = bounds[own]
            if bound is not None and getattr(y, "nbytes", None) == size:
                out = _empty(shape, dtype)
                try:
                    asked = _kernel_call(
                        bound.pointer,
                        bound.params,
                        t,
                        _from_buffer(_DOUBLES, y),
                        _from_buffer(_DOUBLES, out),
                    )
                except (BufferError, ValueError):
                    return call(t, y.copy())  # a column of a finite-difference Jacobian
                if not asked:
                    return out.T if kind == "jac" else out
            result = plain(t, y)
            if kind != "strict":
                self._refresh()
            return result

        return call

    def _watched(self, function):
        """The function itself, looked at now and then; replaced by a kernel when that pays."""
        plain, begun = _plain(function), time.perf_counter()
        replaced = None

        def call(t, y):
            nonlocal replaced
            if replaced is not None:
                return replaced(t, y)
            self.calls += 1
            if self.calls % LOOK_EVERY == 0:
                spent = time.perf_counter() - begun
                if self._pays(spent):
                    replaced = self._compiled(t, y, spent / 4)
            return plain(t, y)

        return call

    def _pays(self, spent):
        return (
            self._may_compile()
            and spent > 4 * policy.price(1)
            and spent > 20 * KERNEL_CALL * self.calls
            and self.rhs.record.affords(spent / 4)
        )

    def _compiled(self, t, y, budget):
        function = self.rhs
        if np.shape(y) != (function.n,):
            return None
        self._bound = verify.checked_kernel(function, budget, t, y)
        return None if self._bound is None else self._kernel_first(function)

    def _companion(self, fun, kind, args, state):
        call = self._kernel_first(Function(fun, args, state, kind=kind))
        for name in ("terminal", "direction"):
            if hasattr(fun, name):
                setattr(call, name, getattr(fun, name))
        return call

    def _refresh(self):
        for i, bound in enumerate(self._bounds):
            if bound is not None and not bound.refresh():
                self._bounds[i] = None


def _plain(function):
    fun, args = function.fun, function.args
    if not args:
        return fun
    return lambda t, y: fun(t, y, *args)
