"""What built-ins and a few functions of the standard library do that must know of traced values."""

from __future__ import annotations

import functools
import inspect
import types

import numpy as np

from diffsol._graph.ops import BOOL
from diffsol._trace import (
    attributes,
    containers,
    instances,
)
from diffsol._trace.calls import SPECIAL, call, special
from diffsol._trace.containers import iterable_of
from diffsol._trace.frames import Function, Method, Native
from diffsol._trace.guards import Outside, unpin
from diffsol._trace.numpy_map import HANDLERS
from diffsol._trace.numpy_map.registry import array_of
from diffsol._trace.reasons import Refused
from diffsol._trace.values import Array, as_node


@special(functools.partial)
def _partial(machine, function, *first, **more):
    return Native(
        lambda *args, **kwargs: call(machine, function, [*first, *args], {**more, **kwargs})
    )


@special(super)
def _super(machine, *given):
    return instances.make_super(machine, *given)


@special(object.__init__)
def _init_of_object(machine, owner):
    return None


@special(object.__setattr__)
def _setattr_of_object(machine, owner, name, value):
    instances.keep(owner, name, value)


@special(len)
def _len(machine, value):
    return containers.length(machine, value) if isinstance(value, Outside) else len(value)


@special(dict)
def _dict(machine, *given, **more):
    made = dict(*(machine.trace.local_copy(x) if isinstance(x, Outside) else x for x in given))
    return {**made, **more}


@special(next)
def _next(machine, iterator, *default):
    if isinstance(iterator, Outside):
        raise Refused("side-effect", f"next() of a {type(iterator.value).__name__} from outside")
    return next(iterator, *default)


@special(map)
def _map(machine, function, *iterables):
    iterables = [iterable_of(machine, x) for x in iterables]
    return (call(machine, function, list(values), {}) for values in zip(*iterables, strict=False))


@special(functools.reduce)
def _reduce(machine, function, iterable, *initial):
    return functools.reduce(
        lambda total, x: call(machine, function, [total, x], {}),
        iterable_of(machine, iterable),
        *initial,
    )


@special(filter)
def _filter(machine, function, iterable):
    return (
        x
        for x in iterable_of(machine, iterable)
        if (x if function is None else call(machine, function, [x], {}))
    )


@special(getattr)
def _getattr(machine, owner, name, *default):
    try:
        return attributes.attribute(machine, owner, name)
    except AttributeError:
        if isinstance(owner, Outside):
            machine.trace.reads.require(f"not hasattr({owner.var}, {name!r})")
        if default:
            return default[0]
        raise


@special(hasattr)
def _hasattr(machine, owner, name):
    if isinstance(owner, Outside):
        kind = type(inspect.getattr_static(type(owner.value), name, None))
        if hasattr(type(owner.value), "__getattr__") or (
            hasattr(kind, "__get__") and kind is not types.FunctionType
        ):
            raise Refused("unknown-object", f"hasattr of {name!r}, which is computed")
        found = hasattr(type(owner.value), name) or name in getattr(owner.value, "__dict__", ())
        machine.trace.reads.require(f"hasattr({owner.var}, {name!r}) is {found}")
        return found
    if isinstance(owner, Array):
        return hasattr(np.ndarray, name)
    raise Refused("concrete-value", "hasattr of a traced number")


@special(np.errstate)
def _errstate(machine, **kwargs):
    if any(kwargs.get(kind, "ignore") != "ignore" for kind in ("all", "under")):
        raise Refused("unknown-call", "np.errstate that tells underflow")  # kernels do not
    return np.errstate(**kwargs)


@special(np.piecewise)
def _piecewise(machine, x, conditions, functions, *args, **kwargs):
    """numpy.lib: y[condition] = function(x[condition]), one after the other."""
    trace = machine.trace
    x, conditions, functions = (
        trace.local_copy(v) if isinstance(v, Outside) else v for v in (x, conditions, functions)
    )
    x = array_of(trace, x)
    if not isinstance(conditions, list):
        raise Refused("numpy-call", "np.piecewise with other than a list of conditions")
    conditions = [Array.of(trace, trace.graph.cast(as_node(trace, c), BOOL)) for c in conditions]
    if len(conditions) == len(functions) - 1:
        conditions.append(~HANDLERS[np.any](trace, conditions, axis=0))
    if len(conditions) != len(functions) or any(c.shape != x.shape for c in conditions):
        raise Refused("numpy-call", "np.piecewise with conditions of another number or shape")
    y = HANDLERS[np.zeros_like](trace, x)
    for condition, function in zip(conditions, functions, strict=True):
        condition = array_of(trace, condition)
        if not isinstance(function, Function | Method | Outside) and not callable(function):
            y[condition] = function
        else:
            y[condition] = call(machine, function, [x[condition], *args], kwargs)
    return y


def _register_iterating():
    def make(function):
        def handler(machine, *args, **kwargs):
            if kwargs and function is sorted or function is iter and len(args) > 1:
                raise Refused("unknown-call", f"{function.__name__} with options")
            return function(
                *(
                    iterable_of(machine, a) if i == 0 or function is zip else unpin(a)
                    for i, a in enumerate(args)
                ),
                **{key: unpin(a) for key, a in kwargs.items()},
            )

        return handler

    for function in (zip, list, tuple, enumerate, reversed, sum, any, all, sorted, set, iter):
        SPECIAL[function] = make(function)


_register_iterating()
