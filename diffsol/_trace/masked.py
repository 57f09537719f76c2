"""Selections by a mask that depends on values: y[y > 0].

Their length is not known, so a `Masked` holds the whole array and the mask. Elementwise operators work on
the whole (flags of what is not selected cost a call of Python, no more), reductions leave out what is not
selected, and an assignment through the same mask keeps it. What needs the length ends the trace.
"""

from __future__ import annotations

import math

import numpy as np

from diffsol._graph.ops import BOOL, COMPLEX, FLOAT, INT
from diffsol._trace.arithmetic import COMPARISONS, NUMBER_OPERATORS, apply
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Foreign, Scalar
from diffsol._trace.values import Array, as_node, wrap


class Masked(Foreign):
    __slots__ = ("trace", "node", "mask")
    ATTRIBUTES = ("sum", "prod", "mean", "max", "min", "any", "all", "copy", "dtype")
    REFUSED = ("dynamic-index", "the length of a selection by a traced mask is needed")

    def __init__(self, trace, node, mask):
        self.trace, self.node, self.mask = trace, node, mask

    @property
    def dtype(self):
        return self.node.dtype

    def copy(self):
        return Masked(self.trace, self.node, self.mask)

    def __len__(self):
        raise Refused(*self.REFUSED)

    __bool__ = __iter__ = __getitem__ = __setitem__ = __array__ = lambda self, *more: len(self)

    # --- reductions -----------------------------------------------------------------------------

    def _filled(self, value):
        graph = self.trace.graph
        fill = graph.const(self.node.dtype.type(value))
        return graph.elementwise("select", self.mask, self.node, fill)

    def _reduced(self, name, node):
        return wrap(self.trace, self.trace.graph.reduce(name, node, range(node.ndim)))

    def sum(self):
        return self._reduced("sum", self._filled(0))

    def prod(self):
        return self._reduced("prod", self._filled(1))

    def mean(self):
        return self.sum() / Scalar(self.trace, self._reduced("sum", self.mask).node)

    def any(self):
        truth = self.trace.graph.cast(self.node, BOOL)
        return self._reduced("any", self.trace.graph.elementwise("logical_and", truth, self.mask))

    def all(self):
        graph = self.trace.graph
        left = graph.elementwise("logical_not", self.mask)
        truth = graph.elementwise("logical_or", graph.cast(self.node, BOOL), left)
        return self._reduced("all", truth)

    def max(self):
        return self._extreme("amax", -math.inf)

    def min(self):
        return self._extreme("amin", math.inf)

    def _extreme(self, name, neutral):
        if self.node.dtype != FLOAT:
            raise Refused("numpy-call", f"{name} of a selection of {self.node.dtype} values")
        nothing = apply(self.trace, "logical_not", self._reduced("any", self.mask))
        self.trace.trap_if(nothing.node)  # NumPy raises
        return self._reduced(name, self._filled(neutral))


def elementwise(function, operands):
    """function(*whole arrays) as a selection, where all operands have one mask (or are scalars)."""
    found = [x for x in operands if isinstance(x, Masked)]
    trace, mask = found[0].trace, found[0].mask
    if any(x.mask is not mask for x in found):
        raise Refused("dynamic-index", "an operator on selections by two traced masks")
    whole = []
    for x in operands:
        if isinstance(x, Masked):
            whole.append(Array.of(trace, x.node))
        elif as_node(trace, x).size != 1 or as_node(trace, x).ndim > 1:
            raise Refused(*Masked.REFUSED)
        else:
            whole.append(x)
    return Masked(trace, function(*whole).node, mask)


def _install(name, dunder):
    def forward(self, other):
        return elementwise(lambda a, b: apply(self.trace, name, a, b), (self, other))

    def backward(self, other):
        return elementwise(lambda a, b: apply(self.trace, name, a, b), (other, self))

    def in_place(self, other):
        if self.trace.changes is not None:
            raise Refused("dynamic-index", "a selection changed in one branch only")
        result = forward(self, other)
        if not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise TypeError(f"Cannot cast from {result.dtype} to {self.dtype} in place")
        self.node = self.trace.graph.cast(result.node, self.dtype)
        return self

    setattr(Masked, f"__{dunder}__", forward)
    setattr(Masked, f"__r{dunder}__", backward)
    setattr(Masked, f"__i{dunder}__", in_place)


for _name, _dunder in NUMBER_OPERATORS:
    _install(_name, _dunder)
for _name, _dunder in COMPARISONS:
    setattr(
        Masked,
        f"__{_dunder}__",
        lambda self, other, _name=_name: elementwise(
            lambda a, b: apply(self.trace, _name, a, b), (self, other)
        ),
    )
Masked.__hash__ = None
Masked.__neg__ = lambda self: elementwise(lambda a: apply(self.trace, "negative", a), (self,))
Masked.__abs__ = lambda self: elementwise(lambda a: apply(self.trace, "absolute", a), (self,))


# --- selecting and assigning ------------------------------------------------------------------------------


def select(array, mask):
    """array[mask]"""
    if mask.shape != array.shape:
        raise Refused("dynamic-index", "selection of parts by a traced mask")
    return Masked(array.trace, array.node, mask.node)


def assign(array, mask, value):
    """array[mask] = value; what is selected by the same mask goes back to where it came from."""
    graph = array.trace.graph
    if isinstance(value, Masked):
        if value.mask is not mask.node:
            raise Refused("dynamic-index", "assignment of what another traced mask selects")
        value = value.node
    else:
        value = as_node(array.trace, value)
        if value.shape != ():
            raise Refused("dynamic-index", "assignment through a traced mask")
    if mask.shape != array.shape:
        raise Refused("dynamic-index", "assignment through a traced mask of another shape")
    if value.dtype == COMPLEX != array.dtype:
        raise Refused("complex-to-real", "assignment of a complex value to a real array")
    if value.dtype == FLOAT and array.dtype == INT:
        raise Refused("dtype", "assignment of floats to integers through a mask")
    value = graph.cast(value, array.dtype)
    array._write(array, graph.elementwise("select", mask.node, value, array.node))


Array._select = select
Array._assign = assign

REDUCERS = {
    np.sum: "sum",
    np.prod: "prod",
    np.mean: "mean",
    np.max: "max",
    np.min: "min",
    np.any: "any",
    np.all: "all",
    np.copy: "copy",
}


def call(function, args, kwargs):
    """A function of NumPy of a selection, or None if it is not one of those that work with it."""
    name = REDUCERS.get(function)
    if name is None or kwargs or len(args) != 1:
        return None
    return getattr(args[0], name)()
