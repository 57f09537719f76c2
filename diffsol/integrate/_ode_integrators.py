"""The integrators of `ode`: SciPy's classes, taking their steps in native code."""

import math
import operator
import warnings
from typing import Any

import numpy as np

from diffsol._engine import Function
from diffsol._engine.hairer import Hairer
from diffsol._engine.lsoda import Lsoda
from diffsol._engine.odepack import work_lengths
from diffsol._engine.tier import Tier
from diffsol.integrate import _scipy
from diffsol.integrate._odeint import ADAMS_ORDER_MAX, BDF_ORDER_MAX, STEPS

_scipy_ode: Any = _scipy.ode_module()

STEPS_MAX = 100000  # where nsteps is 0 (Hairer's nmax)
NOTHING_DONE = 1  # ODEPACK's istate where the first call ends where it begins
REFUSED = -3
REFUSALS = (RuntimeError, ValueError, TypeError)  # of what a function returned
INCONSISTENT = -1  # Hairer's idid after illegal options
_JACOBIAN_GIVEN = (1, 4)  # SciPy's jt, where the user's Jacobian is called: full, banded


class _ForgetsNative:
    """Copies and pickles of an integrator go without what is native; they make their own."""

    _native: Any = None
    _functions: tuple = ()  # those that the native solve was given
    _is_scipys = False  # SciPy's code has taken the solve over, until the next reset

    def reset(self: Any, n: int, has_jac: bool) -> None:
        super().reset(n, has_jac)  # type: ignore[misc]
        self._native, self._is_scipys = None, False

    def _give_to_scipy(self: Any) -> None:
        """SciPy's code, which has an outcome of its own, begins anew with this call."""
        self._native, self._is_scipys, self.call_args[3] = None, True, 1

    def __getstate__(self: Any) -> dict:
        native = ("_native", "_functions")
        return {name: value for name, value in self.__dict__.items() if name not in native}

    def _tell(self: Any, istate: int) -> None:
        """SciPy's outcome of a call."""
        self.istate = istate
        if istate < 0:
            message = self.messages.get(istate, f"Unexpected istate={istate:d}")
            # said to come from where SciPy's integrators say it comes from: `ode.integrate`
            warnings.warn(f"{type(self).__name__}: {message}", stacklevel=3)
            self.success = 0


def _complex_fun(f: Any) -> Any:
    """The user's function where `f` is complex_ode's way to call it with a real state, else None."""
    wrap = _scipy_ode.complex_ode._wrap
    return f.__self__.cf if getattr(f, "__func__", None) is wrap else None


def _function_of(f: Any, f_params: tuple, n: int, solver: str, dtype: type = float) -> Function:
    """The right-hand side as the user wrote it: a complex state's doubles are its real ones."""
    fun = _complex_fun(f)
    if fun is not None:
        return Function(fun, f_params, np.empty(n // 2, complex), kind="rhs", solver=solver)
    return Function(f, f_params, np.empty(n, dtype), kind="odepack", solver=solver)


def _is_same(function: Function, f: Any, f_params: tuple) -> bool:
    return function.fun is (_complex_fun(f) or f) and function.args is f_params


class _HairerSteps(_ForgetsNative):
    """Hairer's codes, which keep nothing from one call to the next but their options.

    _factors, _beta   what an option of 0 stands for: bounds of the change of the step size, and the
                      weight of the error before
    """

    _factors: tuple[float, float]
    _beta: float
    _goes_on = _scipy.goes_on_with_step_size()
    _names_refusals = _scipy.names_what_it_refuses()

    def run(self: Any, f, jac, y0, t0, t1, f_params, jac_params):
        # f2py refuses an empty state
        if y0.ndim != 1 or self._is_scipys or (not y0.size and _scipy.is_in_fortran()):
            return super().run(f, jac, y0, t0, t1, f_params, jac_params)  # type: ignore[misc]
        native = self._native
        if native is None:
            native = self._native = self._new_native(y0.size)
        if self._goes_on:
            self._choose_anew_where_it_turns(t1 < t0)
        refusal = self._set_control(native)
        if refusal:
            self._tell(refusal if self._names_refusals else INCONSISTENT)
            return y0.copy(), t0
        if native.tier is None or not _is_same(native.tier.function, f, f_params):
            native.tier = Tier(_function_of(f, f_params, y0.size, type(self).__name__))
        try:
            idid = native.run(f, f_params, t0, y0, t1, self._observer())
        except REFUSALS as error:
            if not _scipy.may_take(error):
                raise
            self._is_scipys = True
            return super().run(f, jac, y0, t0, t1, f_params, jac_params)  # type: ignore[misc]
        self._tell(idid)
        if self._goes_on:
            self.work[6] = native.h
        return native.y, native.t

    def _choose_anew_where_it_turns(self: Any, backward: bool) -> None:
        """A step size of the other direction would lead away from the end, as SciPy's codes let it."""
        if self._backward not in (None, backward):
            self.work[6] = 0.0
        self._backward = backward

    def _new_native(self: Any, n: int) -> Hairer:
        self.iwork[0], self.iwork[2] = self._step_limit(), self.verbosity
        self._control = self._backward = None
        rtol, atol = (_tolerance(value, n) for value in self.call_args[:2])
        return Hairer(type(self).__name__, n, rtol, atol, self.iwork[16:20])

    def _set_control(self: Any, native: Hairer) -> int:
        """0, or the code that tells why Hairer's codes refuse these options."""
        options = self.work[1:7].tolist()
        if options == self._control:
            return 0
        safety, factor_min, factor_max, beta, h_max, h0 = options
        nsteps = self._step_limit()
        safety = safety or 0.9
        if beta == 0:
            beta = self._beta
        if beta > 0.2:
            return -16
        if not 1e-4 < safety < 1:
            return -15
        if nsteps < 0:
            return -11
        factors = (factor_min or self._factors[0], factor_max or self._factors[1])
        native.set_control(
            h0, h_max, safety, factors, max(beta, 0.0), nsteps or STEPS_MAX, self._shrinks_fully
        )
        self._control = options
        return 0

    def _step_limit(self: Any) -> int:
        if _scipy.takes_nsteps_as_it_is():
            return operator.index(self.nsteps)
        return int(self.iwork[0])

    def _observer(self: Any):
        """The user's solout as (t, y) -> answer, or None: in effect from the last `reset` on."""
        solout = self.solout
        if not self.call_args[3] or solout is None:
            return None
        if not self.solout_cmplx:
            return solout
        return lambda t, y: solout(t, y[::2] + 1j * y[1::2])


class dopri5(_HairerSteps, _scipy_ode.dopri5):
    """Dormand and Prince's method of order 5(4) by Hairer and Wanner, in native code."""

    _factors = (0.2, 10.0)
    _beta = 0.04
    _shrinks_fully = False


class dop853(_HairerSteps, _scipy_ode.dop853):
    """Dormand and Prince's method of order 8(5,3) by Hairer and Wanner, in native code."""

    _factors = (1 / 3, 6.0)
    _beta = 0.0
    _shrinks_fully = not _scipy.shrinks_by_error()


class lsoda(_ForgetsNative, _scipy_ode.lsoda):
    """LSODA, in native code; a solve goes on from call to call until the next `reset`.

    _own_state   where the solve works unless it does in the array that it is given
    """

    _refuses_nan = _scipy.is_in_fortran()
    _works_in_place = _scipy.works_in_the_given_array()
    _forgets_failures = _scipy.forgets_failures()
    _own_state: Any = None

    def run(self: Any, f, jac, y0, t0, t1, f_params, jac_params):
        task, istate = self.call_args[2:4]
        if (
            task != 1 or y0.ndim != 1 or self._is_scipys
        ):  # one step only, perhaps: reached by way of private names
            if self._native is not None:  # SciPy's code knows nothing of it and begins anew
                self._native, self.call_args[3] = None, 1
            return super().run(f, jac, y0, t0, t1, f_params, jac_params)
        if self._native is None or istate == 1:
            self._native = self._new_native(y0.size)
            self._functions = ()
            self._own_state = None if self._works_in_place else np.empty(y0.size)
        jacobian = (jac, jac_params) if self.call_args[6] in _JACOBIAN_GIVEN else (None, ())
        functions = (f, f_params, *jacobian)
        if not (self._functions and all(map(operator.is_, self._functions, functions))):
            if not callable(f):
                if _scipy.is_in_fortran():  # f2py says it, without harm
                    return super().run(f, jac, y0, t0, t1, f_params, jac_params)
                raise _scipy.namespace()._odepack.error("The function must be callable.")
            function = _function_of(f, f_params, y0.size, "lsoda")
            self._native.set_functions(Tier(function), *functions)
            self._functions = functions
        y = y0
        if self._own_state is not None:
            y = self._own_state
            y[:] = y0
        istate, differs = None, False
        try:
            istate = self._run_verified(t0, y, t1)
        except REFUSALS as error:
            differs = _scipy.may_take(error)
            if not differs:
                raise
        if self._refuses_nan and istate is not None and istate > 0:
            differs = _scipy.refuses_nan(y)
        if differs:
            self._give_to_scipy()
            return super().run(f, jac, y0, t0, t1, f_params, jac_params)
        if istate is None:  # the kernel was wrong, and is gone
            return self.run(f, jac, y0, t0, t1, f_params, jac_params)
        if istate not in (NOTHING_DONE, REFUSED):
            self._native.tell(self.rwork, self.iwork)
        if istate < 0:
            self._tell(istate)
        else:
            self.istate = self.call_args[3] = 2
            if self._forgets_failures:
                self.success = 1
        return y if y is y0 else y.copy(), self._native.t

    def _run_verified(self, t0, y0, t1):
        """ODEPACK's istate, or None where y0 is as it was and the call must be made again."""
        native = self._native
        try:
            istate = native.run(t0, y0, t1)
        except BaseException:
            self._native = None  # the next call begins anew
            raise
        visited = [(t0, native.y_before), (native.t, y0)]
        if not native.tier.is_due() or native.tier.is_right(visited):
            return istate
        self._native = None
        y0[:] = native.y_before
        return None

    def _new_native(self: Any, n: int) -> Lsoda:
        rtol, atol = (_tolerance(value, n) for value in self.call_args[:2])
        band = None if self.ml is None else (int(self.ml), int(self.mu))
        h0, h_max, h_min = self.rwork[4:7].tolist()
        ixpr, nsteps, hnil, adams, bdf = self.iwork[4:9].tolist()
        orders = (  # 0 stands for the highest
            min(adams or ADAMS_ORDER_MAX, ADAMS_ORDER_MAX),
            min(bdf or BDF_ORDER_MAX, BDF_ORDER_MAX),
        )
        refused = (
            ixpr not in (0, 1)
            or hnil < 0
            or (band is not None and (min(band) < 0 or max(band) >= n))
            or (min(orders) > 0 and work_lengths(n, orders, band)[0] > len(self.rwork))
        )
        if refused:
            band, nsteps = None, -1  # which the core refuses
        if h_min > 0 and not _scipy.keeps_least_step():
            h_min = 0.0
        limits = (h0, h_max, h_min, nsteps or STEPS, *orders)
        return Lsoda(n, rtol, atol, band, limits, self.call_args[6] in _JACOBIAN_GIVEN)


def _tolerance(value: Any, n: int) -> Any:
    """A number or an array (n,); SciPy's error for what is neither."""
    if np.ndim(value) == 0:
        if not _scipy.is_in_fortran():
            math.isnan(value)  # TypeError: must be real number
        return float(value)
    return np.broadcast_to(np.asarray(value, dtype=float), (n,))


# SciPy's integrators and ours.
NATIVE = {getattr(_scipy_ode, cls.__name__): cls for cls in (dopri5, dop853, lsoda)}
