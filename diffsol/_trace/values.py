"""Traced values: what t, y and everything computed from them look like inside the tracer.

`Scalar` stands for a Python or NumPy scalar, `Array` for an ndarray. An `Array` is a strided view
of a `Storage`, as an ndarray is of its buffer, so in-place assignment through views has NumPy's effect.
Index arithmetic is NumPy's own: keys are applied to a dummy array and its strides are read off.
"""

from __future__ import annotations

import operator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from diffsol._graph.build import contiguous_strides
from diffsol._graph.ops import BOOL, COMPLEX, DTYPES, ELEMENTWISE, FLOAT, INT
from diffsol._trace.guards import Outside, OutsideInt, unpin
from diffsol._trace.reasons import Refused

_DUMMY = np.zeros(1, dtype=np.int8)


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

    def __neg__(self):
        return apply(self.trace, "negative", self)

    def __pos__(self):
        return apply(self.trace, "multiply", self, 1) if isinstance(self, Array) else self

    def __abs__(self):
        return apply(self.trace, "absolute", self)

    def __invert__(self):
        if self.dtype != BOOL:
            raise Refused("unknown-call", "~ of numbers")
        return apply(self.trace, "logical_not", self)

    def __divmod__(self, other):
        return self // other, self % other

    def __rdivmod__(self, other):
        return other // self, other % self


def _operator(name, dunder):
    def forward(self, other):
        return binary(name, self, other)

    def backward(self, other):
        return binary(name, other, self)

    setattr(Traced, f"__{dunder}__", forward)
    setattr(Traced, f"__r{dunder}__", backward)


for _name, _dunder in (
    ("add", "add"),
    ("subtract", "sub"),
    ("multiply", "mul"),
    ("divide", "truediv"),
    ("power", "pow"),
    ("floor_divide", "floordiv"),
    ("remainder", "mod"),
    ("logical_and", "and"),
    ("logical_or", "or"),
    ("logical_xor", "xor"),
    ("matmul", "matmul"),
):
    _operator(_name, _dunder)
for _name, _dunder in (
    ("less", "lt"),
    ("less_equal", "le"),
    ("greater", "gt"),
    ("greater_equal", "ge"),
    ("equal", "eq"),
    ("not_equal", "ne"),
):
    setattr(Traced, f"__{_dunder}__", lambda self, other, _name=_name: binary(_name, self, other))


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


def _exact_int_operator(dunder, symbol, function):
    """Sums and products of ints from outside stay open: the guard computes them anew."""

    def derived(left, right):
        whole = left if isinstance(left, OutsideInt) else right
        texts = [x.var if isinstance(x, OutsideInt) else repr(x) for x in (left, right)]
        return OutsideInt(
            function(getattr(left, "value", left), getattr(right, "value", right)),
            f"({texts[0]} {symbol} {texts[1]})",
            whole.trace,
        )

    def open_operator(general):
        def method(self, other, swapped):
            if type(other) in (int, OutsideInt):
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
OutsideInt.__neg__ = lambda self: OutsideInt(-self.value, f"(-{self.var})", self.trace)
OutsideInt.__pos__ = lambda self: self
OutsideInt.__abs__ = lambda self: abs(self.pinned())


class Scalar(Traced):
    """A traced scalar. py: it is a Python float/complex/int/bool, else a NumPy scalar."""

    __slots__ = ("trace", "node", "py")
    shape, ndim, size = (), 0, 1

    def __init__(self, trace, node, py=False):
        self.trace = trace
        self.node = node
        self.py = py

    @property
    def dtype(self):
        return self.node.dtype

    @property
    def real(self):
        return apply(self.trace, "real", self)

    @property
    def imag(self):
        return (
            apply(self.trace, "imag", self)
            if self.dtype == COMPLEX
            else Scalar(self.trace, self.trace.graph.const(0.0), self.py)
        )

    def conjugate(self):
        return apply(self.trace, "conjugate", self)

    conj = conjugate

    def item(self):
        return Scalar(self.trace, self.node, True)

    def copy(self):
        return self

    def __round__(self, digits=None):
        if digits is not None:
            raise Refused("unknown-call", "round() to digits")
        rounded = apply(self.trace, "rint", self)
        return Scalar(self.trace, self.trace.graph.cast(rounded.node, INT), True)


class Storage:
    """The buffer behind arrays: its contents are a node that assignments replace."""

    __slots__ = ("node", "owner")

    def __init__(self, node, owner="local"):
        self.node = node
        self.owner = owner  # "local", "state" or "outside": who sees a write


class Array(Traced):
    """A traced ndarray: a strided view (units: elements) of a storage."""

    __slots__ = ("trace", "storage", "offset", "strides", "shape")

    def __init__(self, trace, storage, offset, strides, shape):
        self.trace = trace
        self.storage = storage
        self.offset = offset
        self.strides = strides
        self.shape = shape

    @classmethod
    def of(cls, trace, node, owner="local"):
        return cls(trace, Storage(node, owner), 0, contiguous_strides(node.shape), node.shape)

    # --- what ndarrays tell -----------------------------------------------------------------

    @property
    def node(self):
        return self.trace.graph.view(self.storage.node, self.offset, self.strides, self.shape)

    @property
    def dtype(self):
        return self.storage.node.dtype

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        return int(np.prod(self.shape, dtype=int))

    @property
    def T(self):
        return self.transpose()

    @property
    def real(self):
        return apply(self.trace, "real", self) if self.dtype == COMPLEX else self

    @property
    def imag(self):
        return apply(self.trace, "imag", self) if self.dtype == COMPLEX else self * 0.0

    def __len__(self):
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self):
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return iter([self[i] for i in range(self.shape[0])])

    # --- views ------------------------------------------------------------------------------

    def _viewed(self, function):
        """The view that `function` makes of an ndarray laid out like this one."""
        base = as_strided(_DUMMY, self.shape, self.strides)
        made = function(base)
        offset = made.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        return Array(self.trace, self.storage, self.offset + offset, made.strides, made.shape)

    def transpose(self, *axes):
        axes = (
            axes[0]
            if len(axes) == 1 and not isinstance(axes[0], (int, OutsideInt))
            else axes or None
        )
        return self._viewed(
            lambda a: np.transpose(a, None if axes is None else [int(i) for i in axes])
        )

    def swapaxes(self, a, b):
        return self._viewed(lambda x: np.swapaxes(x, int(a), int(b)))

    def squeeze(self, axis=None):
        return self._viewed(lambda x: np.squeeze(x, axis))

    def diagonal(self, offset=0):
        return self._viewed(lambda x: np.diagonal(x, int(offset)))

    def reshape(self, *shape, order="C"):
        if order != "C":
            raise Refused("unknown-call", "reshape with order other than 'C'")
        shape = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        shape = tuple(int(e) for e in shape)
        try:
            return self._viewed(lambda a: a.reshape(shape, copy=False))
        except (ValueError, TypeError):
            pass  # not possible without a copy, or (NumPy 2.0) no such keyword
        full = np.empty(self.shape, dtype=np.int8).reshape(shape).shape
        if self._is_contiguous():
            return Array(self.trace, self.storage, self.offset, contiguous_strides(full), full)
        return Array.of(self.trace, self.trace.graph.reshape(self.node, full))

    def _is_contiguous(self):
        return all(
            e == 1 or s == own
            for e, s, own in zip(
                self.shape, self.strides, contiguous_strides(self.shape), strict=True
            )
        )

    def ravel(self, order="C"):
        return self.reshape(-1, order=order)

    def flatten(self, order="C"):
        return self.reshape(-1, order=order).copy()

    def copy(self, order="C"):
        return Array.of(self.trace, self.node)

    def astype(self, dtype, copy=True):
        dtype = traced_dtype(dtype)
        if dtype == self.dtype and not copy:
            return self
        if self.dtype == COMPLEX and dtype != COMPLEX:
            raise Refused("complex-to-real", "astype of complex values")
        return Array.of(self.trace, self.trace.graph.cast(self.node, dtype))

    # --- items ------------------------------------------------------------------------------

    def __getitem__(self, key):
        kind, key = index_kind(key)
        if kind == "mask":
            raise Refused("dynamic-index", "selection by a traced mask")
        if kind == "basic":
            part = self._viewed(lambda a: a[as_view_key(key)])
            if part.shape == () and not _has_ellipsis(key):
                return Scalar(self.trace, part.node)
            return part
        node = self.trace.graph.take(self.storage.node, self._positions()[key])
        return Array.of(self.trace, node) if node.shape else Scalar(self.trace, node)

    def __setitem__(self, key, value):
        self._refuse_outside_write()
        graph = self.trace.graph
        kind, key = index_kind(key)
        value = as_node(self.trace, value)
        if value.dtype == COMPLEX and self.dtype != COMPLEX:
            raise Refused("complex-to-real", "assignment of a complex value to a real array")
        value = graph.cast(value, self.dtype)
        if kind == "mask":
            mask = key.node
            if mask.shape != self.shape or value.shape != ():
                raise Refused("dynamic-index", "assignment through a traced mask")
            return self._write(self, graph.elementwise("select", mask, value, self.node))
        if kind == "basic":
            self._write(self._viewed(lambda a: a[as_view_key(key)]), value)
        else:
            self._put(self._positions()[key], value)

    def _write(self, part, value):
        """storage[part] = value, with NumPy's broadcasting (leading ones of value may go)."""
        graph, base = self.trace.graph, self.storage.node
        while value.ndim > len(part.shape) and value.shape[0] == 1:
            value = graph.reshape(value, value.shape[1:])
        value = graph.broadcast(value, np.broadcast_shapes(value.shape, part.shape))
        if value.shape != part.shape:
            raise ValueError(
                f"could not broadcast input array from shape {value.shape} into shape {part.shape}"
            )
        if part.offset == 0 and part.size == base.size and part._is_contiguous():
            self.storage.node = graph.reshape(value, base.shape)
        else:
            self.storage.node = graph.update(base, value, part.offset, part.strides, part.shape)

    def _put(self, index, value):
        graph = self.trace.graph
        value = graph.reshape(graph.broadcast(value, index.shape), (index.size,))
        flat = index.reshape(-1)
        _, last = np.unique(flat[::-1], return_index=True)
        if len(last) < len(flat):  # repeated indices: the last assignment stays
            keep = np.sort(len(flat) - 1 - last)
            value, flat = graph.take(value, keep), flat[keep]
        self.storage.node = graph.put(self.storage.node, value, flat)

    def _positions(self):
        """Flat positions in the storage of the elements of this view."""
        return self.offset + sum(
            (
                np.arange(e).reshape([-1 if j == i else 1 for j in range(self.ndim)]) * s
                for i, (e, s) in enumerate(zip(self.shape, self.strides, strict=True))
            ),
            np.zeros(self.shape, dtype=np.int64),
        )

    def _refuse_outside_write(self):
        if self.storage.owner == "state":
            raise Refused("state-write", "assignment into y")
        if self.storage.owner == "outside":
            raise Refused("side-effect", "assignment into an array from outside")

    def fill(self, value):
        self[...] = value

    def _in_place(self, name, other):
        self._refuse_outside_write()
        result = binary(name, self, other)
        if not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise TypeError(f"Cannot cast from {result.dtype} to {self.dtype} in place")
        self._write(self, self.trace.graph.cast(result.node, self.dtype))
        return self


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
):
    setattr(Array, f"__{_dunder}__", lambda self, other, _name=_name: self._in_place(_name, other))


def traced_dtype(dtype):
    """One of ops.DTYPES for a user's dtype argument."""
    if isinstance(dtype, Outside):
        dtype = dtype.value
    made = np.dtype(dtype)
    if made not in DTYPES:
        raise Refused("dtype", f"dtype {made}")
    return made


def index_kind(key):
    """("basic" | "advanced" | "mask", key with plain ints and arrays)."""
    if isinstance(key, Array) and key.dtype == BOOL and key.node.value is None:
        return "mask", key
    parts = [_index_part(k) for k in (key if isinstance(key, tuple) else (key,))]
    advanced = any(isinstance(k, (list, np.ndarray)) for k in parts)
    return ("advanced" if advanced else "basic"), (
        tuple(parts) if isinstance(key, tuple) else parts[0]
    )


def _has_ellipsis(key):
    return any(k is Ellipsis for k in (key if isinstance(key, tuple) else (key,)))


def as_view_key(key):
    """The key with an Ellipsis, so that NumPy makes a view (and reads nothing) even of one element."""
    key = key if isinstance(key, tuple) else (key,)
    return key if _has_ellipsis(key) else (*key, ...)


def _index_part(part):
    if isinstance(part, slice):
        return slice(
            *(None if x is None else operator.index(x) for x in (part.start, part.stop, part.step))
        )
    if part is None or part is Ellipsis or isinstance(part, (bool, np.bool_)):
        return part
    if isinstance(part, Array):
        return part.trace.concrete(part)
    if isinstance(part, (list, np.ndarray)):
        return np.asarray([_index_part(x) for x in part])
    if isinstance(part, Scalar) and part.dtype not in (INT, BOOL):
        raise IndexError("only integers are valid indices")
    return operator.index(part)


# --- arithmetic ------------------------------------------------------------------------------


def as_node(trace, value):
    """The node of a value that takes part in an array operation."""
    if isinstance(value, Traced):
        return value.node
    if isinstance(value, OutsideInt):
        return value.as_param()
    if isinstance(value, Outside):
        value = trace.local_copy(value)
    if isinstance(value, (list, tuple)):
        return stack(trace, value)
    if isinstance(value, (bool, int, float, complex, np.generic, np.ndarray)):
        try:
            return trace.graph.const(value)
        except (TypeError, OverflowError):
            raise Refused(
                "dtype", f"a value of type {getattr(value, 'dtype', type(value).__name__)}"
            ) from None
    raise Refused("unknown-object", f"arithmetic with a {type(value).__name__}")


def stack(trace, values):
    """np.array(values) for a (nested) sequence with traced elements."""
    graph = trace.graph
    nodes = [as_node(trace, v) for v in values]
    if not nodes:
        return graph.const(np.zeros(0))
    if len({n.shape for n in nodes}) > 1:
        raise ValueError("setting an array element with a sequence: inhomogeneous shape")
    if all(n.value is not None for n in nodes):
        return graph.const(np.array([n.value for n in nodes]))
    return graph.concat([graph.reshape(n, (1, *n.shape)) for n in nodes], 0)


def is_py(value):
    """Is this a Python scalar (whose NumPy promotion is weak)?"""
    return (
        value.py
        if isinstance(value, Scalar)
        else (isinstance(value, OutsideInt) or type(value) in (bool, int, float, complex))
    )


def wrap(trace, node, py=False):
    return Scalar(trace, node, py) if node.shape == () else Array.of(trace, node)


def binary(name, a, b):
    """A binary operator of which at least one side is traced."""
    trace = a.trace if isinstance(a, Traced) else b.trace
    if name == "matmul":
        return matmul(trace, a, b)
    if name == "power" and isinstance(b, OutsideInt):
        b = b.pinned()
    if isinstance(a, (str, dict, type(None))) or isinstance(b, (str, dict, type(None))):
        if name in ("equal", "not_equal"):
            return name == "not_equal"
        raise TypeError(f"unsupported operand types for {name}")
    if isinstance(a, (list, tuple)) and is_py(b) or isinstance(b, (list, tuple)) and is_py(a):
        raise TypeError(f"unsupported operand types for {name}")
    return apply(trace, name, a, b)


def apply(trace, name, *operands):
    """The elementwise operator `name` of values; constants are computed by NumPy at once."""
    nodes = _operand_nodes(trace, operands)
    py = all(is_py(x) for x in operands)
    if (
        name in ("add", "multiply", "subtract", "negative")
        and all(n.dtype == BOOL for n in nodes)
        and not py
    ):
        raise Refused("unknown-call", f"{name} of bool arrays")
    if name == "power" and all(n.dtype in (INT, BOOL) for n in nodes):
        return _integer_power(trace, nodes, py)
    if (
        name.startswith("logical_")
        and not all(n.dtype == BOOL for n in nodes)
        and name != "logical_not"
    ):
        raise Refused("unknown-call", "bitwise operators on numbers")
    if ELEMENTWISE[name].rule == "arith" and all(n.dtype == BOOL for n in nodes):
        nodes = [trace.graph.cast(n, INT) for n in nodes]
    if py and name in MAY_RAISE:
        trace.trap_if(MAY_RAISE[name](trace.graph, *nodes))
    return wrap(trace, trace.graph.elementwise(name, *nodes), py)


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
        return wrap(trace, trace.graph.const(np.power(nodes[0].value, nodes[1].value)), py)
    if nodes[1].value is not None and nodes[1].shape == () and nodes[1].value == 2:
        return wrap(trace, trace.graph.elementwise("square", nodes[0]), py)
    raise Refused("unknown-call", "powers of traced integers")


def matmul(trace, a, b):
    a, b = as_node(trace, a), as_node(trace, b)
    if a.ndim not in (1, 2) or b.ndim not in (1, 2):
        if 0 in (a.ndim, b.ndim):
            raise ValueError("matmul: input operand does not have enough dimensions")
        raise Refused("unknown-call", "matmul of arrays with more than two axes")
    if a.shape[-1] != b.shape[0]:
        raise ValueError(f"matmul: mismatch of shapes {a.shape} and {b.shape}")
    return wrap(trace, trace.graph.matmul(a, b))
