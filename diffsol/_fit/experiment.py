"""One set of data, and the model's answer to it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffsol._fit.observed import observed
from diffsol._fit.remembered import Remembered
from diffsol._fit.start import start_of
from diffsol._methods.registry import METHODS
from diffsol._sens.forward import Forward
from diffsol._sens.system import System
from diffsol.integrate import _limits, _options


class Experiment:
    """Data, with the model that is to give them.

    variables   Variables of its model
    begin       their values as they were given
    t           times of the data, as they were given
    times       the same in order, each once
    span        (t0, tf)
    data, mask  (k, nt), and where there are numbers
    plain       there are numbers everywhere, and no weights
    weights     what the data's differences are multiplied with
    """

    def __init__(self, fun, variables, y0, t, data, t_span, weights, observe, options):
        self.variables, self.options = variables, options
        self.stopped = False  # by another thread: a solve that is on its way ends
        self.system = System(fun, variables)
        self.is_single = False  # was it seen to compute in single precision?
        self._remembered: tuple = (None, None)
        self._start = start_of(y0, variables)
        first = self._start.values(variables.values)[0]
        self.begin = [variables.values[p] if p >= 0 else first[-1 - p] for p in variables.columns]
        self.t = _times(t)
        self.times, self._inverse = np.unique(self.t, return_inverse=True)
        self.span = _span(t_span, self.times)
        self._observed = observed(observe, variables, self.span[0], first)
        self.data = _data(data, self._observed.count, len(self.t))
        self.mask = ~np.isnan(self.data)
        if not self.mask.any():
            raise ValueError("`data` has no number in it.")
        self.weights = _weights(weights, self.data, self.mask)
        self.plain = weights is None and bool(self.mask.all())
        self._in_order = len(self.times) == len(self.t) and bool((np.diff(self.t) > 0).all())
        self.system.verify(self.span[0], first, variables.values)

    def has_changed(self) -> bool:
        """Does the model read other values from outside than it did? From now on it is solved with these."""
        beside = self._observed.has_changed(), self._start.has_changed()
        return self._equations_have_changed() or any(beside)

    def _equations_have_changed(self) -> bool:
        system = self.system
        if self.is_python:
            return False  # it is called, and sees for itself
        changed = system.look_again()
        if changed is None:
            self.system = System(system.fun, system.variables)
            return True
        return changed

    @property
    def is_python(self) -> bool:
        """Is the model called as Python? Its derivatives cost more evaluations then."""
        return self.system.refused is not None

    def solve(self, values, t=None, slopes=True):
        """(model, its derivatives, did it succeed?): (k, nt), (k, nt, m); what was not reached is nan.

        values   of the model's variables in the order of their names
        t        other times than the data's
        slopes   are derivatives wanted? If not they are there only where they cost nothing.
        """
        times, inverse, span = self.times, self._inverse, self.span
        if t is not None:
            times, inverse = np.unique(_times(t), return_inverse=True)
            span = _span((span[0], max(span[1], times[-1])), times)
        begun = self.started(values)
        if not (np.isfinite(begun[0]).all() and np.isfinite(begun[1]).all()):
            nothing = np.empty((0, self.variables.n * (1 + len(self.variables.columns))))
            return *self._answer(begun[0], times, inverse, nothing), False
        arguments, start, columns = begun
        if self.is_python and not slopes:
            columns = columns[:0]
        run = self._run(arguments, start, columns, span, times)
        ok = run.go() == 0
        self.is_single |= run.is_single
        whole = np.zeros((run.t.size, self.variables.n * (1 + len(self.variables.columns))))
        whole[:, : len(run.whole)] = run.y_whole.T
        return *self._answer(begun[0], times, inverse, whole), ok

    def answered(self, arguments, whole):
        """As of `solve`, from the augmented states at all times, (nt, n + m n), solved elsewhere."""
        return *self._answer(arguments, self.times, self._inverse, whole), True

    def _answer(self, arguments, times, inverse, whole):
        """(model, its derivatives) from augmented states at the first of the times."""
        if self._in_order and inverse is self._inverse and len(whole) == len(times):
            return self._observed.values(times, whole, self.variables.n, arguments)
        k, nt, m = self._observed.count, len(times), len(self.variables.columns)
        model, slopes = np.full((k, nt), math.nan), np.full((k, nt, m), math.nan)
        reached = len(whole)
        model[:, :reached], slopes[:, :reached] = self._observed.values(
            times[:reached], whole, self.variables.n, arguments
        )
        return model[:, inverse], slopes[:, inverse]

    def started(self, values):
        """(the arguments, y0, dy0/dv) of these values of the variables."""
        arguments, places = self.variables.values.copy(), np.array(self.variables.columns)
        arguments[places[places >= 0]] = values[places >= 0]
        start, columns = self._start.values(arguments)
        for j in np.flatnonzero(places < 0):
            component = (
                -1 - places[j]
            )  # a variable itself, whatever a function of the arguments gives
            start[component] = values[j]
            columns[:, component] = 0.0
            columns[j, component] = 1.0
        return arguments, start, columns

    def _run(self, values, start, columns, span, times):
        o = self.options
        run = Forward(
            self.system,
            o.method,
            *span,
            start,
            columns,
            values,
            o.rtol,
            o.atol,
            o.max_step,
            None,
            0.0,
            o.controlled,
            fun=self._called(values, len(columns) > 0) if self.is_python else None,
        )
        run.set_output(times, False)
        run.onlooker = _limits.watch(
            (), max_steps=o.max_steps, deadline=o.deadline, progress=self._look
        )
        return run

    def _called(self, values, slopes):
        """The model at these values of its variables, which a solve with slopes may have been called at just before.

        Nothing is remembered any longer than for that: a model may read other values from outside by then.
        """
        key, (known, model) = values.tobytes(), self._remembered
        if not slopes or key != known:
            model = Remembered(self.system.fun)
        self._remembered = (None, None) if slopes else (key, model)
        return model

    def _look(self, told):
        if self.stopped:
            raise StopIteration


class Options:
    """How the model is solved. Raises ValueError, TypeError."""

    def __init__(self, n, method, rtol, atol, max_step, max_steps, deadline, controlled):
        if method not in METHODS:
            raise ValueError(f"`method` must be one of {', '.join(METHODS)}, not {method!r}.")
        self.method = method
        self.rtol, self.atol = _options.check_tolerances(rtol, atol, n)
        self.max_step = _options.check_max_step(max_step)
        self.max_steps, self.deadline, self.controlled = max_steps, deadline, controlled
        _limits.watch((), max_steps=max_steps, deadline=deadline)


def _times(t) -> np.ndarray:
    t = np.asarray(t, dtype=float)
    if t.ndim != 1 or not t.size or not np.isfinite(t).all():
        raise ValueError(f"`t` must be a one-dimensional array of finite times, not {t!r}.")
    return t


def _span(t_span, times):
    if t_span is None:
        return float(times[0]), float(times[-1])
    if np.shape(t_span) != (2,):
        raise ValueError(f"`t_span` must be a pair (t0, tf), not {t_span!r}.")
    t0, tf = map(float, t_span)
    if not (t0 <= times[0] and times[-1] <= tf):
        raise ValueError(
            f"`t_span={(t0, tf)}` must hold all times of the data, from {times[0]} to {times[-1]}, in this direction."
        )
    return t0, tf


def _data(data: Any, count, nt):
    """The data as (k, nt), nan where there are none."""
    data = np.ma.filled(np.ma.asarray(data).astype(float), math.nan)
    shape = data.shape
    if data.ndim == 1 and count == 1:
        data = data[np.newaxis]
    if data.shape != (count, nt):
        turned = " It is transposed." if data.shape == (nt, count) else ""
        raise ValueError(
            f"`data` must have the shape (k, nt) = {(count, nt)}, a row for each observed quantity and a column for "
            f"each time, as `sol.y` has, not {shape}.{turned}"
        )
    if np.isinf(data).any():
        raise ValueError("`data` has infinite numbers; what was not measured is nan.")
    return data


def _weights(weights, data, mask):
    if weights is None:
        return np.ones(())
    weights = np.asarray(weights, dtype=float)
    if weights.ndim == 1 and weights.shape == data.shape[:1]:
        weights = weights[:, np.newaxis]  # one for each observed quantity
    try:
        used = np.broadcast_to(weights, data.shape)[mask]
    except ValueError:
        raise ValueError(
            f"`weights` must broadcast to the shape of the data, {data.shape}, not be of shape {weights.shape}."
        ) from None
    wrong = used[~(np.isfinite(used) & (used >= 0))]
    if wrong.size:
        raise ValueError(
            f"`weights` (1 / sigma) must be finite and not negative where there are data; one is {wrong[0]}."
        )
    return np.where(np.isfinite(weights), weights, 0.0)
