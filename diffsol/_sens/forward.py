"""One solve of y' = f(t, y, p) together with its sensitivities S = dy/dv, by the C core."""

from __future__ import annotations

import numpy as np

from diffsol._engine import leaving, policy
from diffsol._engine.chord import may_be_exact
from diffsol._engine.factors import make_room
from diffsol._engine.run import STATUS
from diffsol._engine.solver import new_solver
from diffsol._engine.tolerance import set_tolerance
from diffsol._methods.registry import METHODS
from diffsol._native._core import ffi, lib
from diffsol._sens.calls import SensCallbacks, SensLsodaCallbacks
from diffsol._sens.differences import STEP
from diffsol.integrate import _outcome


def whole_tolerances(rtol, atol, n, scale):
    """(rtol, atol) of the augmented state: a column's atol is that of y for a change of its variable by the
    variable's own size.

    rtol, atol   floats or arrays (n,)
    scale        (m,): the sizes of the variables
    """
    whole = np.empty((1 + len(scale), n))
    whole[0] = atol
    whole[1:] = whole[0]
    whole[1:] /= scale[:, np.newaxis]
    if type(rtol) is not float:
        rtol = np.tile(rtol, len(whole))
    return rtol, whole.ravel()


class Forward:
    """A solve from t0 to tf; its results are attributes after `go`.

    system      System
    method      a name in the registry
    y0, start   ndarrays (n,), (m, n): y and dy/dv at t0
    values      ndarray (q,): p
    rtol, atol  floats or arrays (n,), of y; the columns' are scaled by the variables
    controlled  do the columns take part in the choice of steps? (Differences never do: they are too noisy.)
    user_jac    df/dy where the user knows it, for functions that are not compiled
    fun         what is called in place of such a function, where p does not move

    The augmented state is y followed by the columns: of n and m n numbers.
    """

    def __init__(
        self,
        system,
        method,
        t0,
        tf,
        y0,
        start,
        values,
        rtol,
        atol,
        max_step,
        first_step,
        min_step,
        controlled,
        user_jac=None,
        fun=None,
    ):
        self.system, self.method, self.values = system, method, values
        self.n, self.m = y0.size, len(start)
        self.whole = np.concatenate([y0, start.ravel()])
        self.onlooker = None
        self._events: list = []
        traits = METHODS[method]
        self._ivp = ivp = new_solver(method, self.whole.size)
        ivp.n_states, ivp.sens_control = self.n, controlled and system.refused is None
        scale = system.variables.scales(values, y0)
        self._open_calls(traits, y0, scale, user_jac, fun)
        self._keep = [ffi.from_buffer("double[]", self.whole)]
        ivp.t0, ivp.t_bound, ivp.y0 = t0, tf, self._keep[0]
        self._set_tolerances(rtol, atol, scale[: self.m])
        ivp.max_step, ivp.min_step = max_step, min_step
        ivp.first_step = 0.0 if first_step is None else first_step
        ivp.save_steps = 1
        if system.refused is None:
            self._use_kernels(traits)
        elif traits.implicit:
            self._use_differences()
            ivp.columns_noise = STEP if user_jac is None else 0.0

    def _open_calls(self, traits, y0, scale, *how):
        make = SensLsodaCallbacks if traits.starts_later else SensCallbacks
        self.calls = make(self.system, self.values, y0.copy(), scale, *how)
        self.calls.handle.by_answer = False
        self._ivp.handle = self.calls.handle

    def _set_tolerances(self, rtol, atol, scale):
        ivp = self._ivp
        rtol, atol = whole_tolerances(rtol, atol, self.n, scale)
        self._keep.append(set_tolerance(ivp, "rtol", rtol, self.whole.size))
        ivp.atol, ivp.atol_stride = ffi.from_buffer("double[]", atol), 1
        self._keep.append(atol)

    # --- the functions ------------------------------------------------------------------------------

    def _use_kernels(self, traits):
        ivp, system = self._ivp, self.system
        system.set_values(self.values)
        params = system.params
        self._keep.append(params)
        ivp.fun.kernel, ivp.fun.params = system.fun_kernel, params
        ivp.augmented.kernel, ivp.augmented.params = system.augmented(), params
        if traits.implicit and self._may_be_exact(traits):
            kernel = system.jacobian()
            self._keep += make_room(ivp, self.n, kernel.start, kernel.row)
            ivp.jac.kernel, ivp.jac.params = kernel.pointer, params
            self._keep.append(kernel)
        elif traits.implicit:
            self._use_differences()

    def _may_be_exact(self, traits) -> bool:
        """Is the exact Jacobian to be taken? A solve whose steps are to be those of y alone takes what it would."""
        return (
            bool(self._ivp.sens_control)
            or not traits.starts_later
            or may_be_exact(self.n, None, None)
        )

    def _use_differences(self):
        self._keep += make_room(self._ivp, self.n, None, None)
        self._ivp.jac_source = lib.DS_JAC_DIFFERENCES
        self._ivp.lower = self._ivp.upper = -1  # LSODA: no band

    def set_events(self, crossings, max_events, direction):
        """Events to look for: `Crossing`s; functions of y."""
        ivp = self._ivp
        if lib.ds_ivp_set_events(ivp, len(crossings)):
            raise MemoryError("no memory for events")
        self._events = crossings
        self.calls.events = [crossing.fun for crossing in crossings]
        for i, crossing in enumerate(crossings):
            ivp.event_max[i], ivp.event_direction[i] = max_events[i], direction[i]
            if crossing.kernel is not None:
                crossing.function.set_values(self.values)
                params = crossing.function.params
                self._keep.append(params)
                ivp.events[i].kernel, ivp.events[i].params = crossing.kernel, params

    def set_output(self, t_eval, dense):
        """Which points to keep: all steps (t_eval None) or those times; and the interpolants."""
        ivp = self._ivp
        ivp.dense, self._t_eval = dense, t_eval
        if t_eval is not None:
            times = np.ascontiguousarray(t_eval, dtype=float)
            self._keep.append(ffi.from_buffer("double[]", times))
            ivp.save_steps, ivp.t_eval, ivp.n_eval = 0, self._keep[-1], times.size

    # --- going --------------------------------------------------------------------------------------

    def go(self) -> int:
        """Solve; SciPy's status, or one of our limits'."""
        ivp = self._ivp
        code = lib.ds_ivp_start(ivp)
        for i in range(len(self._events)):
            code = code or lib.ds_call(ivp, 1 + i, lib.DS_T_IS_FLOAT, ivp.t0, ivp.y, ivp.g + i)
        code = code or lib.DS_RUNNING
        while code == lib.DS_RUNNING:
            code = self._slice()
        if code not in STATUS:
            self._raise(code)
        self._collect()
        return STATUS[code]

    def _slice(self):
        if self.onlooker is None:
            return lib.ds_ivp_advance(self._ivp, policy.SLICE)
        return self.onlooker.advance(lib.ds_ivp_advance, self, policy.SLICE)

    def _raise(self, code):
        if code == lib.DS_PYTHON_ERROR:
            self.calls.raise_error()
        raise leaving.error_of(code, self._ivp)

    def _collect(self):
        ivp = self._ivp
        self.t, self.y_whole = leaving.points(ivp, self.whole)
        if ivp.t0 == ivp.t_bound and self._t_eval is not None:
            # no step is made in which an output time could be met
            self.t = np.array(self._t_eval, dtype=float)
            self.y_whole = np.repeat(self.whole[:, np.newaxis], self.t.size, axis=1)
        self.nfev, self.njev, self.nlu = ivp.nfev, ivp.njev, ivp.nlu
        self.t_last, self.istate = ivp.t_stop, ivp.istate
        self.segments = leaving.segments(ivp, self.method, self.whole) if ivp.dense else None
        self.t_events, self.y_events = leaving.events(ivp, len(self._events), self.whole)

    @property
    def solution(self):
        """The continuous solution of y and S, an `OdeSolution` of the augmented state."""
        return _outcome.solution_of(self, self.method, self._t_eval)

    # --- for who looks on -----------------------------------------------------------------------------

    @property
    def core(self):
        """The ds_ivp, to be read."""
        return self._ivp

    @property
    def is_compiled(self) -> bool:
        """Has the right-hand side a kernel?"""
        return self.system.refused is None

    @property
    def is_single(self) -> bool:
        """Were derivatives those of a function that computes in single precision?"""
        return self.calls.differences.is_single

    def current(self):
        """The state up to which the solve has come: a copy."""
        return leaving.copied(self._ivp.y, self.n, float)

    def event_state(self, k):
        """The state at the event of record k."""
        return leaving.copied(self._ivp.ev_y + k * self.whole.size, self.n, float)

    def refresh(self):
        """Something in Python was called: what the kernels read from outside may have changed."""
        if self.system.refused is None and self.system.look_again() is None:
            raise RuntimeError("what `fun` reads from outside has changed during the solve")
