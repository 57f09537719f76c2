"""Kernels made from a compiled function's program: its Jacobian, and the Jacobian times a vector.

They take the parameters of the function's own kernel and hold under the same guards. Each is made
when it is first asked for; the answer is kept, a refusal too.
"""

from __future__ import annotations

import math
import time

from diffsol._compile.locks import DERIVING
from diffsol._native._core import ffi
from diffsol._trace.reasons import Refused

LEAST_WAIT = 1e-3  # seconds: below, a kernel saves less than looking for it costs


class JacobianKernel:
    """The Jacobian's values as a kernel, and where they belong.

    pointer  writes the values column by column: all n * n (`full`), else those of the pattern
    start    int64: column j of the pattern holds values start[j] to start[j + 1]; None if full
    row      int64: the row of each value, ascending in each column; None if full
    ms       what differentiating and compiling took
    """

    __slots__ = ("pointer", "start", "row", "full", "kernel", "ms")

    def __init__(self, jacobian, kernel, ms):
        self.pointer = ffi.cast("ds_kernel", kernel.address)
        self.start, self.row, self.full = jacobian.start, jacobian.row, jacobian.full
        self.kernel = kernel  # keeps the code alive
        self.ms = ms


class ProductKernel:
    """J(t, y) v as a kernel of (t, y followed by v)."""

    __slots__ = ("pointer", "kernel")

    def __init__(self, kernel):
        self.pointer = ffi.cast("ds_kernel", kernel.address)
        self.kernel = kernel


class Derived:
    """A kernel that is made when first asked for; calling it gives the kernel, or None.

    make(budget) makes it within about `budget` seconds or raises Refused. A refusal stands until
    somebody has more time to spend than whoever asked last; `refusal` tells why.
    """

    __slots__ = ("refusal", "_make", "_tell", "_kernel", "_tried", "_waited")

    def __init__(self, make, tell=None):
        self.refusal: Refused | None = None
        self._make = make
        self._tell = tell  # called when there is a new kernel
        self._kernel = None
        self._tried = -math.inf  # the largest budget that did not suffice
        self._waited = 0.0  # seconds that solves without it have taken

    def __call__(self, budget):
        if self._kernel is None:
            with DERIVING:
                if self._kernel is None and budget > max(self._tried, 0.0):
                    self._try(budget)
                    if self._kernel is not None and self._tell is not None:
                        self._tell()
        return self._kernel

    def give(self, kernel):
        """The kernel, made elsewhere."""
        self._kernel = kernel

    def wait(self, seconds):
        """A solve has gone on for so long without the kernel, which could have used it."""
        self._waited += seconds

    def if_due(self, certain=0.0):
        """The kernel if it is there, or can be made in the time that was waited for it so far.

        certain    seconds more that the solve which asks will wait
        """
        waited = self._waited + certain
        if self._kernel is None and waited < 2 * max(self._tried, LEAST_WAIT):
            return None
        return self(waited)

    @property
    def made(self) -> bool:
        return self._kernel is not None

    @property
    def kernel(self):
        """The kernel if it is there, else None."""
        return self._kernel

    def _try(self, budget):
        try:
            self._kernel, self.refusal = self._make(budget), None
        except Refused as refusal:
            # a copy without traceback, which would keep the whole graph alive
            self.refusal = Refused(refusal.reason.code, refusal.detail)
            self._tried = budget


def jacobian_kernel(program, machine_code, budget) -> JacobianKernel:
    """machine_code(program, budget, quick) compiles; quick code, for a Jacobian is called rarely."""
    with DERIVING:
        from diffsol._graph.jacobian import jacobian

    started = time.perf_counter()
    found = _derivative(lambda: jacobian(program, deadline=started + budget))
    kernel = machine_code(found.program, budget - (time.perf_counter() - started), True)
    return JacobianKernel(found, kernel, (time.perf_counter() - started) * 1e3)


def product_kernel(program, machine_code, budget) -> ProductKernel:
    """J v for iterative solvers, which call it as often as the function itself."""
    with DERIVING:
        from diffsol._graph.jacobian import jvp_program

    started = time.perf_counter()
    found = _derivative(lambda: jvp_program(program, deadline=started + budget))
    return ProductKernel(machine_code(found, budget - (time.perf_counter() - started)))


def _derivative(differentiate):
    from diffsol._graph.terms import TooLarge

    try:
        return differentiate()
    except TooLarge as error:
        raise Refused("too-large", f"its derivative: {error}") from error
