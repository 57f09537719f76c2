"""Functions of functools.lru_cache: followed where what they remember cannot differ from what they compute.

A cache keeps what a function gave when the world was another one. So only functions that read nothing from
outside but modules, built-ins and what trusted modules hold are followed.
"""

from __future__ import annotations

import builtins
import functools
import types

import numpy as np

from diffsol._trace import calls, world
from diffsol._trace.guards import OutsideInt, is_trusted, trusted_module
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import MAYBE, Scalar
from diffsol._trace.values import Array

IMMUTABLE = (bool, int, float, complex, str, bytes, type(None), np.generic, OutsideInt)


def _call(machine, outside, *args, **kwargs):
    trace, wrapped = machine.trace, outside.value.__wrapped__
    if not isinstance(wrapped, types.FunctionType) or not _reads_nothing(wrapped):
        raise Refused("unknown-call", "a cache of a function that reads from outside")
    if any(isinstance(x, Array | list | dict | set) for x in (*args, *kwargs.values())):
        raise TypeError("unhashable type")
    var = trace.reads.read((outside.var, "wrapped"), f"{outside.var}.__wrapped__", wrapped)
    result = calls.call(machine, world.enter(trace, wrapped, var), list(args), kwargs)
    return _kept(trace, result)


def _kept(trace, result):
    """What a cache gives again and again: one object for all calls, so that no change of it may be missed."""
    if isinstance(result, Scalar):
        # a float and an equal numpy.float64 are one key: whose result comes back is not known
        return Scalar(trace, result.node, MAYBE)
    if isinstance(result, Array):
        if result.storage.owner == "local":
            result.storage.owner = "picked"  # a write is refused: the next call would find it
        return result
    if type(result) is tuple:
        return tuple(_kept(trace, x) for x in result)
    if isinstance(result, IMMUTABLE):
        return result
    raise Refused("unknown-call", "a cache that keeps an object which can be changed")


def _reads_nothing(function) -> bool:
    if function.__closure__ or function.__defaults__ or function.__kwdefaults__:
        return False
    codes = [function.__code__]
    for code in codes:
        codes.extend(c for c in code.co_consts if isinstance(c, types.CodeType))
    return all(_is_fixed(function.__globals__, name) for code in codes for name in code.co_names)


def _is_fixed(namespace, name) -> bool:
    """Is this name of a global (or an attribute of something) bound to what does not change?"""
    if name not in namespace:
        return True
    value = namespace[name]
    if isinstance(value, types.ModuleType):
        return trusted_module(value.__name__)
    return value is getattr(builtins, name, None) or callable(value) and is_trusted(value)


calls.OBJECTS[functools._lru_cache_wrapper] = _call
