"""Functions compiled by numba (`numba.njit`): followed as the Python functions that they were.

numba compiles what a function reads from outside (globals, closure, defaults) into its machine code, once
and for all. So these are constants here, without guards: only the identity of the jitted function is
looked at. Where numba goes other ways than Python (it raises where NumPy warns, say), floating-point flags
hand the evaluation to numba's own function, as they do with every kernel.
"""

from __future__ import annotations

import builtins
import functools
import types

import numpy as np

from diffsol._graph.ops import DTYPES
from diffsol._trace.frames import Cell, Function
from diffsol._trace.guards import Outside, OutsideInt, is_trusted, trusted_module
from diffsol._trace.jitted import python_of
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Traced
from diffsol._trace.values import Array

LARGEST_INT = 2**63  # numba's are 64 bits wide


def settle(fun, args):
    """Let numba compile the function if it has not yet: what it reads is fixed from then on."""
    if fun.signatures:
        return
    import numba

    python = python_of(fun)
    left_out = max(0, python.__code__.co_argcount - len(args))
    defaults = (python.__defaults__ or ())[-left_out:] if left_out else ()
    kinds = [*(_type_of(numba, x) for x in args), *map(numba.types.Omitted, defaults)]
    try:
        fun.compile(tuple(kinds))
    except (numba.core.errors.NumbaError, TypeError) as error:
        raise Refused("unknown-call", f"numba cannot compile it: {error.args[0]}") from None


def _type_of(numba, value):
    """numba's type of a machine value."""
    if isinstance(value, Traced):
        kind = numba.from_dtype(value.node.dtype)
        return numba.types.Array(kind, value.node.ndim, "C") if isinstance(value, Array) else kind
    if isinstance(value, tuple):
        return numba.types.Tuple([_type_of(numba, x) for x in value])
    try:
        return numba.typeof(value.value if isinstance(value, Outside | OutsideInt) else value)
    except ValueError:
        raise Refused("unknown-object", f"a {type(value).__name__} given to numba") from None


def function_of(trace, fun) -> Function:
    """The function to run, whose outside is fixed."""
    python = python_of(fun)
    frozen = functools.partial(_frozen, trace)
    return Function(
        python.__code__,
        functools.partial(_global, frozen, python.__globals__),
        tuple(map(frozen, python.__defaults__ or ())),
        {name: frozen(value) for name, value in (python.__kwdefaults__ or {}).items()},
        tuple(Cell(frozen(cell.cell_contents)) for cell in python.__closure__ or ()),
    )


def _global(frozen, namespace, name):
    if name in namespace:
        return frozen(namespace[name])
    if not hasattr(builtins, name):
        raise NameError(f"name {name!r} is not defined")
    return getattr(builtins, name)


def _frozen(trace, value):
    """What numba takes for a constant, as the machine may use it."""
    kind = type(value)
    if kind in (bool, float, complex, str, type(None), np.float64, np.complex128):
        return value.item() if isinstance(value, np.generic) else value
    if kind is int and abs(value) < LARGEST_INT:
        return value
    if kind is tuple:
        return tuple(_frozen(trace, x) for x in value)
    if kind is np.ndarray and value.dtype in DTYPES:
        return Array.of(trace, trace.graph.const(value.copy()))
    if python_of(value) is not None:
        return function_of(trace, value)
    if isinstance(value, types.ModuleType) and trusted_module(value.__name__):
        return value
    if isinstance(value, np.ufunc | types.BuiltinFunctionType) or (
        isinstance(value, type) and value.__module__ in ("builtins", "numpy")
    ):
        return value
    if isinstance(value, types.FunctionType | type(np.sum)) and is_trusted(value):
        return value
    if isinstance(value, types.ModuleType | type):
        return Outside(value, trace.reads.constant(value), trace.reads)
    raise Refused("unknown-object", f"a {kind.__name__} that a function of numba's reads")
