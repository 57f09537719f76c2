"""VODE and ZVODE for `ode`: a solve in C that goes on from call to call, and its functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsol._engine.callback import PythonCalls, doubles_at
from diffsol._engine.chord import chord_of, set_band
from diffsol._engine.grid import given_jacobian
from diffsol._engine.odepack import as_numbers
from diffsol._engine.refusal import refused
from diffsol._engine.tier import FIRST_LOOK, RUNNING, Tier
from diffsol._engine.tolerance import set_tolerance
from diffsol._native._core import ffi, lib

FUNCTIONAL, CHORD, DIAGONAL = 0, 1, 3  # ways to solve the formula

DONE, REFUSED = 2, -3  # VODE's istate: well ended; illegal input

_DOUBLES = ffi.typeof("double[]")
_from_buffer = ffi.from_buffer
_FAILED, _FINISHED = lib.DS_FAILED, lib.DS_FINISHED
_DIFFERENCES, _GIVEN = lib.DS_JAC_DIFFERENCES, lib.DS_JAC_GIVEN


class Vode:
    """A solve of y' = fun(t, y, *args) that each `run` takes on to another time.

    n            number of unknowns
    dtype        float | complex
    rtol, atol   numbers, or arrays (n,)
    family       1 Adams, 2 BDF
    iteration    FUNCTIONAL, CHORD or DIAGONAL
    band         (lower, upper) of the Jacobian, or None: full
    limits       (h0, hmax, hmin, steps in a call, highest order)

    After `run`: t and y, the array that belongs to it.
    """

    def __init__(self, n, dtype, rtol, atol, family, iteration, band, limits):
        core = lib.ds_vode_new(n, dtype is complex)
        if core == ffi.NULL:
            raise MemoryError(f"no memory for {n} states")
        self._core = ffi.gc(core, lib.ds_vode_free)
        self.n, self._dtype, self._band = n, np.dtype(dtype), band
        self._set_state()
        tolerances = set_tolerance(core, "rtol", rtol, n), set_tolerance(core, "atol", atol, n)
        self._keep: list[Any] = [tolerances]
        core.family, core.iteration = family, iteration
        core.h0, core.h_max, core.h_min, core.step_max, core.order_max = limits
        self._has_matrix = iteration == CHORD
        if band is not None:
            setters = lib.ds_vode_set_jacobian, lib.ds_vode_set_band
            self._keep.append(set_band(core, *setters, n, band))
        self._callbacks: VodeCallbacks | None = None
        self.tier: Tier | None = None
        self.y: np.ndarray | None = None
        # for the integrator: what it has made and told this solver with
        self.made_with: tuple | None = None
        self.functions: tuple = ()

    def _set_state(self):
        self._state = np.zeros(self.n, self._dtype)
        self._copy_state = self._state.copy  # looked up once
        # of complex numbers, too
        self._buffer = self._core.state = _from_buffer(_DOUBLES, self._state)

    def set_functions(self, function, fun, args, jac, jac_args):
        """Other functions from the next run on.

        function    Function: the right-hand side as it is compiled
        fun, args   as it is called in Python
        jac         the user's Jacobian as it is called in Python, or None
        """
        core = self._core
        if self.tier is not None:
            self.tier.leave()
        name = "zvode" if core.is_complex else "vode"
        given = given_jacobian(jac, jac_args, self._state, self._band, solver=name)
        core.jac_source = _DIFFERENCES if given is None else _GIVEN
        chord = None
        if self._has_matrix:
            setter = lib.ds_vode_set_jacobian
            chord = chord_of(core, setter, function, self.n, given, self._band)
        self.tier = Tier(core, lib.ds_vode_run, function, chord)
        self._callbacks = VodeCallbacks(fun, args, self._state, given)
        if given is not None:
            self._callbacks.watch(self.tier.refresh)
        core.handle = self._callbacks.handle

    def set_args(self, args):
        """The right-hand side has other arguments from the next run on."""
        self.tier.set_args(args)
        self._callbacks.serve(self._callbacks.fun, args, self._state)

    def begin_anew(self):
        """The next run begins another solve, with the same functions."""
        callbacks = self._callbacks
        self._set_state()  # a function may have kept the one before
        callbacks.serve(callbacks.fun, callbacks.args, self._state)
        self._core.worst = -1
        self.tier.begin_anew()

    def run(self, t, y, t_out, task=1, anew=False) -> int:
        """VODE's call; its istate.

        task   1: to t_out, 2: one step, 3: to the end of the first step at or beyond t_out
        anew   begin at (t, y); else the solve goes on from where it is, whatever y is

        Raises whatever the user's functions raise; the solve can then only begin anew.
        """
        core, tier = self._core, self.tier
        if anew:
            self._state[:] = y
        code = RUNNING
        if tier.enter():
            code = tier.step(core, FIRST_LOOK, task, anew, t, t_out)
        if code == RUNNING:
            self._begun_at, inputs = t, (task, anew, t, t_out)
            code = tier.advance(inputs, t, t_out, self._position)
        if code == _FINISHED and not anew:  # the usual, and quick
            self.t, self.y = core.t, self._copy_state()
            return DONE
        if code > _FAILED:
            self._raise(code)
        self.t, istate = core.t, core.istate
        # where nothing is done y is as it was given
        self.y = self._state.copy() if istate != REFUSED or anew else y.copy()
        return istate

    def counts(self) -> dict[str, int]:
        """What the solve has cost so far, by VODE's names."""
        core = self._core
        return {
            "nst": core.step_count,
            "nfe": core.evaluation_count,
            "nje": core.jacobian_count,
            "nqu": core.order_used,
            "nqcur": core.order_next,
            "imxer": core.worst + 1,
            "nlu": core.factor_count,
            "nni": core.iteration_count,
            "ncfn": core.divergence_count,
            "netf": core.rejection_count,
        }

    def times(self) -> tuple[float, float, float, float]:
        """(hu, hcur, tcur, tolsf): last and next step size, time reached, excess of accuracy."""
        core = self._core
        return core.h_used, core.h_next, core.t_now, core.excess

    def _position(self):
        core = self._core
        t = core.t_now if core.step_count else float(self._begun_at)
        return t, 0.0, core.step_count, self._state.view(float).copy()

    def _raise(self, code):
        if code == lib.DS_NO_MEMORY:
            raise MemoryError("no memory for the Jacobian")
        self._callbacks.raise_error()


class VodeCallbacks(PythonCalls):
    """The functions of one VODE.

    state      the core's working state: fun sees this very memory, and may write into it
    jacobian   GivenJacobian, or None
    """

    def __init__(self, fun, args, state, jacobian):
        super().__init__(fun, args, state, shared=True)
        self._jacobian = jacobian

    def take(self, result):
        array = as_numbers(result, self.state.dtype)
        if array.ndim > 1 or array.size != self.state.size:
            raise refused(
                ValueError,
                "ZVODE function must return complex array of length NEQ"
                if self.state.dtype.kind == "c"
                else "DVODE function must return array of length NEQ",
            )
        taken = np.empty_like(self.state)
        taken[:] = array
        return taken

    def answer(self, which, flags, t, y, out):
        self._jacobian.write(t, self.state, doubles_at(out))
        self.after()
