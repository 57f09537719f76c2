"""Arithmetic of traced values, and the operators of their classes.

Every operation on traced values passes through `apply` (elementwise operators) or `matmul`.
"""

from __future__ import annotations

import functools
import operator

import numpy as np

from diffsol._graph.node import depends_on_time
from diffsol._graph.ops import BOOL, COMPLEX, ELEMENTWISE, FLOAT, INT, result_dtype
from diffsol._trace.floats import of_floats
from diffsol._trace.guards import OutsideInt, Part, unpin
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Foreign, Scalar, Traced, is_py, joint_py
from diffsol._trace.values import Array, as_node, keep_c_order, wrap


def binary(name, a, b):
    """A binary operator of which at least one side is traced."""
    trace = a.trace if isinstance(a, Traced) else b.trace
    if name == "matmul":
        return matmul(trace, a, b)
    if name == "power" and isinstance(b, OutsideInt):
        b = b.pinned()
    if isinstance(a, (str, dict, type(None))) or isinstance(b, (str, dict, type(None))):
        if name in ("equal", "not_equal"):
            if isinstance(a, Array) or isinstance(b, Array):
                raise Refused("numpy-call", f"{name} of an array and what is no number")
            return name == "not_equal"
        raise TypeError(f"unsupported operand types for {name}")
    if isinstance(a, (list, tuple)) and is_py(b) or isinstance(b, (list, tuple)) and is_py(a):
        raise TypeError(f"unsupported operand types for {name}")
    return apply(trace, name, a, b)


def apply(trace, name, *operands):
    """The elementwise operator `name` of values; constants are computed by NumPy at once."""
    quick = of_floats(trace, name, operands)
    if quick is not None:
        return quick
    if len(operands) != ELEMENTWISE[name].arity:
        raise Refused("numpy-call", f"{name} of {len(operands)} values")
    nodes = _operand_nodes(trace, operands)
    py = joint_py(operands)
    if ELEMENTWISE[name].rule in ("arith", "real", "float") and not any(n.shape for n in nodes):
        _check_integers(trace, name, nodes, py)
    if (
        name in ("add", "multiply", "subtract", "negative")
        and all(n.dtype == BOOL for n in nodes)
        and not py
    ):
        if name not in OF_TRUTHS:
            raise Refused("numpy-call", f"{name} of bool arrays")
        name = OF_TRUTHS[name]
    if name == "power" and all(n.dtype in (INT, BOOL) for n in nodes):
        return _integer_power(trace, nodes, py)
    if (
        name.startswith("logical_")
        and not all(n.dtype == BOOL for n in nodes)
        and name != "logical_not"
    ):
        raise Refused("numpy-call", "bitwise operators on numbers")
    if ELEMENTWISE[name].rule == "arith" and all(n.dtype == BOOL for n in nodes):
        nodes = [trace.graph.cast(n, INT) for n in nodes]
    if not py and all(n.dtype in (INT, BOOL) for n in nodes):
        exact = _integer_result(trace, name, nodes)
        if exact is not None:
            return exact
    if py and name in MAY_RAISE:
        trace.trap_if(MAY_RAISE[name](trace.graph, *nodes))
    return wrap(trace, trace.graph.elementwise(name, *nodes), py, keep_c_order(operands))


OF_TRUTHS = {"add": "logical_or", "multiply": "logical_and"}  # what NumPy makes of truth values


def _check_integers(trace, name, nodes, py):
    """Python's truth values are not NumPy's, its ints have no end, and NumPy's scalars warn at theirs.

    Where that shows, Python is asked.
    """
    if all(n.dtype == BOOL for n in nodes) and py and depends_on_time(nodes):
        # t is a float at first, a numpy.float64 later, and True + True then is True
        raise Refused("concrete-value", f"{name} of truth values of t")
    if name in ("add", "subtract", "multiply", "square", "negative") and all(
        n.dtype in (BOOL, INT) for n in nodes
    ):
        size = trace.graph.elementwise(
            "absolute", trace.graph.elementwise(name, *(trace.graph.cast(n, FLOAT) for n in nodes))
        )
        trace.trap_if(trace.graph.elementwise("greater", size, trace.graph.const(INT_LIMIT)))


def _integer_result(trace, name, nodes):
    """NumPy's result for integers where it is not the float (or int) that our operator gives.

    np.reciprocal of integers divides them, np.floor leaves them integers since NumPy 2.1, np.sign of
    truth values is a TypeError... Such constants are computed by NumPy; None means: as usual.
    """
    row = ELEMENTWISE[name]
    dtypes = tuple(n.dtype for n in nodes)
    wanted = _numpy_result_dtype(row, dtypes)
    if wanted is None or wanted == result_dtype(row, dtypes)[1]:
        return None
    if any(n.value is None for n in nodes):
        raise Refused("numpy-call", f"{name} of integers")
    return wrap(trace, trace.graph.const(row.reference(*(n.value for n in nodes))))


@functools.cache
def _numpy_result_dtype(row, dtypes):
    if not isinstance(row.reference, np.ufunc):
        return None
    with np.errstate(all="ignore"):
        return row.reference(*(np.ones(1, dtype) for dtype in dtypes)).dtype


INT_LIMIT = 2.0**62  # integers beyond are left to Python, whose ints have no end


def _zero_divisor(graph, _, divisor):
    return graph.elementwise("equal", divisor, graph.const(0.0))


def _not_a_real_power(graph, base, exponent):
    """0.0 ** -1 raises and (-8.0) ** 0.5 is complex, in Python (NumPy gives inf and nan)."""
    zero = graph.const(0.0)
    if COMPLEX in (base.dtype, exponent.dtype):
        return graph.elementwise("equal", base, zero)
    pole = graph.elementwise(
        "logical_and",
        graph.elementwise("equal", base, zero),
        graph.elementwise("less", exponent, zero),
    )
    broken = graph.elementwise("not_equal", exponent, graph.elementwise("trunc", exponent))
    root = graph.elementwise("logical_and", graph.elementwise("less", base, zero), broken)
    return graph.elementwise("logical_or", pole, root)


# when Python's own numbers raise (or become complex) where NumPy's warn
MAY_RAISE = {
    "divide": _zero_divisor,
    "floor_divide": _zero_divisor,
    "remainder": _zero_divisor,
    "power": _not_a_real_power,
}


def _operand_nodes(trace, operands):
    """Nodes of the operands; an int from outside is a parameter beside floats, fixed beside ints."""
    others = [as_node(trace, x) for x in operands if not isinstance(x, OutsideInt)]
    floats = any(n.dtype in (FLOAT, COMPLEX) for n in others)
    rest = iter(others)
    return [
        (x.as_param() if floats else trace.graph.const(x.pinned()))
        if isinstance(x, OutsideInt)
        else next(rest)
        for x in operands
    ]


def _integer_power(trace, nodes, py):
    if all(n.value is not None for n in nodes):
        if not any(n.shape for n in nodes):  # Python's ints have no end, and NumPy's scalars warn
            base, exponent = (int(n.value) for n in nodes)
            if exponent < 0 or float(base) ** exponent > INT_LIMIT:
                raise Refused("numpy-call", "a power of integers that is none, or too large")
        return wrap(trace, trace.graph.const(np.power(nodes[0].value, nodes[1].value)), py)
    if nodes[1].value is not None and nodes[1].shape == () and nodes[1].value == 2:
        return wrap(trace, trace.graph.elementwise("square", nodes[0]), py)
    raise Refused("numpy-call", "powers of traced integers")


def matmul(trace, a, b):
    a, b = as_node(trace, a), as_node(trace, b)
    if a.ndim not in (1, 2) or b.ndim not in (1, 2):
        if 0 in (a.ndim, b.ndim):
            raise ValueError("matmul: input operand does not have enough dimensions")
        raise Refused("numpy-call", "matmul of arrays with more than two axes")
    if a.dtype == BOOL and b.dtype == BOOL:
        raise Refused("numpy-call", "matmul of truth values")
    if a.shape[-1] != b.shape[0]:
        raise ValueError(f"matmul: mismatch of shapes {a.shape} and {b.shape}")
    return wrap(trace, trace.graph.matmul(a, b))


# --- operators of the classes --------------------------------------------------------------------


# (operator of the graph, name of the method between double underscores)
NUMBER_OPERATORS = (
    ("add", "add"),
    ("subtract", "sub"),
    ("multiply", "mul"),
    ("divide", "truediv"),
    ("power", "pow"),
    ("floor_divide", "floordiv"),
    ("remainder", "mod"),
)
COMPARISONS = (
    ("less", "lt"),
    ("less_equal", "le"),
    ("greater", "gt"),
    ("greater_equal", "ge"),
    ("equal", "eq"),
    ("not_equal", "ne"),
)


def _operator(name, dunder):
    def forward(self, other):
        return NotImplemented if isinstance(other, Foreign) else binary(name, self, other)

    def backward(self, other):
        return NotImplemented if isinstance(other, Foreign) else binary(name, other, self)

    setattr(Traced, f"__{dunder}__", forward)
    setattr(Traced, f"__r{dunder}__", backward)


for _name, _dunder in (
    *NUMBER_OPERATORS,
    ("logical_and", "and"),
    ("logical_or", "or"),
    ("logical_xor", "xor"),
    ("matmul", "matmul"),
):
    _operator(_name, _dunder)


def _comparison(name, dunder):
    def compare(self, other):
        if isinstance(other, Foreign) and type(other).__eq__ is not object.__eq__:
            return NotImplemented  # it has comparisons of its own
        return binary(name, self, other)

    setattr(Traced, f"__{dunder}__", compare)


for _name, _dunder in COMPARISONS:
    _comparison(_name, _dunder)


def _int_operator(dunder, function):
    """OutsideInt beside a traced value leaves the operator to it; beside a number it is fixed."""

    def forward(self, other):
        return (
            NotImplemented if isinstance(other, Traced) else function(self.pinned(), unpin(other))
        )

    def backward(self, other):
        return function(unpin(other), self.pinned())

    setattr(OutsideInt, f"__{dunder}__", forward)
    if dunder not in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(OutsideInt, f"__r{dunder}__", backward)


def _is_open(value) -> bool:
    """May a number that is derived from it stay open? Those of long tables are fixed: a line each is too much."""
    return type(value) is int or type(value) is OutsideInt and type(value.var) is not Part


def _exact_int_operator(dunder, symbol, function):
    """Sums and products of ints from outside stay open: the guard computes them anew."""

    def derived(left, right):
        whole = left if isinstance(left, OutsideInt) else right
        texts = [x.var if isinstance(x, OutsideInt) else repr(x) for x in (left, right)]
        value = function(getattr(left, "value", left), getattr(right, "value", right))
        text = f"{texts[0]} {symbol} {texts[1]}"
        return OutsideInt(value, whole.trace.reads.read(("int", text), text, value), whole.trace)

    def open_operator(general):
        def method(self, other, swapped):
            if _is_open(self) and _is_open(other):
                return derived(*((other, self) if swapped else (self, other)))
            return general(self, other)

        return method

    forward, backward = (open_operator(getattr(OutsideInt, f"__{r}{dunder}__")) for r in ("", "r"))
    setattr(OutsideInt, f"__{dunder}__", lambda self, other: forward(self, other, False))
    setattr(OutsideInt, f"__r{dunder}__", lambda self, other: backward(self, other, True))


for _dunder in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
    "and_",
    "or_",
    "xor",
    "lshift",
    "rshift",
):
    _int_operator(_dunder.rstrip("_"), getattr(operator, _dunder))
for _dunder, _symbol in (("add", "+"), ("sub", "-"), ("mul", "*")):
    _exact_int_operator(_dunder, _symbol, getattr(operator, _dunder))
OutsideInt.__neg__ = lambda self: self * -1
OutsideInt.__pos__ = lambda self: self
OutsideInt.__abs__ = lambda self: abs(self.pinned())


def _invert(value):
    if value.dtype != BOOL:
        raise Refused("numpy-call", "~ of numbers")
    if isinstance(value, Scalar) and value.py:
        raise Refused("concrete-value", "~ of a truth value of Python's, whose result is -1 or -2")
    return apply(value.trace, "logical_not", value)


Traced.__neg__ = lambda self: apply(self.trace, "negative", self)
Traced.__abs__ = lambda self: apply(self.trace, "absolute", self)
Traced.__invert__ = _invert
Traced.__divmod__ = lambda self, other: (self // other, self % other)
Traced.__rdivmod__ = lambda self, other: (other // self, other % self)
Traced.conjugate = Traced.conj = lambda self: apply(self.trace, "conjugate", self)
Scalar.__pos__ = lambda self: self
Array.__pos__ = lambda self: self.copy()


def _rounded(value, digits=None):
    if digits is not None:
        raise Refused("numpy-call", "round() to digits")
    node = value.trace.graph.cast(apply(value.trace, "rint", value).node, INT)
    return Scalar(value.trace, node, True)


def _scalar_imag(value):
    if value.dtype == COMPLEX:
        return apply(value.trace, "imag", value)
    return Scalar(value.trace, value.trace.graph.const(0.0), value.py)


def _array_part(name):
    """.real and .imag of an array: views in NumPy, so nothing may be assigned through them."""

    def part(value):
        if value.dtype == COMPLEX:
            return Array.of(value.trace, apply(value.trace, name, value).node, "part")
        if name == "real":
            return value
        zeros = value.trace.graph.const(value.dtype.type(0))
        return Array.of(value.trace, value.trace.graph.broadcast(zeros, value.shape), "part")

    return property(part)


Scalar.__round__ = _rounded
Scalar.real = property(lambda self: apply(self.trace, "real", self))
Scalar.imag = property(_scalar_imag)
Array.real = _array_part("real")
Array.imag = _array_part("imag")


def _in_place(name):
    def method(self, other):
        self.writable()
        other = other.beside(self) if isinstance(other, Foreign) else other
        result = binary(name, self, other)
        if not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise TypeError(f"Cannot cast from {result.dtype} to {self.dtype} in place")
        self[...] = result
        return self

    return method


for _name, _dunder in (
    ("add", "iadd"),
    ("subtract", "isub"),
    ("multiply", "imul"),
    ("divide", "itruediv"),
    ("power", "ipow"),
    ("floor_divide", "ifloordiv"),
    ("remainder", "imod"),
    ("logical_and", "iand"),
    ("logical_or", "ior"),
    ("logical_xor", "ixor"),
    ("matmul", "imatmul"),
):
    setattr(Array, f"__{_dunder}__", _in_place(_name))
