"""Arrays and scalars from outside whose dtype the graph has not: float32, int32 and their like.

Their values become fixed. Among themselves and with other fixed values NumPy computes with them at once, in
their own precision. With traced values they may meet where NumPy promotes to a dtype that the graph has: then
they are cast, which is exact. Anything else (a Python float of t beside float32) ends the trace.
"""

from __future__ import annotations

import functools

import numpy as np

from diffsol._graph.node import varies
from diffsol._graph.ops import DTYPES, ELEMENTWISE, FLOAT
from diffsol._trace.arithmetic import COMPARISONS, NUMBER_OPERATORS, binary
from diffsol._trace.frames import Native
from diffsol._trace.guards import PIN_LIMIT, OutsideInt
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import MAYBE, MIXED, Foreign, Scalar, Traced
from diffsol._trace.values import Array

KINDS = "iufc"  # of numbers
# methods that NumPy may be asked for at once, for what they give is new or a view of what is fixed
METHODS = (
    *("astype", "sum", "mean", "max", "min", "prod", "std", "var", "copy", "reshape", "ravel"),
    *(
        "flatten",
        "transpose",
        "squeeze",
        "item",
        "tolist",
        "cumsum",
        "argmax",
        "argmin",
        "any",
        "all",
    ),
)
# functions that promote what they are given, as operators do
PROMOTING = frozenset(
    {
        *(np.dot, np.matmul, np.inner, np.outer, np.vdot, np.einsum, np.tensordot, np.cross),
        *(np.where, np.clip, np.concatenate, np.hstack, np.vstack, np.stack, np.append),
    }
)


class Narrow(Foreign):
    """A fixed array or NumPy scalar of a narrow dtype."""

    __slots__ = ("trace", "value")
    ATTRIBUTES = ("shape", "ndim", "size", "dtype", "T", "real", "imag", *METHODS)
    REFUSED = ("dtype", "a value of a narrow dtype where a wide one is needed")

    def __init__(self, trace, value):
        self.trace, self.value = trace, value

    def __getattr__(self, name):
        if name in METHODS:
            return Native(functools.partial(self._method, name))
        return _given(self.trace, getattr(self.value, name))

    def _method(self, name, *args, **kwargs):
        args = [fixed(self.trace, a) for a in args]
        kwargs = {key: fixed(self.trace, a) for key, a in kwargs.items()}
        return _given(self.trace, getattr(self.value, name)(*args, **kwargs))

    def __getitem__(self, key):
        return _given(self.trace, self.value[fixed(self.trace, key)])

    def __iter__(self):
        return (_given(self.trace, x) for x in self.value)

    def __len__(self):
        return len(self.value)

    def __bool__(self):
        return bool(self.value)

    __hash__ = None

    def beside(self, array):
        common = np.result_type(self.value, array.dtype)
        return self.widened(common) if common in DTYPES else self

    def widened(self, dtype):
        """The same values in a dtype of the graph."""
        array = np.asarray(self.value).astype(dtype)
        node = self.trace.graph.const(array)
        return Array.of(self.trace, node) if array.shape else Scalar(self.trace, node)


def enter(trace, value, var):
    """A NumPy array or scalar from outside; Refused if it is none of numbers."""
    if type(value) is not np.ndarray and not isinstance(value, np.generic):
        raise Refused("dtype", f"a {type(value).__name__}")
    if value.dtype.kind not in KINDS or value.dtype.itemsize > 8 or value.size > PIN_LIMIT:
        raise Refused("dtype", f"an array of dtype {value.dtype}")
    if not np.array_equal(value, value):
        raise Refused("dtype", f"nan in an array of dtype {value.dtype}")
    reads = trace.reads
    reads.require_type(var, value)
    reads.require(
        f"{var}.shape == {value.shape!r} and {var}.dtype == {reads.constant(value.dtype)}"
    )
    reads.pin_array(var, value)
    return Narrow(trace, np.array(value) if value.shape else value)


def fixed(trace, value):
    """A value that depends on nothing traced, as NumPy takes it; its parameters become fixed."""
    if isinstance(value, Narrow):
        return value.value
    if isinstance(value, OutsideInt):
        return value.pinned()
    if isinstance(value, Traced):
        if varies([value.node]) or getattr(value, "py", False) in (MAYBE, MIXED):
            raise Refused("dtype", "a narrow dtype beside what depends on t or y")
        known = trace.concrete(value)
        return known.item() if getattr(value, "py", False) else known
    if isinstance(value, Foreign):
        raise Refused(*Narrow.REFUSED)
    if type(value) in (list, tuple):
        return type(value)(fixed(trace, x) for x in value)
    if isinstance(value, slice):
        return slice(*(fixed(trace, x) for x in (value.start, value.stop, value.step)))
    return value


def _given(trace, result):
    """What NumPy gave, as machine values."""
    if isinstance(result, np.ndarray | np.generic):
        if result.dtype not in DTYPES:
            return Narrow(trace, result)
        node = trace.graph.const(result)
        return Array.of(trace, node) if result.shape else Scalar(trace, node)
    return result


def _exemplar(value):
    """What NumPy's promotion sees of a traced value."""
    if isinstance(value, Array):
        return np.ones(value.shape and (1,), value.dtype)
    if value.py in (MAYBE, MIXED):
        raise Refused("dtype", "a narrow dtype beside what is float now, numpy.float64 then")
    exact = value.dtype.type(0)
    return exact.item() if value.py else exact


def widen(trace, operands):
    """The operands with the narrow ones cast to what NumPy promotes all of them to.

    None where nothing in them is traced.
    """
    traced = [x for x in operands if isinstance(x, Traced) and varies([x.node])]
    if not traced:
        return None
    seen = [
        _exemplar(x) if isinstance(x, Traced) else fixed(trace, x)
        for x in operands
        if isinstance(x, Traced | Narrow | OutsideInt | int | float | complex)
    ]
    common = np.result_type(*seen)
    if common not in DTYPES:
        raise Refused("dtype", f"arithmetic that NumPy does in {common}")
    return [x.widened(common) if isinstance(x, Narrow) else x for x in operands]


def call(trace, function, args, kwargs):
    """A function of NumPy with narrow values among its arguments: (called, result or new arguments)."""
    if function is np.interp:  # which casts all that it is given
        return False, [x.widened(FLOAT) if isinstance(x, Narrow) else x for x in args]
    flat = [x for a in args for x in (a if isinstance(a, list | tuple) else [a])]
    wide = widen(trace, [x for x in flat if not isinstance(x, str)])
    if wide is None:
        values = [fixed(trace, a) for a in args]
        more = {key: fixed(trace, a) for key, a in kwargs.items()}
        return True, _given(trace, function(*values, **more))
    if kwargs or not (isinstance(function, np.ufunc) or function in PROMOTING):
        raise Refused(*Narrow.REFUSED)
    cast = dict(zip(map(id, (x for x in flat if not isinstance(x, str))), wide, strict=True))
    return False, [
        [cast.get(id(x), x) for x in a] if isinstance(a, list | tuple) else cast.get(id(a), a)
        for a in args
    ]


def _install(name, dunder):
    setattr(Narrow, f"__{dunder}__", lambda self, other: _between(self, name, self, other))
    setattr(Narrow, f"__r{dunder}__", lambda self, other: _between(self, name, other, self))


def _between(owner, name, a, b):
    for x in (a, b):
        if not isinstance(x, Traced | Narrow | OutsideInt | int | float | complex | np.generic):
            raise Refused(*Narrow.REFUSED)
    wide = widen(owner.trace, (a, b))
    if wide is not None:
        return binary(name, *wide)
    function = np.matmul if name == "matmul" else ELEMENTWISE[name].reference
    return _given(owner.trace, function(fixed(owner.trace, a), fixed(owner.trace, b)))


for _name, _dunder in (*NUMBER_OPERATORS, ("matmul", "matmul")):
    _install(_name, _dunder)
for _name, _dunder in COMPARISONS:
    setattr(
        Narrow,
        f"__{_dunder}__",
        lambda self, other, _name=_name: _between(self, _name, self, other),
    )
Narrow.__neg__ = lambda self: _given(self.trace, -self.value)
Narrow.__pos__ = lambda self: _given(self.trace, +self.value)
Narrow.__abs__ = lambda self: _given(self.trace, abs(self.value))
