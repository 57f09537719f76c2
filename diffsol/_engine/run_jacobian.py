"""The Jacobian of a `Run`: who gives it, and the kernels for it."""

from __future__ import annotations

from typing import Any

from diffsol._engine import kernels, policy
from diffsol._native._core import ffi, lib


class JacobianKernels:
    """The part of `Run` that puts a kernel in the core's slot `jac`, and takes it out.

    jacobian     Jacobian of an implicit method, else None
    _jac_bound   kernel in use: one of the user's `jac`; or `_bound`, whose variant gives the exact one
    """

    _ivp: Any
    _mode: Any
    _bound: Any
    _jac_bound: Any
    jacobian: Any
    options: Any

    def _open_jacobian(self):
        self._callbacks.jacobian, self._callbacks.ivp = self.jacobian, self._ivp
        self.jacobian.declare(self._ivp, self.rhs.vectorized)
        if not (self._bound is not None and self.jacobian.may_be_exact and self._open_exact()):
            self.jacobian.open(self._ivp)

    def _open_exact(self) -> bool:
        """The exact Jacobian from the start, before there is room for a dense one."""
        exact, certain = self._bound.variant.jacobian, self._certain_seconds()
        if self._mode == "require":
            return self._use_exact_jacobian(exact(kernels.PATIENCE))
        return self._use_exact_jacobian(exact.if_due(certain))

    def _certain_seconds(self):
        """What the solve will take at least if its Jacobian has to be dense."""
        jacobian = self.jacobian
        dense = jacobian is not None and jacobian.would_be_dense
        return policy.dense_seconds(self.options[2].size) if dense else 0.0

    def _use_exact_jacobian(self, kernel) -> bool:
        """The compiled Jacobian of the compiled right-hand side instead of differences."""
        if kernel is not None:
            self.jacobian.use_kernel(self._ivp, kernel, self._bound.params)
            self._jac_bound = self._bound
        return kernel is not None

    def _use_own_jacobian(self, bound):
        """A kernel for the user's `jac`, whose first value has told that all entries are kept."""
        if bound is not None and self.jacobian.is_full:
            self._jac_bound = bound
            self._use(self._ivp.jac, bound)

    def _compile_jacobian(self, budget):
        """In the middle of a solve: a kernel for the Jacobian beside the right-hand side's."""
        own = self.jacobian.function
        if own is not None:
            if own.record.may_trace() and self.jacobian.is_full:
                self._use_own_jacobian(own.attempt(budget))
        elif self.jacobian.may_be_exact:
            kernel = self._bound.variant.jacobian(budget)
            if self._use_exact_jacobian(kernel):
                self._renew_jacobian()

    def _renew_jacobian(self):
        code = lib.ds_ivp_renew_jacobian(self._ivp)
        if code:
            self._raise(code)

    def _has_python_jacobian(self):
        jacobian = self.jacobian
        return jacobian is not None and jacobian.function is not None and self._jac_bound is None

    def _forget_jacobian(self, exact_too):
        if self._jac_bound is None:
            return
        exact = self._jac_bound is self._bound
        self._jac_bound = None
        if not exact:
            self._ivp.jac.kernel = ffi.NULL
        elif exact_too:
            self.jacobian.use_differences(self._ivp)
            self._renew_jacobian()

    def _waits_for_jacobian(self):
        """The right-hand side is compiled, its Jacobian is not: differences serve meanwhile."""
        jacobian = self.jacobian
        waits = jacobian is not None and jacobian.may_be_exact and self._jac_bound is None
        return waits and self._mode == "1"
