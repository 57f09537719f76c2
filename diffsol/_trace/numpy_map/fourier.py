"""Fourier transforms of short vectors: products with the matrix of the transform.

Its entries are NumPy's own transforms of the unit vectors, so results agree to rounding. For longer ones
NumPy's fast algorithm wins.
"""

from __future__ import annotations

import functools

import numpy as np

from diffsol._graph.ops import COMPLEX
from diffsol._trace.numpy_map.registry import array_of, handles, plain
from diffsol._trace.reasons import Refused
from diffsol._trace.values import Array

LONGEST = 64


@functools.cache
def _matrices(function, width, length):
    """The transform of real and of imaginary unit vectors, as columns."""
    unit = np.eye(width)
    more = {} if length is None else {"n": length}
    real = function(unit, axis=0, **more)
    imaginary = None if function is np.fft.rfft else function(1j * unit, axis=0, **more)
    return real, imaginary


def _vector(trace, a, n, axis, norm, name, same):
    a, n = array_of(trace, a), plain(n)
    if a.ndim != 1 or plain(axis) not in (0, -1) or norm not in (None, "backward"):
        raise Refused("numpy-call", f"{name} along an axis, or with a norm")
    if same and n not in (None, a.size) or not 0 < max(a.size, n or 0) <= LONGEST:
        raise Refused("numpy-call", f"{name} of other than all of up to {LONGEST} values")
    return a


def _transform(function):
    name = f"np.fft.{function.__name__}"

    def handler(trace, a, n=None, axis=-1, norm=None):
        a = _vector(trace, a, n, axis, norm, name, True)
        graph = trace.graph
        matrix, _ = _matrices(function, a.size, None)
        if a.dtype == COMPLEX:
            if function is np.fft.rfft:
                raise TypeError("ufunc 'rfft_n_even' did not contain a loop for complex values")
            return Array.of(trace, graph.matmul(graph.const(matrix), a.node))
        parts = (np.ascontiguousarray(x) for x in (matrix.real, matrix.imag))
        products = (graph.matmul(graph.const(x), a.node) for x in parts)
        return Array.of(trace, graph.elementwise("make_complex", *products))

    return handler


for _function in (np.fft.fft, np.fft.ifft, np.fft.rfft):
    handles(_function)(_transform(_function))


@handles(np.fft.irfft)
def _irfft(trace, a, n=None, axis=-1, norm=None):
    a = _vector(trace, a, n, axis, norm, "np.fft.irfft", False)
    length = 2 * (a.size - 1) if n is None else plain(n)
    if length // 2 + 1 != a.size:
        raise Refused("numpy-call", "np.fft.irfft that cuts or pads")
    graph, (of_real, of_imaginary) = trace.graph, _matrices(np.fft.irfft, a.size, length)
    result = graph.matmul(graph.const(of_real), graph.elementwise("real", a.node))
    if a.dtype == COMPLEX:
        imaginary = graph.elementwise("imag", a.node)
        more = graph.matmul(graph.const(of_imaginary), imaginary)
        result = graph.elementwise("add", result, more)
    return Array.of(trace, result)
