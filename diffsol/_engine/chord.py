"""The Jacobian of LSODA's and VODE's chord iteration: the user's, the compiled function's, or
differences; and the kernels that give it."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsol._engine import kernels
from diffsol._native._core import ffi, lib

# From this size on the exact Jacobian of a compiled right-hand side is worth its price: its
# structure spares n evaluations and a dense matrix. Below, differences have SciPy's bits.
EXACT_JACOBIAN_SIZE = 20


class Chord:
    """Where one solver in C gets its Jacobian from, as long as its functions are the same.

    core         the solver's struct: its slot `jac` takes the kernel
    set_pattern  lib.ds_..._set_jacobian of that struct
    function     Function: the right-hand side
    given        GivenJacobian, or None
    band         (lower, upper), or None: full
    """

    def __init__(self, core, set_pattern, function, given, band):
        self._core, self._slot, self._set_pattern = core, core.jac, set_pattern
        self._n, self._is_complex, self._given = function.n, function.is_complex, given
        self._may_be_exact = may_be_exact(function.n, given, band)
        self._keep: tuple = ()  # what the core has borrowed
        self._bound: Any = None  # kernel of the user's function

    @property
    def waits(self) -> bool:
        """Are there differences meanwhile, where the compiled function's Jacobian would do?"""
        return self._may_be_exact and not self._keep

    def join(self, bound, budget, at_once):
        """The right-hand side has this kernel: a kernel for the Jacobian beside it, if there is one.

        budget    seconds that the user's function may take to compile; 0: none
        at_once   the compiled function's is made now, whatever it costs
        """
        if self._given is not None:
            self._use_given(kernels.PATIENCE if at_once else budget)
        elif self._may_be_exact:
            exact = bound.variant.jacobian
            self._use_exact(exact(kernels.PATIENCE) if at_once else exact.if_due(), bound)

    def enter(self, bound):
        """The next call of a solver that lives on: what the kernel reads may have changed."""
        if self._given is None:
            self.use_if_due(bound)
        elif self._bound is not None and self._bound.refresh():
            self._bound.variant.uses += 1
        else:
            self._slot.kernel, self._bound = ffi.NULL, None
            self._use_given(0.0)

    def wait(self, bound, seconds):
        """The solve has gone on for so long by differences."""
        if self._core.jacobian_count:
            bound.variant.jacobian.wait(seconds)

    def use_if_due(self, bound):
        """The exact Jacobian from now on, where differences have cost as much as it does."""
        if self.waits:
            self._use_exact(bound.variant.jacobian.if_due(), bound)

    def leave(self):
        """The right-hand side's kernel is gone, and with it what the Jacobian's relies on."""
        self._slot.kernel, self._bound = ffi.NULL, None
        if self._keep:
            self._keep = ()
            full = ffi.new("ds_pattern *", {"n": self._n, "count": self._n**2})
            self._set_pattern(self._core, full, ffi.new("ds_lu_plan *"))

    def pairs(self):
        """(function, kernel) of the user's Jacobian, to be compared."""
        return [] if self._bound is None else [(self._given.function, self._bound)]

    def _use_given(self, budget):
        function = self._given.function
        if function is None or not function.record.may_trace():
            return
        self._bound = function.attempt(budget)
        if self._bound is not None:
            self._slot.kernel, self._slot.params = self._bound.pointer, self._bound.params

    def _use_exact(self, kernel, bound):
        if kernel is None:
            return
        self._keep = (kernel,)
        if not kernel.full:
            from diffsol._engine import structure

            plan = structure.plan(self._n, kernel.start, kernel.row, self._is_complex)
            pattern, kept = csc_pattern(self._n, kernel.start, kernel.row)
            self._set_pattern(self._core, pattern, plan.native)
            self._keep += (plan, kept)
        self._slot.kernel, self._slot.params = kernel.pointer, bound.params


def may_be_exact(n, given, band) -> bool:
    """Is the compiled function's Jacobian to be taken where there is one?"""
    return given is None and band is None and n >= EXACT_JACOBIAN_SIZE


def chord_of(core, set_pattern, function, n, given, band) -> Chord | None:
    """The Chord of a solver of n numbers; None where no kernel can ever give its Jacobian."""
    compiles = given is not None and given.function is not None
    # the function of complex_ode has half as many numbers as its solver
    if function.n == n and (compiles or may_be_exact(n, given, band)):
        return Chord(core, set_pattern, function, given, band)
    return None


def csc_pattern(n, start, rows):
    """A `ds_pattern *` of int64 arrays, and what must live as long as it."""
    pattern = ffi.new("ds_pattern *", {"n": n, "count": len(rows)})
    pattern.start = ffi.from_buffer("int64_t[]", start)
    pattern.rows = ffi.from_buffer("int64_t[]", rows)
    return pattern, (start, rows, pattern)


def band_pattern(n, lower, upper):
    """(start, rows) of the places of a band, column by column."""
    columns = np.arange(n)
    first, last = np.maximum(columns - upper, 0), np.minimum(columns + lower, n - 1)
    counts = last - first + 1
    start = np.concatenate([[0], np.cumsum(counts)])
    rows = np.arange(start[-1]) - np.repeat(start[:-1] - first, counts)
    return start.astype(np.int64), rows.astype(np.int64)


def set_band(core, set_pattern, set_columns, n, band):
    """Tells a solver in C that its Jacobian is banded; what must live as long as the solver.

    set_pattern, set_columns   lib.ds_..._set_jacobian and lib.ds_..._set_band
    """
    if band is None:
        return ()
    lower, upper = band
    pattern, kept = csc_pattern(n, *band_pattern(n, lower, upper))
    plan = ffi.new("ds_lu_plan *", {"kind": lib.DS_LU_BANDED, "lower": lower, "upper": upper})
    set_pattern(core, pattern, plan)
    set_columns(core, lower, upper)
    return kept
