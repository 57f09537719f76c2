"""VODE and ZVODE among the integrators of `ode`: SciPy's classes, taking their steps in native code."""

from typing import Any

import numpy as np

from diffsol._engine.vode import CHORD, DIAGONAL, FUNCTIONAL, Vode
from diffsol.integrate import _scipy
from diffsol.integrate._ode_integrators import NOTHING_DONE, REFUSED, GoesOn
from diffsol.integrate._odeint import STEPS

_scipy_ode: Any = _scipy.ode_module()

ORDER_MAX = (12, 5)  # of Adams, of BDF

# SciPy's miter (the last digit of mf): how the formula is solved, and where the user's Jacobian is
# called.
_ITERATION = {0: FUNCTIONAL, 1: CHORD, 2: CHORD, 3: DIAGONAL, 4: CHORD, 5: CHORD}
_JACOBIAN_GIVEN = (1, 4)
_BANDED = (4, 5)

_FIRST_WORD = _scipy.first_unused_word()


class _VodeSteps(GoesOn):
    """VODE's calls.

    _first   where in iwork the lengths of the work arrays begin and what is told after them
    """

    _first: int
    _takes_steps = True

    def run(self: Any, f, jac, y0, t0, t1, f_params, jac_params):
        if self._native is not None and self._outcome is None:
            done = self.go_on(f, jac, y0, t0, t1, f_params, jac_params)
            if done is not None:
                return done
        wrong = y0.ndim != 1 or not y0.size or not callable(f)  # SciPy says what
        if wrong or self._is_scipys:
            return super().run(f, jac, y0, t0, t1, f_params, jac_params)  # type: ignore[misc]
        call_args = self.call_args
        task, istate = call_args[2:4]
        outcome, self._outcome = self._outcome, None
        if outcome is None:
            anew = istate == 1 or self._native is None
            calls_jac = call_args[-1] % 10 in _JACOBIAN_GIVEN
            native = self._taken(anew, calls_jac, y0, f, f_params, jac, jac_params)
            try:
                outcome = native.run(t0, y0, t1, task, anew)
            except BaseException as error:
                if self._is_given_to_scipy(error):
                    return super().run(f, jac, y0, t0, t1, f_params, jac_params)  # type: ignore[misc]
                raise
            if self._native is not None or self.call_args is not call_args:
                self._begin_anew_next()
                return native.y, native.t
            self._native = native
        native = self._native
        if native.tier.due:
            state = y0.astype(self._dtype, copy=False)  # zvode takes real ones, too
            visited = [(t0, state.view(float)), (native.t, native.y.view(float))]
            if not native.tier.is_right(visited, stacklevel=5):
                self._native = None  # the kernel was wrong, and is gone
                return self.run(f, jac, y0, t0, t1, f_params, jac_params)
        if outcome not in (NOTHING_DONE, REFUSED):
            self._untold = native
        if outcome < 0:
            self._tell(outcome)
        else:
            self.istate = 2
            self.call_args[3] = outcome  # where nothing was done the solve has yet to begin
        return native.y, native.t

    def _options(self: Any) -> Any:
        inputs = *self._rwork[4:7].tolist(), *self._iwork[4:6].tolist()
        return *self.call_args[:2], self.call_args[-1], self.ml, self.mu, *inputs

    def _new_native(self: Any, n, rtol, atol, mf, ml, mu, h0, h_max, h_min, order, nsteps) -> Vode:
        rtol, atol = _tolerance(rtol, "rtol", n), _tolerance(atol, "atol", n)
        family, miter = divmod(mf, 10)
        band = (int(ml), int(mu)) if miter in _BANDED else None
        if band is not None and (min(band) < 0 or max(band) >= n):
            band, nsteps = None, -1  # which the core refuses
        if order == 0 and not _scipy.refuses_order_zero():
            order = ORDER_MAX[family - 1]
        limits = (h0, h_max, h_min, nsteps or STEPS, min(order, ORDER_MAX[family - 1]))
        return Vode(n, self._dtype, rtol, atol, family, _ITERATION[miter], band, limits)

    def _write_work_arrays(self: Any, native) -> None:
        """VODE's optional outputs, where people read them; the lengths as SciPy's C code counts."""
        rwork, iwork, counts = self._rwork, self._iwork, native.counts()
        rwork[10:14] = native.times()
        first = self._first
        iwork[10:15] = [counts[name] for name in ("nst", "nfe", "nje", "nqu", "nqcur")]
        if counts["imxer"]:
            iwork[15] = counts["imxer"]
        iwork[first : first + 4] = [counts[name] for name in ("nlu", "nni", "ncfn", "netf")]
        family = self.call_args[-1] // 10
        unused = max(ORDER_MAX[family - 1] - int(iwork[4]), 0) * native.y.size
        iwork[16:first] = self._work_lengths(unused)


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
    if type(value) is float:  # the usual, and quick
        return value
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
