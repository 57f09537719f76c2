"""The arrays of an ensemble in a device's memory: results, which are also the state, and the rest of the state."""

from __future__ import annotations

from diffsol._ensemble.outcome import Outcome


def empty(xp, layout, size, options) -> dict:
    """Results by the names of arguments.h, component by component, as threads side by side write them."""
    real, n, events, room = layout.dtype, layout.n, layout.events, options.event_room
    nan = float("nan")
    return {
        "t": xp.full(size, nan),
        "y": xp.full((n, size), nan, real),
        "status": xp.zeros(size, "i4"),
        "nfev": xp.zeros(size, "i8"),
        "n_steps": xp.zeros(size, "i8"),
        "n_rejected": xp.zeros(size, "i8"),
        "n_saved": xp.zeros(size, "i8"),
        "ys": xp.full((options.n_eval, n, size), nan, real),
        "event_count": xp.zeros((events, size), "i8"),
        "event_t": xp.full((events, room, size), nan),
        "event_y": xp.full((events, room, n, size), nan, real),
    }


def state(xp, layout, size) -> dict:
    """What trajectories have between two launches besides."""
    real = layout.dtype
    return {
        "h_abs": xp.empty(size, real),
        "f": xp.empty((layout.n, size), real),
        "g": xp.empty((layout.events, size), real),
        "rejected": xp.empty(size, "i4"),
    }


def outcome(results) -> Outcome:
    """The same arrays in the order of axes that `Outcome` has: trajectories first."""
    first = {
        name: values.transpose(_trajectories_first(values.ndim)) for name, values in results.items()
    }
    return Outcome(**first)


def _trajectories_first(ndim):
    return (ndim - 1, *range(ndim - 1))
