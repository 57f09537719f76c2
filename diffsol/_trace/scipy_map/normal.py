"""The density of scipy.stats.norm, which pulses are made of."""

from __future__ import annotations

import math
import sys

from diffsol._trace.arithmetic import apply
from diffsol._trace.frames import Native
from diffsol._trace.guards import Outside
from diffsol._trace.scalars import Scalar
from diffsol._trace.scipy_map.registry import points
from diffsol._trace.values import as_node, wrap


def method(machine, owner, name):
    """scipy.stats.norm.pdf, or None for anything else."""
    stats = sys.modules.get("scipy.stats")
    if name != "pdf" or stats is None or owner.value is not getattr(stats, "norm", None):
        return None
    machine.trace.reads.pin(owner.var, owner.value)
    return Native(lambda x, loc=0, scale=1: _density(machine, x, loc, scale))


def _density(machine, x, loc, scale):
    """exp(-z**2 / 2) / sqrt(2 pi) / scale, and nan where the scale is none."""
    trace = machine.trace
    x, loc, scale = (trace.local_copy(v) if isinstance(v, Outside) else v for v in (x, loc, scale))
    x = wrap(trace, points(trace, x, "scipy.stats.norm.pdf"))
    scale = wrap(trace, as_node(trace, scale))
    z = apply(trace, "divide", apply(trace, "subtract", x, loc), scale)
    density = apply(trace, "exp", -(z * z) / 2.0) / math.sqrt(2 * math.pi) / scale
    value = apply(trace, "select", apply(trace, "greater", scale, 0), density, math.nan)
    return Scalar(trace, value.node) if isinstance(value, Scalar) else value
