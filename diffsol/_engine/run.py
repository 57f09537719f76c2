"""One solve: the C core's solver, the functions it calls, the tier they run at, and the results."""

from __future__ import annotations

import time

import numpy as np

from diffsol._engine import ahead, kernels, leaving, making, policy, switch, verify, watch
from diffsol._engine.callback import Callbacks, LsodaCallbacks, calling_python, event_value
from diffsol._engine.run_jacobian import JacobianKernels
from diffsol._engine.solver import new_solver
from diffsol._engine.tolerance import set_tolerance
from diffsol._methods.registry import METHODS
from diffsol._native._core import ffi, lib

STATUS = {
    lib.DS_FINISHED: 0,
    lib.DS_EVENT: 1,
    lib.DS_FAILED: -1,
    watch.STOPPED: 2,
    watch.STEPS_OUT: -2,
    watch.TIME_OUT: -3,
}


class Run(JacobianKernels):
    """A native solve of y' = fun(t, y) from t0 to tf.

    method       a name in the registry
    rhs          Function
    t0, tf       floats
    state        ndarray (n,), float64 or complex128; fun sees this very array at its first call
    rtol, atol   floats or arrays (n,)
    max_step     float
    first_step   float, or None to choose it as SciPy does
    jacobian     Jacobian of an implicit method, else None
    min_step     float (LSODA)

    Making it calls fun as SciPy's constructor does. Then set_events, set_output, go; results are
    attributes afterwards: t (nt,), y (n, nt), segments, t_last, t_events, y_events, nfev. Raises whatever
    the user's functions raise.
    """

    def __init__(
        self,
        method,
        rhs,
        t0,
        tf,
        state,
        rtol,
        atol,
        max_step,
        first_step,
        jacobian=None,
        min_step=0.0,
    ):
        self.method = method
        self.rhs = rhs
        self.options = (t0, tf, state, rtol, atol, max_step, first_step)
        self.jacobian, self._min_step = jacobian, min_step
        self._event_setup = None
        self._output = (None, False)
        self._ivp = None
        self.onlooker: watch.Watch | None = None
        self._begun = time.perf_counter()
        self._compile_seconds, self._compiled_at = 0.0, None
        self._mode = switch.mode_of_solve()
        self._bound = rhs.at_start(self._mode) or self._compiled_at_once()
        self._compile_seconds = time.perf_counter() - self._begun
        self._jac_bound = None
        self._event_bounds: list = []
        self._open()

    @property
    def nonfinite(self):
        """(t, y) of the first evaluation by Python that was not finite, or None."""
        return self._callbacks.nonfinite

    # --- starting -----------------------------------------------------------------------------

    def _compiled_at_once(self):
        """A kernel before the first call, where a dense Jacobian is sure to cost more than it."""
        certain = self._certain_seconds()
        if self._mode != "1" or not (policy.pays_at_once(certain) and self.rhs.record.may_trace()):
            return None
        return verify.checked_kernel(self.rhs, certain, self.options[0], self.options[2])

    def _open(self):
        t0, tf, state, rtol, atol, max_step, first_step = self.options
        ivp = self._ivp = new_solver(self.method, state.size, state.dtype.kind == "c")
        traits = METHODS[self.method]
        self._callbacks = (LsodaCallbacks if traits.starts_later else Callbacks)(self.rhs, state)
        ivp.handle = self._callbacks.handle
        self._keep = [ffi.from_buffer("double[]", np.ascontiguousarray(state))]
        ivp.t0, ivp.t_bound, ivp.y0 = t0, tf, self._keep[0]
        self._keep += [
            set_tolerance(ivp, "rtol", rtol, state.size),
            set_tolerance(ivp, "atol", atol, state.size),
        ]
        ivp.max_step, ivp.min_step = max_step, self._min_step
        ivp.first_step = 0.0 if first_step is None else first_step
        ivp.save_steps = 1
        if self._bound is not None:
            self._callbacks.handle.by_answer = False
            self._use(ivp.fun, self._bound)
        if self.jacobian is not None:
            self._open_jacobian()
        self._watch_outside()
        started = time.perf_counter()
        code = lib.ds_ivp_start(ivp)
        self._start_seconds = time.perf_counter() - started
        if code:
            self._raise(code)
        if self._bound is not None and self.jacobian is not None and self.jacobian.function:
            self._use_own_jacobian(self.jacobian.function.at_start(self._mode))

    @staticmethod
    def _use(slot, bound):
        slot.kernel, slot.params = bound.pointer, bound.params

    def set_events(self, functions, max_events, direction, user_y0):
        """Events to look for; their first values are computed now, from the user's own y0."""
        self._event_setup = (functions, max_events, direction, user_y0)
        ivp, count = self._ivp, len(functions)
        if lib.ds_ivp_set_events(ivp, count):
            raise MemoryError("no memory for events")
        self._callbacks.events = [function.fun for function in functions]
        t0 = self.options[0]
        self._event_bounds = [None] * count
        for i, function in enumerate(functions):
            ivp.event_max[i] = max_events[i]
            ivp.event_direction[i] = direction[i]
            self._event_bounds[i] = self._bind_event(function)
            if self._event_bounds[i] is not None:
                self._use(ivp.events[i], self._event_bounds[i])
                code = lib.ds_call(ivp, 1 + i, lib.DS_T_IS_FLOAT, t0, ivp.y, ivp.g + i)
                if code:
                    self._raise(lib.DS_PYTHON_ERROR)
            else:
                ivp.g[i] = event_value(function.fun(t0, user_y0, *function.args))
                self.refresh()  # it may have changed what kernels read
        self._watch_outside()

    def _bind_event(self, function):
        """A kernel for an event; only next to a compiled right-hand side, which is thereby pure."""
        return None if self._bound is None else function.at_start(self._mode)

    def _watch_outside(self):
        """With an event in Python, what the kernels read from outside may change at any event."""
        changes = self._bound is not None and (
            any(b is None for b in self._event_bounds) or self._has_python_jacobian()
        )
        self._callbacks.watch(self.refresh if changes else None)

    def refresh(self):
        """Something in Python was called: what the kernels read from outside may have changed."""
        ivp = self._ivp
        if self._bound is not None and not self._bound.refresh():
            ivp.fun.kernel = ffi.NULL
            self._forget_jacobian(exact_too=True)
            self._bound = None
        if self._jac_bound not in (None, self._bound) and not self._jac_bound.refresh():
            self._forget_jacobian(exact_too=False)
        for i, bound in enumerate(self._event_bounds):
            if bound is not None and not bound.refresh():
                ivp.events[i].kernel = ffi.NULL
                self._event_bounds[i] = None

    def set_output(self, t_eval, dense_output):
        """Which points to keep: all steps (t_eval None) or those times; and the interpolants."""
        self._output = (t_eval, dense_output)
        ivp = self._ivp
        ivp.dense = bool(dense_output)
        if t_eval is not None:
            times = np.ascontiguousarray(t_eval, dtype=float)
            times = times[~np.isnan(times)]  # SciPy passes over them
            self._keep.append(ffi.from_buffer("double[]", times))
            ivp.save_steps, ivp.t_eval, ivp.n_eval = 0, self._keep[-1], times.size
            ivp.n_points = 0  # the start was kept before this was known

    # --- going ----------------------------------------------------------------------------------

    def go(self) -> int:
        """Solve; SciPy's status: 0 end reached, 1 terminal event, -1 step too small."""
        code = self._advance()
        if code not in STATUS:
            self._raise(code)
        self._collect()
        if self._bound is not None and verify.is_due(self._functions()) and not self._is_right():
            return self._redo_in_python()
        self._close()
        return STATUS[code]

    def _advance(self):
        """Slices of the solve, with a look after each at whether compiling pays by now."""
        advance = lib.ds_ivp_advance
        if self._bound is not None and None not in self._event_bounds:
            if self._waits_for_jacobian():
                return self._advance_waiting()
            code = self._slice(advance, policy.SLICE)
            while code == lib.DS_RUNNING:
                code = self._slice(advance, policy.SLICE)
            return code
        started = time.perf_counter() - self._start_seconds
        code = self._advance_looking(started, self._missing() if self._mode == "1" else [])
        spent = time.perf_counter() - started
        for function, bound in self._functions():
            if bound is None:
                function.record.python_seconds += spent
        return code

    def _slice(self, step, seconds):
        """Steps for so many seconds, under the eyes of whoever looks on."""
        if self.onlooker is None:
            return step(self._ivp, seconds)
        return self.onlooker.advance(step, self, seconds)

    def _advance_waiting(self):
        """Slices of a compiled solve by differences, until the exact Jacobian is due."""
        exact = self._bound.variant.jacobian
        code = lib.DS_RUNNING
        while code == lib.DS_RUNNING:
            begun = time.perf_counter()
            waits = self._jac_bound is None
            code = self._slice(lib.ds_ivp_advance, policy.FIRST_LOOK if waits else policy.SLICE)
            if waits:
                exact.wait(time.perf_counter() - begun)
            if waits and code == lib.DS_RUNNING:
                begun = time.perf_counter()
                if self._use_exact_jacobian(exact.if_due()):
                    self._renew_jacobian()
                self._compile_seconds += time.perf_counter() - begun
        return code

    def _advance_looking(self, started, missing):
        """Slices of a solve with functions at the Python tier, of which `missing` may be compiled."""
        compiled, ivp = lib.ds_ivp_advance, self._ivp
        in_python = calling_python(compiled, ivp.n)
        outlook = policy.Outlook(started, ivp.t0, ivp.t_bound)
        records = [function.record for function in missing]
        news, arrived = making.look_for(missing, policy.budget_at_start)
        budget, code = 0.0, lib.DS_RUNNING
        while code == lib.DS_RUNNING:
            if arrived or budget and all(record.affords(budget) for record in records):
                self._compile(budget)
                # what was refused for want of time may get more of it later
                missing = [f for f in self._missing() if not budget or f.record.needs]
                records = [function.record for function in missing]
                arrived, news = False, kernels.News(records)
            advance = in_python if self._bound is None else compiled
            began = time.perf_counter()
            code = self._slice(advance, policy.FIRST_LOOK if missing else policy.SLICE)
            now = time.perf_counter()
            if missing:
                ahead.load(now - began)
            if code == lib.DS_RUNNING and missing:
                arrived = news.look(now - started)
                remaining = outlook.remaining(now, ivp.t, ivp.h_abs, ivp.n_trials)
                overhead = METHODS[self.method].overhead
                budget = policy.affordable(len(missing), remaining, ivp.n_trials, overhead)
        return code

    def _functions(self):
        """(function, kernel or None) of the right-hand side, all events and the user's Jacobian."""
        events = self._event_setup[0] if self._event_setup is not None else ()
        pairs = [*zip((self.rhs, *events), (self._bound, *self._event_bounds), strict=True)]
        own = None if self.jacobian is None else self.jacobian.function
        if own is not None and self.jacobian.is_full:
            pairs.append((own, self._jac_bound))
        return pairs

    def _missing(self):
        """Functions that may be compiled (events only if the right-hand side is or may be)."""
        if self._bound is None and not self.rhs.record.may_trace():
            return []
        return [f for f, bound in self._functions() if bound is None and f.record.may_trace()]

    def _compile(self, budget):
        """Compile the functions of this solve and go on with the kernels where it is."""
        begun = time.perf_counter()
        if self.onlooker is not None:
            budget = min(budget, self.onlooker.seconds_left() / 2)
        self._compile_missing(budget)
        self._compile_seconds += time.perf_counter() - begun
        if self._bound is not None and self._compiled_at is None:
            self._compiled_at = self._ivp.n_accepted

    def _compile_missing(self, budget):
        ivp = self._ivp
        if self._bound is None:
            y = np.frombuffer(ffi.buffer(ivp.y, self.options[2].nbytes), self.options[2].dtype)
            bound = verify.checked_kernel(self.rhs, budget, ivp.t, y)
            if bound is None:
                return
            self._bound = bound
            self._use(ivp.fun, bound)
        if self.jacobian is not None and self._jac_bound is None:
            self._compile_jacobian(budget)
        for i, bound in enumerate(self._event_bounds):
            function = self._event_setup[0][i]
            if bound is None and function.record.may_trace():
                found = self._event_bounds[i] = function.attempt(budget)
                if found is not None:
                    self._use(ivp.events[i], found)
        self._watch_outside()

    def _is_right(self) -> bool:
        """Were the kernels their functions, at visited states? What disagrees is discarded."""
        t0, state = self.options[0], self.options[2]
        return verify.are_right(self._functions(), [(t0, state), *verify.samples(self.t, self.y)])

    def _redo_in_python(self) -> int:
        what = f"{self.rhs.record.name!r} (or of an event)"
        verify.warn_mismatch(what, "solve was redone", stacklevel=5)
        self._close()
        self._bound, self._jac_bound, self._mode = None, None, "0"
        self._open()
        if self._event_setup is not None:
            self.set_events(*self._event_setup)
        self.set_output(*self._output)
        return self.go()

    @property
    def is_silent(self) -> bool:
        """Has the right-hand side's kernel never asked for Python?"""
        return self._bound is not None and self._callbacks.handle.fun == ffi.NULL

    @property
    def bound(self):
        """The kernel of the right-hand side, or None."""
        return self._bound

    # --- for who looks on ---------------------------------------------------------------------------

    @property
    def core(self):
        """The ds_ivp, to be read."""
        return self._ivp

    @property
    def is_compiled(self) -> bool:
        """Does the right-hand side have a kernel at present?"""
        return self._bound is not None

    def current(self):
        """The state up to which the solve has come: a copy."""
        ivp = self._ivp
        if ivp.status == lib.DS_EVENT:
            return self.event_state(ivp.n_event_records - 1)
        return self._vector(ivp.y)

    def event_state(self, k):
        """The state at the event of record k."""
        return self._vector(self._ivp.ev_y + k * self._ivp.n * (1 + self._ivp.is_complex))

    def _vector(self, pointer, rows=1):
        state = self.options[2]
        return leaving.copied(pointer, rows * state.size, state.dtype)

    # --- ending -----------------------------------------------------------------------------------

    def _raise(self, code):
        if code == lib.DS_PYTHON_ERROR:
            self._callbacks.raise_error()
        error = leaving.error_of(code, self._ivp)
        if code == lib.DS_NOT_FINITE:
            error = self._noted(error)
        raise error

    def _noted(self, error):
        """The error, with a note of where the first NaN or infinity came from."""
        if self.nonfinite is not None:
            from diffsol._engine import nonfinite  # seldom needed

            error.add_note(str(nonfinite.locate(self.rhs, *self.nonfinite)))
        return error

    def cost(self, status, message) -> tuple:
        """The values of `Stats` for this solve, which has ended."""
        n_steps, n_trials, n_newton, least, largest = self._counts
        compiled = self._bound is not None
        return (
            self.method,
            n_steps,
            n_trials - n_steps,
            n_newton if METHODS[self.method].implicit and self.method != "LSODA" else None,
            self.t_last,
            least,
            largest,
            self.nfev,
            self.njev,
            self.nlu,
            time.perf_counter() - self._begun,
            "compiled" if compiled else "python",
            (self._compiled_at or 0) if compiled else None,
            self._compile_seconds,
            status,
            message,
        )

    def _collect(self):
        """Copy the results out of the C core."""
        ivp, state = self._ivp, self.options[2]
        self.t, self.y = leaving.points(ivp, state)
        self.nfev, self.njev, self.nlu = ivp.nfev, ivp.njev, ivp.nlu
        self.istate = ivp.istate
        self._counts = (
            ivp.n_accepted,
            ivp.n_trials,
            ivp.n_newton,
            ivp.least_step,
            ivp.largest_step,
        )
        self.t_last = ivp.t_stop
        self.t_events = self.y_events = self.segments = None
        if ivp.dense:
            self.segments = leaving.segments(ivp, self.method, state)
        if self._event_setup is not None:
            self.t_events, self.y_events = leaving.events(ivp, len(self._event_bounds), state)

    def _close(self):
        ffi.release(self._ivp)
        self._ivp = None
