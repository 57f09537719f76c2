"""The tracer's virtual machine: runs a function's bytecode on traced values.

Python instructions are carried out as the interpreter would, with three differences: what is read
from outside goes through `world.py` (which records guards), calls go through `calls.py` (which
only lets known, pure ones pass), and a branch on a traced value asks `trace.py` which way to go.
User code itself never runs, so it can neither see nor swallow the tracer's signals.
"""

from __future__ import annotations

import operator

import numpy as np

from diffsol._graph import calls, world
from diffsol._graph.frames import NEW_CALLS, NULL, Cell, Frame, Function, Method, Opaque
from diffsol._graph.numpy_map import r_getitem
from diffsol._graph.outside import Outside, OutsideInt
from diffsol._graph.reasons import Refused
from diffsol._graph.values import Array, Scalar


class UserRaised(BaseException):
    """The traced function raises `exception` on this path."""

    def __init__(self, exception, where):
        super().__init__(exception, where)
        self.exception = exception
        self.where = where


BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "@": operator.matmul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": operator.lshift,
    ">>": operator.rshift,
}
IN_PLACE = {
    "+": operator.iadd,
    "-": operator.isub,
    "*": operator.imul,
    "/": operator.itruediv,
    "//": operator.ifloordiv,
    "%": operator.imod,
    "**": operator.ipow,
    "@": operator.imatmul,
    "&": operator.iand,
    "|": operator.ior,
    "^": operator.ixor,
}
COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
MAX_DEPTH = 60


class Machine:
    """Runs frames for one trace; counts steps."""

    def __init__(self, trace, max_steps):
        self.trace = trace
        self.steps_left = max_steps
        self.depth = 0

    def run(self, frame: Frame):
        """Runs a frame until it returns or yields: (value, finished)."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refused("too-long", "calls nested too deeply", frame.where())
        try:
            return self._loop(frame)
        except Refused as refused:
            if refused.where is None:
                refused.where = frame.where()
            raise
        except UserRaised as raised:
            if frame.step.protected:
                raise Refused("try-except", repr(raised.exception), raised.where) from None
            raise
        except (RecursionError, MemoryError):
            raise Refused("too-long", "", frame.where()) from None
        except Exception as exception:
            if frame.step.protected:
                raise Refused("try-except", repr(exception), frame.where()) from exception
            raise UserRaised(exception, frame.where()) from exception
        finally:
            self.depth -= 1

    def _loop(self, frame):
        steps = frame.code.steps
        while True:
            step = frame.step = steps[frame.next]
            frame.next += 1
            self.steps_left -= 1
            if self.steps_left < 0:
                raise Refused("too-long")
            handler = STEPS.get(step.name)
            if handler is None:
                raise Refused("bytecode", step.name)
            done = handler(self, frame, step)
            if done is not None:
                return done


STEPS: dict = {}


def step(*names):
    def register(handler):
        for name in names:
            STEPS[name] = handler
        return handler

    return register


@step(
    "RESUME",
    "NOP",
    "CACHE",
    "PRECALL",
    "COPY_FREE_VARS",
    "EXTENDED_ARG",
    "END_FOR",
    "SETUP_ANNOTATIONS",
)
def _nothing(machine, frame, step):
    pass


@step("POP_TOP")
def _pop_top(machine, frame, step):
    frame.stack.pop()


@step("END_SEND")
def _end_send(machine, frame, step):
    del frame.stack[-2]


@step("PUSH_NULL")
def _push_null(machine, frame, step):
    frame.stack.append(NULL)


@step("COPY")
def _copy(machine, frame, step):
    frame.stack.append(frame.stack[-step.arg])


@step("SWAP")
def _swap(machine, frame, step):
    stack = frame.stack
    stack[-1], stack[-step.arg] = stack[-step.arg], stack[-1]


# --- names -------------------------------------------------------------------------------------


@step("LOAD_CONST")
def _load_const(machine, frame, step):
    frame.stack.append(step.value)


def _local(frame, name):
    if name in frame.cells:  # 3.13 loads cells for closures this way
        return frame.cells[name]
    value = frame.locals.get(name, NULL)
    if value is NULL:
        raise UnboundLocalError(f"cannot access local variable {name!r}")
    return value


@step("LOAD_FAST", "LOAD_FAST_CHECK")
def _load_fast(machine, frame, step):
    frame.stack.append(_local(frame, step.value))


@step("LOAD_FAST_LOAD_FAST")
def _load_fast_twice(machine, frame, step):
    frame.stack.extend(_local(frame, name) for name in step.value)


@step("LOAD_FAST_AND_CLEAR")
def _load_fast_and_clear(machine, frame, step):
    frame.stack.append(frame.locals.pop(step.value, NULL))


@step("STORE_FAST")
def _store_fast(machine, frame, step):
    frame.locals[step.value] = frame.stack.pop()


@step("STORE_FAST_LOAD_FAST")
def _store_load(machine, frame, step):
    store, load = step.value
    frame.locals[store] = frame.stack.pop()
    frame.stack.append(_local(frame, load))


@step("STORE_FAST_STORE_FAST")
def _store_twice(machine, frame, step):
    for name in step.value:
        frame.locals[name] = frame.stack.pop()


@step("DELETE_FAST")
def _delete_fast(machine, frame, step):
    del frame.locals[step.value]


@step("LOAD_GLOBAL", "LOAD_NAME")
def _load_global(machine, frame, step):
    with_null = step.name == "LOAD_GLOBAL" and step.arg & 1
    if with_null and not NEW_CALLS:
        frame.stack.append(NULL)
    frame.stack.append(frame.function.load_global(step.value))
    if with_null and NEW_CALLS:
        frame.stack.append(NULL)


@step("STORE_GLOBAL", "DELETE_GLOBAL")
def _store_global(machine, frame, step):
    raise Refused("side-effect", f"assignment to the global {step.value}")


@step("MAKE_CELL")
def _make_cell(machine, frame, step):
    frame.cells[step.value] = Cell(frame.locals.pop(step.value, NULL))


@step("LOAD_CLOSURE")
def _load_closure(machine, frame, step):
    frame.stack.append(frame.cells[step.value])


@step("LOAD_DEREF")
def _load_deref(machine, frame, step):
    cell = frame.cells[step.value]
    value = cell.value if isinstance(cell, Cell) else world.cell_contents(machine.trace, cell)
    if value is NULL:
        raise NameError(f"cannot access free variable {step.value!r}")
    frame.stack.append(value)


@step("STORE_DEREF")
def _store_deref(machine, frame, step):
    cell = frame.cells[step.value]
    if not isinstance(cell, Cell):
        raise Refused("side-effect", f"assignment to the outer variable {step.value}")
    cell.value = frame.stack.pop()


# --- attributes and items ------------------------------------------------------------------------


@step("LOAD_ATTR")
def _load_attr(machine, frame, step):
    value = world.attribute(machine, frame.stack.pop(), step.value)
    if STEP_HAS_METHOD_BIT and step.arg & 1:
        _push_method(frame, value)
    else:
        frame.stack.append(value)


def _push_method(frame, value):
    frame.stack.extend((value, NULL) if NEW_CALLS else (NULL, value))


@step("LOAD_METHOD")
def _load_method(machine, frame, step):
    _push_method(frame, world.attribute(machine, frame.stack.pop(), step.value))


@step("STORE_ATTR", "DELETE_ATTR")
def _store_attr(machine, frame, step):
    owner = frame.stack.pop()
    raise Refused(
        "side-effect", f"assignment to the attribute {step.value} of a {world.type_name(owner)}"
    )


@step("BINARY_SUBSCR")
def _subscript(machine, frame, step):
    key = frame.stack.pop()
    frame.stack.append(item(machine, frame.stack.pop(), key))


def item(machine, owner, key):
    """owner[key]"""
    if isinstance(owner, Outside):
        return world.item(machine, owner, key)
    if isinstance(owner, np.ndarray | np.generic):
        owner = Array.of(machine.trace, machine.trace.graph.const(owner))
    if isinstance(owner, list | tuple | str) and isinstance(key, Scalar):
        raise Refused("dynamic-index", "item of a sequence by a traced index")
    if type(owner) is type(np.r_):
        return r_getitem(machine.trace, key)
    return owner[_local_key(machine, key)]


def _local_key(machine, key):
    if isinstance(key, Outside):
        return machine.trace.local_copy(key)
    if isinstance(key, tuple):
        return tuple(_local_key(machine, k) for k in key)
    return key


@step("BINARY_SLICE")
def _binary_slice(machine, frame, step):
    stop, start = frame.stack.pop(), frame.stack.pop()
    frame.stack.append(item(machine, frame.stack.pop(), slice(start, stop)))


@step("STORE_SUBSCR")
def _store_subscript(machine, frame, step):
    key, owner, value = frame.stack.pop(), frame.stack.pop(), frame.stack.pop()
    _store_item(machine, owner, key, value)


@step("STORE_SLICE")
def _store_slice(machine, frame, step):
    stop, start, owner, value = (frame.stack.pop() for _ in range(4))
    _store_item(machine, owner, slice(start, stop), value)


def _store_item(machine, owner, key, value):
    if isinstance(owner, Outside):
        raise Refused("side-effect", f"assignment into a {type(owner.value).__name__} from outside")
    if isinstance(owner, list) and isinstance(key, Scalar):
        raise Refused("dynamic-index", "assignment into a list by a traced index")
    if not isinstance(owner, Array | list | dict):
        raise Refused("unknown-object", f"assignment into a {world.type_name(owner)}")
    owner[_local_key(machine, key)] = value


@step("DELETE_SUBSCR")
def _delete_subscript(machine, frame, step):
    key, owner = frame.stack.pop(), frame.stack.pop()
    if not isinstance(owner, list | dict):
        raise Refused("side-effect", f"del of an item of a {world.type_name(owner)}")
    del owner[_local_key(machine, key)]


# --- operators -----------------------------------------------------------------------------------


def operand(machine, value):
    """A value as an operand: local containers and constants as they are, outside ones copied."""
    if isinstance(value, Outside):
        return machine.trace.local_copy(value)
    if isinstance(value, Function | Method | Opaque | Cell):
        raise Refused("unknown-object", "arithmetic with a function")
    return value


@step("BINARY_OP")
def _binary_op(machine, frame, step):
    right, left = operand(machine, frame.stack.pop()), frame.stack.pop()
    symbol = BINARY_SYMBOLS[step.arg]
    table = BINARY
    if symbol.endswith("="):
        symbol, table = symbol[:-1], IN_PLACE
        if isinstance(left, Outside) and not isinstance(left.value, tuple):
            raise Refused(
                "side-effect", f"in-place operator on a {type(left.value).__name__} from outside"
            )
    frame.stack.append(table[symbol](constant_array(machine, operand(machine, left)), right))


def constant_array(machine, value):
    """A NumPy array made inside the function, as an Array (it may meet traced values later)."""
    return (
        Array.of(machine.trace, machine.trace.graph.const(value))
        if isinstance(value, np.ndarray)
        else value
    )


def _unary(name, function):
    @step(name)
    def handler(machine, frame, step):
        frame.stack.append(function(operand(machine, frame.stack.pop())))


_unary("UNARY_NEGATIVE", operator.neg)
_unary("UNARY_POSITIVE", operator.pos)
_unary("UNARY_INVERT", operator.invert)


@step("UNARY_NOT")
def _unary_not(machine, frame, step):
    frame.stack.append(not truth(machine, frame.stack.pop()))


@step("TO_BOOL")
def _to_bool(machine, frame, step):
    frame.stack.append(truth(machine, frame.stack.pop()))


def truth(machine, value) -> bool:
    if isinstance(value, Outside):
        return world.truth(machine, value)
    if isinstance(value, Opaque):
        raise Refused("concrete-value", "a string made from traced values")
    return True if isinstance(value, Function | Method) else bool(value)


@step("COMPARE_OP")
def _compare(machine, frame, step):
    right, left = operand(machine, frame.stack.pop()), operand(machine, frame.stack.pop())
    frame.stack.append(COMPARE[_comparison(step.value)](left, right))


def _comparison(symbol):
    return symbol[5:-1] if symbol.startswith("bool(") else symbol


@step("IS_OP")
def _is_op(machine, frame, step):
    right, left = frame.stack.pop(), frame.stack.pop()
    left, right = (x.value if isinstance(x, Outside) else x for x in (left, right))
    frame.stack.append((left is right) != bool(step.arg))


@step("CONTAINS_OP")
def _contains(machine, frame, step):
    container, value = frame.stack.pop(), frame.stack.pop()
    found = (
        world.contains(machine, container, value)
        if isinstance(container, Outside)
        else operand(machine, value) in container
    )
    frame.stack.append(bool(found) != bool(step.arg))


# --- building ------------------------------------------------------------------------------------


def _pop_many(frame, count):
    values = frame.stack[len(frame.stack) - count :]
    del frame.stack[len(frame.stack) - count :]
    return values


@step("BUILD_TUPLE")
def _build_tuple(machine, frame, step):
    frame.stack.append(tuple(_pop_many(frame, step.arg)))


@step("BUILD_LIST")
def _build_list(machine, frame, step):
    frame.stack.append(_pop_many(frame, step.arg))


@step("BUILD_SET")
def _build_set(machine, frame, step):
    frame.stack.append(set(_pop_many(frame, step.arg)))


@step("BUILD_MAP")
def _build_map(machine, frame, step):
    values = _pop_many(frame, 2 * step.arg)
    frame.stack.append(dict(zip(values[::2], values[1::2], strict=True)))


@step("BUILD_CONST_KEY_MAP")
def _build_const_key_map(machine, frame, step):
    keys = frame.stack.pop()
    frame.stack.append(dict(zip(keys, _pop_many(frame, step.arg), strict=True)))


@step("BUILD_SLICE")
def _build_slice(machine, frame, step):
    frame.stack.append(slice(*_pop_many(frame, step.arg)))


@step("BUILD_STRING")
def _build_string(machine, frame, step):
    parts = _pop_many(frame, step.arg)
    frame.stack.append(Opaque() if any(isinstance(p, Opaque) for p in parts) else "".join(parts))


@step("FORMAT_VALUE")
def _format_value(machine, frame, step):
    spec = frame.stack.pop() if step.arg & 4 else ""
    conversion = {0: lambda x: x, 1: str, 2: repr, 3: ascii}[step.arg & 3]
    frame.stack.append(_formatted(frame.stack.pop(), conversion, spec))


@step("CONVERT_VALUE")
def _convert_value(machine, frame, step):
    conversion = {1: str, 2: repr, 3: ascii}[step.arg]
    value = frame.stack.pop()
    frame.stack.append(conversion(value) if _printable(value) else Opaque())


@step("FORMAT_SIMPLE")
def _format_simple(machine, frame, step):
    frame.stack.append(_formatted(frame.stack.pop(), lambda x: x, ""))


@step("FORMAT_WITH_SPEC")
def _format_with_spec(machine, frame, step):
    spec = frame.stack.pop()
    frame.stack.append(_formatted(frame.stack.pop(), lambda x: x, spec))


def _printable(value):
    return type(value) in (int, float, complex, bool, str, bytes, type(None))


def _formatted(value, conversion, spec):
    if not _printable(value) or isinstance(spec, Opaque):
        return Opaque()
    return format(conversion(value), spec)


@step("LIST_APPEND", "SET_ADD")
def _list_append(machine, frame, step):
    value = frame.stack.pop()
    owner = frame.stack[-step.arg]
    owner.append(value) if isinstance(owner, list) else owner.add(value)


@step("MAP_ADD")
def _map_add(machine, frame, step):
    value, key = frame.stack.pop(), frame.stack.pop()
    frame.stack[-step.arg][key] = value


@step("LIST_EXTEND", "SET_UPDATE")
def _list_extend(machine, frame, step):
    values = list(iterate(machine, frame.stack.pop()))
    owner = frame.stack[-step.arg]
    owner.extend(values) if isinstance(owner, list) else owner.update(values)


@step("DICT_UPDATE", "DICT_MERGE")
def _dict_update(machine, frame, step):
    values = operand(machine, frame.stack.pop())
    frame.stack[-step.arg].update(values)


@step("LIST_TO_TUPLE")
def _list_to_tuple(machine, frame, step):
    frame.stack.append(tuple(frame.stack.pop()))


@step("CALL_INTRINSIC_1")
def _intrinsic(machine, frame, step):
    value = frame.stack.pop()
    if step.arg == 5:
        frame.stack.append(+operand(machine, value))
    elif step.arg == 6:
        frame.stack.append(tuple(value))
    else:
        raise Refused("bytecode", f"CALL_INTRINSIC_1 {step.arg}")


@step("UNPACK_SEQUENCE")
def _unpack(machine, frame, step):
    values = list(iterate(machine, frame.stack.pop()))
    if len(values) != step.arg:
        raise ValueError(
            f"wrong number of values to unpack (expected {step.arg}, got {len(values)})"
        )
    frame.stack.extend(reversed(values))


@step("UNPACK_EX")
def _unpack_ex(machine, frame, step):
    before, after = step.arg & 0xFF, step.arg >> 8
    values = list(iterate(machine, frame.stack.pop()))
    if len(values) < before + after:
        raise ValueError("not enough values to unpack")
    split = len(values) - after
    frame.stack.extend(reversed([*values[:before], values[before:split], *values[split:]]))


@step("GET_LEN")
def _get_len(machine, frame, step):
    frame.stack.append(len(frame.stack[-1]))


# --- loops and jumps -----------------------------------------------------------------------------


def iterate(machine, value):
    """An iterator over a value."""
    if isinstance(value, Outside):
        return iter(world.elements(machine, value))
    if isinstance(value, Scalar | OutsideInt | Opaque):
        raise TypeError("cannot iterate over a scalar")
    return iter(constant_array(machine, value))


@step("GET_ITER")
def _get_iter(machine, frame, step):
    frame.stack.append(iterate(machine, frame.stack.pop()))


@step("FOR_ITER")
def _for_iter(machine, frame, step):
    try:
        frame.stack.append(next(frame.stack[-1]))
    except StopIteration:
        frame.stack.pop()
        frame.next = frame.code.index[step.value]
        for cleanup in ("END_FOR", "POP_TOP"):
            if frame.code.steps[frame.next].name == cleanup and (
                cleanup == "END_FOR" or _ended_for(frame)
            ):
                frame.next += 1


def _ended_for(frame):
    return NEW_CALLS and frame.code.steps[frame.next - 1].name == "END_FOR"


@step("JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT")
def _jump(machine, frame, step):
    frame.next = frame.code.index[step.value]


def _conditional(names, wanted, *, keep=False):
    @step(*names)
    def handler(machine, frame, step):
        if truth(machine, frame.stack[-1]) is wanted:
            frame.next = frame.code.index[step.value]
            if keep:
                return
        frame.stack.pop()


for _word, _wanted in (("TRUE", True), ("FALSE", False)):
    _conditional(
        (f"POP_JUMP_IF_{_word}", f"POP_JUMP_FORWARD_IF_{_word}", f"POP_JUMP_BACKWARD_IF_{_word}"),
        _wanted,
    )
    _conditional((f"JUMP_IF_{_word}_OR_POP",), _wanted, keep=True)


def _none_jump(names, wanted):
    @step(*names)
    def handler(machine, frame, step):
        if (frame.stack.pop() is None) is wanted:
            frame.next = frame.code.index[step.value]


_none_jump(("POP_JUMP_IF_NONE", "POP_JUMP_FORWARD_IF_NONE", "POP_JUMP_BACKWARD_IF_NONE"), True)
_none_jump(
    ("POP_JUMP_IF_NOT_NONE", "POP_JUMP_FORWARD_IF_NOT_NONE", "POP_JUMP_BACKWARD_IF_NOT_NONE"), False
)


# --- calls ---------------------------------------------------------------------------------------


@step("KW_NAMES")
def _kw_names(machine, frame, step):
    frame.kw_names = frame.raw.co_consts[step.arg]


@step("CALL")
def _call(machine, frame, step):
    _call_with(machine, frame, step.arg, frame.kw_names)
    frame.kw_names = ()


@step("CALL_KW")
def _call_kw(machine, frame, step):
    names = frame.stack.pop()
    _call_with(machine, frame, step.arg, names)


def _call_with(machine, frame, count, names):
    values = _pop_many(frame, count)
    first, second = _pop_many(frame, 2)
    if NEW_CALLS:
        function, bound = first, second
    else:
        function, bound = (second, NULL) if first is NULL else (first, second)
    if bound is not NULL:
        values.insert(0, bound)
    split = len(values) - len(names)
    kwargs = dict(zip(names, values[split:], strict=True))
    frame.stack.append(calls.call(machine, function, values[:split], kwargs))


@step("CALL_FUNCTION_EX")
def _call_ex(machine, frame, step):
    kwargs = operand(machine, frame.stack.pop()) if step.arg & 1 else {}
    args = list(iterate(machine, frame.stack.pop()))
    if NEW_CALLS:
        frame.stack.pop()
        function = frame.stack.pop()
    else:
        function = frame.stack.pop()
        frame.stack.pop()
    frame.stack.append(calls.call(machine, function, args, dict(kwargs)))


@step("MAKE_FUNCTION")
def _make_function(machine, frame, step):
    code = frame.stack.pop()
    made = Function(code, frame.function.load_global)
    if not NEW_CALLS:
        if step.arg & 8:
            made.cells = frame.stack.pop()
        if step.arg & 4:
            frame.stack.pop()
        if step.arg & 2:
            made.kwdefaults = frame.stack.pop()
        if step.arg & 1:
            made.defaults = frame.stack.pop()
    frame.stack.append(made)


@step("SET_FUNCTION_ATTRIBUTE")
def _set_function_attribute(machine, frame, step):
    made, value = frame.stack.pop(), frame.stack.pop()
    name = {1: "defaults", 2: "kwdefaults", 8: "cells"}.get(step.arg)
    if name is not None:
        setattr(made, name, value)
    frame.stack.append(made)


@step("RETURN_VALUE")
def _return_value(machine, frame, step):
    return frame.stack.pop(), True


@step("RETURN_CONST")
def _return_const(machine, frame, step):
    return step.value, True


@step("RETURN_GENERATOR")
def _return_generator(machine, frame, step):
    frame.stack.append(NULL)  # what POP_TOP takes away when the body starts
    return Generator(machine, frame), True


@step("YIELD_VALUE")
def _yield_value(machine, frame, step):
    value = frame.stack.pop()
    frame.stack.append(None)  # what send() would deliver
    return value, False


class Generator:
    """A generator of the traced function, as a Python iterator."""

    def __init__(self, machine, frame):
        self.machine = machine
        self.frame = frame

    def __iter__(self):
        return self

    def __next__(self):
        if self.frame is None:
            raise StopIteration
        value, finished = self.machine.run(self.frame)
        if finished:
            self.frame = None
            raise StopIteration
        return value


# --- exceptions, with, import ----------------------------------------------------------------------


@step("LOAD_ASSERTION_ERROR")
def _load_assertion_error(machine, frame, step):
    frame.stack.append(AssertionError)


@step("RAISE_VARARGS")
def _raise(machine, frame, step):
    values = _pop_many(frame, step.arg)
    exception = values[0] if values else RuntimeError("re-raise")
    if isinstance(exception, Outside):
        exception = exception.value
    exception = exception() if isinstance(exception, type) else exception
    raise UserRaised(exception, frame.where())


def _leave():
    """Stands for the __exit__ of np.errstate on the stack."""


@step("BEFORE_WITH")
def _before_with(machine, frame, step):
    manager = frame.stack.pop()
    if not isinstance(manager, np.errstate):
        raise Refused("unknown-call", f"with {world.type_name(manager)}")
    # floating-point exceptions are delegated to the Python function, which sets its own errstate
    frame.stack.extend((_leave, None))


@calls.special(_leave)
def _leave_errstate(machine, *exception):
    return None


@step("IMPORT_NAME")
def _import_name(machine, frame, step):
    names, level = frame.stack.pop(), frame.stack.pop()
    frame.stack.append(world.imported(machine, step.value, names, level))


@step("IMPORT_FROM")
def _import_from(machine, frame, step):
    frame.stack.append(world.attribute(machine, frame.stack[-1], step.value))


def _method_bit():
    import sys

    return sys.version_info >= (3, 12)


STEP_HAS_METHOD_BIT = _method_bit()


def _binary_symbols():
    import opcode

    return [symbol for _, symbol in opcode._nb_ops]


BINARY_SYMBOLS = _binary_symbols()
