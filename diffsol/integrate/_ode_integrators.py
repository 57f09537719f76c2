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
from diffsol.integrate import _scipy
from diffsol.integrate._odeint import ADAMS_ORDER_MAX, BDF_ORDER_MAX, STEPS

_scipy_ode: Any = _scipy.ode_module()

STEPS_MAX = 100000  # where nsteps is 0 (Hairer's nmax)
NOTHING_DONE = 1  # ODEPACK's istate where the first call ends where it begins
REFUSED = -3
INCONSISTENT = -1  # Hairer's idid after illegal options
_JACOBIAN_GIVEN = (1, 4)  # SciPy's jt, where the user's Jacobian is called: full, banded


class _ForgetsNative:
    """Copies and pickles of an integrator go without what is native; they make their own."""

    _native: Any = None
    _is_scipys = False  # SciPy's code has taken the solve over, until the next reset

    def reset(self: Any, n: int, has_jac: bool) -> None:
        super().reset(n, has_jac)  # type: ignore[misc]
        self._native, self._is_scipys = None, False

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


def _work_array(place: str) -> Any:
    """A work array of `GoesOn`, kept in the attribute `place` and written when it is read."""

    def get(self: Any) -> Any:
        self._fill_work_arrays()
        return getattr(self, place)

    def put(self: Any, array: Any) -> None:
        setattr(self, place, array)
        self._untold = None

    return property(get, put)


class GoesOn(_ForgetsNative):
    """A solve that goes on from call to call until the next `reset`.

    _functions   what the native solve was given: f, its parameters, and jac and its parameters where
                 that is called (None: it is not)

    The work arrays are written when somebody looks at them, which few do after each call: _untold is
    the native solve that has something to tell.

    _outcome     of `go_on`, where `run` shall tell it
    _takes_steps does the native solver take one step only, where that is wanted?
    """

    _functions: tuple = (None, None, None, None)
    _dtype: type = float
    _untold: Any = None
    _outcome: int | None = None
    _takes_steps = False

    def go_on(self: Any, f, jac, y0, t0, t1, f_params, jac_params):
        """What `run` would answer, where it takes the native solve that there is on and there is
        nothing else to do or say; None: `run` must be called, and tells."""
        native, call_args = self._native, self.call_args
        fun, params, own_jac, own_params = self._functions
        if (
            not (native.y is y0 and fun is f and params is f_params)
            or not (own_jac is None or (own_jac is jac and own_params is jac_params))
            or call_args[3] == 1
            or (call_args[2] != 1 and not self._takes_steps)
            or self.success != 1
        ):
            return None
        try:
            istate = native.run(t0, y0, t1, call_args[2])
        except BaseException as error:
            if self._is_given_to_scipy(error):
                return None
            raise
        if self._native is not native:  # the function itself has reset the solver
            return native.y, native.t
        if istate != 2 or native.tier.due:
            self._outcome = istate
            return None
        self._untold = native
        return native.y, native.t

    def _is_given_to_scipy(self: Any, error) -> bool:
        """After an exception: does SciPy's code take this call over? Else the next begins anew."""
        self._native = None
        given = _scipy.takes_over(error)
        if given:
            self._give_to_scipy()
        return given

    def _give_to_scipy(self: Any) -> None:
        """SciPy's code, which has an outcome of its own, begins anew with this call."""
        self._native, self._is_scipys = None, True
        self._untold, self.call_args[3] = None, 1

    def _set_functions(self: Any, native, calls_jac, f, f_params, jac, jac_params):
        """Tells the native solve its functions; many calls may follow with the same."""
        own = (jac, jac_params) if calls_jac else (None, None)
        functions = (f, f_params, *own)
        if native.tier is None or not all(map(operator.is_, functions, self._functions)):
            function = _function_of(f, f_params, native.n, type(self).__name__, self._dtype)
            native.set_functions(function, f, f_params, own[0], own[1] or ())
            self._functions = functions

    rwork, iwork = _work_array("_rwork"), _work_array("_iwork")

    def __getstate__(self: Any) -> dict:
        self._fill_work_arrays()
        return {**super().__getstate__(), "_untold": None}

    def _fill_work_arrays(self: Any) -> None:
        native, self._untold = self._untold, None
        if native is not None:
            self._write_work_arrays(native)


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
    _takes_nsteps_as_it_is = _scipy.takes_nsteps_as_it_is()

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
            native.set_function(_function_of(f, f_params, y0.size, type(self).__name__))
        try:
            idid = native.run(f, f_params, t0, y0, t1, self._observer())
        except Exception as error:
            if not _scipy.takes_over(error):
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
        rtol, atol = _tolerance(self.call_args[0], n), _tolerance(self.call_args[1], n)
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
        if self._takes_nsteps_as_it_is:
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


class lsoda(GoesOn, _scipy_ode.lsoda):
    """LSODA, in native code; a solve goes on from call to call until the next `reset`.

    _own_state   where the solve works unless it does in the array that it is given
    """

    _refuses_nan = _scipy.is_in_fortran()
    _works_in_place = _scipy.works_in_the_given_array()
    _forgets_failures = _scipy.forgets_failures()
    _own_state: Any = None

    def run(self: Any, f, jac, y0, t0, t1, f_params, jac_params):
        task, istate = self.call_args[2:4]
        # one step only, perhaps: reached by way of private names
        if task != 1 or y0.ndim != 1 or self._is_scipys:
            if self._native is not None:  # SciPy's code knows nothing of it and begins anew
                self._native, self._untold, self.call_args[3] = None, None, 1
            return super().run(f, jac, y0, t0, t1, f_params, jac_params)
        y = y0
        if self._native is not None and self._outcome is None:
            done = self.go_on(f, jac, y0, t0, t1, f_params, jac_params)
            if done is not None:
                return done
        outcome, self._outcome = self._outcome, None
        if outcome is None:
            if not callable(f) and _scipy.is_in_fortran():  # f2py says it, without harm
                return super().run(f, jac, y0, t0, t1, f_params, jac_params)
            self._prepare(istate == 1, f, jac, y0, f_params, jac_params)
            if self._own_state is not None:
                y = self._own_state
                y[:] = y0
            native = self._native
            try:
                outcome = native.run(t0, y, t1)
            except BaseException as error:
                if self._is_given_to_scipy(error):
                    return super().run(f, jac, y0, t0, t1, f_params, jac_params)
                raise
            if self._native is not native:  # the function itself has reset the solver
                return y if y is y0 else y.copy(), native.t
        native = self._native
        if native.tier.due and not self._is_right(t0, y):
            return self.run(f, jac, y0, t0, t1, f_params, jac_params)
        if self._refuses_nan and outcome > 0 and _scipy.refuses_nan(y):
            self._give_to_scipy()
            return super().run(f, jac, y0, t0, t1, f_params, jac_params)
        if outcome not in (NOTHING_DONE, REFUSED):
            self._untold = native
        if outcome < 0:
            self._tell(outcome)
        else:
            self.istate = self.call_args[3] = 2
            if self._forgets_failures:
                self.success = 1
        return y if y is y0 else y.copy(), native.t

    def _prepare(self: Any, anew, f, jac, y0, f_params, jac_params):
        """The native solve that shall go on, with these functions."""
        if anew or self._native is None:
            self._native, self._functions = self._new_native(y0.size), (None,) * 4
            self._own_state = None if self._works_in_place else np.empty(y0.size)
        if not callable(f):
            raise _scipy.namespace()._odepack.error("The function must be callable.")
        calls_jac = self.call_args[6] in _JACOBIAN_GIVEN
        self._set_functions(self._native, calls_jac, f, f_params, jac, jac_params)

    def _is_right(self, t0, y):
        """Was the kernel the function? If not it is gone, y as it was, and the call must be made
        again."""
        native = self._native
        if native.tier.is_right([(t0, native.y_before()), (native.t, y)]):
            return True
        self._native = None
        y[:] = native.y_before()
        return False

    def _write_work_arrays(self, native):
        native.tell(self._rwork, self._iwork)

    def _new_native(self: Any, n: int) -> Lsoda:
        rtol, atol = _tolerance(self.call_args[0], n), _tolerance(self.call_args[1], n)
        band = None if self.ml is None else (int(self.ml), int(self.mu))
        h0, h_max, h_min = self.rwork[4:7].tolist()
        ixpr, nsteps, hnil, adams, bdf = self._iwork[4:9].tolist()
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
        return Lsoda(n, rtol, atol, band, limits)


def _tolerance(value: Any, n: int) -> Any:
    """A number or an array (n,); SciPy's error for what is neither."""
    if type(value) is float:  # the usual, and quick
        return value
    if np.ndim(value) == 0:
        if not _scipy.is_in_fortran():
            math.isnan(value)  # TypeError: must be real number
        return float(value)
    return np.broadcast_to(np.asarray(value, dtype=float), (n,))


# SciPy's integrators and ours.
NATIVE = {getattr(_scipy_ode, cls.__name__): cls for cls in (dopri5, dop853, lsoda)}
