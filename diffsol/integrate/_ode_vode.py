"""VODE and ZVODE among the integrators of `ode`: SciPy's classes, taking their steps in native code."""

import operator
from typing import Any

import numpy as np

from diffsol._engine.tier import Tier
from diffsol._engine.vode import CHORD, DIAGONAL, FUNCTIONAL, Vode
from diffsol.integrate import _scipy
from diffsol.integrate._ode_integrators import (
    NOTHING_DONE,
    REFUSALS,
    REFUSED,
    _ForgetsNative,
    _function_of,
)
from diffsol.integrate._odeint import STEPS

_scipy_ode: Any = _scipy.ode_module()

ORDER_MAX = (12, 5)  # of Adams, of BDF

# SciPy's miter (the last digit of mf): how the formula is solved, and where the user's Jacobian is
# called.
_ITERATION = {0: FUNCTIONAL, 1: CHORD, 2: CHORD, 3: DIAGONAL, 4: CHORD, 5: CHORD}
_JACOBIAN_GIVEN = (1, 4)
_BANDED = (4, 5)

_FIRST_WORD = _scipy.first_unused_word()


class _VodeSteps(_ForgetsNative):
    """A solve that goes on from call to call until the next `reset`.

    _dtype   of the state
    _first   where in iwork the lengths of the work arrays begin and what is told after them
    """

    _dtype: type
    _first: int

    def run(self: Any, f, jac, y0, t0, t1, f_params, jac_params):
        wrong = y0.ndim != 1 or not y0.size or not callable(f)  # SciPy says what
        if wrong or self._is_scipys:
            return super().run(f, jac, y0, t0, t1, f_params, jac_params)  # type: ignore[misc]
        task, istate = self.call_args[2:4]
        anew = istate == 1 or self._native is None
        if anew:
            self._native = self._new_native(y0.size)
            self._functions = ()
        has_jacobian = self.call_args[-1] % 10 in _JACOBIAN_GIVEN
        functions = (f, f_params, *((jac, jac_params) if has_jacobian else (None, ())))
        if not (self._functions and all(map(operator.is_, self._functions, functions))):
            function = _function_of(f, f_params, y0.size, type(self).__name__, self._dtype)
            self._native.set_functions(Tier(function), *functions)
            self._functions = functions
        try:
            istate = self._run_verified(task, anew, t0, y0, t1)
        except REFUSALS as error:
            if not _scipy.may_take(error):
                raise
            self._give_to_scipy()
            return super().run(f, jac, y0, t0, t1, f_params, jac_params)  # type: ignore[misc]
        if istate is None:  # the kernel was wrong, and is gone
            return self.run(f, jac, y0, t0, t1, f_params, jac_params)
        native = self._native
        if istate not in (NOTHING_DONE, REFUSED):
            self._untold = native
        if istate < 0:
            self._tell(istate)
        else:
            self.istate = 2
            self.call_args[3] = istate  # where nothing was done the solve has yet to begin
        return native.y, native.t

    def _run_verified(self, task, anew, t0, y0, t1):
        """VODE's istate, or None where the call must be made again."""
        native = self._native
        try:
            istate = native.run(task, anew, t0, y0, t1)
        except BaseException:
            self._native = None  # the next call begins anew
            raise
        if not native.tier.is_due():
            return istate
        visited = [(t0, y0.view(float)), (native.t, native.y.view(float))]
        if native.tier.is_right(visited):
            return istate
        self._native = None
        return None

    def _new_native(self: Any, n: int) -> Vode:
        rtol = _tolerance(self.call_args[0], "rtol", n)
        atol = _tolerance(self.call_args[1], "atol", n)
        family, miter = divmod(self.call_args[-1], 10)
        band = (int(self.ml), int(self.mu)) if miter in _BANDED else None
        h0, h_max, h_min = self.rwork[4:7].tolist()
        order, nsteps = self.iwork[4:6].tolist()
        if band is not None and (min(band) < 0 or max(band) >= n):
            band, nsteps = None, -1  # which the core refuses
        if order == 0 and not _scipy.refuses_order_zero():
            order = ORDER_MAX[family - 1]
        limits = (h0, h_max, h_min, nsteps or STEPS, min(order, ORDER_MAX[family - 1]))
        return Vode(n, self._dtype, rtol, atol, family, _ITERATION[miter], band, limits)

    # The work arrays are written when somebody looks at them, which few do after each call.
    _untold: Vode | None = None

    @property
    def rwork(self) -> Any:
        self._fill_work_arrays()
        return self._rwork

    @rwork.setter
    def rwork(self, array: Any) -> None:
        self._rwork, self._untold = array, None

    @property
    def iwork(self) -> Any:
        self._fill_work_arrays()
        return self._iwork

    @iwork.setter
    def iwork(self, array: Any) -> None:
        self._iwork, self._untold = array, None

    def __getstate__(self: Any) -> dict:
        self._fill_work_arrays()
        return {**super().__getstate__(), "_untold": None}

    def _fill_work_arrays(self: Any) -> None:
        """VODE's optional outputs, where people read them; the lengths as SciPy's C code counts."""
        native, self._untold = self._untold, None
        if native is None:
            return
        counts = native.counts()
        self.rwork[10:14] = native.times()
        first = self._first
        self.iwork[10:15] = [counts[name] for name in ("nst", "nfe", "nje", "nqu", "nqcur")]
        if counts["imxer"]:
            self.iwork[15] = counts["imxer"]
        self.iwork[first : first + 4] = [counts[name] for name in ("nlu", "nni", "ncfn", "netf")]
        family = self.call_args[-1] // 10
        unused = max(ORDER_MAX[family - 1] - int(self.iwork[4]), 0) * native.y.size
        self.iwork[16:first] = self._work_lengths(unused)


class vode(_VodeSteps, _scipy_ode.vode):
    """VODE, in native code."""

    _dtype = float
    _first = 18

    def _work_lengths(self: Any, unused: int) -> list[int]:
        return [len(self.rwork) - _FIRST_WORD - unused, len(self.iwork)]


class zvode(_VodeSteps, _scipy_ode.zvode):
    """ZVODE, VODE for complex states, in native code."""

    _dtype = complex
    _first = 19

    def _work_lengths(self: Any, unused: int) -> list[int]:
        return [len(self.zwork) - _FIRST_WORD - unused, len(self.rwork), len(self.iwork)]


def _tolerance(value: Any, name: str, n: int) -> Any:
    """A number or an array (n,); SciPy's error for what is neither."""
    if _scipy.takes_tolerances_of_any_shape():
        array = np.asarray(value, dtype=float).reshape(-1)
    else:
        array = _in_one_dimension(value, name)
    if array.ndim == 0 or array.size == 1:
        return float(array.reshape(()))
    if array.size < n:  # SciPy reads memory that is not the array's
        raise ValueError(f"{name} must have at least {n} elements")
    return array[:n]


def _in_one_dimension(value: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = None
    if array is None or array.ndim > 1:
        raise ValueError(f"{name} must be a scalar or 1-D array")
    return array


# SciPy's integrators and ours.
NATIVE = {getattr(_scipy_ode, cls.__name__): cls for cls in (vode, zvode)}
