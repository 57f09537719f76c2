"""The interpolants of a solve, kept in arrays and evaluated by the C core."""

from __future__ import annotations

import numpy as np

from diffsol._methods.registry import METHODS
from diffsol._native._core import ffi, lib


class Segments:
    """One interpolant per accepted step.

    t_old, t    (m,) ends of the steps
    y_old       (m, n) states at t_old
    q           coefficients as the method defines them, one segment after the other, in doubles
    at          (m + 1,) where in q each segment begins, and where the last one ends
    Iteration yields (t_old, t, ...) as SciPy's interpolant class of the method takes them.
    """

    def __init__(self, method, t_old, t, y_old, q, at):
        self.method = method
        self.t_old, self.t, self.y_old, self.q, self.at = t_old, t, y_old, q, at

    def evaluate(self, t, index):
        """States (n, nt) at the times t (nt,), each from the segment with that index."""
        t = np.ascontiguousarray(t, dtype=float)
        index = np.ascontiguousarray(index, dtype=np.int64)
        is_complex = self.y_old.dtype.kind == "c"
        n = self.y_old.shape[1]
        out = np.empty((n, t.size), dtype=self.y_old.dtype)
        lib.ds_dense_eval(
            METHODS[self.method].id,
            n,
            is_complex,
            _doubles(self.t_old),
            _doubles(self.t),
            _doubles(self.y_old),
            _doubles(self.q),
            ffi.from_buffer("int64_t[]", self.at),
            t.size,
            _doubles(t),
            ffi.from_buffer("int64_t[]", index),
            _doubles(out),
        )
        return out

    def __iter__(self):
        arguments = arguments_of(METHODS[self.method])
        ends = zip(self.at[:-1], self.at[1:], strict=True)
        for t_old, t, y_old, (low, high) in zip(self.t_old, self.t, self.y_old, ends, strict=True):
            yield t_old, t, *arguments(y_old, self.q[low:high])

    def __len__(self):
        return len(self.t)


def _doubles(array):
    return ffi.from_buffer("double[]", array)


def arguments_of(traits):
    """From (y_old, q) of a segment to what the method's interpolant takes after t_old and t."""
    if traits.interpolant == "BdfDenseOutput":
        return _backward_differences
    if traits.interpolant == "LsodaDenseOutput":
        return _history
    if traits.interpolant == "RadauDenseOutput":
        return lambda y_old, q: (y_old, q.reshape(y_old.size, 3))
    shape = (-1, traits.n_dense) if traits.dense_by_component else (traits.n_dense, -1)
    return lambda y_old, q: (y_old, q.view(y_old.dtype).reshape(shape))


def _history(y_old, q):
    """h, order and the Nordsieck array (inst_lsoda.c: order, t, h, then its rows)."""
    order = int(q[0])
    return q[2], order, q[3:].reshape(order + 1, y_old.size).T


def _backward_differences(y_old, q):
    """h, order and D^0 ... D^order (step_bdf.h: order, t, h, then those)."""
    order = int(q[0])
    return q[2], order, q[3:].view(y_old.dtype).reshape(order + 1, y_old.size)
