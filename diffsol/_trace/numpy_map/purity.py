"""Functions that may be called at once when nothing traced is among their arguments."""

from __future__ import annotations

import functools

import numpy as np

IMPURE_NUMPY = {
    "copyto",
    "put",
    "place",
    "putmask",
    "fill_diagonal",
    "save",
    "savez",
    "savez_compressed",
    "savetxt",
    "load",
    "loadtxt",
    "genfromtxt",
    "fromfile",
    "memmap",
    "seterr",
    "seterrcall",
    "setbufsize",
    "set_printoptions",
    "show_config",
    "put_along_axis",
    "info",
    "test",
    "fromregex",
    "empty",
    "empty_like",
    "frompyfunc",
    "vectorize",
    "apply_along_axis",
    "apply_over_axes",
    "piecewise",
    "fromfunction",
    "fromiter",
}
PURE_BUILTINS = {
    abs,
    all,
    any,
    bool,
    bytes,
    chr,
    complex,
    dict,
    divmod,
    enumerate,
    float,
    frozenset,
    int,
    len,
    list,
    max,
    min,
    ord,
    pow,
    range,
    reversed,
    round,
    set,
    slice,
    sorted,
    str,
    sum,
    tuple,
    zip,
    iter,
    next,
    repr,
    callable,
    isinstance,
    issubclass,
    type,
    hash,
    format,
    object,
}


@functools.cache
def is_pure(function) -> bool:
    """May this function be called now, once, when nothing traced is among its arguments?"""
    if function in PURE_BUILTINS:
        return True
    module = getattr(function, "__module__", None)
    name = getattr(function, "__name__", "")
    if isinstance(function, np.ufunc):
        return True
    if module in ("math", "cmath", "_operator", "operator"):
        return name not in ("setitem", "delitem") and not name.startswith("i")
    if isinstance(function, type):
        return issubclass(function, (np.number, np.bool_, np.dtype))
    return module in ("numpy", "numpy.linalg", "numpy.fft") and name not in IMPURE_NUMPY
