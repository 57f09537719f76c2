"""Trajectories in lanes: the C core's solver of ensembles, in several threads."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

import numpy as np

from diffsol._cache.programs import content_of, is_lasting
from diffsol._compile.image import LoadedCode
from diffsol._compile.locks import COMPILING
from diffsol._ensemble import kept
from diffsol._ensemble.outcome import Outcome
from diffsol._methods.registry import EXPLICIT, METHODS, ROSENBROCK
from diffsol._native._core import ffi, lib
from diffsol._trace.reasons import Refused

SLICE = 0.02  # seconds between two looks at whether to go on
LEAST_RANGE = 64  # trajectories that a thread takes at a time, at least
RANGES = 16  # for each thread: those that end early leave work for others
MOST_KERNELS = 256

METHOD_IDS = {name: METHODS[name].id for name in METHODS} | {
    name: ROSENBROCK[name].id for name in ROSENBROCK
}
IN_LANES = ("RK23", "RK45", "DOP853", "Rodas5P")
STEPS_EXPECTED = 100  # of a trajectory, where nothing is known
LEAST_SPARED = 0.02  # seconds: less is not worth a thought
SPARED = 1e-8  # seconds of a trial step, by stages that are one kernel


_kernels: OrderedDict = OrderedDict()  # by content of the program, lanes and n


def lanes() -> int:
    """How many trajectories this processor solves at once."""
    return lib.ds_ens_lanes()


def kernel_of(program, n, table=None) -> LoadedCode:
    """The compiled program for this processor's lanes; n elements of its state are a trajectory's state.

    table    ButcherTable of a method whose stages shall be one kernel, with the program in each
    """
    key = content_of(program), lanes(), n, table and table.name
    with COMPILING:
        kernel = _kernels.get(key)
        if kernel is None:
            role = ("lanes", *key) if is_lasting(program) else None
            kernel = _kernels[key] = kept.code(role, lambda: _compiled(program, n, table).code)
            while len(_kernels) > MOST_KERNELS:
                _kernels.popitem(last=False)
        _kernels.move_to_end(key)
    return kernel


def _compiled(program, n, table):
    from diffsol._compile.vector import rows
    from diffsol._compile.vector.emit import compile_lanes
    from diffsol._compile.vector.stages import compile_stages

    try:
        if table is not None:
            return compile_stages(program, table, lanes(), n)
        return compile_lanes(program, lanes(), n)
    except rows.Refused as error:
        raise Refused("no-lanes", str(error)) from None


def _table_in_one(program, size, method):
    """The table of the method if all its stages are to be one kernel: of a small function, and where that spares
    more than it takes to compile."""
    spared = size * STEPS_EXPECTED * SPARED
    if method not in EXPLICIT or spared < LEAST_SPARED:
        return None
    with COMPILING:  # exact coefficients, whose checks take a moment
        from diffsol._compile.vector import stages

        table = METHODS[method].table
    pays = stages.is_worth_while(program, table) and spared > 2 * stages.seconds(program, table)
    return table if pays else None


class Solver:
    """A batch of trajectories, ready to be solved."""

    def __init__(self, programs, parameters, batch, options):
        self.outcome = Outcome.empty(batch.size, batch.n, options)
        self._batch, self._keep = batch, []
        self._ens = ens = ffi.new("ds_ens *")
        ens.method, ens.lanes = METHOD_IDS[options.method], lanes()
        ens.n, ens.m = batch.n, sum(own.size for own in batch.own)
        for name, program in programs.named().items():
            kernel = kernel_of(program, batch.n)
            slot = getattr(ens, name)
            slot.kernel = ffi.cast("ds_ens_kernel", kernel.address)
            slot.params = self._doubles(parameters.of(name))
            self._keep.append(kernel)
        table = _table_in_one(programs.fun, batch.size, options.method)
        if table is not None:
            kernel = kernel_of(programs.fun, batch.n, table)
            ens.stages.kernel = ffi.cast("ds_ens_stages_kernel", kernel.address)
            ens.stages.params = ens.fun.params
            self._keep.append(kernel)
        self._give_inputs(batch)
        self._give_options(options, batch.n)
        for name, array in self.outcome.arrays().items():
            kind = {"f": "double[]", "i": f"int{8 * array.itemsize}_t[]"}[array.dtype.kind]
            setattr(ens, name, self._borrowed(kind, array))

    def _give_inputs(self, batch):
        ens = self._ens
        for name, rows in (
            ("y0", batch.y0),
            ("q", batch.own_rows()),
            ("t0", batch.t0[:, None]),
            ("t_bound", batch.tf[:, None]),
        ):
            setattr(ens, name, self._doubles(rows))
            setattr(ens, name + "_stride", 0 if len(rows) == 1 else rows.shape[1])

    def _give_options(self, options, n):
        ens = self._ens
        for name in ("rtol", "atol"):
            value = np.atleast_1d(np.asarray(getattr(options, name), float))
            setattr(ens, name, self._doubles(value))
            setattr(ens, name + "_stride", int(value.size > 1))
        ens.max_step, ens.first_step = options.max_step, options.first_step or 0.0
        ens.max_steps = options.max_steps or 0
        if options.n_eval:
            ens.t_eval, ens.n_eval = self._doubles(options.t_eval), options.n_eval
        ens.n_events, ens.event_room = len(options.events), options.event_room
        most, direction = options.of_events()
        ens.event_max, ens.event_direction = self._doubles(most), self._doubles(direction)

    def _doubles(self, values):
        return self._borrowed("double[]", np.ascontiguousarray(values, dtype=float))

    def _borrowed(self, kind, array):
        held = ffi.from_buffer(kind, array)
        self._keep += [array, held]
        return held

    def _save_starts(self):
        """Where there is no time to pass there is no step in which an output time could be met."""
        still = np.broadcast_to(self._batch.t0 == self._batch.tf, len(self.outcome))
        if self._ens.n_eval and still.any():
            self.outcome.ys[still] = np.broadcast_to(self._batch.y0, self.outcome.y.shape)[
                still, None
            ]
            self.outcome.n_saved[still] = self._ens.n_eval

    def run(self, threads, tell) -> tuple[int, int]:
        """Solve all; (trial steps of all lanes together, busy lanes in them).

        tell    (number of trajectories done) -> None, some times a second in the calling thread
        """
        count = len(self.outcome)
        ranges = _ranges(count, threads)
        work = _Work(self, ranges)
        helpers = [
            threading.Thread(target=work.go, daemon=True)
            for _ in range(min(threads, len(ranges)) - 1)
        ]
        try:
            for helper in helpers:
                helper.start()
            work.go(lambda: tell(work.n_done))
            for helper in helpers:
                while helper.is_alive():
                    helper.join(SLICE)
                    tell(work.n_done)
        finally:
            work.stopped = True
            wait_for(helpers)
        if work.error is not None:
            raise work.error
        self._save_starts()
        return work.n_attempts, work.n_busy


def wait_for(threads):
    """Until all have ended, whatever Ctrl-C says meanwhile: they write to what the caller owns. Each has been told
    to end."""
    try:
        for thread in threads:
            if thread.ident is not None:  # it was started
                thread.join()
    except KeyboardInterrupt:
        wait_for(threads)
        raise


def _ranges(count, threads):
    """Disjoint ranges of trajectories, some for each thread."""
    size = max(LEAST_RANGE, -(-count // (RANGES * threads))) if threads > 1 else count
    return [(first, min(first + size, count)) for first in range(0, count, size)]


class _Work:
    """Ranges that several threads take one after the other. It holds on to all that they use."""

    def __init__(self, solver, ranges):
        self._solver, self._ens, self._ranges = solver, solver._ens, iter(ranges)
        self._lock = threading.Lock()
        self.stopped, self.error = False, None
        self.n_done = self.n_attempts = self.n_busy = 0

    def go(self, look=None):
        """Solve ranges until there are none left. look: called between slices."""
        try:
            while (bounds := self._next()) is not None:
                self._solve(*bounds, look)
        except MemoryError as error:
            self.error, self.stopped = error, True

    def _next(self):
        with self._lock:
            return None if self.stopped else next(self._ranges, None)

    def _solve(self, first, last, look):
        worker = lib.ds_ens_new(self._ens, first, last)
        if worker == ffi.NULL:
            raise MemoryError(f"no memory for {last - first} trajectories")
        try:
            seen, code = 0, lib.DS_RUNNING
            while code == lib.DS_RUNNING and not self.stopped:
                code = lib.ds_ens_run(worker, SLICE)
                with self._lock:
                    self.n_done += worker.n_done - seen
                seen = worker.n_done
                if look is not None:
                    look()
            with self._lock:
                self.n_attempts += worker.n_attempts
                self.n_busy += worker.n_busy
        finally:
            lib.ds_ens_free(worker)


def default_threads() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
