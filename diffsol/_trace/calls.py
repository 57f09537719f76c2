"""Which calls a traced function may make, and what they give. Everything not listed ends the trace."""

from __future__ import annotations

import functools
import inspect
import operator
import types

import numpy as np

from diffsol._graph.build import FLOAT_FUNCTIONS
from diffsol._trace import (
    attributes,
    containers,
    frozen,
    instances,
    jitted,
    masked,
    narrow,
    registered,
    scipy_map,
    world,
)
from diffsol._trace.changes import changing
from diffsol._trace.frames import Frame, Function, Method, Native, Opaque, bind
from diffsol._trace.guards import Outside, unpin
from diffsol._trace.known import (
    absorb,
    constant,
    hashable,
    is_constant,
    is_symbolic,
)
from diffsol._trace.masked import Masked
from diffsol._trace.narrow import Narrow
from diffsol._trace.numpy_map import HANDLERS, MATH, OPERATORS, call_math, call_ufunc, is_pure
from diffsol._trace.reasons import Refused, refusal
from diffsol._trace.scalars import Foreign, Traced

STRUCTURED = (list, tuple, dict, set, frozenset)


def call(machine, function, args, kwargs):
    """function(*args, **kwargs) on machine values."""
    own = registered.name_of(function)
    if own is not None:
        return registered.call(machine.trace, function, own, args, kwargs)
    if isinstance(function, Method):
        return call(machine, function.function, [function.owner, *args], kwargs)
    if isinstance(function, Function):
        return _run(machine, function, args, kwargs)
    if isinstance(function, instances.Instance):
        return function.required("__call__", args, kwargs)
    if isinstance(function, attributes.OutsideMethod):
        return function.call(machine, args, kwargs)
    if isinstance(function, Outside):
        return _call_outside(machine, function, args, kwargs)
    if isinstance(function, Native):
        return function.function(*args, **kwargs)
    return _call_known(machine, function, args, kwargs)


# ufuncs of one number that are an operator
FLOAT_UFUNCS = {
    function: name
    for function, name in OPERATORS.items()
    if type(function) is np.ufunc and name in FLOAT_FUNCTIONS and function not in HANDLERS
}


def _run(machine, function, args, kwargs):
    if function.code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        raise Refused("bytecode", "a coroutine")
    if any(hasattr(type(x), "__next__") for x in args) and function.code.co_varnames[0] != ".0":
        machine.trace.keep_iterator()
    value, _ = machine.run(Frame(function, bind(function, args, kwargs)))
    return value


def _call_outside(machine, function, args, kwargs):
    trace, value = machine.trace, function.value
    handler = scipy_map.find_function(value)
    if handler is not None:
        return handler(machine, *args, **kwargs)
    handler = scipy_map.find_object(value)
    if handler is not None:
        return handler(machine, function, *args, **kwargs)
    if type(value) is types.FunctionType:
        known = refusal(value)
        module = (getattr(value, "__module__", None) or "").split(".")[0]
        if known.reason.code not in ("unknown-call", "numpy-call") or module == "scipy":
            raise known  # say so, instead of what is met further in
        return _run(machine, world.function_of(trace, function), args, kwargs)
    if jitted.python_of(value) is not None:
        trace.reads.pin(function.var, value)
        frozen.settle(value, args)
        return _run(machine, frozen.function_of(trace, value), args, kwargs)
    if jitted.is_prange(value):
        return range(*map(unpin, args))
    if type(value) is types.MethodType:
        inner = trace.reads.read((function.var, "func"), f"{function.var}.__func__", value.__func__)
        owner = trace.reads.read((function.var, "self"), f"{function.var}.__self__", value.__self__)
        return call(
            machine,
            world.enter(trace, value.__func__, inner),
            [world.enter(trace, value.__self__, owner), *args],
            kwargs,
        )
    if type(value) is functools.partial:
        return _call_partial(machine, function, args, kwargs)
    if isinstance(value, type):
        if _is_exception(value):
            return exception(value)
        if type(value) is type and value in SPECIAL:
            return SPECIAL[value](machine, *args, **kwargs)
        return instances.construct(machine, function, args, kwargs)
    if type(value) in OBJECTS:
        return OBJECTS[type(value)](machine, function, *args, **kwargs)
    method = inspect.getattr_static(type(value), "__call__", None)
    if isinstance(method, types.FunctionType):
        return call(machine, attributes.attribute(machine, function, "__call__"), args, kwargs)
    raise refusal(value)


def _call_partial(machine, function, args, kwargs):
    trace, value, var = machine.trace, function.value, function.var
    reads = trace.reads
    inner = world.enter(trace, value.func, reads.read((var, "func"), f"{var}.func", value.func))
    reads.require(
        f"len({var}.args) == {len(value.args)} and list({var}.keywords) == {list(value.keywords)!r}"
    )
    first = [
        world.enter(trace, a, reads.read((var, "arg", i), f"{var}.args[{i}]", a))
        for i, a in enumerate(value.args)
    ]
    more = {
        k: world.enter(trace, v, reads.read((var, "keyword", k), f"{var}.keywords[{k!r}]", v))
        for k, v in value.keywords.items()
    }
    return call(machine, inner, [*first, *args], {**more, **kwargs})


def _is_exception(function):
    return isinstance(function, type) and issubclass(function, BaseException)


def exception(cls):
    """Stands for an exception of this class: the making of a user's own might be seen."""
    return RuntimeError(f"{cls.__name__} raised while tracing")


def _call_known(machine, function, args, kwargs):
    """A built-in, NumPy or math callable, or a method of a local value."""
    trace = machine.trace
    if any(isinstance(x, Opaque) for x in args) and not _is_exception(function):
        raise Refused("concrete-value", "a traced value in a string")
    if isinstance(function, types.BuiltinMethodType | types.MethodType) and _is_local_method(
        function
    ):
        return _call_local_method(machine, function, args, kwargs)
    if _is_exception(function):
        return exception(function)
    special = SPECIAL.get(function) if hashable(function) else None
    if special is not None:
        return special(machine, *args, **kwargs)
    if any(is_symbolic(x) for x in (*args, *kwargs.values())) or _makes_arrays(function):
        return _call_traced(trace, function, args, kwargs)
    if hashable(function) and is_pure(function) and "key" not in kwargs:
        return absorb(trace, function(*map(unpin, args), **kwargs))
    raise refusal(function)


def _call_traced(trace, function, args, kwargs):
    args = [
        trace.local_copy(a) if isinstance(a, Outside) and isinstance(a.value, STRUCTURED) else a
        for a in args
    ]
    kwargs = {
        k: trace.local_copy(a) if isinstance(a, Outside) and isinstance(a.value, STRUCTURED) else a
        for k, a in kwargs.items()
    }
    if any(isinstance(a, Masked) for a in args):
        return _call_masked(trace, function, args, kwargs)
    if _has_narrow(args) and (
        isinstance(function, np.ufunc) or is_pure(function) or function in HANDLERS
    ):
        done, args = narrow.call(trace, function, args, kwargs)
        if done:
            return args
    if function in HANDLERS:
        return HANDLERS[function](trace, *args, **kwargs)
    if isinstance(function, np.ufunc) and function in OPERATORS:
        return call_ufunc(trace, function, *args, **kwargs)
    if isinstance(function, np.ufunc) and scipy_map.is_special(function):
        return scipy_map.call_special(trace, function, args, kwargs)
    if function in MATH and not kwargs:
        return call_math(trace, function, *args)
    if (
        hashable(function)
        and is_pure(function)
        and all(is_constant(x) for x in (*args, *kwargs.values()))
    ):
        result = function(
            *(constant(x) for x in args), **{k: constant(x) for k, x in kwargs.items()}
        )
        return absorb(trace, result)
    if function in TRANSPARENT:
        return function(*map(unpin, args), **kwargs)
    raise refusal(function)


def _has_narrow(args):
    return any(
        isinstance(x, Narrow) for a in args for x in (a if type(a) in (list, tuple) else (a,))
    )


def _call_masked(trace, function, args, kwargs):
    """A function of what a traced mask selects."""
    result = masked.call(function, args, kwargs)
    if result is not None:
        return result
    if function is abs:
        return abs(*args)
    if isinstance(function, np.ufunc) and function in OPERATORS and not kwargs:
        return masked.elementwise(functools.partial(call_ufunc, trace, function), args)
    raise Refused(*Masked.REFUSED)


# functions of `operator` that are an operator
ARITHMETIC = {
    getattr(operator, name)
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "neg", "pos", "abs")
}
# built-ins that only call the operators, iteration or indexing of what they are given
TRANSPARENT = {
    *ARITHMETIC,
    abs,
    all,
    any,
    divmod,
    enumerate,
    iter,
    len,
    list,
    next,
    pow,
    reversed,
    round,
    set,
    sorted,
    sum,
    tuple,
    zip,
    slice,
    dict,
    range,
    frozenset,
}
SPECIAL: dict = {}
OBJECTS: dict = {}  # class of objects of NumPy from outside -> handler of their calls


def special(*functions):
    def register(handler):
        for function in functions:
            SPECIAL[function] = handler
        return handler

    return register


# methods of containers that keep their arguments as they are; others only iterate over them
READING = ("get", "keys", "values", "items", "index", "count", "copy")  # change nothing
KEEPING = ("append", "insert", "setdefault", "get", "pop", "add", "remove", "index", "count")


def _is_local_method(function):
    owner = function.__self__
    return isinstance(owner, (*attributes.LOCAL_TYPES, Traced, Foreign)) and not isinstance(
        owner, type
    )


def _call_local_method(machine, function, args, kwargs):
    trace = machine.trace
    if isinstance(function.__self__, Traced | Foreign):
        args = [trace.local_copy(a) if isinstance(a, Outside) else a for a in args]
        return function(*args, **kwargs)
    if function.__name__ not in KEEPING:
        args = [
            containers.elements(machine, a)
            if isinstance(a, Outside) and isinstance(a.value, STRUCTURED)
            else a
            for a in args
        ]
    if isinstance(function.__self__, str | bytes) and any(
        is_symbolic(a) for a in (*args, *kwargs.values())
    ):
        raise Refused("concrete-value", "a traced value in a string")
    if function.__name__ not in READING:
        changing(trace, function.__self__)
    return function(*args, **kwargs)


def _makes_arrays(function):
    """Arrays made inside are traced from the start: values may be assigned into them."""
    return (
        hashable(function)
        and function in HANDLERS
        and getattr(function, "__module__", "") == "numpy"
    )
