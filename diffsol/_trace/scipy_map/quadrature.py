"""Rules of scipy.integrate on samples, and block_diag."""

from __future__ import annotations

import numpy as np

from diffsol._graph.ops import COMPLEX
from diffsol._trace.arithmetic import apply
from diffsol._trace.guards import Outside
from diffsol._trace.numpy_map import HANDLERS
from diffsol._trace.numpy_map.numerics import trapezoid
from diffsol._trace.numpy_map.registry import array_of, plain
from diffsol._trace.reasons import Refused
from diffsol._trace.scipy_map.registry import FUNCTIONS, handles
from diffsol._trace.values import Array


def _local(machine, value):
    return machine.trace.local_copy(value) if isinstance(value, Outside) else value


@handles(FUNCTIONS, "scipy.integrate.trapezoid", "scipy.integrate.trapz")
def _trapezoid(machine, y, x=None, dx=1.0, axis=-1):
    return trapezoid(machine.trace, _local(machine, y), _local(machine, x), dx, axis)


def _vector(machine, y, axis, name):
    y = array_of(machine.trace, _local(machine, y))
    if y.ndim != 1 or plain(axis) not in (0, -1):
        raise Refused("unknown-call", f"{name} of other than a vector")
    return y


def _distances(machine, y, x, dx):
    if x is None:
        return dx
    x = array_of(machine.trace, _local(machine, x))
    if x.shape != y.shape:
        raise ValueError("If given, length of `x` must be the same as `y`.")
    return HANDLERS[np.diff](machine.trace, x)


@handles(FUNCTIONS, "scipy.integrate.cumulative_trapezoid", "scipy.integrate.cumtrapz")
def _cumulative_trapezoid(machine, y, x=None, dx=1.0, axis=-1, initial=None):
    trace, y = machine.trace, _vector(machine, y, axis, "cumulative_trapezoid")
    distances = _distances(machine, y, x, dx)
    parts = apply(trace, "multiply", distances, y[1:] + y[:-1]) / 2.0
    total = HANDLERS[np.cumsum](trace, parts)
    if initial is None:
        return total
    if plain(initial) != 0:
        raise Refused("unknown-call", "cumulative_trapezoid with `initial` other than 0")
    return HANDLERS[np.concatenate](trace, [[0.0], total])


@handles(FUNCTIONS, "scipy.integrate.simpson", "scipy.integrate.simps")
def _simpson(machine, y, x=None, *, dx=1.0, axis=-1):
    """scipy/integrate/_quadrature.py, _basic_simpson: pairs of intervals."""
    trace, y = machine.trace, _vector(machine, y, axis, "simpson")
    if y.size % 2 == 0 or y.size < 3 or y.dtype == COMPLEX:
        raise Refused("unknown-call", "simpson of an even number of samples")
    first, middle, last = y[:-2:2], y[1:-1:2], y[2::2]
    if x is None:
        total = HANDLERS[np.sum](trace, first + 4.0 * middle + last)
        return apply(trace, "divide", apply(trace, "multiply", total, dx), 3.0)
    h = _distances(machine, y, x, dx)
    h0, h1 = h[::2], h[1::2]
    both, ratio = h0 + h1, h0 / h1
    terms = first * (2.0 - 1.0 / ratio) + middle * (both * (both / (h0 * h1)))
    return HANDLERS[np.sum](trace, both / 6.0 * (terms + last * (2.0 - ratio)))


@handles(FUNCTIONS, "scipy.linalg.block_diag")
def _block_diag(machine, *blocks):
    trace = machine.trace
    blocks = [
        HANDLERS[np.atleast_2d](trace, array_of(trace, _local(machine, block))) for block in blocks
    ]
    if not blocks or any(block.ndim != 2 or not block.size for block in blocks):
        raise Refused("unknown-call", "block_diag of none or of empty blocks")
    dtype = np.result_type(*(block.dtype for block in blocks))
    shape = [sum(block.shape[k] for block in blocks) for k in (0, 1)]
    made = Array.of(trace, trace.graph.const(np.zeros(shape, dtype)))
    row = column = 0
    for block in blocks:
        height, width = block.shape
        made[row : row + height, column : column + width] = block
        row, column = row + height, column + width
    return made
