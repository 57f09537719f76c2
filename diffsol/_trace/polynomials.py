"""Objects of `numpy.polynomial` (a module that is loaded by those who use it)."""

from __future__ import annotations

import numpy as np

from diffsol._trace import attributes, calls
from diffsol._trace.arithmetic import apply
from diffsol._trace.iterators import derive_by_method
from diffsol._trace.numpy_map.registry import array_of
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Traced
from diffsol._trace.values import as_node, wrap


def _call_polynomial(machine, outside, x):
    """numpy/polynomial: Horner's scheme from the last coefficient on, in a window that is the domain."""
    trace, value = machine.trace, outside.value
    for name in ("domain", "window"):
        held = getattr(value, name)
        if list(held) != [-1, 1]:
            raise Refused("numpy-call", "a Polynomial with a domain of its own")
        trace.reads.require(f"list({outside.var}.{name}) == [-1, 1]")
    c = array_of(trace, attributes.child(trace, outside, "coef", value.coef))
    if isinstance(x, list | tuple):
        x = array_of(trace, x)
    total = apply(trace, "add", c[c.size - 1], apply(trace, "multiply", x, 0))
    for k in range(2, c.size + 1):
        total = apply(trace, "add", c[c.size - k], apply(trace, "multiply", total, x))
    return total if isinstance(total, Traced) else wrap(trace, as_node(trace, total))


calls.OBJECTS[np.polynomial.Polynomial] = _call_polynomial
derive_by_method(np.polynomial.Polynomial)
