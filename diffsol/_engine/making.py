"""From a user's function to a kernel: traced and compiled, now or while the solve goes on."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time

import numpy as np

from diffsol._compile.locks import COMPILING
from diffsol._engine import ahead, disk, policy
from diffsol._engine.kernels import PATIENCE, News, Variant
from diffsol._engine.machine_code import machine_code
from diffsol._trace.reasons import OutOfTime, Refused

_FLOAT, _COMPLEX = np.dtype(float), np.dtype(complex)


def compile_variant(function, budget) -> Variant:
    """Trace and compile a Function within about `budget` seconds; the new variant joins its record.

    Raises Refused (and notes it). What is too much for the budget is not tried again before there is
    twice as much to spend, and as much as it will presumably take: all attempts together then cost little more
    than the one that succeeds.
    """
    record = function.record
    if budget < PATIENCE and not record.affords(budget):
        known = record.refusal
        raise Refused(known.reason.code, known.detail, known.where)
    with _refusal_noted(record, budget):
        traced, trace_ms = _traced(function, budget)
        return _compiled(record, traced, trace_ms, budget)


def begin(function, budget):
    """Trace a Function now, and have it compiled by another thread: the kernel will be among those of
    its record some time later, and the next solves need not wait for it. As long as there is something to
    load, each call loads one portion of it instead."""
    if ahead.load_one():
        return
    record = function.record
    try:
        with _refusal_noted(record, budget):
            traced, trace_ms = _traced(function, budget)
    except Refused:
        return
    record.coming = True
    _coming.add(record)
    work = (record, traced, trace_ms, budget)
    try:
        threading.Thread(target=_finish, args=work, name="diffsol-compiler", daemon=True).start()
    except RuntimeError:  # no threads any more, at the end of the process
        _has_come(record)


def look_for(functions, budget) -> tuple[News, bool]:
    """(News of their kernels while a solve goes on, is one there that was not before?). Where there is none yet, and
    compiling is paid for, it is begun.

    budget    (records) -> seconds for compiling, before the first step
    """
    records = [function.record for function in functions]
    news = News(records)
    if news.look():
        return news, True
    if paid := budget(records):
        for function in functions:
            begin(function, paid)
    return news, bool(paid) and news.look()


def _finish(record, traced, trace_ms, budget):
    try:
        with _refusal_noted(record, budget):
            _compiled(record, traced, trace_ms, budget)
    except Refused:
        pass
    finally:
        _has_come(record)


def _has_come(record):
    record.coming = False
    _coming.discard(record)


def _forget_coming():
    """In a child, where the threads are not that were to compile."""
    for record in list(_coming):
        _has_come(record)


_coming: set = set()  # records for which a thread compiles
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_coming)


@contextlib.contextmanager
def _refusal_noted(record, budget):
    try:
        yield
    except OutOfTime as refusal:
        share = 1 if refusal.reason.code == "too-large" else 2  # see trace_of
        record.refuse(refusal, max(2 * budget, share * refusal.seconds))
        raise
    except Refused as refusal:
        record.refuse(refusal)
        raise


def _traced(function, budget):
    """(TraceResult, milliseconds it took)."""
    started = time.perf_counter()
    traced = trace_of(function, budget)
    return traced, (time.perf_counter() - started) * 1e3


def _compiled(record, traced, trace_ms, budget) -> Variant:
    """The kernel of a trace, which joins the record's."""
    variant = Variant(
        machine_code(traced.program, budget),
        traced.check,
        traced.guards,
        traced.program,
        traced.n_params,
        traced.has_arrays,
        trace_ms,
        functools.partial(disk.keep, record),
    )
    record.join(variant)
    disk.keep(record)
    return variant


def trace_of(function, budget, told=False):
    """The TraceResult of a Function in its role, of which half the budget is for. Raises Refused."""
    seconds = max(budget / 2, policy.LEAST_BUDGET)
    doubtful = max(budget / 8, policy.LEAST_BUDGET) if budget < PATIENCE else seconds

    n, kind = function.n, function.kind
    state = (n, 1) if function.vectorized else (n,)
    dtype = _COMPLEX if function.is_complex else _FLOAT
    shape = {"rhs": state, "strict": state, "odepack": state, "event": (), "jac": (n, n)}[kind]
    return followed(
        function.fun,
        function.args,
        state,
        dtype,
        shape,
        _FLOAT if kind == "event" else dtype,
        seconds=seconds,
        doubtful=doubtful,
        broadcast=kind == "rhs" or (kind == "odepack" and n == 1),
        y_first=function.y_first,
        transposed=kind == "jac",
        told=told,
    )


def followed(*what, seconds, doubtful=None, **how):
    """`trace_function` of these, within so many seconds from when the tracer is loaded. Raises Refused.

    doubtful   seconds after which it is given up where no end is in sight; None: `seconds`
    """
    with COMPILING:  # the tracer is loaded when first needed, and no fork may come in between
        from diffsol._trace import late, trace
        from diffsol._trace.clock import Clock

        late.join()
    now = time.perf_counter()
    clock = Clock(now + seconds, now + (seconds if doubtful is None else doubtful))
    try:
        return trace.trace_function(*what, clock=clock, **how)
    except Refused:
        with COMPILING:
            # or is it because the function is the first to use a part of NumPy?
            if not late.join():
                raise
        return trace.trace_function(*what, clock=clock, **how)
