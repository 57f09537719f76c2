"""How the trajectories of an ensemble are to be solved: the options, checked."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsol._dlpack.arguments import read
from diffsol._engine.memory import aligned
from diffsol._ensemble.batch import host
from diffsol._native._core import lib
from diffsol.integrate import _options

TAKE_JAC = ("Radau", "BDF", "LSODA")


@dataclass(frozen=True)
class Options:
    """Options that all trajectories share, with those of `solve_ivp` in its form.

    events       event functions, with the attributes that SciPy knows
    event_room   records that are kept of one event and trajectory
    jac          of the right-hand side, where `solve_ivp` is asked
    """

    method: str
    rtol: Any
    atol: Any
    t_eval: np.ndarray | None
    events: tuple
    max_step: float
    first_step: float | None
    max_steps: int | None
    event_room: int
    jac: Any = None

    @property
    def n_eval(self):
        return 0 if self.t_eval is None else self.t_eval.size

    def of_events(self):
        """(occurrences that end a trajectory, direction) of each event, as doubles."""
        return _options.prepare_events(self.events)[1:]

    @functools.cached_property
    def of_solve_ivp(self) -> dict[str, Any]:
        """Those that the method has in `solve_ivp`, too."""
        own = {"rtol": self.rtol, "atol": self.atol}
        own |= {} if self.max_step == math.inf else {"max_step": self.max_step}
        own |= {} if self.first_step is None else {"first_step": self.first_step}
        return own | ({} if self.jac is None else {"jac": self.jac})


def options_of(
    batch, method, rtol, atol, t_eval, events, max_step, first_step, max_steps, max_events, jac
):
    """Checked as `solve_ivp` checks them, for every trajectory of the batch."""
    if max_step != math.inf:
        max_step = _options.check_max_step(max_step)
    rtol, atol = _options.check_tolerances(rtol, atol, batch.n, stacklevel=3)
    if jac is not None and method not in TAKE_JAC:
        _options.warn_extraneous(["jac"], stacklevel=4)
        jac = None
    if first_step is not None:
        if np.ndim(first_step):
            raise ValueError("`first_step` must be one number, for all trajectories.")
        shortest = float(np.abs(batch.tf - batch.t0).min())
        first_step = _options.check_first_step(first_step, 0.0, shortest)
    if method == "Rodas5P" and batch.n > lib.DS_ENS_STIFF_MAX:
        raise ValueError(
            f"Rodas5P takes at most {lib.DS_ENS_STIFF_MAX} components, not {batch.n}: use 'BDF' or 'Radau'."
        )
    if max_steps is not None and (not float(max_steps).is_integer() or max_steps < 1):
        raise ValueError(f"`max_steps` must be a positive integer, not {max_steps!r}.")
    if not float(max_events).is_integer() or max_events < 0:
        raise ValueError(f"`max_events` must be an integer, 0 or more, not {max_events!r}.")
    events = () if events is None else (events,) if callable(events) else tuple(events)
    if not all(map(callable, events)):
        raise TypeError(
            f"`events` must be a function event(t, y, *args), or several, not {events!r}."
        )
    return Options(
        method,
        rtol,
        atol,
        _times(t_eval, batch),
        events,
        max_step,
        first_step,
        max_steps,
        int(max_events),
        jac,
    )


def _times(t_eval, batch):
    """`t_eval` without nan, within the interval of every trajectory and in its direction."""
    if t_eval is None:
        return None
    t0, tf = host(batch.t0), host(batch.tf)
    forward = bool((tf >= t0).all())
    if not forward and not (tf <= t0).all():
        raise ValueError("With `t_eval`, all trajectories must be integrated in one direction.")
    times = np.asarray(host(read(t_eval)), dtype=float)
    if times.ndim == 1:
        times = times[~np.isnan(times)]  # SciPy passes over them
        _check_within(times, np.minimum(t0, tf), np.maximum(t0, tf))
    widest = (t0.min(), tf.max()) if forward else (t0.max(), tf.min())
    times = _options.check_t_eval(times, *map(float, widest))
    found = aligned(times.shape)  # the result's `t`
    found[:] = times
    return found


def _check_within(times, first, last):
    """Raise the ValueError that `solve_ivp` has for the first trajectory that does not reach all times."""
    if not times.size:
        return
    beyond = np.flatnonzero((times.min() < first) | (times.max() > last))
    if not beyond.size:
        return
    i = int(beyond[0])
    a, b = float(first[i]), float(last[i])
    time = float(times[(times < a) | (times > b)][0])
    whose = f" of trajectory {i}" if len(first) > 1 else ""
    raise ValueError(
        f"Values in `t_eval` are not within `t_span`{whose}: {time} is not between {a} and {b}."
    )
