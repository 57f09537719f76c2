"""Events of a solve with sensitivities: when they happen, as a function of the variables."""

from __future__ import annotations

import numpy as np

from diffsol._sens.differences import directional, in_time
from diffsol._sens.system import TracedFunction, doubles
from diffsol._trace.reasons import Refused
from diffsol.errors import GrazingError

# Where dg/dt is smaller than this, compared with |g_y| |f| + |g_t| or with the slope that g has nearby, the
# solution touches the event's surface rather than crosses it.
GRAZING = 1e-6
NEARBY = 1e-4  # of the interval
FLAT = 1e-3


class Crossing:
    """One event function g(t, y, p).

    function    as it was traced, or None
    kernel      of (t, y), or None
    """

    def __init__(self, fun, variables):
        self.fun, self._variables = fun, variables
        self.function: TracedFunction | None = None
        self.kernel = None
        try:
            self.function = TracedFunction(fun, variables, ())
            self.kernel = self.function.own()
        except Refused:
            self.function = None

    def gradients(self, t, y, values, columns, scale, span):
        """(dg/dv_j + dg/dy S_j for all columns, dg/dy, dg/dt) before the event."""
        exact = self._by_kernels(t, y, values)
        if exact is None:
            return self._by_differences(t, y, values, columns, scale, span)
        row, g_t = exact
        n = y.size
        along = columns @ row[:n]
        for j, place in enumerate(self._variables.columns):
            if place >= 0:
                along[j] += row[n + place]
        return along, row[:n], g_t

    def _by_kernels(self, t, y, values):
        """(dg/d[y, p], dg/dt), or None where there are no kernels or they ask for Python."""
        function = self.function
        if function is None:
            return None
        try:
            by_state, by_time = function.gradient(), function.slope()
        except Refused:
            return None
        x = np.concatenate([[-1.0], y, values])
        row, g_t = np.empty(x.size - 1), np.zeros(1)
        asked = by_state(t, *map(doubles, (x, row, function.block)))
        if by_time is not None:
            asked = asked or by_time(t, *map(doubles, (x[1:], g_t, function.block)))
        return None if asked else (row, float(g_t[0]))

    def value(self, t, y, values) -> float:
        """g, by Python."""
        return float(self.fun(t, y.copy(), *self._variables.args(values)))

    def slope_nearby(self, t, y, f, values, distance) -> float:
        """The larger of |g| / distance a little before and a little after the event."""
        sides = [self.value(t + d, y + d * f, values) for d in (-distance, distance)]
        return float(np.max(np.abs(sides))) / distance

    def _by_differences(self, t, y, values, columns, scale, span):
        value = self.value
        none, here = np.zeros(values.size), value(t, y, values)
        along = np.empty(len(columns))
        for j, place in enumerate(self._variables.columns):
            moved = none.copy()
            if place >= 0:
                moved[place] = 1.0
            along[j] = directional(value, here, t, y, values, columns[j], moved, scale)
        g_y = [directional(value, here, t, y, values, unit, none, scale) for unit in np.eye(y.size)]
        return along, np.array(g_y), float(in_time(value, t, y, values, span))


def moved_by(crossing, label, t, y, f, values, columns, scale, span):
    """(d tau / dv, d y(tau) / dv) of an event that happened at tau = t. Raises GrazingError.

    d tau / dv_j = -(g_y S_j + g_vj) / (g_y f + g_t), all of it just before the event; y moves with
    S_j + f d tau / dv_j.
    """
    along, g_y, g_t = crossing.gradients(t, y, values, columns, scale, span)
    rate = float(g_y @ f) + g_t
    least = GRAZING * (np.abs(g_y) @ np.abs(f) + abs(g_t))
    nearby = crossing.slope_nearby(t, y, f, values, NEARBY * max(span, abs(t)))
    if not abs(rate) > max(least, FLAT * nearby):
        raise GrazingError(
            f"At t={t!r} the solution touches {label} without crossing it (dg/dt = {rate:.3g}): when it happens is "
            "no differentiable function of the variables."
        )
    times = -along / rate
    return times, columns + np.multiply.outer(times, f)
