"""Functions that may be called at once when nothing traced is among their arguments."""

from __future__ import annotations

import functools
import sys

import numpy as np

# functions of NumPy that have no effect and whose results share no memory with their arguments
PURE_NUMPY = frozenset(
    # a list of names reads better as text
    """
    allclose arange argmax argmin argsort argwhere around array_equal average bincount
    blackman convolve corrcoef correlate count_nonzero cov cross cumprod cumsum deg2rad
    degrees diag_indices diff digitize dot eye flatnonzero geomspace hamming hanning
    histogram i0 identity indices inner interp isclose isin ix_ kaiser kron lexsort linspace
    logspace max mean median min nanmax nanmean nanmin nanstd nansum ndim nonzero ones outer
    percentile poly polyadd polyder polydiv polyfit polyint polymul polysub polyval prod ptp
    quantile rad2deg radians ravel_multi_index roots round searchsorted shape sinc size sort
    std sum tensordot trace trapezoid tri tril tril_indices triu triu_indices unique
    unravel_index vander var vdot zeros
    """.split()  # noqa: SIM905
)
PURE_LINALG = frozenset(
    # a list of names reads better as text
    """
    cholesky cond det eig eigh eigvals eigvalsh inv lstsq matrix_power matrix_rank multi_dot
    norm pinv qr slogdet solve svd
    """.split()  # noqa: SIM905
)
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
        return _is_known_ufunc(function)
    if module in ("math", "cmath", "_operator", "operator"):
        return name not in ("setitem", "delitem", "call") and not name.startswith("i")
    if isinstance(function, type):
        return issubclass(function, (np.number, np.bool_, np.dtype))
    if module == "numpy":
        return name in PURE_NUMPY
    return module == "numpy.fft" or (module == "numpy.linalg" and name in PURE_LINALG)


def _is_known_ufunc(function) -> bool:
    """np.frompyfunc makes ufuncs of functions that may do anything."""
    libraries = (np, sys.modules.get("scipy.special"))
    return any(getattr(library, function.__name__, None) is function for library in libraries)
