"""The backward pass of a gradient: the adjoint equation, by the C core, over a solve that is kept."""

from __future__ import annotations

import numpy as np

from diffsol._engine import policy, verify
from diffsol._engine.factors import make_room
from diffsol._engine.solver import new_solver
from diffsol._native._core import ffi, lib
from diffsol._sens.system import TracedFunction
from diffsol._trace.reasons import Refused


class Integrand:
    """g(t, y, p) of an integral, and its gradient, as kernels, which at t0, y0 are what they should be.

    Raises Refused.
    """

    def __init__(self, fun, variables, t0, y0):
        self._function = function = TracedFunction(fun, variables, ())
        self.kernel = function.own()
        self.by_state, self.by_params = adjoint_kernels(function)
        self.params = function.params
        if not function.traced.checked:
            function.traced.checked = self._is_right(fun, variables, t0, y0)
            if not function.traced.checked:
                raise Refused("mismatch", "the integrand's trace gives another value")

    def _is_right(self, fun, variables, t0, y0):
        got = np.empty(1)
        state, out = (ffi.from_buffer("double[]", x) for x in (y0, got))
        with np.errstate(all="ignore"):
            asked = lib.ds_kernel_call(self.kernel, self.params, t0, state, out)
            wanted = fun(np.float64(t0), y0.copy(), *variables.args(variables.values))
        return bool(asked) or verify.close(got, np.asarray(wanted, float))


def adjoint_kernels(function):
    """-f_y^T lambda and f_p^T lambda of a TracedFunction, as kernels of (t, [lambda, y]). Raises Refused.

    The latter is NULL where there are no parameters.
    """
    by_state = function.kernel("adjoint", _state_adjoint)
    if not function.variables.values.size:
        return by_state, ffi.NULL
    return by_state, function.kernel("adjoint by params", _parameter_adjoint)


def _state_adjoint(program, n):
    from diffsol._graph.adjoint import state_adjoint

    return state_adjoint(program, n)


def _parameter_adjoint(program, n):
    from diffsol._graph.adjoint import parameter_adjoint

    return parameter_adjoint(program, n)


class Backward:
    """The adjoint equation from the last time that counts back to t0.

    primal      Primal, solved
    kernels     those of `adjoint_kernels`, for the primal's system
    integrand   Integrand or None
    times       ndarray (k,): in the direction of the solve, where lambda jumps
    jumps       ndarray (k, n)
    rtol        tolerance of lambda
    atol        its absolute tolerance; None: relative to its size at each jump

    After `go`: at_start, lambda(t0); gradient, of p; value, of the integral.
    """

    def __init__(self, primal, kernels, integrand, times, jumps, rtol=None, atol=None):
        self._primal, self._integrand = primal, integrand
        self._stops, self._jumps = _stops(primal, times, jumps, integrand is not None)
        system, n = primal.system, primal.y0.size
        self.n_params = system.variables.values.size
        implicit = primal.traits.implicit
        jacobian = system.jacobian() if implicit else None
        count = 0 if jacobian is None else (n * n if jacobian.full else len(jacobian.row))
        made = lib.ds_adjoint_new(primal.traits.id, n, self.n_params, count)
        if made == ffi.NULL:
            raise MemoryError(f"no memory for {n} states")
        self._core = core = ffi.gc(made, lib.ds_adjoint_free)
        self._keep = [system.params, system.traced, integrand]
        core.direction = 1.0 if primal.tf > primal.t0 else -1.0
        by_state, by_params = kernels
        core.vjp.kernel, core.vjp.params = by_state, system.params
        core.params.kernel, core.params.params = by_params, system.params
        if integrand is not None:
            self._use_integrand()
        core.n_stops = len(self._stops)
        core.stops, core.jumps = map(self._doubles, (self._stops, self._jumps))
        self._open_back(jacobian)
        self._set_tolerances(rtol, atol)
        self._stretches: dict = {}  # number -> core that holds it, in use
        self._needs = max(k for k, c in enumerate(primal.checkpoints) if not self._is_behind(c))

    def _doubles(self, array):
        self._keep.append(ffi.from_buffer("double[]", array))
        return self._keep[-1]

    def _use_integrand(self):
        core, g = self._core, self._integrand
        for slot, kernel in (
            (core.cost, g.kernel),
            (core.cost_vjp, g.by_state),
            (core.cost_params, g.by_params),
        ):
            slot.kernel, slot.params = kernel, g.params

    def _open_back(self, jacobian):
        """The solver of lambda: the forward one's method, or one that needs no past where that is implicit."""
        primal, n = self._primal, self._primal.y0.size
        method = primal.method if jacobian is None else "Radau"
        self._back = back = new_solver(method, n)
        back.handle, back.max_step = self._core, np.inf
        back.python = ffi.addressof(lib, "ds_adjoint_asked")
        adjoint = ffi.cast("double *", self._core)
        back.fun.kernel, back.fun.params = ffi.addressof(lib, "ds_adjoint_kernel"), adjoint
        if jacobian is not None:
            self._use_transposed(jacobian)
            back.jac.kernel = ffi.addressof(lib, "ds_adjoint_jacobian")
            back.jac.params = adjoint

    def _use_transposed(self, kernel):
        """The Jacobian of the adjoint equation is the other one's, negative and transposed."""
        core, n = self._core, self._primal.y0.size
        core.jac.kernel, core.jac.params = kernel.pointer, self._primal.system.params
        if kernel.full:
            pattern = None, None
            order = np.arange(n * n).reshape(n, n).T
        else:
            column = np.repeat(np.arange(n), np.diff(kernel.start))
            order = np.lexsort((column, kernel.row))
            start = np.searchsorted(kernel.row[order], np.arange(n + 1)).astype(np.int64)
            pattern = start, np.ascontiguousarray(column[order], np.int64)
        order = np.ascontiguousarray(order, np.int64).reshape(-1)
        self._keep.append(ffi.from_buffer("int64_t[]", order))
        core.jac_from, core.n_jac = self._keep[-1], order.size
        self._keep += [kernel, *make_room(self._back, n, *pattern)]

    def _set_tolerances(self, rtol, atol):
        primal = self._primal
        self._back.rtol_value = primal.rtol if rtol is None else rtol
        # a lambda as small as this changes the gradient as little as an error of y within its tolerance
        relative = min(self._back.rtol_value, primal.atol)
        self._core.atol_relative = relative if atol is None else 0.0
        self._core.atol = 0.0 if atol is None else atol
        h, proposed = primal.last_step
        self._core.step = max(h, proposed)

    # --- going ------------------------------------------------------------------------------------

    def go(self):
        """Raises RuntimeError where it does not get back to t0."""
        code = lib.DS_EARLIER
        while code in (lib.DS_EARLIER, lib.DS_RUNNING):
            if code == lib.DS_EARLIER:
                self._take_earlier()
            code = lib.ds_adjoint_run(self._core, self._back, policy.SLICE)
        if code != lib.DS_FINISHED:
            self._raise(code)
        core, n = self._core, self._primal.y0.size
        self.at_start = np.frombuffer(ffi.buffer(core.lambda_t, 8 * n)).copy()
        self.gradient = np.frombuffer(ffi.buffer(core.gradient, 8 * self.n_params)).copy()
        self.value, self.n_vjp = core.value, core.n_vjp

    def _is_behind(self, checkpoint) -> bool:
        """Has lambda passed this time on its way back?"""
        at = self._back.t if self._back.n_trials else self._stops[0]
        return self._core.direction * (checkpoint.t - at) > 0

    def _take_earlier(self):
        """One more stretch of the forward solve; those that begin behind lambda are given up."""
        for k in list(self._stretches):
            if self._is_behind(self._primal.checkpoints[k]):
                del self._stretches[k]
        self._stretches[self._needs] = self._primal.stretch(self._needs, self._stretches.values())
        self._needs -= 1
        chunks = ffi.new("ds_chunk[]", len(self._stretches))
        for slot, k in enumerate(sorted(self._stretches)):
            self._stretches[k].chunk(chunks[slot])
        self._chunks = chunks
        self._core.chunks, self._core.n_chunks = chunks, len(chunks)

    def _raise(self, code):
        if code == lib.DS_PYTHON_ERROR:
            raise RuntimeError(
                f"the gradient's way back ended at t={self._core.trap_t!r}: the compiled form of `fun` has no answer "
                "there, where the solve itself had one"
            )
        if code == lib.DS_FAILED:
            raise RuntimeError(
                f"the gradient's way back ended at t={self._back.t!r}: the step size got below the spacing of numbers"
            )
        from diffsol._engine import leaving

        raise leaving.error_of(code, self._back)


def _stops(primal, times, jumps, whole):
    """(times at which lambda jumps, from the last one back to t0; the jumps there).

    whole    is there something to be added up from the end on? Else what lies behind the last jump has no part.
    """
    counts = np.flatnonzero(jumps.any(axis=1))[::-1]
    stops, rows = times[counts], jumps[counts]
    none = np.zeros((1, rows.shape[1]))
    if whole and (not stops.size or stops[0] != primal.tf):
        stops, rows = np.append(primal.tf, stops), np.concatenate([none, rows])
    if not stops.size or stops[-1] != primal.t0:
        stops, rows = np.append(stops, primal.t0), np.concatenate([rows, none])
    return stops, rows
