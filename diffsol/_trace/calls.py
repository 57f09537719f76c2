"""Which calls a traced function may make, and what they give. Everything not listed ends the trace."""

from __future__ import annotations

import functools
import inspect
import operator
import types

import numpy as np

from diffsol._graph.build import FLOAT_FUNCTIONS
from diffsol._graph.ops import BOOL
from diffsol._trace import frozen, instances, jitted, masked, narrow, registered, scipy_map, world
from diffsol._trace.changes import changing
from diffsol._trace.frames import Frame, Function, Method, Native, Opaque, bind
from diffsol._trace.guards import Outside, OutsideInt
from diffsol._trace.masked import Masked
from diffsol._trace.narrow import Narrow
from diffsol._trace.numpy_map import HANDLERS, MATH, OPERATORS, call_math, call_ufunc, is_pure
from diffsol._trace.numpy_map.registry import array_of
from diffsol._trace.reasons import Refused
from diffsol._trace.values import Array, Foreign, Scalar, Traced, as_node

# what a refused call is called by, to say why: module prefix -> reason
RANDOM_MODULES = ("random", "numpy.random", "secrets", "uuid")
CLOCK_MODULES = ("time", "datetime")
IO_NAMES = ("print", "open", "input", "write", "flush", "breakpoint")
IO_MODULES = ("io", "_io", "logging", "tqdm", "warnings", "sys", "os", "pathlib")
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
    if isinstance(function, world.OutsideMethod):
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
        return range(*_plain_args(args))
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
        return call(machine, world.attribute(machine, function, "__call__"), args, kwargs)
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
    special = SPECIAL.get(function) if _hashable(function) else None
    if special is not None:
        return special(machine, *args, **kwargs)
    if any(_is_symbolic(x) for x in (*args, *kwargs.values())) or _makes_arrays(function):
        return _call_traced(trace, function, args, kwargs)
    if _hashable(function) and is_pure(function) and "key" not in kwargs:
        return absorb(trace, function(*_plain_args(args), **kwargs))
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
        _hashable(function)
        and is_pure(function)
        and all(_is_constant(x) for x in (*args, *kwargs.values()))
    ):
        result = function(
            *(_constant(x) for x in args), **{k: _constant(x) for k, x in kwargs.items()}
        )
        return absorb(trace, result)
    if function in TRANSPARENT:
        return function(*(_plain_int(a) for a in args), **kwargs)
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
    return world.length(machine, value) if isinstance(value, Outside) else len(value)


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
        return world.attribute(machine, owner, name)
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
                    iterable_of(machine, a) if i == 0 or function is zip else _plain_int(a)
                    for i, a in enumerate(args)
                ),
                **{key: _plain_int(a) for key, a in kwargs.items()},
            )

        return handler

    for function in (zip, list, tuple, enumerate, reversed, sum, any, all, sorted, set, iter):
        SPECIAL[function] = make(function)


_register_iterating()


def iterable_of(machine, value):
    if isinstance(value, Outside):
        return world.elements(machine, value)
    if isinstance(value, np.ndarray):
        return Array.of(machine.trace, machine.trace.graph.const(value))
    return value


def _plain_int(value):
    return value.pinned() if isinstance(value, OutsideInt) else value


def _plain_args(args):
    return [_plain_int(a) for a in args]


# --- methods of local values -----------------------------------------------------------------------


# methods of containers that keep their arguments as they are; others only iterate over them
READING = ("get", "keys", "values", "items", "index", "count", "copy")  # change nothing
KEEPING = ("append", "insert", "setdefault", "get", "pop", "add", "remove", "index", "count")


def _is_local_method(function):
    owner = function.__self__
    return isinstance(owner, (*world.LOCAL_TYPES, Traced, Foreign)) and not isinstance(owner, type)


def _call_local_method(machine, function, args, kwargs):
    trace = machine.trace
    if isinstance(function.__self__, Traced | Foreign):
        args = [trace.local_copy(a) if isinstance(a, Outside) else a for a in args]
        return function(*args, **kwargs)
    if function.__name__ not in KEEPING:
        args = [
            world.elements(machine, a)
            if isinstance(a, Outside) and isinstance(a.value, STRUCTURED)
            else a
            for a in args
        ]
    if isinstance(function.__self__, str | bytes) and any(
        _is_symbolic(a) for a in (*args, *kwargs.values())
    ):
        raise Refused("concrete-value", "a traced value in a string")
    if function.__name__ not in READING:
        changing(trace, function.__self__)
    return function(*args, **kwargs)


# --- constants ---------------------------------------------------------------------------------------


def _hashable(function):
    try:
        hash(function)
    except TypeError:
        return False
    return True


def _is_symbolic(value):
    """Is there anything in the value that only the tracer understands?"""
    if isinstance(value, Traced | Foreign | Outside | OutsideInt | Function | Method):
        return True
    if type(value) in (list, set, frozenset) or isinstance(value, tuple):
        return any(_is_symbolic(v) for v in value)
    return type(value) is dict and any(_is_symbolic(v) for v in (*value, *value.values()))


def _makes_arrays(function):
    """Arrays made inside are traced from the start: values may be assigned into them."""
    return (
        _hashable(function)
        and function in HANDLERS
        and getattr(function, "__module__", "") == "numpy"
    )


def _is_constant(value):
    if isinstance(value, Traced):
        return value.node.value is not None
    if type(value) in (list, tuple):
        return all(_is_constant(v) for v in value)
    if type(value) in (dict, set, frozenset):
        return not _is_symbolic(value)
    return not isinstance(value, Outside | Function | Method)


def _constant(value):
    if isinstance(value, Traced):
        known = value.node.value
        return known[()] if isinstance(value, Scalar) else np.array(known)
    if type(value) in (list, tuple):
        return type(value)(_constant(v) for v in value)
    return _plain_int(value)


def absorb(trace, result):
    """What a real call gave, as machine values."""
    if isinstance(result, np.ndarray):
        try:
            return Array.of(trace, trace.graph.const(result), c_order=result.flags.c_contiguous)
        except TypeError:
            raise Refused("dtype", f"an array of dtype {result.dtype}") from None
    if isinstance(result, tuple):
        parts = [absorb(trace, r) for r in result]
        return type(result)(*parts) if hasattr(result, "_fields") else tuple(parts)
    return result


def refusal(function) -> Refused:
    """The Refused that says why this callable is not followed."""
    module = getattr(function, "__module__", None) or ""
    owner = getattr(function, "__self__", None)
    if owner is not None and not isinstance(owner, types.ModuleType):
        module = type(owner).__module__ or module
    name = getattr(function, "__qualname__", None) or type(function).__name__
    text = f"{module}.{name}" if module and module != "builtins" else name
    if any(module == m or module.startswith(m + ".") for m in RANDOM_MODULES):
        return Refused("random", text)
    if module in CLOCK_MODULES:
        return Refused("clock", text)
    if name.split(".")[-1] in IO_NAMES or module.split(".")[0] in IO_MODULES:
        return Refused("input-output", text)
    return Refused("numpy-call" if module.split(".")[0] == "numpy" else "unknown-call", text)
