"""The tier of a solver's functions: called as Python, or kernels that fit at present."""

from __future__ import annotations

import time

from diffsol._engine import kernels, policy, verify
from diffsol._native._core import ffi, lib

_RUNNING = lib.DS_RUNNING


class Tier:
    """The functions of one solver in C, for one call of it or for many.

    core        the solver's struct: its slots take the kernels
    function    Function: the right-hand side
    chord       Chord: the Jacobian of the right-hand side, or None
    mode        as kernels.mode_of_solve tells it

    A call of the solver is `enter`, `advance`, and `is_right` where that is due. Between two calls
    anything may change that the functions read from outside.
    """

    def __init__(self, core, function, chord=None, mode=None):
        self.function, self.bound = function, None
        self._core, self._slot, self._chord = core, core.fun, chord
        self._mode = kernels.mode_of_solve() if mode is None else mode

    def enter(self):
        """The kernels that the next call begins with, if there are any."""
        bound = self.bound
        if bound is not None:
            if bound.refresh():
                bound.variant.uses += 1
                if self._chord is not None:
                    self._chord.enter(bound)
                return
            self.leave()
        bound = self.function.at_start(self._mode)
        if bound is not None:
            self._use(bound, 0.0)

    def _use(self, bound, budget):
        self.bound, slot = bound, self._slot
        slot.kernel, slot.params = bound.pointer, bound.params
        if self._chord is not None:
            self._chord.join(bound, budget, self._mode == "require")

    def leave(self):
        """No kernel any longer."""
        self._slot.kernel, self.bound = ffi.NULL, None
        if self._chord is not None:
            self._chord.leave()

    def refresh(self):
        """Something in Python was called: does the kernel still fit?"""
        if self.bound is not None and not self.bound.refresh():
            self.leave()

    def advance(self, step, t, t_end, position) -> int:
        """step(core, seconds) until it is over; a kernel joins on the way where that pays.

        t, t_end    the interval of this call
        position    () -> time, step size, number of trials and state of the solve
        """
        if self.bound is None:
            return self._advance_in_python(step, t, t_end, position)
        core, chord = self._core, self._chord
        if chord is not None and chord.waits:
            return self._advance_waiting(step)
        code = step(core, policy.SLICE)
        while code == _RUNNING:
            code = step(core, policy.SLICE)
        return code

    def _advance_waiting(self, step):
        """By differences, until the compiled function's Jacobian is due."""
        chord, code = self._chord, _RUNNING
        while code == _RUNNING:
            chord.use_if_due(self.bound)
            started, waits = time.perf_counter(), chord.waits
            code = step(self._core, policy.SLICE)
            if waits:
                chord.wait(self.bound, time.perf_counter() - started)
        return code

    def _advance_in_python(self, step, t, t_end, position):
        core, record = self._core, self.function.record
        may_compile = self._mode == "1" and record.may_trace()
        budget = policy.budget_at_start((record,)) if may_compile else 0.0
        started, outlook = time.perf_counter(), None
        code = _RUNNING
        while code == _RUNNING:
            if budget:
                self._compile(budget, position)
                if self.bound is not None:
                    return self.advance(step, t, t_end, position)
                budget, may_compile = 0.0, False
            code = step(core, policy.FIRST_LOOK if may_compile else policy.SLICE)
            if code == _RUNNING and may_compile:
                outlook = outlook or policy.Outlook(started, t, t_end)
                remaining = outlook.remaining(time.perf_counter(), *position()[:3])
                budget = policy.affordable(1, remaining, 0, 0.0)  # SciPy's solver is C as well
        record.python_seconds += time.perf_counter() - started
        return code

    def _compile(self, budget, position):
        t, _, _, y = position()
        bound = verify.checked_kernel(self.function, budget, t, self._state(y))
        if bound is not None:
            self._use(bound, budget)

    def _state(self, y):
        """The core's doubles as the function's state."""
        return y.view(complex) if self.function.is_complex else y

    def _pairs(self):
        own = [(self.function, self.bound)]
        return own if self._chord is None else own + self._chord.pairs()

    def is_due(self) -> bool:
        """Shall a kernel be compared with its function?"""
        bound = self.bound
        if bound is None:
            return False
        if bound.variant.uses >= bound.variant.verify_at:
            return True
        return self._chord is not None and verify.is_due(self._chord.pairs())

    def is_right(self, visited, redone="call was done again", stacklevel=5) -> bool:
        """Were the kernels their functions, at these (t, y)? If not, what was wrong is discarded,
        and the user is told that the work is done again; `stacklevel` as for warnings.warn."""
        pairs = self._pairs()
        if verify.are_right(pairs, [(t, self._state(y)) for t, y in visited]):
            return True
        self.leave()
        what = repr(self.function.record.name)
        if len(pairs) > 1:
            what += " (or of its Jacobian)"
        verify.warn_mismatch(what, redone, stacklevel)
        return False
