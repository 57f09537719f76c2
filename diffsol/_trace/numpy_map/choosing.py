"""where and clip."""

from __future__ import annotations

import numpy as np

from diffsol._trace.arithmetic import apply
from diffsol._trace.numpy_map.registry import handles, plain_scalar, store
from diffsol._trace.reasons import Refused
from diffsol._trace.values import Array, keep_c_order


@handles(np.where)
def _where(trace, condition, *choices):
    if len(choices) != 2:
        raise Refused("dynamic-index", "np.where with a condition only")
    made = apply(trace, "select", condition, *choices)
    return Array.of(
        trace, made.node, c_order=keep_c_order([made])
    )  # of scalars too: an array of no dimensions


@handles(np.clip)
def _clip(trace, a, a_min=None, a_max=None, out=None, *, min=None, max=None):
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is not None:
        a = apply(trace, "maximum", a, low)
    if high is not None:
        a = apply(trace, "minimum", a, high)
    if out is None:
        return plain_scalar(a)
    return store(out, a)
