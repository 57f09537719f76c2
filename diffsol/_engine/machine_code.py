"""Programs to machine code, as good as the time allows."""

from __future__ import annotations

import math
import threading

from diffsol._compile.locks import COMPILING
from diffsol._engine import policy, switch
from diffsol._trace.reasons import OutOfTime, Refused

INTERRUPTIBLE = 0.05  # seconds of compiling from which on Ctrl-C must be heard meanwhile


def machine_code(program, budget, quick=False):
    """A kernel, or the quick form of it where only that fits the budget or that is asked for."""
    try:
        with COMPILING:
            from diffsol._compile import cpu, plan
    except ImportError as error:
        raise Refused("compiler", f"{type(error).__name__}: {error}") from error
    forced = switch.forced_form()
    budget = math.inf if forced else max(budget, policy.LEAST_BUDGET)
    # the quick form runs several times slower: a little more than the budget is well spent on the full
    quick = quick or plan.seconds(program) > budget + policy.LEAST_BUDGET
    quick = forced == "quick" if forced else quick
    expected = plan.seconds(program, quick)
    if expected > budget:
        raise OutOfTime("too-large", f"about {expected:.2g} s of compiling", expected)
    try:
        if expected < INTERRUPTIBLE:
            return cpu.compile_program(program, quick=quick)
        return _in_another_thread(lambda: cpu.compile_program(program, quick=quick))
    except Exception as error:
        raise Refused("compiler", f"{type(error).__name__}: {error}") from error


def _in_another_thread(work):
    """The result of a long piece of C code, waited for in slices so that Ctrl-C is heard."""
    outcome: list = []

    def run():
        try:
            outcome.append((work(), None))
        except Exception as error:
            outcome.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.02)
    result, error = outcome[0]
    if error is not None:
        raise error
    return result
