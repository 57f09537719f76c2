"""User functions for SciPy's own solvers: compiled where it pays, the user's function otherwise."""

from __future__ import annotations

import time

import numpy as np

from diffsol._engine import kernels, policy, verify
from diffsol._engine.function import Function
from diffsol._native._core import ffi, lib
from diffsol._trace.reasons import Refused

PROXY_COST = 1e-6  # seconds that a call of a kernel through Python takes
_DOUBLES = ffi.typeof("double[]")
_from_buffer = ffi.from_buffer
_kernel_call = lib.ds_kernel_call


class Proxy:
    """Called as function(t, y) by a solver written in Python.

    Attributes of the user's function (`terminal`, `direction`) are found on it. Of the proxies of one
    solve, `first` is the right-hand side: the others are compiled only next to a compiled one, and
    whatever they change outside while they are Python is read again.
    """

    def __init__(self, function: Function, first: Proxy | None = None):
        self._function = function
        self._first = first
        self._others: list = []
        if first is not None:
            first._others.append(self)
        kind, n = function.kind, function.n
        self._shape = {"strict": n, "event": (), "jac": (n, n)}[kind]
        self._dtype = np.dtype(complex if function.is_complex and kind != "event" else float)
        self._bytes = n * (16 if function.is_complex else 8)
        self._calls = 0
        self._mode = kernels.switched_on()
        self._bound = None if self._mode == "0" or not self._allowed() else function.bind()
        if self._bound is None and self._mode == "require":
            from diffsol._engine.run import required

            self._bound = required(function)

    def __getattr__(self, name):
        return getattr(self._function.fun, name)

    def _allowed(self):
        return self._first is None or self._first._bound is not None

    def __call__(self, t, y):
        if self._bound is not None and getattr(y, "nbytes", None) == self._bytes:
            out = np.empty(self._shape, self._dtype)
            try:
                asked = _kernel_call(
                    self._bound.pointer,
                    self._bound.params,
                    t,
                    _from_buffer(_DOUBLES, y),
                    _from_buffer(_DOUBLES, out),
                )
            except (BufferError, ValueError):
                return self(t, y.copy())  # a column of a finite-difference Jacobian
            if not asked:
                return out
        return self._python(t, y)

    def _python(self, t, y):
        function, record = self._function, self._function.record
        started = time.perf_counter()
        result = function.fun(t, y, *function.args)
        record.python_seconds += time.perf_counter() - started
        self._calls += 1
        if self._first is not None:
            self._first._refresh()
        if (
            self._bound is None
            and self._mode == "1"
            and record.may_trace()
            and self._allowed()
            and record.python_seconds > 2 * policy.price(1) + self._calls * PROXY_COST
        ):
            self._compile(t, y)
        return result

    def _compile(self, t, y):
        function = self._function
        if np.shape(y) != (function.n,):
            return
        try:
            bound = function.bind() or function.compile()
        except Refused:
            return
        if verify.agrees(function, bound, t, y):
            self._bound = bound
        else:
            function.discard(bound.variant)

    def _refresh(self):
        for proxy in (self, *self._others):
            if proxy._bound is not None and not proxy._bound.refresh():
                proxy._bound = None


def proxies(fun, jac, events, args, state):
    """(fun, jac, events) as proxies, for a state (n,) of float64 or complex128."""
    first = Proxy(Function(fun, args, state, kind="strict"))
    made_jac = Proxy(Function(jac, args, state, kind="jac"), first) if callable(jac) else jac
    made_events = events
    if events is not None:
        events = (events,) if callable(events) else events
        made_events = [Proxy(Function(event, args, state, kind="event"), first) for event in events]
    return first, made_jac, made_events
