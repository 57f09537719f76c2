"""Traced scalars, and what they have in common with traced arrays."""

from __future__ import annotations

import numpy as np

from diffsol._graph.ops import COMPLEX, DTYPES
from diffsol._trace.guards import Outside, OutsideInt
from diffsol._trace.reasons import Refused


class Traced:
    """Common to Scalar and Array: arithmetic, comparisons, and the refusal to become a number."""

    __slots__ = ()
    __array_priority__ = 1000
    __array_ufunc__ = None  # NumPy objects leave binary operators to us

    def __bool__(self):
        return self.trace.decide(self)

    def __index__(self):
        return int(self.trace.concrete(self))

    def __float__(self):
        return float(self.trace.concrete(self))

    def __int__(self):
        return int(self.trace.concrete(self))

    def __complex__(self):
        return complex(self.trace.concrete(self))

    def __hash__(self):
        return hash(self.trace.concrete(self))

    def __format__(self, spec):
        raise Refused("concrete-value", "a traced value in a string")

    __str__ = __array__ = lambda self, *a, **k: self.__format__("")


class Foreign:
    """A traced object that is no array and brings its own operators.

    ATTRIBUTES: what users may read from it; REFUSED: why it cannot be an array
    """

    __slots__ = ()
    ATTRIBUTES: tuple = ()
    REFUSED: tuple = ("unknown-object", "arithmetic with an object of SciPy")

    def beside(self, array):
        """What goes in its place into an assignment to the array."""
        return self


MAYBE = "maybe"  # a Python or a NumPy scalar, depending on values: min(y[0], 1.0)
MIXED = "mixed"  # a Python int, or a float of either kind: y[0] if y[0] > 0 else 0


class Scalar(Traced):
    """A traced scalar. py: it is a Python float/complex/int/bool (or MAYBE, MIXED), else a NumPy scalar."""

    __slots__ = ("trace", "node", "py")
    shape, ndim, size = (), 0, 1

    def __init__(self, trace, node, py=False):
        self.trace = trace
        self.node = node
        self.py = py

    @property
    def dtype(self):
        return self.node.dtype

    def item(self):
        return Scalar(self.trace, self.node, True)

    def copy(self):
        return self

    def astype(self, dtype):
        dtype = traced_dtype(dtype)
        if self.dtype == COMPLEX != dtype:
            raise Refused("complex-to-real", "astype of a complex value")
        return Scalar(self.trace, self.trace.graph.cast(self.node, dtype))


def joint_py(operands):
    """Is the result of an operator a Python scalar? False, True, MAYBE or MIXED."""
    kinds = {is_py(x) for x in operands}
    return kinds.pop() if len(kinds) == 1 else mixture(kinds)


def mixture(kinds):
    """The kind of the result of an operator on scalars of several kinds."""
    if not all(kinds):
        return False
    return MIXED if MIXED in kinds else MAYBE


def is_py(value):
    """Is this a Python scalar (whose NumPy promotion is weak)?"""
    return (
        value.py
        if isinstance(value, Scalar)
        else (isinstance(value, OutsideInt) or type(value) in (bool, int, float, complex))
    )


def traced_dtype(dtype):
    """One of ops.DTYPES for a user's dtype argument."""
    if isinstance(dtype, Outside):
        dtype = dtype.value
    made = np.dtype(dtype)
    if made not in DTYPES:
        raise Refused("dtype", f"dtype {made}")
    return made
