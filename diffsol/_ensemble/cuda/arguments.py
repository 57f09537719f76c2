"""The arguments of a launch, as `_native/cuda/arguments.h` lays them out."""

from __future__ import annotations

import numpy as np

from diffsol._ensemble.cuda.source import near

COUNTS = ("size", "count", "attempts")
INPUTS = ("index", "y0", "q", "params", "event_params", "t0", "t_bound")
STRIDES = ("y0_stride", "q_stride", "t0_stride", "t_bound_stride")
RESULTS = (
    *("t", "y", "status", "nfev", "n_steps", "n_rejected", "n_saved", "event_count"),
    *("ys", "event_t", "event_y"),
)
STATE = ("h_abs", "f", "g", "rejected")


def dtype_of(layout) -> np.dtype:
    """Of the struct."""
    pointers, integers, real = np.uint64, np.int64, layout.dtype
    events = max(layout.events, 1)
    return np.dtype(
        [
            *((name, integers) for name in COUNTS),
            *((name, pointers) for name in INPUTS),
            *((name, integers) for name in STRIDES),
            ("first_step", float),
            ("max_step", float),
            ("max_steps", integers),
            ("t_eval", pointers),
            ("n_eval", integers),
            ("event_room", integers),
            *((name, pointers) for name in (*RESULTS, *STATE)),
            ("event_direction", float, (events,)),
            ("event_max", float, (events,)),
            ("rtol", real, (layout.rtol_count,)),
            ("atol", real, (layout.atol_count,)),
            ("near_params", real, (max(near(layout.params), 1),)),
            ("near_event_params", real, (max(near(layout.event_params), 1),)),
        ],
        align=True,
    )


class Arguments:
    """The struct. Device arrays that it points to are kept as long as it is."""

    def __init__(self, layout):
        self._struct = np.zeros((), dtype_of(layout))
        self._kept: dict = {}

    def set(self, **values):
        for name, value in values.items():
            self._struct[name] = value

    def point(self, name, array):
        """The field points to a device array; None: to nothing."""
        self._kept[name] = array
        self._struct[name] = 0 if array is None else array.data.ptr

    @property
    def by_value(self) -> np.ndarray:
        """As CuPy passes a struct: an array of one."""
        return self._struct
