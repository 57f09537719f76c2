"""One batch on one device: launches of a bounded number of trial steps, between which what is done is left out."""

from __future__ import annotations

import time

import numpy as np

from diffsol._ensemble.cuda import room
from diffsol._ensemble.cuda.arguments import Arguments

# Trial steps in a launch: few, so that what is done can be left out soon, Ctrl-C is heard and no driver loses its
# patience; twice as many after a launch so short that it was mostly waiting (of a GPU with little to do).
ATTEMPTS, MOST_ATTEMPTS = 128, 1 << 14
LEAST_SECONDS = 2e-3
COMPACT_BELOW = 0.6  # of the threads; below, those that have work are gathered
UNDER_WAY = 2  # DS_UNDER_WAY


class Solver:
    """Trajectories in a device's memory, ready to be solved."""

    def __init__(self, device, kernels, layout, parameters, batch, options):
        self._xp, self._kernels, self._size = device.xp, kernels, batch.size
        self.results = room.empty(self._xp, layout, batch.size, options)
        self._arguments = Arguments(layout)
        self._arguments.set(size=batch.size)
        state = room.state(self._xp, layout, batch.size)
        for name, array in (self.results | state).items():
            self._arguments.point(name, array)
        self._give_inputs(batch, layout.dtype)
        self._give_parameters(layout, parameters)
        self._give_options(options)

    def _give_inputs(self, batch, real):
        for name, rows, dtype in (
            ("y0", batch.y0, real),
            ("q", batch.own_rows(), real),
            ("t0", batch.t0[:, None], float),
            ("t_bound", batch.tf[:, None], float),
        ):
            stride = 0 if len(rows) == 1 else rows.shape[1]
            self._arguments.point(name, self._array(rows, dtype))
            self._arguments.set(**{name + "_stride": stride})

    def _give_parameters(self, layout, parameters):
        for name, field, count in (
            ("fun", "params", layout.params),
            ("events", "event_params", layout.event_params),
        ):
            values = parameters.of(name)
            if layout.defines()["DS_" + field.upper()]:
                self._arguments.set(**{"near_" + field: values})
            elif count:
                self._arguments.point(field, self._array(values, layout.dtype))

    def _give_options(self, options):
        most, direction = options.of_events()
        self._arguments.set(
            first_step=options.first_step or 0.0,
            max_step=options.max_step,
            max_steps=options.max_steps or 0,
            n_eval=options.n_eval,
            event_room=options.event_room,
            rtol=options.rtol,
            atol=options.atol,
        )
        if options.events:
            self._arguments.set(event_max=most, event_direction=direction)
        if options.n_eval:
            self._arguments.point("t_eval", self._array(options.t_eval, float))

    def _array(self, values, dtype):
        """On the device, as the kernels read it: what is there and has this form is not copied."""
        return self._xp.ascontiguousarray(self._xp.asarray(values, dtype=dtype))

    def run(self, tell) -> None:
        """Solve all. tell: (number of trajectories done) -> None, between two launches."""
        xp, status = self._xp, self.results["status"]
        self._arguments.point("index", None)
        self._kernels.begin(self._arguments, self._size)
        count, attempts = self._size, ATTEMPTS
        while True:
            under_way = status == UNDER_WAY
            alive = int(xp.count_nonzero(under_way))
            tell(self._size - alive)
            if not alive:
                return
            if alive < COMPACT_BELOW * count:
                index = xp.flatnonzero(under_way).astype(np.int32)
                self._arguments.point("index", index)
                count = alive
            if self._advance(count, attempts) < LEAST_SECONDS:
                attempts = min(2 * attempts, MOST_ATTEMPTS)

    def _advance(self, count, attempts) -> float:
        """Seconds that a launch took."""
        began = time.perf_counter()
        self._arguments.set(attempts=attempts)
        self._kernels.advance(self._arguments, count)
        self._xp.cuda.get_current_stream().synchronize()
        return time.perf_counter() - began
