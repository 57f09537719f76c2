"""Which solver a call means, what kind of functions it takes, and which options it knows.

For `explain`, which is asked about calls of `solve_ivp`, `odeint` and `ode` alike.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsol._methods.registry import METHODS
from diffsol.integrate import _options, _passthrough, _scipy
from diffsol.integrate._ivp import solve_ivp
from diffsol.integrate._odeint import odeint

ODE = ("vode", "zvode", "lsoda", "dopri5", "dop853")  # the integrators of `ode`


@dataclass(frozen=True)
class Call:
    """What is to be known of a solver.

    kind                    of its right-hand side, as `Function` names it
    kind_of_complex         the same where the state is complex (complex_ode's functions), or ""
    state                   y0 as the solver holds it
    y_first                 its functions take y before t
    jac                     the Jacobian that was given, or None
    takes_exact_jacobian    it wants that of the compiled right-hand side
    jacobian_stays_python   why `jac` is not compiled, or ""
    scipys                  its name, where it is SciPy's own
    """

    kind: str
    state: Callable[[Any], np.ndarray]
    kind_of_complex: str = ""
    y_first: bool = False
    jac: Any = None
    takes_exact_jacobian: bool = False
    jacobian_stays_python: str = ""
    scipys: str | None = None

    def by_real_numbers(self, state: np.ndarray) -> bool:
        """Does the solver see the real and imaginary parts of a complex state, and its Jacobian theirs?"""
        return state.dtype.kind == "c" and self.kind_of_complex == "rhs"

    def rhs_kind(self, state: np.ndarray) -> str:
        return (self.kind_of_complex or self.kind) if state.dtype.kind == "c" else self.kind


def of(method: Any, tfirst: bool | None, Dfun: Any, jac: Any, options: dict[str, Any]) -> Call:
    """The call that these arguments make. ValueError, TypeError where there is none."""
    if method is None:
        method = "RK45" if tfirst is None and Dfun is None else "odeint"
    if method == "odeint":
        return _of_odeint(tfirst, Dfun, jac, options)
    if tfirst is not None or Dfun is not None:
        raise TypeError("`tfirst` and `Dfun` are arguments of odeint: say method='odeint'.")
    if isinstance(method, str) and method in ODE:
        return _of_ode(method, jac, options)
    return _of_solve_ivp(method, jac, options)


def _of_odeint(tfirst: bool | None, Dfun: Any, jac: Any, options: dict[str, Any]) -> Call:
    if jac is not None:
        raise TypeError("The Jacobian of odeint is `Dfun`.")
    _check_names(options, inspect.signature(odeint).parameters, "odeint")
    form = "a band" if _given(options, "ml", "mu") else ""
    if options.get("col_deriv"):
        form = "col_deriv=True"
    return Call(
        "odepack", _real_vector, y_first=not tfirst, jac=Dfun, jacobian_stays_python=form,
        takes_exact_jacobian=Dfun is None and not _given(options, "ml", "mu"),
    )  # fmt: skip


def _of_ode(name: str, jac: Any, options: dict[str, Any]) -> Call:
    integrator = getattr(_scipy.ode_module(), name)
    _check_names(options, inspect.signature(integrator.__init__).parameters, f"ode's {name}")
    if jac is not None and name.startswith("dop"):
        _options.warn_extraneous(["jac"], stacklevel=5)
        jac = None
    state = _complex_vector if name == "zvode" else _vector
    band = _given(options, "lband", "uband")
    has_differences = name == "lsoda" or bool(options.get("with_jacobian"))
    return Call(
        "odepack", state, jac=jac, jacobian_stays_python="a band" if band else "",
        takes_exact_jacobian=has_differences and jac is None and not band,
        kind_of_complex="odepack" if name == "zvode" else "rhs",
    )  # fmt: skip


def _of_solve_ivp(method: Any, jac: Any, options: dict[str, Any]) -> Call:
    name = _passthrough.native_name(method)
    if name is None:  # a class of the user's, which has options of its own
        scipys = getattr(method, "__name__", str(method))
        return Call("strict", _options.check_y0, jac=jac, scipys=scipys)
    if name not in METHODS:
        methods = [*METHODS, "odeint", *ODE]
        raise ValueError(f"`method` must be one of {methods} or a class of a solver, not {name!r}.")
    traits = METHODS[name]
    known = {option for each in METHODS.values() for option in each.options}
    _check_names(options, {*known, *inspect.signature(solve_ivp).parameters}, "solve_ivp")
    given = [*options, *(["jac"] if jac is not None else [])]
    useless = [option for option in given if option in known and option not in traits.options]
    if useless:
        _options.warn_extraneous(useless, stacklevel=5)
    band = traits.starts_later and _given(options, "lband", "uband")
    return Call(
        traits.rhs_kind, _options.check_y0, jac=jac if traits.implicit else None,
        takes_exact_jacobian=traits.implicit and jac is None and not band,
        jacobian_stays_python="a band" if band else "",
    )  # fmt: skip


def _given(options: dict[str, Any], *names: str) -> bool:
    return any(options.get(name) is not None for name in names)


def _check_names(options: dict[str, Any], known: Iterable[str], solver: str) -> None:
    unknown = [name for name in options if name not in known]
    if unknown:
        raise TypeError(f"{solver} has no argument {', '.join(map(repr, unknown))}.")


def _vector(y0: Any, dtype: Any = None) -> np.ndarray:
    """A number is a vector of one."""
    array = np.array(y0, dtype=dtype, ndmin=1)
    if array.ndim > 1:
        raise ValueError("Initial condition y0 must be one-dimensional.")
    return array if array.dtype.kind == "c" else array.astype(float)


def _real_vector(y0: Any) -> np.ndarray:
    return _vector(y0, float)


def _complex_vector(y0: Any) -> np.ndarray:
    return _vector(y0, complex)
