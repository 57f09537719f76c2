"""A system of equations as its derivatives need it: traced with its variables, and compiled."""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffsol._compile.locks import DERIVING
from diffsol._engine import making, switch, verify
from diffsol._engine.derived import JacobianKernel
from diffsol._engine.kernels import code_of
from diffsol._engine.machine_code import machine_code
from diffsol._ensemble.spread import Spread
from diffsol._graph.node import Program
from diffsol._native._core import ffi, lib
from diffsol._trace.advice import advice
from diffsol._trace.reasons import REASONS, Refused
from diffsol.errors import CompilationWarning, MismatchWarning, NotCompiledError

_FLOAT = np.dtype(float)
MOST_KEPT = 64  # traced functions
MOST_VARIANTS = 8  # of one
PATIENCE = 20.0  # seconds that tracing may take, and compiling


class Wrapped:
    """A user's function with other arguments than it has."""

    def __init__(self, fun):
        self.fun = fun


class Columnwise(Wrapped):
    """A function for SciPy's option `vectorized`, of one state."""

    def __call__(self, t, y, *args):
        return np.reshape(self.fun(t, y[:, np.newaxis], *args), y.shape)


@dataclass
class Traced:
    """A function whose variables are part of its state, [y, p].

    made    what was made of it so far: kernels, programs
    """

    program: Program
    check: Any
    n_params: int
    n: int
    checked: bool = False
    made: dict = field(default_factory=dict)

    def kernel(self, what, make):
        """A kernel of the program that `make()` gives. Raises Refused."""
        return self.one(what, lambda: machine_code(self.derived(make), PATIENCE))

    def one(self, what, make):
        """What `make()` gives, made once.

        Where two threads make it at the same time both get the one that is kept: the code of the other is freed.
        """
        if what not in self.made:
            self.made.setdefault(what, make())
        return self.made[what]

    @staticmethod
    def derived(make):
        """A derivative. Raises Refused."""
        with DERIVING:
            from diffsol._graph.terms import TooLarge
        try:
            return make()
        except TooLarge as error:
            raise Refused("too-large", f"its derivative: {error}") from error


_known: OrderedDict[Any, list[Traced]] = OrderedDict()
_lock = threading.Lock()


def traced(fun, variables, shape=None) -> tuple[Traced, np.ndarray]:
    """(the traced function, its parameter block with room for p). Raises Refused.

    shape    of what `fun` returns; None: of y
    """
    spread = Spread(fun, variables.n, variables.places)
    rows = (variables.n,) if shape is None else shape
    key = (_identity(fun), spread.n, spread.places, rows)
    with _lock:
        variants = list(_known.get(key, ()))
    for found in variants:
        params = np.empty(found.n_params + variables.values.size)
        if found.check(spread, variables.shared, params):
            return found, params
    found = _trace(spread, variables, rows, shape is None)
    params = np.empty(found.n_params + variables.values.size)
    if not found.check(spread, variables.shared, params):
        raise Refused("unknown-object", "what it reads changes while it is read")
    with _lock:
        _known.setdefault(key, []).insert(0, found)
        _known.move_to_end(key)
        del _known[key][MOST_VARIANTS:]
        while len(_known) > MOST_KEPT:
            _known.popitem(last=False)
    return found, params


def _identity(fun):
    """What is the same for all functions that one trace may stand for."""
    if isinstance(fun, Wrapped):
        return type(fun), _identity(fun.fun)
    return code_of(fun) or type(fun)


def _trace(spread, variables, rows, broadcast) -> Traced:
    if switch.switched_on() == "0":
        raise Refused("switched-off")
    found = making.followed(
        spread,
        variables.shared,
        (variables.n + variables.values.size,),
        _FLOAT,
        rows,
        _FLOAT,
        broadcast=broadcast,
        seconds=PATIENCE,
    )
    return Traced(found.program, found.check, found.n_params, variables.n)


class System:
    """f(t, y, p), its Jacobian and the equations of S = dy/dv, as kernels of one parameter block.

    block      ndarray: the parameters, p last
    refused    why there are no kernels, or None
    """

    def __init__(self, fun, variables):
        self.fun, self.variables = fun, variables
        self.refused: Refused | None = None
        self._augmented: Any = None
        try:
            self.traced, self.block = traced(fun, variables)
            self.set_values(variables.values)
            self.fun_kernel = self.pointer(self._own())
        except Refused as refused:
            self._refuse(refused)

    def _refuse(self, refused):
        if switch.switched_on() == "require":
            raise NotCompiledError(
                f"{switch.setting()}, and `fun` is not compiled. {reason_of(refused)}"
            ) from None
        # a copy without traceback, which would keep the whole trace alive
        self.refused = Refused(refused.reason.code, refused.detail, refused.where)

    def set_values(self, values):
        """p."""
        if values.size:
            self.block[-values.size :] = values

    @property
    def params(self):
        return ffi.from_buffer("double[]", self.block)

    def refresh(self) -> bool:
        """Read what the function reads from outside once more; False: the kernels no longer fit."""
        v = self.variables
        return self.traced.check(Spread(self.fun, v.n, v.places), v.shared, self.block)

    @staticmethod
    def pointer(kernel):
        return ffi.cast("ds_kernel", kernel.address)

    def _own(self):
        return self.traced.kernel("fun", self._with_parameters)

    def _with_parameters(self):
        from diffsol._graph.forward import with_parameters

        program, n = self.traced.program, self.variables.n
        return self.traced.one("program", lambda: with_parameters(program, n))

    def augmented(self):
        """The kernel of (t, [y, S]) -> [f, dS/dt]. Raises Refused."""
        if self._augmented is None:
            self._augmented = self._make_augmented()
        return self._augmented

    def _make_augmented(self):
        from diffsol._graph.forward import forward_program

        columns = tuple(max(place, -1) for place in self.variables.columns)
        program, n = self.traced.program, self.variables.n
        kernel = self.traced.kernel(
            ("augmented", columns), lambda: forward_program(program, n, columns)
        )
        return self.pointer(kernel)

    def augmented_in_lanes(self) -> Program:
        """[f, dS/dt] of the state [y, S, p], for an ensemble. Raises Refused."""
        from diffsol._graph.forward import forward_program

        columns = tuple(max(place, -1) for place in self.variables.columns)
        traced, n = self.traced, self.variables.n

        def make():
            return traced.derived(lambda: forward_program(traced.program, n, columns, own=True))

        return traced.one(("lanes", columns), make)

    def jacobian(self) -> JacobianKernel:
        """df/dy. Raises Refused."""
        from diffsol._graph.jacobian import jacobian

        def make():
            found = self.traced.derived(lambda: jacobian(self._with_parameters()))
            return JacobianKernel(found, machine_code(found.program, PATIENCE), 0.0)

        return self.traced.one("jac", make)

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


def warn_of_forward(refused, stacklevel):
    """The adjoint equation was asked for, and another way is taken."""
    warnings.warn(
        "the adjoint equation cannot be derived; the gradient is found by sensitivities forward in time. "
        f"{reason_of(refused)}",
        CompilationWarning,
        stacklevel=stacklevel + 1,
    )
