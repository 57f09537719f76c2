"""A system of equations as its derivatives need it: traced with its variables, and compiled."""

from __future__ import annotations

import math
import warnings

import numpy as np

from diffsol._cache.programs import content_of, is_lasting
from diffsol._compile.locks import DERIVING
from diffsol._engine import switch, verify
from diffsol._engine.derived import JacobianKernel
from diffsol._engine.machine_code import machine_code
from diffsol._ensemble import kept
from diffsol._ensemble.spread import Spread
from diffsol._ensemble.traced import PATIENCE, Wrapped, find
from diffsol._graph.node import Program, depends_on_time
from diffsol._native._core import ffi, lib
from diffsol._trace.advice import advice
from diffsol._trace.reasons import REASONS, Refused
from diffsol.errors import CompilationWarning, MismatchWarning, NotCompiledError


class Columnwise(Wrapped):
    """A function for SciPy's option `vectorized`, of one state."""

    def __call__(self, t, y, *args):
        return np.reshape(self.fun(t, y[:, np.newaxis], *args), y.shape)


class TracedFunction:
    """A function of (t, y, p), traced, with its kernels and the block of parameters that they all read. Raises
    Refused.

    shape     of what it returns; None: of y
    block     ndarray: the parameters, p last
    """

    def __init__(self, fun, variables, shape=None):
        self.fun, self.variables = fun, variables
        if switch.switched_on() == "0":
            raise Refused("switched-off")
        v = variables
        self._spread, self._augmented = Spread(fun, v.n, v.places), None
        _, self.traced, self.block = find(
            self._spread,
            (fun,),
            v.shared,
            v.n + v.values.size,
            (v.n,) if shape is None else shape,
            shape is None,
            room=v.values.size,
        )
        self.set_values(v.values)

    def set_values(self, values):
        """p."""
        if values.size:
            self.block[-values.size :] = values

    @property
    def params(self):
        return ffi.from_buffer("double[]", self.block)

    def look_again(self) -> bool | None:
        """Read what the function reads from outside once more: is it something else? None: the kernels no longer
        fit."""
        n = self.traced.n_params
        before = self.block[:n].tobytes()
        if not self.traced.check(self._spread, self.variables.shared, self.block):
            return None
        return self.block[:n].tobytes() != before

    # --- what is made of it, each raising Refused -----------------------------------------------------

    def kernel(self, what, make):
        """A pointer to the kernel of the program that `make(program, n)` gives."""
        found = self.traced.one(what, lambda: kept.code(self._role(what), lambda: self._code(make)))
        return ffi.cast("ds_kernel", found.address)

    def _code(self, make):
        return machine_code(self._derived(make), PATIENCE).code

    def _role(self, *what) -> tuple | None:
        """What tells other processes what is made of it; None: nothing does."""
        program = self.traced.program
        content = self.traced.one("content", lambda: is_lasting(program) and content_of(program))
        return (content, self.variables.n, *what) if content else None

    def slope(self):
        """The kernel of (t, [y, p]) -> its derivative with respect to t; None: it does not depend on that."""
        return self.kernel("slope", _slope) if depends_on_time(self.traced.program.nodes) else None

    def gradient(self):
        """The kernel of (t, [lambda, y, p]) -> -lambda^T times its derivatives with respect to y and p."""
        return self.kernel("gradient", _whole_adjoint)

    def _derived(self, make):
        with DERIVING:
            from diffsol._graph.terms import TooLarge
        try:
            return make(self.traced.program, self.variables.n)
        except TooLarge as error:
            raise Refused("too-large", f"its derivative: {error}") from error

    def own(self):
        """The kernel of the function itself, of (t, y)."""
        return self.kernel("fun", lambda program, n: self._with_parameters())

    def _with_parameters(self):
        from diffsol._graph.forward import with_parameters

        return self.traced.one("program", lambda: self._derived(with_parameters))

    def augmented(self):
        """The kernel of (t, [y, S]) -> [f, dS/dt]."""
        if self._augmented is None:  # a solve of microseconds asks for it
            columns = self._columns()
            self._augmented = self.kernel(("augmented", columns), _forward(columns))
        return self._augmented

    def augmented_in_lanes(self) -> Program:
        """[f, dS/dt] of the state [y, S, p], for an ensemble."""
        columns = self._columns()
        what = "lanes", columns

        def make():
            return self._derived(_forward(columns, own=True))

        return self.traced.one(what, lambda: kept.program(self._role(what), make))

    def _columns(self):
        return tuple(max(place, -1) for place in self.variables.columns)

    def jacobian(self) -> JacobianKernel:
        """df/dy."""

        def make():
            from diffsol._graph.jacobian import jacobian

            found = self._derived(lambda program, n: jacobian(self._with_parameters()))
            code = machine_code(found.program, PATIENCE).code
            return code, found.start, found.row, found.full

        def kernel():
            found = kept.jacobian(self._role("jac"), make)
            return JacobianKernel(found, found.code, 0.0)

        return self.traced.one("jac", kernel)


def _forward(columns, own=False):
    def make(program, n):
        from diffsol._graph.forward import forward_program

        return forward_program(program, n, columns, own=own)

    return make


def _slope(program, n):
    from diffsol._graph.jacobian import slope

    return slope(program)


def _whole_adjoint(program, n):
    from diffsol._graph.adjoint import state_adjoint

    return state_adjoint(program, math.prod(program.state_shape))


def doubles(array):
    """A contiguous array for a kernel."""
    return ffi.from_buffer("double[]", array)


class System(TracedFunction):
    """f(t, y, p), its Jacobian and the equations of S = dy/dv, as kernels; or as Python.

    refused    why there are no kernels, or None
    """

    def __init__(self, fun, variables):
        self.refused: Refused | None = None
        try:
            super().__init__(fun, variables)
            self.fun_kernel = self.own()
        except Refused as refused:
            self._refuse(refused)

    def _refuse(self, refused):
        if switch.switched_on() == "require":
            raise NotCompiledError(
                f"{switch.setting()}, and `fun` is not compiled. {reason_of(refused)}"
            ) from None
        # a copy without traceback, which would keep the whole trace alive
        self.refused = Refused(refused.reason.code, refused.detail, refused.where)

    def derivative(self, t, y, values):
        """f at one time."""
        found = self._by_kernel(t, y) if self.refused is None else None
        return self._by_python(t, y, values) if found is None else found

    def _by_kernel(self, t, y):
        """f, or None where the kernel asks for Python."""
        got = np.empty(self.variables.n)
        state = ffi.from_buffer("double[]", np.ascontiguousarray(y))
        out = ffi.from_buffer("double[]", got)
        asked = lib.ds_kernel_call(self.fun_kernel, self.params, float(t), state, out)
        return None if asked else got

    def _by_python(self, t, y, values):
        found = self.fun(np.float64(t), y.copy(), *self.variables.args(values))
        return np.broadcast_to(np.asarray(found, float), y.shape)

    def verify(self, t, y, values):
        """Compare the kernel with the function, once. Where they disagree the kernel is not used."""
        if self.refused is not None or self.traced.checked:
            return
        got = self._by_kernel(t, y)
        if got is None:
            return
        with np.errstate(all="ignore"):
            wanted = self._by_python(t, y, values)
        self.traced.checked = verify.close(got, wanted)
        if not self.traced.checked:
            warnings.warn(
                "the compiled form of `fun` disagreed with the Python function and is not used.",
                MismatchWarning,
                stacklevel=2,
            )
            self._refuse(Refused("mismatch"))


def reason_of(refused) -> str:
    """Why a function is not compiled, in words."""
    reason = REASONS[refused.reason.code]
    place = "" if refused.where is None else " ({}, line {}, in {})".format(*refused.where)
    text = f"{reason.title}: {refused.detail}" if refused.detail else reason.title
    return f"{text}{place}. {advice(refused.reason.code, refused.detail).hint}"


def warn_of_differences(refused, stacklevel):
    """The derivatives are not exact ones."""
    warnings.warn(
        f"`fun` cannot be differentiated exactly; its derivatives are finite differences. {reason_of(refused)}",
        CompilationWarning,
        stacklevel=stacklevel + 1,
    )


def warn_of_single(stacklevel):
    """The derivatives are worse than finite differences are otherwise."""
    warnings.warn(
        "`fun` computes in single precision; its derivatives, finite differences, are good to 3 digits. Compute in "
        "double precision for better ones (PyTorch: `module.double()`).",
        CompilationWarning,
        stacklevel=stacklevel + 1,
    )


def warn_of_forward(refused, stacklevel):
    """The adjoint equation was asked for, and another way is taken."""
    warnings.warn(
        "the adjoint equation cannot be derived; the gradient is found by sensitivities forward in time. "
        f"{reason_of(refused)}",
        CompilationWarning,
        stacklevel=stacklevel + 1,
    )
