"""LSODA among the integrators of `ode`: SciPy's class, taking its steps in native code."""

from typing import Any

import numpy as np

from diffsol._engine.lsoda import Lsoda
from diffsol._engine.odepack import work_lengths
from diffsol.integrate import _scipy
from diffsol.integrate._ode_integrators import NOTHING_DONE, REFUSED, GoesOn, tolerance
from diffsol.integrate._odeint import ADAMS_ORDER_MAX, BDF_ORDER_MAX, STEPS

_scipy_ode: Any = _scipy.ode_module()

_JACOBIAN_GIVEN = (1, 4)  # SciPy's jt, where the user's Jacobian is called: full, banded


class lsoda(GoesOn, _scipy_ode.lsoda):
    """LSODA, in native code; a solve goes on from call to call until the next `reset`.

    _beginning   the state in which a call makes its first evaluation
    """

    _refuses_nan = _scipy.is_in_fortran()
    _works_in_place = _scipy.works_in_the_given_array()
    _forgets_failures = _scipy.forgets_failures()
    _beginning: Any = None

    def run(self: Any, f, jac, y0, t0, t1, f_params, jac_params):
        call_args = self.call_args
        task, istate = call_args[2:4]
        # one step only, perhaps: reached by way of private names
        if task != 1 or y0.ndim != 1 or self._is_scipys:
            if self._native is not None:  # SciPy's code knows nothing of it and begins anew
                self._native, self._untold, call_args[3] = None, None, 1
            return super().run(f, jac, y0, t0, t1, f_params, jac_params)
        if y0 is self._beginning:  # f itself makes a call
            y0 = y0.copy()
        y = y0
        if self._native is not None and self._outcome is None:
            done = self.go_on(f, jac, y0, t0, t1, f_params, jac_params)
            if done is not None:
                return done
        outcome, self._outcome = self._outcome, None
        if outcome is None:
            if not callable(f):
                if _scipy.is_in_fortran():  # f2py says it, without harm
                    return super().run(f, jac, y0, t0, t1, f_params, jac_params)
                raise _scipy.namespace()._odepack.error("The function must be callable.")
            calls_jac = call_args[6] in _JACOBIAN_GIVEN
            anew = istate == 1 or self._native is None
            native = self._taken(anew, calls_jac, y0, f, f_params, jac, jac_params)
            if not self._works_in_place:
                y = np.empty(y0.size) if native.y is None else native.y
                y[:] = y0
            self._beginning = y
            try:
                outcome = native.run(t0, y, t1)
            except BaseException as error:
                if self._is_given_to_scipy(error):
                    return super().run(f, jac, y0, t0, t1, f_params, jac_params)
                raise
            finally:
                self._beginning = None
            if self._native is not None or self.call_args is not call_args:
                self._begin_anew_next()
                return y if y is y0 else y.copy(), native.t
            self._native = native
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

    def _options(self: Any) -> Any:
        inputs = *self._rwork[4:7].tolist(), *self._iwork[4:9].tolist()
        return *self.call_args[:2], self.ml, self.mu, *inputs

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

    def _new_native(
        self: Any, n, rtol, atol, ml, mu, h0, h_max, h_min, ixpr, nsteps, hnil, adams, bdf
    ) -> Lsoda:
        rtol, atol = tolerance(rtol, n), tolerance(atol, n)
        band = None if ml is None else (int(ml), int(mu))
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


# SciPy's integrators and ours.
NATIVE = {getattr(_scipy_ode, cls.__name__): cls for cls in (lsoda,)}
