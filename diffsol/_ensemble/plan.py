"""How an ensemble is solved: in lanes where its functions can be compiled, else one by one."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diffsol._engine import kernels, switch, verify
from diffsol._engine.memory import aligned
from diffsol._ensemble import alone, native
from diffsol._ensemble.outcome import Outcome
from diffsol._ensemble.programs import EventRefused, Parameters, Programs, programs_of
from diffsol._ensemble.reduce import Reducer
from diffsol._ensemble.traced import forget
from diffsol._native._core import ffi
from diffsol._trace.advice import advice
from diffsol._trace.reasons import Refused
from diffsol.errors import CompilationWarning, MismatchWarning, NotCompiledError

CHUNK = 1 << 16  # trajectories
SAMPLES = 4  # trajectories at whose starts the kernels are compared with the functions


@dataclass
class Plan:
    """An ensemble's functions, and what is compiled of them.

    fun        the user's
    options    Options
    programs, parameters   None: every trajectory is left to `solve_ivp`
    calls_no_python   are the functions compiled, for `solve_ivp` too? Others are never called by two threads at
                      once: they may use what is not for two
    """

    fun: Any
    options: Any
    programs: Programs | None
    parameters: Parameters | None
    calls_no_python: bool = False
    chunk = CHUNK
    reducer = Reducer

    @property
    def calls_functions(self):
        """Is the user's function called, as Python or by `solve_ivp`?"""
        return self.programs is None

    @property
    def tier(self):
        return "one by one" if self.programs is None else "lanes"

    def solve(self, batch, threads, tell) -> tuple[Outcome, dict]:
        """(the outcome of a batch, statistics)."""
        started = time.perf_counter()
        if self.programs is None:
            threads = threads if self.calls_no_python else 1
            outcome = alone.solve_all(self.fun, batch, self.options, threads, tell)
            return outcome, self._stats(started, threads, len(outcome), None)
        solver = native.Solver(self.programs, self.parameters, batch, self.options)
        attempts, busy = solver.run(threads, tell)
        redone = self.redo(batch, solver.outcome)
        occupancy = busy / max(attempts * native.lanes(), 1)
        return solver.outcome, self._stats(started, threads, redone, occupancy)

    def redo(self, batch, outcome) -> int:
        """Solve those trajectories by `solve_ivp` that a kernel could not answer for; how many there were. A worker
        that has no function leaves that to others."""
        return 0 if self.fun is None else alone.redo(self.fun, batch, self.options, outcome)

    def empty(self, batch) -> Outcome:
        """Room for the outcome of all pieces."""
        return Outcome.empty(batch.size, batch.n, self.options, batch.y0.dtype)

    def put(self, whole, first, outcome):
        """The outcome of a piece into that of all."""
        whole.put(first, outcome)

    def portable(self) -> Plan:
        """The plan for another process: the programs without the functions, if there are programs."""
        if self.programs is None:
            return self
        options = replace(self.options, events=tuple(map(Marks, self.options.events)))
        return replace(self, fun=None, options=options)

    def _stats(self, started, threads, redone, occupancy):
        return {
            "tier": self.tier,
            "lanes": native.lanes() if self.programs else 1,
            "threads": threads,
            "seconds": time.perf_counter() - started,
            "redone": redone,
            "occupancy": occupancy,
        }


class Marks:
    """What a solver reads of an event function, beside its values."""

    def __init__(self, event):
        self.terminal = getattr(event, "terminal", None)
        self.direction = getattr(event, "direction", 0)


def plan_of(fun, batch, options) -> Plan:
    """The way to solve the ensemble. Warns where it is the slow one."""
    mode = switch.switched_on()
    in_lanes = options.method in native.IN_LANES
    try:
        if mode == "0":
            raise Refused("switched-off")
        if _tells_errors(np.geterr()):
            raise Refused("no-lanes", "np.errstate other than 'ignore' and 'warn', or of underflow")
        if np.iscomplexobj(batch.y0):
            raise Refused("no-lanes", "complex states")
        stiff = options.method == "Rodas5P"
        plan = Plan(fun, options, *programs_of(fun, options.events, batch, stiff))
        if not in_lanes:
            quiet = mode == "1" and not callable(options.jac)
            return Plan(fun, options, None, None, calls_no_python=quiet)
        native.Solver(plan.programs, plan.parameters, batch.rows(0, 1), options)  # compiles
    except Refused as refused:
        if not in_lanes:
            return Plan(fun, options, None, None)
        return _one_by_one(fun, options, refused, mode)
    if not agrees(plan, batch):
        forget(fun)
        warnings.warn(
            f"the compiled form of {_name(fun)} disagreed with the Python function; the ensemble is solved one by one "
            "by `solve_ivp`. Please report this, unless the function depends on more than its arguments.",
            MismatchWarning,
            stacklevel=3,
        )
        return Plan(fun, options, None, None)
    return plan


def _tells_errors(settings) -> bool:
    """Shall floating-point errors be told in ways that lanes have not? Warnings are given up knowingly."""
    quiet = ("ignore", "warn")
    return settings["under"] != "ignore" or any(how not in quiet for how in settings.values())


def _one_by_one(fun, options, refused, mode):
    if mode == "0" and options.method == "Rodas5P":
        raise NotCompiledError(
            f"Method Rodas5P needs a compiled function, and {switch.setting()} is set."
        )
    name = "an event function" if type(refused) is EventRefused else _name(fun)
    place = "" if refused.where is None else " ({}, line {}, in {})".format(*refused.where)
    reason = (
        f"{kernels.reason_text(refused)}{place}. {advice(refused.reason.code, refused.detail).hint}"
    )
    if mode == "require" or options.method == "Rodas5P":
        required = switch.setting() if mode == "require" else "method Rodas5P"
        raise NotCompiledError(f"{required}, and {name} is not compiled. {reason}")
    if mode != "0":
        warnings.warn(
            f"{name} is not compiled: the trajectories are solved one by one by `solve_ivp`, which "
            f"takes many times as long. {reason}",
            CompilationWarning,
            stacklevel=4,
        )
    return Plan(fun, options, None, None)


def _name(fun):
    return repr(getattr(fun, "__qualname__", None) or type(fun).__name__)


def agrees(plan, batch) -> bool:
    """Do the kernel and the function of the right-hand side agree at the starts of some trajectories?"""
    picked = np.unique(np.linspace(0, batch.size - 1, SAMPLES).astype(int))
    batch = batch.picked(picked.tolist())
    width, n = native.lanes(), batch.n
    kernel = native.kernel_of(plan.programs.fun, n)
    call = ffi.cast("ds_ens_kernel", kernel.address)
    for i in range(batch.size):
        (t0, _), y0, args = batch.one(i)
        own = batch.rows(i, i + 1).own_rows()[0]
        t, y, q, out = (_lanes(values, width) for values in ([t0], y0, own, np.empty(n)))
        params = ffi.from_buffer("double[]", plan.parameters.fun)
        if call(
            *(ffi.from_buffer("double[]", a) for a in (t, y, out)),
            params,
            ffi.from_buffer("double[]", q),
        ):
            continue  # it asks for Python there
        try:
            with np.errstate(all="ignore"):
                wanted = np.broadcast_to(
                    np.asarray(plan.fun(np.float64(t0), y0, *args), float), (n,)
                )
        except Exception:
            return False
        if not verify.close(out[:, 0], wanted):
            return False
    return True


def _lanes(values, width):
    """A row of equal lanes for each value, where kernels may read it: at a multiple of 64 bytes."""
    values = np.asarray(values, float)
    rows = aligned((values.size, width))
    rows[:] = values[:, None]
    return rows
