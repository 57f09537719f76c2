"""Built-in functions and questions about types."""

from __future__ import annotations

import abc
import builtins

import numpy as np

from diffsol._graph.node import depends_on_time
from diffsol._graph.ops import BOOL, COMPLEX, FLOAT, INT
from diffsol._trace.arithmetic import apply
from diffsol._trace.guards import Outside, OutsideInt
from diffsol._trace.kinds import either
from diffsol._trace.numpy_map.registry import HANDLERS, array_of, as_scalar, handles
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import MAYBE, MIXED, Foreign, Scalar, Traced
from diffsol._trace.values import Array, as_node, wrap

# Numbers that never change; their modules are not loaded for the sake of those who have none.
EXACT = {("fractions", "Fraction"), ("decimal", "Decimal")}


def _is_exact(value):
    return (type(value).__module__, type(value).__qualname__) in EXACT


@handles(float)
def _float(trace, x):
    if isinstance(x, Outside) and _is_exact(x.value):
        trace.reads.pin(x.var, x.value)
        return float(x.value)
    node = as_node(trace, x)
    if node.size != 1 or node.ndim > 0 or node.dtype == COMPLEX:
        raise TypeError("only 0-dimensional real arrays can be converted to float")
    return Scalar(trace, trace.graph.cast(node, FLOAT), True)


@handles(complex)
def _complex(trace, re, im=0.0):
    re, im = as_node(trace, re), as_node(trace, im)
    if COMPLEX in (re.dtype, im.dtype):
        raise Refused("unknown-call", "complex() of complex values")
    return Scalar(trace, trace.graph.elementwise("make_complex", re, im), True)


@handles(bool)
def _bool(trace, x):
    return Scalar(trace, trace.graph.cast(as_node(trace, x), BOOL), True)


@handles(np.float64)
def _float64(trace, x):
    return wrap(trace, trace.graph.cast(as_node(trace, x), FLOAT))


@handles(np.bool_)
def _numpy_bool(trace, x):
    return wrap(trace, trace.graph.cast(as_node(trace, x), BOOL))


@handles(np.int64)
def _int64(trace, x):
    node = as_node(trace, x)
    if node.dtype == COMPLEX:
        raise TypeError("int() argument must be a real number")
    return wrap(trace, trace.graph.cast(node, INT))


@handles(np.complex128)
def _complex128(trace, x):
    return wrap(trace, trace.graph.cast(as_node(trace, x), COMPLEX))


def _extreme(trace, compare, items, key=None, default=None):
    if key is not None or default is not None:
        raise Refused("unknown-call", "min/max with key or default")
    items = list(items[0] if len(items) == 1 else items)
    best = items[0]
    for item in items[1:]:
        if any(isinstance(x, Array) and x.shape != () for x in (best, item)):
            raise ValueError("The truth value of an array with more than one element is ambiguous.")
        if not isinstance(item, Traced) and not isinstance(best, Traced):
            best = item if (item > best if compare == "greater" else item < best) else best
            continue
        first, second = as_scalar(trace, item), as_scalar(trace, best)
        chosen = apply(trace, compare, first, second)
        best = Scalar(
            trace,
            trace.graph.elementwise("select", chosen.node, first.node, second.node),
            either(item, best),
        )
    return best


HANDLERS[builtins.max] = lambda trace, *items, **more: _extreme(trace, "greater", items, **more)
HANDLERS[builtins.min] = lambda trace, *items, **more: _extreme(trace, "less", items, **more)


@handles(isinstance)
def _isinstance(trace, value, types):
    types = _plain_types(types)
    made_of = getattr(value, "cls", None) if isinstance(value, Foreign) else None
    if made_of is not None:
        return issubclass(made_of.value, types)
    return _answer(value, lambda x: isinstance(x, types))


def _plain_types(types):
    if isinstance(types, Outside):
        if type(types.value) not in (type, abc.ABCMeta):
            raise Refused("unknown-object", f"isinstance as {type(types.value).__name__} has it")
        return types.value
    return tuple(_plain_types(t) for t in types) if isinstance(types, tuple) else types


@handles(type)
def _type(trace, value):
    if isinstance(value, Outside):
        return trace.class_of(value)
    if isinstance(value, Foreign) and hasattr(value, "cls"):
        return value.cls
    return _answer(value, type)


for _question in (callable, np.isscalar, np.iscomplexobj):
    HANDLERS[_question] = lambda trace, value, _question=_question: _answer(value, _question)


def _answer(value, question):
    """What a question about its type is answered for a real object in the place of `value`."""
    answer = question(_exemplar(value))
    if not isinstance(value, Scalar) or not value.py:
        return answer
    # SciPy gives t as a float at first, as a numpy.float64 later
    of_time = depends_on_time([value.node])
    if value.py in (MAYBE, MIXED) or (of_time and question(value.dtype.type(0)) != answer):
        raise Refused("concrete-value", "a type that is float now and numpy.float64 then")
    return answer


def _exemplar(value):
    """A real object of the type that the traced value stands for."""
    if isinstance(value, Scalar):
        exact = value.dtype.type(0)
        return exact.item() if value.py else exact
    if isinstance(value, Foreign) and hasattr(value, "value"):
        return value.value  # of a narrow dtype
    if isinstance(value, Foreign):
        raise Refused("unknown-object", "a question about the type of what is made inside")
    if isinstance(value, Array):
        return np.empty(value.shape, value.dtype)
    return value.value if isinstance(value, (Outside, OutsideInt)) else value


@handles(np.shape)
def _shape(trace, a):
    return array_of(trace, a).shape


@handles(np.ndim)
def _ndim(trace, a):
    return array_of(trace, a).ndim


@handles(np.size)
def _size(trace, a):
    return array_of(trace, a).size


@handles(np.real)
def _real(trace, a):
    return a.real


@handles(np.imag)
def _imag(trace, a):
    return a.imag


@handles(np.angle)
def _angle(trace, z):
    z = array_of(trace, z) if not isinstance(z, Scalar) else z
    return apply(trace, "arctan2", z.imag, z.real)
