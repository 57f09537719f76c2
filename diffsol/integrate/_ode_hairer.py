"""dopri5 and dop853 among the integrators of `ode`: SciPy's classes, taking their steps in native code."""

import operator
from typing import Any

from diffsol._engine.hairer import Hairer
from diffsol.integrate import _scipy
from diffsol.integrate._ode_integrators import Native, tolerance

_scipy_ode: Any = _scipy.ode_module()

STEPS_MAX = 100000  # where nsteps is 0 (Hairer's nmax)
INCONSISTENT = -1  # Hairer's idid after illegal options


class _HairerSteps(Native):
    """Hairer's codes, which keep nothing from one call to the next but their options.

    The functions are f, its parameters, and solout as (t, y) -> answer, or None.

    _begun_with       call_args of this solve: a new list after each `reset`
    _outcome          of a `go_on` that has something to say
    _told             complex_ode's solout, and how it is called
    _factors, _beta   what an option of 0 stands for: bounds of the change of the step size, and the
                      weight of the error before
    """

    _factors: tuple[float, float]
    _beta: float
    _outcome: Any = None
    _told: Any = None
    _goes_on = _scipy.goes_on_with_step_size()
    _names_refusals = _scipy.names_what_it_refuses()
    _takes_nsteps_as_it_is = _scipy.takes_nsteps_as_it_is()

    def go_on(self: Any, f, jac, y0, t0, t1, f_params, jac_params):
        """What `run` would answer, where the call is like the one before it and there is nothing to
        say; None: `run` must be called, and tells."""
        native, call_args = self._native, self.call_args
        fun, params, solout = native.functions
        if (
            not (native.y is y0 and fun is f and self._begun_with is call_args)
            or not (solout is None and self.solout is None)
            or self._goes_on
            or self.work[1:7].tolist() != native.control
        ):
            return None
        if params is not f_params:
            native.set_args(f_params)
            native.functions = f, f_params, None
        self._native = None
        idid = native.run(t0, y0, t1)
        if self._native is None and self.call_args is call_args:  # no call or reset by f itself
            self._native = native
        if idid < 0:
            self._outcome = idid, native.y, native.t
            return None
        self.istate = idid
        return native.y, native.t

    def run(self: Any, f, jac, y0, t0, t1, f_params, jac_params):
        if self._outcome is not None:
            (idid, *reached), self._outcome = self._outcome, None
            self._tell(idid)
            return reached
        # f2py refuses an empty state
        if y0.ndim != 1 or self._is_scipys or (not y0.size and _scipy.is_in_fortran()):
            return super().run(f, jac, y0, t0, t1, f_params, jac_params)  # type: ignore[misc]
        call_args, native = self.call_args, self._taken(y0.size, f, f_params)
        if self._goes_on:
            self._choose_anew_where_it_turns(t1 < t0)
        refusal = self._set_control(native)
        if refusal:
            self._tell(refusal if self._names_refusals else INCONSISTENT)
            return y0.copy(), t0
        try:
            idid = native.run(t0, y0, t1)
        except Exception as error:
            if not _scipy.takes_over(error):
                raise
            self._is_scipys = True
            return super().run(f, jac, y0, t0, t1, f_params, jac_params)  # type: ignore[misc]
        self._tell(idid)
        if self._goes_on:
            self.work[6] = native.h
        if self._native is None and self.call_args is call_args:  # no call or reset by f itself
            self._native = native
        return native.y, native.t

    def _taken(self: Any, n, f, f_params) -> Hairer:
        """The native solver for a call with these functions."""
        native = self._native
        if native is None or self._begun_with is not self.call_args:
            self.iwork[0], self.iwork[2] = self._step_limit(), self.verbosity
            native = self._begin(n)
            native.set_counts(self.iwork[16:20])
            self._backward = None
            self._begun_with = self.call_args
        self._native = None
        self._set_functions(native, n, f, f_params, self._observer())
        return native

    def _options(self: Any) -> Any:
        return *self.call_args[:2], self.iwork[0]

    def _choose_anew_where_it_turns(self: Any, backward: bool) -> None:
        """A step size of the other direction would lead away from the end, as SciPy's codes let it."""
        if self._backward not in (None, backward):
            self.work[6] = 0.0
        self._backward = backward

    def _new_native(self: Any, n: int, rtol: Any, atol: Any, nsteps: int) -> Hairer:
        return Hairer(type(self).__name__, n, tolerance(rtol, n), tolerance(atol, n))

    def _set_control(self: Any, native: Hairer) -> int:
        """0, or the code that tells why Hairer's codes refuse these options."""
        options = self.work[1:7].tolist()
        if options == native.control:
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
        native.control = options
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
        if self._told is None or self._told[0] is not solout:
            self._told = solout, lambda t, y: solout(t, y[::2] + 1j * y[1::2])
        return self._told[1]


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


# SciPy's integrators and ours.
NATIVE = {getattr(_scipy_ode, cls.__name__): cls for cls in (dopri5, dop853)}
