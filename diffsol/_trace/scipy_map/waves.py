"""Square and sawtooth waves of scipy.signal."""

from __future__ import annotations

import math

from diffsol._trace.arithmetic import apply
from diffsol._trace.guards import Outside
from diffsol._trace.reasons import Refused
from diffsol._trace.scipy_map.registry import FUNCTIONS, handles, points
from diffsol._trace.values import Array, as_node, wrap


def _phase(machine, t, share, name):
    """(t in its period, the share of the period as a number that the trace relies on)."""
    trace = machine.trace
    t = trace.local_copy(t) if isinstance(t, Outside) else t
    share = float(trace.concrete(wrap(trace, as_node(trace, share))))
    if not 0 <= share <= 1:
        raise Refused("unknown-call", f"{name} that is nowhere defined")
    at = wrap(trace, points(trace, t, name))
    return apply(trace, "remainder", at, 2 * math.pi), share


@handles(FUNCTIONS, "scipy.signal.square")
def _square(machine, t, duty=0.5):
    phase, duty = _phase(machine, t, duty, "signal.square")
    high = apply(machine.trace, "less", phase, duty * 2 * math.pi)
    return _array(machine, apply(machine.trace, "select", high, 1.0, -1.0))


@handles(FUNCTIONS, "scipy.signal.sawtooth")
def _sawtooth(machine, t, width=1):
    phase, width = _phase(machine, t, width, "signal.sawtooth")
    rising = falling = None
    if width > 0:
        rising = phase / (math.pi * width) - 1
    if width < 1:
        falling = (math.pi * (width + 1) - phase) / (math.pi * (1 - width))
    if rising is None or falling is None:
        return _array(machine, falling if rising is None else rising)
    early = apply(machine.trace, "less", phase, width * 2 * math.pi)
    return _array(machine, apply(machine.trace, "select", early, rising, falling))


def _array(machine, value):
    """SciPy gives an array, also of no dimensions."""
    return Array.of(machine.trace, value.node)
