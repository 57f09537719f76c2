"""The functions of scipy.special, by the pointers that `scipy.special.cython_special` publishes."""

from __future__ import annotations

from diffsol._native.lapack import address_of


def address(symbol) -> int:
    """The address of `double f(double, ..., int)`, by Cython's name; the int is Cython's too, and 0."""
    from scipy.special import cython_special

    return address_of(cython_special.__pyx_capi__[symbol])
