"""An ensemble straight on the C core, with kernels in C."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cffi
import numpy as np

from diffsol._methods.registry import METHODS, ROSENBROCK
from diffsol._native import _core
from diffsol._native.build import declarations

from .kernels import NATIVE, Kernels, build


@dataclass
class Core:
    """The functions of ens.h, from the extension or from a library of its own."""

    ffi: Any
    lib: Any
    widths: tuple[int, ...]


def installed() -> Core:
    widths = tuple(w for w in (1, 2, 4, 8) if w <= _core.lib.ds_ens_lanes())
    return Core(_core.ffi, _core.lib, widths)


def portable(folder: Path) -> Core:
    """Every number of lanes, compiled without ens_isa.h: vectors in pieces, on any processor."""
    (folder / "cpu.c").write_text("int ds_cpu_lanes(void) { return 8; }\n")
    names = [*sorted(NATIVE.glob("ens*.c")), NATIVE / "root.c", folder / "cpu.c"]
    path = build(folder, "portable", "-O1", "-DDS_ENS_ISA_H", *map(str, names))
    ffi = cffi.FFI()
    ffi.cdef(declarations())
    return Core(ffi, ffi.dlopen(str(path)), (1, 2, 4, 8))


@dataclass
class Ensemble:
    """y0 (N, n); q (N, m); the rest as in ens.h. `run` returns the outputs by name."""

    kernels: Kernels
    y0: Any
    q: Any = None
    t0: Any = 0.0
    t_bound: Any = 1.0
    method: str = "RK45"
    fun: str = "fun"
    jac: str | None = None
    dfdt: str | None = None
    p: Any = ()
    rtol: Any = 1e-3
    atol: Any = 1e-6
    max_step: float = np.inf
    first_step: float = 0.0
    max_steps: int = 0
    t_eval: Any = ()
    events: str | None = None
    direction: Any = ()
    event_max: Any = ()
    room: int = 4
    keep: list = field(default_factory=list)

    def run(self, core, lanes, order=None, pieces=1, seconds=60.0, threads=1, counts=None):
        """Solve in `pieces` ranges, one after the other or in threads; `order` shuffles."""
        self.keep = []
        order = np.arange(len(self.y0)) if order is None else np.asarray(order)
        ens, outputs = self._describe(core, lanes, order)
        ends = np.linspace(0, len(order), pieces + 1).astype(int)
        ranges = zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
        with ThreadPoolExecutor(threads) as pool:
            jobs = [pool.submit(drive, core, ens, *pair, seconds, counts) for pair in ranges]
            for job in jobs:
                job.result()
        result = {}
        for name, array in outputs.items():
            result[name] = np.empty_like(array)
            result[name][order] = array
        return result

    def _describe(self, core, lanes, order):
        ens = core.ffi.new("ds_ens *")
        self.keep.append(ens)
        n, n_events = np.shape(self.y0)[1], len(self.direction)
        ens.method, ens.lanes = (METHODS | ROSENBROCK)[self.method].id, lanes
        ens.n, ens.n_events, ens.event_room = n, n_events, self.room
        ens.m = 0 if self.q is None else np.shape(self.q)[1]
        for name in ("max_step", "first_step", "max_steps"):
            setattr(ens, name, getattr(self, name))
        for name, stride in (("y0", n), ("q", ens.m), ("t0", 1), ("t_bound", 1)):
            value = getattr(self, name)
            array = np.asarray(0.0 if value is None else value, float)
            each = array.ndim > 0 and len(array) == len(order)
            setattr(ens, name, self._borrow(core, array[order] if each else array))
            setattr(ens, name + "_stride", stride if each else 0)
        for name in ("rtol", "atol"):
            setattr(ens, name, self._borrow(core, getattr(self, name)))
            setattr(ens, name + "_stride", int(np.ndim(getattr(self, name)) > 0))
        for name in ("t_eval", "direction", "event_max"):
            target = "event_direction" if name == "direction" else name
            setattr(ens, target, self._borrow(core, getattr(self, name)))
        ens.n_eval = len(self.t_eval)
        for name in ("fun", "jac", "dfdt", "events"):
            if getattr(self, name):
                self._function(core, getattr(ens, name), getattr(self, name), lanes)
        return ens, self._outputs(core, ens, len(order))

    def _function(self, core, function, name, lanes):
        address = self.kernels.address(name, lanes)
        function.kernel = core.ffi.cast("ds_ens_kernel", address)
        function.params = self._borrow(core, self.p)

    def _borrow(self, core, value):
        array = np.ascontiguousarray(value, float)
        self.keep.append(array)
        return core.ffi.from_buffer("double[]", array, require_writable=False)

    def _outputs(self, core, ens, count):
        n, n_eval, n_events, room = ens.n, ens.n_eval, ens.n_events, ens.event_room
        integers = dict.fromkeys(("nfev", "n_steps", "n_rejected", "n_saved"), ((count,), np.int64))
        shapes = {
            "t": ((count,), float),
            "y": ((count, n), float),
            "status": ((count,), np.int32),
            **integers,
            "ys": ((count, n_eval, n), float),
            "event_count": ((count, n_events), np.int64),
            "event_t": ((count, n_events, room), float),
            "event_y": ((count, n_events, room, n), float),
        }
        types = {np.dtype(float): "double[]", np.dtype(np.int64): "int64_t[]"}
        outputs = {}
        for name, (shape, dtype) in shapes.items():
            outputs[name] = array = np.full(shape, -99, dtype)
            kind = types.get(array.dtype, "int32_t[]")
            setattr(ens, name, core.ffi.from_buffer(kind, array.reshape(-1)))
        self.keep.append(outputs)
        return outputs


def drive(core, ens, first, last, seconds, counts=None):
    """One worker, to its end. `counts` receives its calls, trial steps and busy lanes."""
    worker = core.ffi.gc(core.lib.ds_ens_new(ens, first, last), core.lib.ds_ens_free)
    assert worker != core.ffi.NULL
    calls = 1
    while core.lib.ds_ens_run(worker, seconds) == core.lib.DS_RUNNING:
        calls += 1
    assert worker.n_done == last - first
    if counts is not None:
        counts += [(calls, worker.n_attempts, worker.n_busy)]
