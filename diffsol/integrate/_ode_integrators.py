"""What the integrators of `ode` have in common: SciPy's classes, taking their steps in native code."""

import math
import operator
import warnings
from types import MethodType
from typing import Any

import numpy as np

from diffsol._engine import Function
from diffsol.integrate import _scipy

_scipy_ode: Any = _scipy.ode_module()

NOTHING_DONE = 1  # ODEPACK's istate where the first call ends where it begins
REFUSED = -3


class Native:
    """An integrator whose steps a native solver takes.

    _native      that solver, between two calls: in a call nobody else can have it
                 made_with: its number of states and options. With the same ones it makes the solve
                 after the next `reset`, too: making one costs as much as some twenty evaluations
                 functions: f, its parameters, and what else it calls
    _is_scipys   SciPy's code has taken the solve over, until the next reset

    Copies and pickles go without what is native; they make their own.
    """

    _native: Any = None
    _is_scipys = False
    _dtype: type = float

    def reset(self: Any, n: int, has_jac: bool) -> None:
        super().reset(n, has_jac)  # type: ignore[misc]
        self._is_scipys = False

    def _begin(self: Any, n: int) -> Any:
        """A native solver for a new solve."""
        rtol, atol, *others = self._options()
        # tolerances that are arrays may change
        made_with = (n, rtol, atol, *others) if type(rtol) is type(atol) is float else None
        native = self._native
        if native is not None and made_with is not None and made_with == native.made_with:
            native.begin_anew()
        else:
            native = self._new_native(n, rtol, atol, *others)
            native.made_with, native.functions = made_with, ()
        return native

    def _set_functions(self: Any, native: Any, n: int, *functions) -> None:
        """Tells a native solver its functions; many calls may follow with the same."""
        before, f, f_params = native.functions, *functions[:2]
        if not before or not (f is before[0] and all(map(operator.is_, functions[2:], before[2:]))):
            function = _function_of(f, f_params, n, type(self).__name__, self._dtype)
            native.set_functions(function, *functions)
        elif f_params is not before[1]:
            native.set_args(f_params)
        else:
            return
        native.functions = functions

    def __getstate__(self: Any) -> dict:
        native = ("_native", "_begun_with", "_told")
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


class GoesOn(Native):
    """A solve that goes on from call to call until the next `reset`.

    The functions are f, its parameters, and jac and its parameters where that is called (None: it is
    not).

    The work arrays are written when somebody looks at them, which few do after each call: _untold is
    the native solve that has something to tell.

    _outcome     of `go_on`, where `run` shall tell it
    _takes_steps does the native solver take one step only, where that is wanted?
    """

    _untold: Any = None
    _outcome: int | None = None
    _takes_steps = False

    def go_on(self: Any, f, jac, y0, t0, t1, f_params, jac_params):
        """What `run` would answer, where it takes the native solve that there is on and there is
        nothing else to do or say; None: `run` must be called, and tells."""
        native, call_args = self._native, self.call_args
        fun, params, own_jac, own_params = native.functions
        if (
            not (native.y is y0 and fun is f)
            or not (own_jac is None or (own_jac is jac and own_params is jac_params))
            or call_args[3] == 1
            or (call_args[2] != 1 and not self._takes_steps)
            or self.success != 1
        ):
            return None
        if params is not f_params:
            native.set_args(f_params)
            native.functions = f, f_params, own_jac, own_params
        self._native = None
        try:
            istate = native.run(t0, y0, t1, call_args[2])
        except BaseException as error:
            if self._is_given_to_scipy(error):
                return None
            raise
        if self._native is not None or self.call_args is not call_args:
            self._begin_anew_next()
            return native.y, native.t
        self._native = native
        if istate != 2 or native.tier.due:
            self._outcome = istate
            return None
        self._untold = native
        return native.y, native.t

    def _begin_anew_next(self: Any) -> None:
        """f itself has made a reset or another call within this one: there is another native solver,
        or `call_args` is another list. The next call begins where this one has come to."""
        self._native, self._untold, self.call_args[3] = None, None, 1

    def _is_given_to_scipy(self: Any, error) -> bool:
        """After an exception: does SciPy's code take this call over? Else the next begins anew."""
        given = _scipy.takes_over(error)
        if given:
            self._give_to_scipy()
        return given

    def _give_to_scipy(self: Any) -> None:
        """SciPy's code, which has an outcome of its own, begins anew with this call."""
        self._native, self._is_scipys = None, True
        self._untold, self.call_args[3] = None, 1

    def _taken(self: Any, anew, calls_jac, y0, f, f_params, jac, jac_params) -> Any:
        """The native solver for a call with these functions."""
        n, own = y0.size, (jac, jac_params) if calls_jac else (None, ())
        native = self._begin(n) if anew else self._native
        self._native = None
        self._set_functions(native, n, f, f_params, *own)
        return native

    rwork, iwork = _work_array("_rwork"), _work_array("_iwork")

    def __getstate__(self: Any) -> dict:
        self._fill_work_arrays()
        return {**super().__getstate__(), "_untold": None}

    def _fill_work_arrays(self: Any) -> None:
        native, self._untold = self._untold, None
        if native is not None:
            self._write_work_arrays(native)


_WRAP = _scipy_ode.complex_ode._wrap  # complex_ode's way to call a function with a real state


def _function_of(f: Any, f_params: tuple, n: int, solver: str, dtype: type = float) -> Function:
    """The right-hand side as the user wrote it: a complex state's doubles are its real ones."""
    if type(f) is MethodType and f.__func__ is _WRAP:
        owner: Any = f.__self__
        state = np.empty(n // 2, complex)
        return Function(owner.cf, f_params, state, kind="rhs", solver=solver)
    return Function(f, f_params, np.empty(n, dtype), kind="odepack", solver=solver)


def tolerance(value: Any, n: int) -> Any:
    """A number or an array (n,); SciPy's error for what is neither."""
    if type(value) is float:  # the usual, and quick
        return value
    if np.ndim(value) == 0:
        if not _scipy.is_in_fortran():
            math.isnan(value)  # TypeError: must be real number
        return float(value)
    return np.broadcast_to(np.asarray(value, dtype=float), (n,))
