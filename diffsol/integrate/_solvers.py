"""RK23, RK45 and DOP853 as classes: SciPy's own, taking their steps in native code.

This module imports SciPy; `diffsol.integrate` imports it when one of the classes is first used.
"""

import inspect
import operator
from typing import Any

from diffsol._engine import Function
from diffsol._engine.stepper import Rhs, Stepper, options_of
from diffsol.integrate import _scipy

_DOC = """{title}

    A subclass of SciPy's class of the same name, with its attributes and methods; the steps are
    taken in native code.  A subclass that changes coefficients or private methods gets SciPy's
    Python implementation.

    Parameters
    ----------
    fun : callable
        Right-hand side of the system, called as ``fun(t, y)``.
    t0 : float
        Initial time.
    y0 : array_like, shape (n,)
        Initial state, real or complex.
    t_bound : float
        Time beyond which the integration does not go; it also gives the direction.
    max_step : float, optional
        Largest step size.  Default is np.inf.
    rtol, atol : float or array_like, optional
        Relative and absolute tolerances: local error estimates are kept below
        ``atol + rtol * abs(y)``.  Defaults are 1e-3 and 1e-6.
    vectorized : bool, optional
        Whether `fun` accepts ``y`` of shape (n, k).  Default is False.
    first_step : float or None, optional
        Initial step size; None (default) lets the algorithm choose.

    Attributes
    ----------
    n : int
        Number of equations.
    status : str
        'running', 'finished' or 'failed'.
    t_bound, direction : float
        Boundary time, and +1 or -1.
    t, t_old : float
        Current and previous time; the latter is None before the first step.
    y : ndarray
        Current state.
    step_size : float
        Size of the last successful step; None before the first.
    nfev, njev, nlu : int
        Evaluations of the right-hand side; njev and nlu are always 0.

    References
    ----------
    {reference}
    """

# What may be changed, in a class or an object, only at the price of native steps.
_PRIVATE = (
    *("A", "B", "C", "E", "E3", "E5", "n_stages", "error_estimator_order"),
    *("_step_impl", "_estimate_error", "_estimate_error_norm"),
)
_PRIVATE_SET = frozenset(_PRIVATE)


class _NativeSteps:
    """The steps of a Runge-Kutta class of SciPy's, which comes next in the bases, made native."""

    _native: Any = None
    _stepper: Any = None
    _made_with: Any = None

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        # SciPy's constructor, whose signature and errors are kept, wraps fun and forgets it.
        super().__init__(*args, **kwargs)
        self._user_fun = args[0] if args else kwargs["fun"]
        self._native = self._stepper = None
        self._made_with = _replaceable(self)

    def _step_impl(self: Any) -> tuple[bool, str | None]:
        if not _steps_natively(self):
            return super()._step_impl()  # type: ignore[misc]
        if self._native is None:
            function = Function(self._user_fun, (), self.y, vectorized=self.vectorized)
            self._native = Rhs(function)
        if self._stepper is None or self._stepper.options != options_of(self):
            self._stepper = Stepper(_method_of(type(self)).__name__, self._native, self)
        if self._stepper.step(self):
            return True, None
        return False, self.TOO_SMALL_STEP

    def __getstate__(self: Any) -> dict:
        """Without what is native; a copy makes its own."""
        state = self.__dict__.copy()
        for name in ("_native", "_stepper"):
            state.pop(name, None)
        return state


def _method_of(cls: type) -> Any:
    """The class of this module that `cls` is or derives from."""
    return next(base for base in cls.__mro__ if base.__module__ == __name__)


def _replaceable(solver: Any) -> tuple:
    """What SciPy's step reads from the object itself, where anybody may put something else."""
    return solver.fun, solver.fun_single, solver._fun, solver.error_exponent


def _steps_natively(solver: Any) -> bool:
    """Whether SciPy's step, taken now, would be the native one: nobody has changed a part of it."""
    if solver._made_with is None or not _PRIVATE_SET.isdisjoint(solver.__dict__):
        return False
    if not all(map(operator.is_, _replaceable(solver), solver._made_with)):
        return False
    if not solver.direction * (solver.t_bound - solver.t) > 0:
        return False
    cls = type(solver)
    method = _method_of(cls)
    # A foreign class between ours and SciPy's may do anything to fun and to the steps.
    if cls.__mro__[-len(method.__mro__) :] != method.__mro__:
        return False
    return all(getattr(cls, n, None) is part for n, part in method._parts.items())


def _native_class(name: str, title: str, reference: str) -> type:
    base = _scipy.solver_class(name)
    body = {
        "__doc__": _DOC.format(title=title, reference=reference),
        "__module__": __name__,
        "__signature__": inspect.signature(base),
    }
    cls: Any = type(name, (_NativeSteps, base), body)
    cls._parts = {n: getattr(cls, n, None) for n in _PRIVATE}
    return cls


RK23: Any = _native_class(
    "RK23",
    "Explicit Runge-Kutta method of order 3(2).",
    'P. Bogacki, L. F. Shampine, "A 3(2) Pair of Runge-Kutta Formulas", Appl. Math. Lett. Vol. 2,\n'
    "    No. 4, pp. 321-325, 1989.",
)
RK45: Any = _native_class(
    "RK45",
    "Explicit Runge-Kutta method of order 5(4).",
    'J. R. Dormand, P. J. Prince, "A family of embedded Runge-Kutta formulae", Journal of\n'
    "    Computational and Applied Mathematics, Vol. 6, No. 1, pp. 19-26, 1980.",
)
DOP853: Any = _native_class(
    "DOP853",
    "Explicit Runge-Kutta method of order 8.",
    'E. Hairer, S. P. Norsett, G. Wanner, "Solving Ordinary Differential Equations I: Nonstiff\n'
    '    Problems", Sec. II.',
)
