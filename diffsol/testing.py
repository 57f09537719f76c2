"""For tests of models: are their derivatives right?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsol._sens.checking import GradientReport, by_complex_step, by_differences, compared
from diffsol._sens.solve import solve_ivp
from diffsol._sens.variables import variables_of
from diffsol.integrate import _options
from diffsol.integrate import solve_ivp as plain_solve_ivp

__all__ = ["GradientReport", "check_gradients", "check_sensitivities"]

_WITHOUT_COMPLEX = ("Radau", "LSODA")  # methods that solve no complex problems


def check_gradients(
    fun: Callable,
    p: Any,
    jac: Callable | None = None,
    *,
    names: Sequence[str] | None = None,
    tol: float = 1e-5,
    complex_step: bool = False,
) -> GradientReport:
    """Compare the derivative of a function with a reference that is made from the function alone.

    Parameters
    ----------
    fun : callable
        ``fun(p)`` gives a number or an array; a `diffsol.fit.Residual`, say, or its ``cost``.
    p : array_like (m,)
        Where to compare.
    jac : callable, optional
        ``jac(p)`` gives the derivative: the shape of what `fun` gives, and a last axis of length m. Default:
        ``fun.jac``.
    names : sequence of str, optional
        Of the variables, for the report. Default: ``fun.names``, or p[0], p[1], ...
    tol : float, optional
        Largest deviation, relative to the largest derivative with respect to the same variable.
    complex_step : bool, optional
        The reference is Im fun(p + ih) / h, for functions that take complex numbers; default: extrapolated
        differences, whose own uncertainty is allowed for.

    Returns
    -------
    GradientReport
        Prints as a table: for each variable the worst element.

    Raises
    ------
    AssertionError
        With the report, where a derivative deviates, or the reference is too uncertain to tell.

    Examples
    --------
    >>> from diffsol.testing import check_gradients
    >>> report = check_gradients(lambda p: p[0] ** 3 * p[1], [2.0, 5.0], lambda p: [60.0, 8.0])
    >>> report.passed
    True
    """
    p = np.array(p, dtype=float)
    if p.ndim != 1 or not p.size or not np.isfinite(p).all():
        raise ValueError(f"`p` must be a vector of finite numbers, not {p!r}.")
    if jac is None:
        jac = getattr(fun, "jac", None)
        if jac is None:
            raise TypeError("`jac` must be given: `fun` has no attribute of that name.")
    names = getattr(fun, "names", None) if names is None else names
    names = [f"p[{j}]" for j in range(p.size)] if names is None else list(names)
    given = np.asarray(jac(p.copy()), dtype=float)
    return _judged(fun, p, given, names, tol, complex_step)


def check_sensitivities(
    fun: Callable,
    t_span: Sequence,
    y0: Any,
    args: Any = None,
    *,
    t_eval: Any = None,
    wrt: Any = ("args", "y0"),
    sens: str = "forward",
    method: str = "RK45",
    rtol: float = 1e-8,
    atol: Any = 1e-10,
    tol: float = 1e-5,
    complex_step: bool = False,
    **options: Any,
) -> GradientReport:
    """Compare what `diffsol.sensitivity.solve_ivp` gives with derivatives made from solves without sensitivities.

    Parameters
    ----------
    fun, t_span, y0, args, t_eval, wrt, sens, method, rtol, atol, **options
        As of `diffsol.sensitivity.solve_ivp`; t_eval None: the end.
    tol, complex_step
        As of `check_gradients`. The complex step needs a `fun` that is analytic, and a method that solves complex
        problems: not Radau and LSODA.

    Returns
    -------
    GradientReport

    Raises
    ------
    AssertionError
        With the report, where a sensitivity deviates, or the reference is too uncertain to tell.
    """
    if complex_step and method in _WITHOUT_COMPLEX:
        raise ValueError(
            f"`complex_step` needs a method for complex problems, which {method} is not."
        )
    args = _options.unpack_args(args)
    t_eval = np.array([t_span[1]], float) if t_eval is None else np.asarray(t_eval, float)
    settings = {"method": method, "rtol": rtol, "atol": atol, "t_eval": t_eval, **options}
    result = solve_ivp(fun, t_span, y0, args=args, sens=sens, wrt=wrt, **settings)
    state = np.array(_options.check_y0(y0))
    variables = variables_of(fun, state, args, wrt)
    columns = variables.columns
    p = np.array([variables.values[c] if c >= 0 else state[-1 - c] for c in columns])

    def solution(p):
        values, start = variables.values.astype(p.dtype), state.astype(p.dtype)
        for place, value in zip(columns, p, strict=True):
            if place >= 0:
                values[place] = value
            else:
                start[-1 - place] = value
        found = plain_solve_ivp(fun, t_span, start, args=_arguments(variables, values), **settings)
        if not found.success or found.y.shape[1] != t_eval.size:
            raise RuntimeError(f"A solve for the comparison failed: {found.message}")
        return found.y

    return _judged(solution, p, result.sens, list(result.sens_names), tol, complex_step)


def _arguments(variables, values):
    """The arguments of `fun`, complex ones too."""
    if values.dtype.kind != "c":
        return variables.args(values)
    real, imaginary = variables.args(values.real), variables.args(values.imag)
    return tuple(
        a if place is None else a + 1j * b
        for place, a, b in zip(variables.places, real, imaginary, strict=True)
    )


def _judged(fun, p, given, names, tol, complex_step):
    if complex_step:
        wanted = by_complex_step(fun, p)
        errors, how = np.zeros(wanted.shape), "complex step"
    else:
        wanted, errors = by_differences(fun, p)
        how = "extrapolated differences"
    if given.shape != wanted.shape:
        raise ValueError(f"`jac` gives the shape {given.shape}; the derivative has {wanted.shape}.")
    report = compared(given, wanted, errors, names, tol, how)
    if not report.passed:
        raise AssertionError(str(report))
    return report
