"""Radau, BDF and LSODA as classes: SciPy's own, taking their steps in native code.

This module imports SciPy; `diffsol.integrate` imports it when one of the classes is first used.

An object is native until somebody looks into it: whoever reads or changes what SciPy's solver keeps
for itself (`J`, `order`, `D`, ...), changes `y`, `max_step` and the like, copies or pickles it, gets
SciPy's solver in its place, which goes on from there.
"""

import inspect
from typing import Any

import numpy as np

from diffsol._engine import Unusual
from diffsol._engine.steps import Steps
from diffsol._methods.registry import METHODS
from diffsol._native._core import lib
from diffsol.integrate import _options, _passthrough, _scipy, _start

# What a class or an object may change only at the price of native steps.
_PRIVATE = ("step", "_step_impl", "dense_output", "_dense_output_impl", "_validate_jac")

# What SciPy's objects have that ours have not until they are SciPy's.
_HIDDEN = {
    "BDF": frozenset(
        (
            "h_abs_old",
            "error_norm_old",
            "newton_tol",
            "jac_factor",
            "jac",
            "J",
            "lu",
            "solve_lu",
            "I",
        )
        + ("gamma", "alpha", "error_const", "D", "order", "n_equal_steps", "LU")
    ),
    "Radau": frozenset(
        ("y_old", "f", "h_abs_old", "error_norm_old", "newton_tol", "sol", "jac_factor", "jac", "J")
        + ("lu", "solve_lu", "I", "current_jac", "LU_real", "LU_complex", "Z")
    ),
    "LSODA": frozenset(("_lsoda_solver",)),
}

# Attributes that both have; whoever changes one wants steps other than those prepared.
_SHARED = frozenset(
    ("t", "y", "t_bound", "direction", "max_step", "rtol", "atol", "h_abs", "vectorized")
    + ("fun", "fun_single", "fun_vectorized", "_fun")
)


class _NativeSteps:
    """Native steps for a class of SciPy's, which comes next in the bases."""

    _steps: Any = None  # the native solve; None: SciPy's own methods work on SciPy's attributes
    _traits: Any  # of the method

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        call = inspect.signature(self._base).bind(*args, **kwargs).arguments
        extraneous = call.pop("extraneous", None)
        if extraneous:
            _options.warn_extraneous(extraneous)
        self._call = call
        cls = type(self)
        changed = any(getattr(cls, n, None) is not part for n, part in cls._parts.items())
        if changed or not self._begin(**call):
            self._base.__init__(self, **call)

    def _begin(self: Any, fun, t0, y0, t_bound, vectorized=False, **options) -> bool:
        """Start the native solve; False where SciPy has rules of its own."""
        traits = self._traits
        _scipy.solver_class("OdeSolver").__init__(
            self, fun, t0, y0, t_bound, vectorized, traits.complex_states
        )
        if not self.n or t0 == t_bound or _start.is_refused(traits, self.y, options):
            return False
        ends = float(t0), float(t_bound)
        try:
            steps = _start.start(traits.name, fun, *ends, self.y, vectorized, (), options, Steps)
        except Unusual as unusual:
            self._call["fun"] = _passthrough.after_first(fun, unusual.result)
            return False
        self.__dict__.update(_steps=steps, _counted=(0, 0, 0))
        if not traits.starts_later:
            _, _, _, rtol, atol, max_step, _ = steps.options
            self.__dict__.update(rtol=rtol, atol=atol, max_step=max_step)
            self._count()
        return True

    def _count(self: Any) -> None:
        """Counters (which a user's call of `fun` adds to) and the size of the next step."""
        core, shown = self._steps.core, self.__dict__
        now = core.nfev, core.njev, core.nlu
        for name, count, before in zip(COUNTERS, now, self._counted, strict=True):
            shown[name] += count - before
        shown["_counted"] = now
        if self._traits.starts_later:  # LSODA: SciPy reads these from an array of 32-bit integers
            shown["njev"], shown["nlu"] = np.int32(core.njev), np.int32(core.nlu)
        else:
            shown["h_abs"] = np.float64(core.h_abs)

    def _step_impl(self: Any) -> tuple[bool, str | None]:
        steps = self._steps
        if steps is None:
            return self._base._step_impl(self)
        if self._traits.name == "Radau":
            steps.put_state(self.y)  # SciPy's steps begin at this very array
        try:
            code = steps.step()
        finally:
            self._count()
        core, shown = steps.core, self.__dict__
        if code == lib.DS_FAILED:
            return False, self._why_failed(core)
        if self._traits.starts_later:
            shown["t"] = core.t
        else:
            shown["t"] = self.t_bound if core.t == steps.options[1] else np.float64(core.t)
        shown["y"] = steps.state()
        return True, None

    def _why_failed(self: Any, core: Any) -> str:
        if not self._traits.starts_later:
            return self.TOO_SMALL_STEP
        _scipy.warn_of_istate(core.istate)
        return "Unexpected istate in LSODA."

    def _dense_output_impl(self: Any) -> Any:
        if self._steps is None:
            return self._base._dense_output_impl(self)
        interpolant = _scipy.interpolant(self._traits.interpolant)
        _, _, *coefficients = self._steps.interpolant()
        return interpolant(self.t_old, self.t, *coefficients)

    # --- becoming SciPy's -------------------------------------------------------------------------

    def __getattr__(self: Any, name: str) -> Any:
        if self._steps is None or name not in _HIDDEN[self._traits.name]:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._leave(self.t_bound)
        return getattr(self, name)

    def __setattr__(self: Any, name: str, value: Any) -> None:
        if self._steps is not None and (name in _SHARED or name in _HIDDEN[self._traits.name]):
            self._leave(value if name == "t_bound" else self.t_bound)
        object.__setattr__(self, name, value)

    def __getstate__(self: Any) -> dict:
        if self._steps is not None:
            self._leave(self.t_bound)
        return self.__dict__

    def _leave(self: Any, t_bound: Any) -> None:
        """From here on SciPy's methods, on SciPy's attributes as they would be by now.

        t_bound   where they are to go: SciPy's LSODA is told when it begins
        """
        steps, kept = self._steps, {n: getattr(self, n) for n in (*COUNTERS, *KEPT)}
        h_abs = self.__dict__.get("h_abs")
        self.__dict__["_steps"] = None
        call = self._call | {"t0": self.t, "y0": self.y, "t_bound": t_bound}
        if self._traits.starts_later:  # LSODA: its history is in SciPy's C code, and begins anew
            self._base.__init__(self, **(call | {"first_step": None}))
        else:
            _restore(self, call, steps.memory())
            if self._traits.name == "Radau" and kept["t_old"] is not None:
                _, _, y_old, q = steps.interpolant()
                sol = _scipy.interpolant(self._traits.interpolant)(kept["t_old"], self.t, y_old, q)
                self.__dict__.update(y_old=y_old, sol=sol)
            kept["h_abs"] = h_abs
        self.__dict__.update(kept)


COUNTERS = ("nfev", "njev", "nlu")
KEPT = ("t_old", "status", "direction")


def _restore(solver: Any, call: dict, memory: Any) -> None:
    """SciPy's constructor without calls of the user's functions, then what the solve has left."""
    asleep = True
    fun, jac = call["fun"], call.get("jac")

    def awake_fun(t, y):
        return np.zeros_like(y) if asleep else fun(t, y)

    def awake_jac(t, y):
        return memory.jacobian if asleep else jac(t, y)

    call = call | {"fun": awake_fun, "first_step": 1e-3 * abs(call["t_bound"] - solver.t)}
    if callable(jac):
        call["jac"] = awake_jac
    if solver.t == call["t_bound"]:
        call.pop("first_step")
    solver._base.__init__(solver, **call)
    asleep = False
    solver.__dict__.update(J=memory.jacobian, jac_factor=None)
    if solver._traits.name == "BDF":
        order, equal = map(int, memory.numbers[:2])
        solver.__dict__.update(order=order, n_equal_steps=equal, D=memory.rows)
        return
    h_abs_old, error_norm_old = (x if x >= 0 else None for x in memory.numbers[:2])
    solver.__dict__.update(
        h_abs_old=h_abs_old,
        error_norm_old=error_norm_old,
        current_jac=bool(memory.numbers[2]),
        f=memory.f,
    )


def _native_class(name: str) -> type:
    base = _scipy.solver_class(name)
    title, separator, rest = base.__doc__.partition("\n\n")
    remark = (
        "    A subclass of SciPy's class of the same name; the steps are taken in native code. An\n"
        "    object whose private attributes are read or changed, or that is copied, becomes\n"
        "    SciPy's own."
    )
    body = {
        "__doc__": title + separator + remark + separator + rest,
        "__module__": __name__,
        "__signature__": inspect.signature(base),
        "_traits": METHODS[name],
        "_base": base,
    }
    cls: Any = type(name, (_NativeSteps, base), body)
    cls._parts = {n: getattr(cls, n, None) for n in _PRIVATE}
    return cls


Radau: Any = _native_class("Radau")
BDF: Any = _native_class("BDF")
LSODA: Any = _native_class("LSODA")
