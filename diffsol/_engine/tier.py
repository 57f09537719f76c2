"""The tier of a solver's functions: called as Python, or kernels that fit at present."""

from __future__ import annotations

import time

from diffsol._engine import ahead, making, policy, switch, verify
from diffsol._engine.callback import calling_python
from diffsol._native._core import ffi, lib

RUNNING = lib.DS_RUNNING
SLICE, FIRST_LOOK = policy.SLICE, policy.FIRST_LOOK
TIMED = 8  # calls of a solver that lives on are often short: each eighth is timed, for eight


class Tier:
    """The functions of one solver in C, for one call of it or for many.

    core        the solver's struct: its slots take the kernels
    run         lib.ds_..._advance or lib.ds_..._run of that struct
    function    Function: the right-hand side
    chord       Chord: the Jacobian of the right-hand side, or None
    mode        as switch.mode_of_solve tells it
    lives_on    there may be many calls, and short ones

    A call of the solver is `enter`, `advance`, and `is_right` where that is `due`: at a kernel's first
    use, and when its uses have doubled. Between two calls anything may change that the functions read
    from outside.

    step        (core, seconds, ...) -> code: how `run` is called at present
    """

    __slots__ = (
        "function",
        "bound",
        "chord",
        "due",
        "step",
        "_run",
        "_core",
        "_slot",
        "_mode",
        "_lives_on",
        "_ask_at",
    )

    def __init__(self, core, run, function, chord=None, mode=None, lives_on=True):
        self.function, self.bound, self.chord, self.due = function, None, chord, False
        self._run, self.step = run, calling_python(run, core.n)
        self._core, self._slot = core, core.fun
        self._mode = switch.mode_of_solve() if mode is None else mode
        self._lives_on = lives_on
        self._ask_at = 0.0  # what the function must have cost until compiling it is considered

    def set_args(self, args):
        """The function has other arguments from the next call on."""
        self.function.args = args
        if self.bound is not None:
            self.bound.args = args

    def begin_anew(self):
        """Another solve by the same functions."""
        self._mode = switch.mode_of_solve()
        if self._mode == "0" and self.bound is not None:
            self.leave()

    def enter(self) -> bool:
        """The kernels that the next call begins with, if there are any. True: the first steps may be
        made by `step` instead of `advance`, for there is nothing to look after."""
        bound, chord = self.bound, self.chord
        if bound is not None:
            variant = bound.variant
            if variant.check(bound.fun, bound.args, bound.block):
                variant.uses += 1
                if chord is not None:
                    chord.enter(bound)
                    return self._is_settled()
                self.due = variant.uses >= variant.verify_at
                return True
            self.leave()
        mode, record = self._mode, self.function.record
        if mode == "0" or (mode != "require" and not record.variants):
            record.python_calls += 1
            return self._lives_on and record.python_calls % TIMED != 1
        bound = self.function.at_start(mode)
        if bound is None:
            return False
        self._use(bound, 0.0)
        return self._is_settled()

    def _is_settled(self):
        variant, chord = self.bound.variant, self.chord
        self.due = variant.uses >= variant.verify_at
        if chord is None:
            return True
        self.due = self.due or verify.is_due(chord.pairs())
        return not chord.waits

    def _use(self, bound, budget):
        self.bound, slot, self.step = bound, self._slot, self._run
        slot.kernel, slot.params = bound.pointer, bound.params
        if self.chord is not None:
            self.chord.join(bound, budget, self._mode == "require")

    def leave(self):
        """No kernel any longer."""
        self._slot.kernel, self.bound, self.due = ffi.NULL, None, False
        self.step = calling_python(self._run, self._core.n)
        if self.chord is not None:
            self.chord.leave()

    def refresh(self):
        """Something in Python was called: does the kernel still fit?"""
        if self.bound is not None and not self.bound.refresh():
            self.leave()

    def advance(self, inputs, t, t_end, position) -> int:
        """step(core, seconds, *inputs) until it is over; a kernel joins on the way where that pays.

        t, t_end    the interval of this call
        position    () -> time, step size, number of trials and state of the solve
        """
        if self.bound is None:
            return self._advance_in_python(inputs, t, t_end, position)
        chord = self.chord
        if chord is not None and chord.waits:
            return self._advance_waiting(inputs)
        code = self.step(self._core, SLICE, *inputs)
        while code == RUNNING:
            code = self.step(self._core, SLICE, *inputs)
        return code

    def _advance_waiting(self, inputs):
        """By differences, until the compiled function's Jacobian is due."""
        chord, code = self.chord, RUNNING
        while code == RUNNING:
            chord.use_if_due(self.bound)
            started, waits = time.perf_counter(), chord.waits
            code = self.step(self._core, SLICE, *inputs)
            if waits:
                chord.wait(self.bound, time.perf_counter() - started)
        return code

    def _advance_in_python(self, inputs, t, t_end, position):
        core, record = self._core, self.function.record
        may_compile = self._mode == "1" and record.may_trace()
        started, outlook, budget, arrived = time.perf_counter(), None, 0.0, False
        if may_compile:
            news, arrived = making.look_for((self.function,), self._budget)
        code = RUNNING
        while code == RUNNING:
            if arrived or budget and record.affords(budget):
                self._compile(budget, position)
                if self.bound is not None:
                    return self.advance(inputs, t, t_end, position)
                # what was refused for want of time may get more of it later
                may_compile = may_compile and (not budget or record.needs > 0)
                budget, arrived = 0.0, False
            code = self.step(core, FIRST_LOOK if may_compile else SLICE, *inputs)
            if code == RUNNING and may_compile:
                now = time.perf_counter()
                arrived = news.look(now - started)
                outlook = outlook or policy.Outlook(started, t, t_end)
                remaining = outlook.remaining(now, *position()[:3])
                budget = policy.affordable(1, remaining, 0, 0.0)  # SciPy's solver is C as well
        spent = time.perf_counter() - started
        if may_compile:
            ahead.load(spent)
        weight = TIMED if self._lives_on and record.python_calls > 1 else 1
        record.python_seconds += weight * spent
        return code

    def _budget(self, records):
        """Seconds for compiling before the first step. Short calls ask when their cost has grown."""
        (record,) = records
        if record.python_seconds < self._ask_at:
            return 0.0
        self._ask_at = 1.1 * record.python_seconds
        return policy.budget_at_start(records)

    def _compile(self, budget, position):
        t, _, _, y = position()
        bound = verify.checked_kernel(self.function, budget, t, self._state(y))
        if bound is not None:
            self._use(bound, budget)
            self._is_settled()

    def _state(self, y):
        """The core's doubles as the function's state."""
        return y.view(complex) if self.function.is_complex else y

    def _pairs(self):
        own = [(self.function, self.bound)]
        return own if self.chord is None else own + self.chord.pairs()

    def is_right(self, visited, redone="call was done again", stacklevel=6) -> bool:
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
