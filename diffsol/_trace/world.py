"""Reading the world outside the traced function: values, functions, globals, cells, classes.

(`attributes.py` reads the attributes of what was found, `containers.py` its items.)

Every function here returns what the machine may work with (a parameter, a fixed value, an
`Outside`) after recording in `trace.reads` what must be found again on a later call.
"""

from __future__ import annotations

import builtins
import functools
import sys
import types

import numpy as np

from diffsol._graph.ops import COMPLEX, DTYPES, FLOAT
from diffsol._trace import narrow
from diffsol._trace.frames import Function
from diffsol._trace.guards import (
    PIN_LIMIT,
    Outside,
    OutsideInt,
    is_trusted,
    trusted_module,
)
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar
from diffsol._trace.values import Array

PINNED = (bool, str, bytes, type(None), type(Ellipsis), range, slice, np.dtype, np.int64, np.bool_)


def type_name(value) -> str:
    return type(value.value if isinstance(value, (Outside, OutsideInt)) else value).__name__


def enter(trace, value, var):
    """A value read from outside into `var`, as the machine may use it."""
    reads = trace.reads
    kind = type(value)
    if kind in (float, complex, np.float64, np.complex128):
        reads.require_type(var, value)
        dtype = COMPLEX if kind in (complex, np.complex128) else FLOAT
        node = trace.graph.param(reads.add_param(var, value, (), dtype), (), dtype)
        trace.parameters[node.id] = (value, var)
        return Scalar(trace, node, kind in (float, complex))
    if kind is int:
        reads.require_type(var, value)
        return OutsideInt(value, var, trace)
    if kind in PINNED:
        reads.require_type(var, value)
        reads.pin(var, value)
        return value
    if kind is np.ndarray:
        return enter_array(trace, value, var)
    if isinstance(value, np.ndarray | np.generic):
        return narrow.enter(trace, value, var)
    if isinstance(value, types.ModuleType) or _is_known_function(value):
        reads.pin(var, value)
        return (
            value
            if not isinstance(value, types.ModuleType) or trusted_module(value.__name__)
            else Outside(value, var, reads)
        )
    if isinstance(value, type):
        reads.pin(var, value)
        return (
            Outside(value, var, reads) if value.__module__ not in ("builtins", "numpy") else value
        )
    reads.require_type(var, value)
    return Outside(value, var, reads)


# what NumPy's functions are: written in C, in Python, or dispatched
KNOWN_FUNCTIONS = (types.BuiltinFunctionType, types.FunctionType, type(np.sum))


def _is_known_function(value):
    if isinstance(value, types.BuiltinMethodType):
        return isinstance(value.__self__, types.ModuleType | type(None))
    if isinstance(value, np.ufunc) or value is np.r_ or value is np.c_:
        return True
    return isinstance(value, KNOWN_FUNCTIONS) and is_trusted(value)


def enter_array(trace, value, var):
    reads = trace.reads
    if value.dtype not in DTYPES:
        return narrow.enter(trace, value, var)
    reads.require_type(var, value)
    reads.require(
        f"{var}.shape == {value.shape!r} and {var}.dtype == {reads.constant(value.dtype)}"
    )
    if value.dtype in (FLOAT, COMPLEX):
        node = trace.graph.param(
            reads.add_param(var, value, value.shape, value.dtype), value.shape, value.dtype
        )
        trace.parameters[node.id] = (value, var)
    elif value.size > PIN_LIMIT:
        raise Refused("dtype", f"a large array of dtype {value.dtype}")
    else:
        reads.pin_array(var, value)
        node = trace.graph.const(value)
    return Array.of(trace, node, "outside")


def function_of(trace, outside) -> Function:
    """A Python function from outside, ready to run; its code is guarded, not its identity."""
    value, var, reads = outside.value, outside.var, trace.reads
    # equal code is the same function, made again (by exec, say)
    code = reads.constant(value.__code__)
    reads.require(f"{var}.__code__ is {code} or {var}.__code__ == {code}")
    if value.__builtins__ is not vars(builtins):
        raise Refused("unknown-object", f"{value.__name__} has built-ins of its own")
    namespace = reads.read((var, "globals"), f"{var}.__globals__", value.__globals__)
    defaults = tuple(
        enter(trace, d, reads.read((var, "default", i), f"{var}.__defaults__[{i}]", d))
        for i, d in enumerate(value.__defaults__ or ())
    )
    if value.__defaults__:
        reads.require(f"len({var}.__defaults__) == {len(defaults)}")
    kwdefaults = {
        name: enter(
            trace, d, reads.read((var, "kwdefault", name), f"{var}.__kwdefaults__[{name!r}]", d)
        )
        for name, d in (value.__kwdefaults__ or {}).items()
    }
    cells = tuple(
        Outside(cell, reads.read((var, "cell", i), f"{var}.__closure__[{i}]", cell), reads)
        for i, cell in enumerate(value.__closure__ or ())
    )
    reads.labels.update(
        (cell.var, name) for cell, name in zip(cells, value.__code__.co_freevars, strict=True)
    )
    return Function(
        value.__code__,
        functools.partial(_global, trace, value.__globals__, namespace),
        defaults,
        kwdefaults,
        cells,
    )


def _global(trace, namespace, var, name):
    reads = trace.reads
    if name in namespace:
        value, entered = namespace[name], trace.entered.get((var, name))
        if entered is None or entered[0] is not value:
            own = reads.read((var, "global", name), f"{var}[{name!r}]", value)
            entered = trace.entered[var, name] = value, enter(trace, value, own)
        return entered[1]
    reads.require(f"{name!r} not in {var}")
    if not hasattr(builtins, name):
        raise NameError(f"name {name!r} is not defined")
    value = getattr(builtins, name)
    if not isinstance(value, type | types.BuiltinFunctionType) and value is not Ellipsis:
        raise Refused("unknown-object", f"{name}, found in builtins")
    reads.pin_member(builtins, name, value)
    return value


def cell_contents(trace, outside):
    try:
        value = outside.value.cell_contents
    except ValueError:
        raise NameError("free variable referenced before assignment") from None
    var = trace.reads.read((outside.var, "contents"), f"{outside.var}.cell_contents", value)
    return enter(trace, value, var)


def class_of(trace, outside):
    """type(outside)"""
    cls, var = type(outside.value), outside.var
    return enter(trace, cls, trace.reads.read((var, "class"), f"type({var})", cls))


def imported(machine, name, names, level):
    """`import name` inside the function: modules that are there already and that we know."""
    if level or name not in sys.modules or not trusted_module(name):
        raise Refused("unknown-call", f"import {name} inside the function")
    return sys.modules[name if names else name.split(".")[0]]
