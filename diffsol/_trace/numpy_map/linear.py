"""numpy.linalg.solve, inv, det, eigvalsh and powers of small real matrices."""

from __future__ import annotations

import numpy as np

from diffsol._graph.ops import COMPLEX
from diffsol._trace.arithmetic import apply, matmul
from diffsol._trace.numpy_map.registry import array_of, handles, plain
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar
from diffsol._trace.values import Array, stack

LARGEST = 64  # rows: the factors lie on the stack (32 kB)
LARGEST_DETERMINANT = 3


def _square(trace, a, name):
    a = array_of(trace, a)
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
            raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
        raise Refused("numpy-call", f"{name} of several matrices")
    if a.dtype == COMPLEX or not 0 < a.shape[0] <= LARGEST:
        raise Refused("numpy-call", f"{name} of a complex, empty or large matrix")
    return a


@handles(np.linalg.solve)
def _solve(trace, a, b):
    a, b = _square(trace, a, "np.linalg.solve"), array_of(trace, b)
    if b.ndim not in (1, 2) or b.dtype == COMPLEX or not b.size:
        raise Refused("numpy-call", "np.linalg.solve with complex, no or stacked right-hand sides")
    if b.shape[0] != a.shape[0]:
        raise ValueError("solve: mismatch in its core dimension")
    return Array.of(trace, trace.graph.solve(a.node, b.node))


@handles(np.linalg.inv)
def _inv(trace, a):
    a = _square(trace, a, "np.linalg.inv")
    return Array.of(trace, trace.graph.solve(a.node, trace.graph.const(np.eye(a.shape[0]))))


@handles(np.linalg.matrix_power)
def _matrix_power(trace, a, n):
    """numpy/linalg: squares, multiplied where the exponent has a binary one."""
    a, n = array_of(trace, a), plain(n)
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    if not isinstance(n, int) or n < 1:
        raise Refused("numpy-call", f"np.linalg.matrix_power to the power {n}")
    square, result = a, None
    while n:
        n, bit = divmod(n, 2)
        if bit:
            result = square if result is None else matmul(trace, result, square)
        square = matmul(trace, square, square) if n else None
    return result


@handles(np.linalg.eigvalsh)
def _eigvalsh(trace, a, UPLO="L"):
    """Of two rows: the mean, and half the distance, of the eigenvalues."""
    a = array_of(trace, a)
    if a.shape != (2, 2) or a.dtype == COMPLEX or UPLO not in ("L", "U"):
        raise Refused("numpy-call", "np.linalg.eigvalsh of other than a real matrix of two rows")
    a = a.astype(float)
    middle, half = (a[0, 0] + a[1, 1]) / 2.0, (a[0, 0] - a[1, 1]) / 2.0
    radius = apply(trace, "hypot", half, a[1, 0] if UPLO == "L" else a[0, 1])
    reach = apply(trace, "isfinite", abs(middle) + radius)
    trace.trap_if(apply(trace, "logical_not", reach).node)  # LAPACK may raise
    return Array.of(trace, stack(trace, [middle - radius, middle + radius]))


@handles(np.linalg.det)
def _det(trace, a):
    """By its definition, along the first row."""
    a = _square(trace, a, "np.linalg.det")
    if a.shape[0] > LARGEST_DETERMINANT:
        raise Refused("numpy-call", f"np.linalg.det of more than {LARGEST_DETERMINANT} rows")
    return Scalar(trace, (_determinant(a.astype(float), range(a.shape[0])) * 1.0).node)


def _determinant(a, columns, row=0):
    columns = list(columns)
    if len(columns) == 1:
        return a[row, columns[0]]
    total = None
    for k, column in enumerate(columns):
        term = a[row, column] * _determinant(a, columns[:k] + columns[k + 1 :], row + 1)
        total = term if total is None else total - term if k % 2 else total + term
    return total
