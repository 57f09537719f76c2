"""The interpolants of a solve, kept in arrays and evaluated by the C core."""

from __future__ import annotations

import numpy as np

from diffsol._methods.registry import METHODS
from diffsol._native._core import ffi, lib


class Segments:
    """One interpolant per accepted step.

    t_old, t    (m,) ends of the steps
    y_old       (m, n) states at t_old
    q           (m, k) coefficients as the method's table defines them; k counts doubles
    Iteration yields (t_old, t, y_old, Q) as SciPy's interpolant classes take them: Q of shape
    (n, n_dense), or F of shape (n_dense, n) for DOP853.
    """

    def __init__(self, method, t_old, t, y_old, q):
        self.method = method
        self.t_old, self.t, self.y_old, self.q = t_old, t, y_old, q

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
            t.size,
            _doubles(t),
            ffi.from_buffer("int64_t[]", index),
            _doubles(out),
        )
        return out

    def __iter__(self):
        traits = METHODS[self.method]
        n = self.y_old.shape[1]
        shape = (n, traits.n_dense) if traits.dense_by_component else (traits.n_dense, n)
        for t_old, t, y_old, q in zip(self.t_old, self.t, self.y_old, self.q, strict=True):
            yield t_old, t, y_old, q.view(self.y_old.dtype).reshape(shape)

    def __len__(self):
        return len(self.t)


def _doubles(array):
    return ffi.from_buffer("double[]", array)
