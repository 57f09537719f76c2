"""The tier of a right-hand side whose solver lives on from call to call (`ode`)."""

from __future__ import annotations

import time

from diffsol._engine import kernels, policy, verify
from diffsol._engine.callback import calling_python
from diffsol._native._core import ffi, lib


class Tier:
    """A right-hand side as Python, or as a kernel that fits at present.

    function    Function

    A call of the solver is `enter`, `advance`, and `is_right` where that is due. Between two calls
    anything may change that the function reads from outside.
    """

    def __init__(self, function):
        self.function = function
        self.bound = None
        self._mode = kernels.mode_of_solve()

    def enter(self):
        """The kernel that the next call begins with, if there is one."""
        if self.bound is not None and self.bound.refresh():
            self.bound.variant.uses += 1
        else:
            self.bound = self.function.at_start(self._mode)

    def refresh(self, core):
        """Something in Python was called: does the kernel still fit?"""
        if self.bound is not None and not self.bound.refresh():
            core.fun.kernel = ffi.NULL
            self.bound = None

    def advance(self, core, step, t_end, position) -> int:
        """step(core, seconds) until it is over; a kernel joins on the way where that pays.

        position    () -> time, step size, number of trials and state of the solve
        """
        if self.bound is None:
            return self._advance_in_python(core, step, t_end, position)
        self._use(core)
        code = step(core, policy.SLICE)
        while code == lib.DS_RUNNING:
            code = step(core, policy.SLICE)
        return code

    def _use(self, core):
        core.fun.kernel, core.fun.params = self.bound.pointer, self.bound.params

    def _advance_in_python(self, core, step, t_end, position):
        core.fun.kernel = ffi.NULL
        record = self.function.record
        may_compile = self._mode == "1" and record.may_trace()
        budget = self._budget_at_start() if may_compile else 0.0
        started = time.perf_counter()
        outlook = policy.Outlook(started, position()[0], t_end) if may_compile else None
        in_python = calling_python(step, self.function.n)
        code = lib.DS_RUNNING
        while code == lib.DS_RUNNING:
            if budget:
                self._compile(core, budget, position)
                budget, may_compile = 0.0, False
            advance = in_python if self.bound is None else step
            code = advance(core, policy.FIRST_LOOK if may_compile else policy.SLICE)
            if code == lib.DS_RUNNING and may_compile:
                remaining = outlook.remaining(time.perf_counter(), *position()[:3])
                budget = policy.affordable(1, remaining, 0, 0.0)
        if self.bound is None:
            record.python_seconds += time.perf_counter() - started
        return code

    def _budget_at_start(self):
        """Seconds for compiling before the first step: what the function has cost, if that pays."""
        record = self.function.record
        # where kernels serve few calls each, every further one must have cost more to come
        pays = record.python_seconds > (1 + len(record.variants)) * policy.price(1)
        return max(record.python_seconds, kernels.LEAST_BUDGET) if pays else 0.0

    def _compile(self, core, budget, position):
        t, _, _, y = position()
        self.bound = verify.checked_kernel(self.function, budget, t, self._state(y))
        if self.bound is not None:
            self._use(core)

    def _state(self, y):
        """The core's doubles as the function's state."""
        return y.view(complex) if self.function.is_complex else y

    def is_due(self) -> bool:
        """Shall the kernel be compared with the function? At its first use, and when its uses have
        doubled."""
        return self.bound is not None and self.bound.variant.uses >= self.bound.variant.verify_at

    def is_right(self, visited) -> bool:
        """Was the kernel the function, at these (t, y)? If not, it is discarded, and the user is told
        that the call is done again."""
        variant = self.bound.variant
        variant.verify_at = 2 * variant.uses + 1
        if all(verify.agrees(self.function, self.bound, t, self._state(y)) for t, y in visited):
            return True
        self.function.discard(variant)
        self.bound = None
        what = repr(self.function.record.name)
        verify.warn_mismatch(what, "call was done again", stacklevel=5)
        return False
