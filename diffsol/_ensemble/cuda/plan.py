"""How an ensemble is solved on GPUs: what is compiled, for which devices, and what is refused."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diffsol._engine import kernels, switch
from diffsol._ensemble import alone
from diffsol._ensemble.cuda import room, source
from diffsol._ensemble.cuda.chunks import CHUNK
from diffsol._ensemble.cuda.device import Device
from diffsol._ensemble.cuda.reduce import DeviceReducer
from diffsol._ensemble.cuda.solver import Solver
from diffsol._ensemble.outcome import Outcome
from diffsol._ensemble.plan import agrees
from diffsol._ensemble.programs import Parameters, Programs, programs_of
from diffsol._trace.advice import advice
from diffsol._trace.reasons import Refused
from diffsol.errors import NotCompiledError

DTYPES = ("float64", "float32")
ON_CPU = "device='cpu' solves it."
# Components that a thread has registers for, or nearly (a test looks at the cubins), by the bytes of a number.
MOST = {
    8: {"RK23": 16, "RK45": 16, "DOP853": 12, "Rodas5P": 8},
    4: {"RK23": 32, "RK45": 32, "DOP853": 24, "Rodas5P": 12},
}


@dataclass
class CudaPlan:
    """An ensemble's functions, their programs, and the text that is compiled for each device.

    fun       the user's
    fmad      are products and sums rounded once?
    """

    fun: Any
    options: Any
    devices: list[Device]
    programs: Programs
    parameters: Parameters
    layout: source.Layout
    text: str
    fmad: bool
    chunk = CHUNK

    def reducer(self, what):
        return DeviceReducer(what, self.devices[0].xp)

    def solve(self, batch, threads, tell, device=None) -> tuple[Outcome, dict]:
        """(the outcome of a batch, in the memory of a device, statistics)."""
        started = time.perf_counter()
        with device or self.devices[0] as used:
            compiled = used.kernels(self.text, self.fmad)
            solver = Solver(used, compiled, self.layout, self.parameters, batch, self.options)
            solver.run(tell)
            outcome = room.outcome(solver.results)
            redone = alone.redo(self.fun, batch, self.options, outcome, used.xp)
        return outcome, {
            "tier": "cuda",
            "devices": [each.number for each in self.devices],
            "seconds": time.perf_counter() - started,
            "redone": redone,
        }

    def empty(self, batch) -> Outcome:
        """Room for the outcome of all pieces, in the memory of the first device."""
        with self.devices[0] as first:
            return room.outcome(room.empty(first.xp, self.layout, batch.size, self.options))

    def put(self, whole, first, outcome):
        """The outcome of a piece, from wherever it is, into that of all."""
        with self.devices[0] as used:
            here = {name: used.xp.asarray(a) for name, a in outcome.arrays().items()}
            whole.put(first, Outcome(**here))


def plan_of(fun, batch, options, devices, dtype, fmad) -> CudaPlan:
    """The way to solve the ensemble. Raises ValueError, NotCompiledError."""
    dtype = _checked(batch, options, dtype)
    options = _reachable(options, dtype)
    try:
        if switch.mode_of_solve() == "0":
            raise Refused("switched-off")
        stiff = options.method == "Rodas5P"
        programs, parameters = programs_of(fun, options.events, batch, stiff)
        layout = source.layout_of(programs, parameters, batch, options, dtype)
        text = source.text_of(programs, layout, options.method)
        plan = CudaPlan(fun, options, devices, programs, parameters, layout, text, fmad)
        agreed = agrees(plan, batch)
    except Refused as refused:
        raise NotCompiledError(_told(fun, refused)) from None
    if not agreed:
        raise NotCompiledError(
            f"the compiled form of {_name(fun)} disagreed with the Python function, and a GPU cannot call that. Please "
            f"report this, unless the function depends on more than its arguments. {ON_CPU}"
        )
    return plan


def _checked(batch, options, dtype) -> np.dtype:
    """The type of states. Raises ValueError for what a GPU is not for."""
    if options.method in ("Radau", "BDF", "LSODA"):
        raise ValueError(
            f"`method` {options.method!r} is not for GPUs, whose threads would wait for each other: use 'Rodas5P' for "
            "stiff problems, or device='cpu'."
        )
    if np.dtype(dtype).name not in DTYPES:
        raise ValueError(f"`dtype` must be one of {', '.join(DTYPES)}, not {dtype!r}.")
    if batch.y0.dtype.kind == "c":
        raise ValueError(f"Complex states are not solved on GPUs; {ON_CPU}")
    dtype = np.dtype(dtype)
    most = MOST[dtype.itemsize][options.method]
    if batch.n > most:
        raise ValueError(
            f"{options.method} on a GPU is for at most {most} components of {dtype.name}, which is what a thread has "
            f"registers for, not {batch.n}; {ON_CPU}"
        )
    return dtype


def _reachable(options, dtype):
    """With a relative tolerance that states of this type can meet; SciPy's limit for double precision, and warning."""
    least = 100 * float(np.finfo(dtype).eps)
    if np.all(options.rtol >= least):
        return options
    warnings.warn(
        f"At least one element of `rtol` is too small for {dtype.name}. Setting `rtol = np.maximum(rtol, {least})`.",
        stacklevel=4,
    )
    return replace(options, rtol=np.maximum(options.rtol, least))


def _told(fun, refused):
    place = "" if refused.where is None else " ({}, line {}, in {})".format(*refused.where)
    hint = advice(refused.reason.code, refused.detail).hint
    return (
        f"device='cuda', and {_name(fun)} is not compiled. {kernels.reason_text(refused)}{place}. {hint} "
        "device='cpu' can call it as Python."
    )


def _name(fun):
    return repr(getattr(fun, "__qualname__", None) or type(fun).__name__)
