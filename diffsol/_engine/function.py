"""One user function of a solve: as Python, and as a compiled kernel where there is one."""

from __future__ import annotations

import numpy as np

from diffsol._engine import disk, kernels, making, switch
from diffsol._engine.c_function import CFunction
from diffsol._native._core import ffi
from diffsol._trace.advice import advice
from diffsol.errors import NotCompiledError


class Bound:
    """A kernel with the parameters that the function's surroundings hold at present."""

    __slots__ = ("variant", "pointer", "params", "block", "fun", "args")

    def __init__(self, variant, block, params, fun, args):
        self.variant = variant
        self.pointer = variant.pointer
        self.block = block  # what the guard function fills
        self.params = params  # the same memory, as a C pointer
        self.fun = fun
        self.args = args

    def refresh(self) -> bool:
        """Read everything from outside again; False if the kernel no longer fits."""
        return self.variant.check(self.fun, self.args, self.block)


class Function:
    """fun(t, y, *args) of one solve, or fun(y, t, *args).

    fun         the user's callable
    args        tuple of further arguments
    state       ndarray (n,), float64 or complex128: tells size and dtype of y
    kind        'rhs' | 'strict' (a rhs whose result is not broadcast to (n,)) | 'odepack' (strict, but
                a number will do where n is 1) | 'event' | 'jac'
    vectorized  fun takes y of shape (n, 1) (SciPy's option)
    y_first     fun takes y before t (odeint's functions do)
    solver      who calls it, for the report of a run
    """

    __slots__ = ("fun", "args", "kind", "n", "is_complex", "vectorized", "y_first", "record")

    def __init__(self, fun, args, state, kind="rhs", vectorized=False, y_first=False, solver=""):
        self.fun = fun
        self.args = args
        self.kind = kind
        self.n = state.size
        self.is_complex = state.dtype.kind == "c"
        self.vectorized = bool(vectorized)
        self.y_first = bool(y_first)
        self.record = kernels.record_of(
            fun, kind, self.n, self.is_complex, self.vectorized, self.y_first
        )
        if kernels.KEEP_FUNCTIONS:
            self.record.function = self
            self.record.solvers.add(solver)

    def bind(self) -> Bound | None:
        """A kernel in memory whose guards hold for this function now, or None."""
        if type(self.fun) is CFunction:
            return Bound(self.fun.variant, None, self.fun.params, self.fun, self.args)
        for variant in self.record.variants:
            bound = self._try(variant)
            if bound is not None:
                variant.uses += 1
                return bound
        return None

    def at_start(self, mode) -> Bound | None:
        """The kernel that a solve in this mode begins with. NotCompiledError if there must be one."""
        if mode == "0":
            return None
        bound = self.bind()
        return self._required() if bound is None and mode == "require" else bound

    def _required(self):
        try:
            return self.compile()
        except kernels.Refused as refusal:
            place = "" if refusal.where is None else " ({}, line {}, in {})".format(*refusal.where)
            raise NotCompiledError(
                f"{switch.setting()}, and {self.record.name!r} is not compiled. "
                f"{kernels.reason_text(refusal)}{place}. {advice(refusal.reason.code, refusal.detail).hint}"
            ) from None

    def compile(self, budget=kernels.PATIENCE) -> Bound:
        """A kernel from disk, or traced and compiled now within about `budget` seconds. Raises Refused."""
        if self.record.look():
            bound = self.bind()
            if bound is not None:
                return bound
        bound = self._try(making.compile_variant(self, budget))
        if bound is None:
            refusal = kernels.Refused("unknown-object", "what it reads changes while it is read")
            self.record.refuse(refusal)
            raise refusal
        return bound

    def told(self):
        """A trace whose nodes know their lines, with its reads (see `trace_function`). Raises Refused."""
        return making.trace_of(self, 2 * kernels.PATIENCE, told=True)

    def attempt(self, budget) -> Bound | None:
        """A kernel, or None if the function is refused (the reason is kept for `explain`), or if there is
        none and the budget is 0."""
        try:
            return self.bind() or (self.compile(budget) if budget else None)
        except kernels.Refused:
            return None

    def _try(self, variant):
        if variant.has_arrays:
            block = np.empty(variant.n_params)
            params = ffi.from_buffer("double[]", block)
        elif variant.n_params:
            block = params = ffi.new("double[]", variant.n_params)
        else:
            block, params = None, ffi.NULL
        if not variant.check(self.fun, self.args, block):
            return None
        return Bound(variant, block, params, self.fun, self.args)

    def discard(self, variant):
        """The kernel is wrong: never use it again, nor another for this code."""
        self.record.forget()
        disk.forget(self.record)
        self.record.refuse(kernels.Refused("mismatch"))
        self.record.attempts = kernels.MAX_ATTEMPTS

    def python(self, t, y):
        """The user's function as SciPy would call it: an ndarray of the state's dtype, any shape."""
        dtype = complex if self.is_complex and self.kind != "event" else float
        if self.vectorized:
            return np.asarray(self.fun(t, y[:, None], *self.args), dtype=dtype).ravel()
        leading = (y, t) if self.y_first else (t, y)
        return np.asarray(self.fun(*leading, *self.args), dtype=dtype)
