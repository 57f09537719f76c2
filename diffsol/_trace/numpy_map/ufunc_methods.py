"""Methods of ufuncs: add.reduce, add.accumulate, multiply.outer and their like."""

from __future__ import annotations

import numpy as np

from diffsol._trace.numpy_map.elementwise import call_ufunc
from diffsol._trace.numpy_map.registry import HANDLERS, array_of


def _along_first(function):
    return lambda trace, a, axis=0, **more: HANDLERS[function](trace, a, axis=axis, **more)


def _outer(ufunc):
    def handler(trace, a, b):
        a, b = array_of(trace, a), array_of(trace, b)
        return call_ufunc(trace, ufunc, a.reshape((*a.shape, *(1,) * b.ndim)), b)

    return handler


for _ufunc, _function in (
    (np.add, np.sum),
    (np.multiply, np.prod),
    (np.maximum, np.max),
    (np.minimum, np.min),
    (np.logical_or, np.any),
    (np.logical_and, np.all),
):
    HANDLERS[_ufunc.reduce] = _along_first(_function)
HANDLERS[np.add.accumulate] = _along_first(np.cumsum)
for _ufunc in (np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.power):
    HANDLERS[_ufunc.outer] = _outer(_ufunc)
