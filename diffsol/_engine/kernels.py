"""Kernels in memory: compiled once per function code, reused wherever their guards hold.

A record belongs to the code of a function (not to the function object: a lambda made anew in each
turn of a loop is the same code) together with the state's size and dtype. It holds the compiled
variants, the last refusal, and what the function has cost so far in Python.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import os
import threading
import types

from diffsol._engine import disk, policy
from diffsol._engine.derived import Derived, jacobian_kernel, product_kernel
from diffsol._engine.machine_code import machine_code
from diffsol._native._core import ffi
from diffsol._trace.jitted import python_of
from diffsol._trace.reasons import REASONS, Refused

MAX_RECORDS = 512
MAX_VARIANTS = 16  # of one record
MAX_KERNELS = 4096  # in all; one holds about 14 kB
MAX_ATTEMPTS = 4  # traces of a function that was refused, in one process
KEEP_FUNCTIONS = False  # may records hold on to functions (for a report at the end)?
PATIENCE = 10.0  # seconds that an explicit wish to compile may take

_records: dict = {}
# The same by identity of a function's code, whose hash is made of all its bytes: (code, record).
_by_identity: dict = {}
_ticks = itertools.count()
_lock = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )


class Variant:
    """One compiled kernel with the guards under which it stands for the function.

    kernel      has its `address` and its `code`
    check       check(fun, args, P) -> bool; fills the parameter block P
    guards      what `check` was made from: source and constants
    program     what was compiled, or what gives it when called; None: a function in C
    tell        called when a derived kernel has been made

    jacobian(budget) and product(budget) give the kernels derived from it (see `derived.py`) or
    None; the reason is then jacobian.refusal. They may be called from any thread.
    """

    __slots__ = (
        "check",
        "guards",
        "jacobian",
        "product",
        "n_params",
        "has_arrays",
        "kernel",
        "pointer",
        "trace_ms",
        "verify_at",
        "uses",
        "_program",
    )

    def __init__(
        self, kernel, check, guards, program, n_params=0, has_arrays=False, trace_ms=0.0, tell=None
    ):
        self.check, self.guards = check, guards
        self.n_params, self.has_arrays = n_params, has_arrays
        self.kernel = kernel
        self.pointer = ffi.cast("ds_kernel", kernel.address)
        self.trace_ms = trace_ms
        self.verify_at = 0  # number of uses at which it is compared with the function (again)
        self.uses = 0
        self._program = program
        self.jacobian = Derived(functools.partial(self._derived, jacobian_kernel), tell)
        self.product = Derived(functools.partial(self._derived, product_kernel), tell)

    @property
    def program(self):
        if callable(self._program):
            self._program = self._program()
        return self._program

    def _derived(self, make, budget):
        return make(self.program, machine_code, budget)


class Record:
    """What is known about one function's code (and one kind and size of state)."""

    __slots__ = (
        "name",
        "where",
        "variants",
        "refusal",
        "attempts",
        "retry_at",
        "needs",
        "python_seconds",
        "python_calls",
        "python_solves",
        "python_span",
        "function",
        "kind",
        "used",
        "idle",
        "solvers",
        "role",
        "kept_as",
        "coming",
    )

    def __init__(self, fun, role):
        code = code_of(fun)
        self.kind = role[0]
        self.function = None  # the Function last seen, with KEEP_FUNCTIONS
        self.solvers: set[str] = set()  # their names, with KEEP_FUNCTIONS
        self.name = getattr(fun, "__qualname__", None) or type(fun).__name__
        self.where = (code.co_filename, code.co_firstlineno) if code is not None else None
        self.variants: list = []
        self.role: tuple | None = (code, *role)  # until it was looked for on disk
        self.kept_as: str | None = None  # the name under which its kernels are kept on disk
        self.coming = False  # is a thread compiling a kernel for it (see making.py)?
        self.refusal: Refused | None = None
        self.attempts = 0
        self.retry_at = 0.0
        self.needs = 0.0  # seconds without which there is no use in trying
        self.python_seconds = 0.0  # spent at the Python tier, all solves together
        self.python_calls = 0  # of solvers that live on (see Tier)
        self.python_solves = 0  # of odeint, and the longest interval of those
        self.python_span = 0.0
        self.used = next(_ticks)  # when somebody last asked for it
        self.idle: list = []  # solvers that made a solve with a kernel of this record, for the next

    def may_trace(self) -> bool:
        """Not refused before, or for want of time only, or so long ago that another look is cheap."""
        return (
            self.refusal is None
            or self.needs > 0
            or (self.attempts < MAX_ATTEMPTS and self.python_seconds > self.retry_at)
        )

    def affords(self, budget) -> bool:
        """Is there use in trying, with so many seconds?"""
        return not self.coming and max(budget, policy.LEAST_BUDGET) >= self.needs

    def look(self) -> bool:
        """Look for kernels of another process's on disk, once; is there one?"""
        if self.role is None:
            return False
        role, self.role = self.role, None
        with _lock:
            return disk.open_record(self, role)

    def is_due(self) -> bool:
        """Has it cost so much that a kernel pays, one from disk or a new one?"""
        found = self.is_worth_a_look() and self.look()
        return found or policy.budget_at_start((self,)) > 0

    def is_worth_a_look(self, seconds=0.0) -> bool:
        """Has it, with so many seconds more, cost what looking for it on disk does?"""
        return self.python_seconds + seconds > policy.LOOK_PRICE

    def join(self, variant):
        """A new kernel."""
        with _lock:
            self.variants.insert(0, variant)
            del self.variants[MAX_VARIANTS:]
            _drop_oldest_kernels()
        self.refusal, self.needs = None, 0.0
        self.python_seconds = 0.0  # spent: the next variant must earn its price anew

    def newest(self):
        """The kernel that joined last, or None."""
        return next(iter(self.variants), None)

    def forget(self):
        """No kernels any longer."""
        self.variants.clear()
        self.idle.clear()

    def refuse(self, refusal, needs=0.0):
        """needs: seconds that an attempt must have, where it was refused for want of time only."""
        # a copy without traceback, which would keep the whole trace alive
        self.refusal = Refused(refusal.reason.code, refusal.detail, refusal.where)
        self.needs = needs
        self.attempts += 1
        self.retry_at = 4 * self.python_seconds + 0.05


class News:
    """Kernels that join some records while a solve goes on: from disk, or made by another thread."""

    def __init__(self, records):
        self._known = [(record, record.newest()) for record in records]

    def look(self, seconds=0.0) -> bool:
        """Is there a kernel that was not there at the last look?

        seconds   that this solve has spent so far
        """
        for record, _ in self._known:
            if record.is_worth_a_look(seconds):
                record.look()
        now = [(record, record.newest()) for record, _ in self._known]
        before, self._known = self._known, now
        return any(new is not old for (_, new), (_, old) in zip(now, before, strict=True))


def records() -> list[Record]:
    """All records, oldest use first."""
    with _lock:
        return sorted(_records.values(), key=lambda record: record.used)


def clear():
    """Forget all kernels (for tests and measurements)."""
    with _lock:
        _records.clear()
        _by_identity.clear()


def code_of(fun):
    """The code object behind a callable, or None."""
    if isinstance(fun, functools.partial):
        return code_of(fun.func)
    if isinstance(fun, types.MethodType):
        return code_of(fun.__func__)
    if isinstance(fun, types.FunctionType):
        return fun.__code__
    python = python_of(fun)
    if python is not None:
        return python.__code__
    call = inspect.getattr_static(type(fun), "__call__", None)
    return call.__code__ if isinstance(call, types.FunctionType) else None


def _root_key(fun):
    kind = type(fun)
    if kind is types.FunctionType:
        return fun.__code__
    if kind is types.MethodType:
        return (code_of(fun), type(fun.__self__))
    if kind is functools.partial:
        return (kind, _root_key(fun.func))
    python = python_of(fun)
    return kind if python is None else (kind, python.__code__)


def record_of(fun, kind, n, is_complex, vectorized, y_first=False) -> Record:
    code = fun.__code__ if type(fun) is types.FunctionType else None
    quick_key = (id(code), kind, n, is_complex, vectorized, y_first)
    if code is not None and (found := _by_identity.get(quick_key)) is not None:
        record = found[1]  # the entry holds on to the code: nothing else has this id
    else:
        key = (_root_key(fun), kind, n, is_complex, vectorized, y_first)
        with _lock:
            record = _records.get(key) or _new_record(key, fun)
            if code is not None:
                if len(_by_identity) >= MAX_RECORDS:
                    _by_identity.clear()
                _by_identity[quick_key] = (code, record)
    record.used = next(_ticks)
    return record


def _new_record(key, fun) -> Record:
    while len(_records) >= MAX_RECORDS:
        del _records[min(_records, key=lambda known: _records[known].used)]
        _by_identity.clear()
    record = _records[key] = Record(fun, key[1:])
    return record


def _kernels_of(record) -> int:
    return sum(1 + v.jacobian.made + v.product.made for v in record.variants)


def _drop_oldest_kernels():
    excess = sum(map(_kernels_of, _records.values())) - MAX_KERNELS
    for record in records():  # the one used longest ago first
        if excess <= 0:
            return
        excess -= _kernels_of(record)
        record.forget()


def reason_text(refusal: Refused) -> str:
    reason = REASONS[refusal.reason.code]
    return f"{reason.title}: {refusal.detail}" if refusal.detail else reason.title
