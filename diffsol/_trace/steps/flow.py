"""Stack, loops, jumps, calls, returns, exceptions, with and import."""

from __future__ import annotations

import numpy as np

from diffsol._trace import attributes, calls, registered, world
from diffsol._trace.branches import Jump
from diffsol._trace.floats import function_of
from diffsol._trace.frames import NEW_CALLS, NULL, Function
from diffsol._trace.guards import Outside
from diffsol._trace.joins import after_loop
from diffsol._trace.reasons import Refused, UserRaised
from diffsol._trace.scalars import Scalar
from diffsol._trace.steps.common import is_iterator, iterate, operand, pop_many, truth
from diffsol._trace.steps.registry import step


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


@step("GET_ITER")
def _get_iter(machine, frame, step):
    frame.stack.append(iterate(machine, frame.stack.pop()))


@step("FOR_ITER")
def _for_iter(machine, frame, step):
    try:
        frame.stack.append(next(frame.stack[-1]))
    except StopIteration:
        frame.stack.pop()
        frame.next = after_loop(frame.code, step)


@step("JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT")
def _jump(machine, frame, step):
    frame.next = frame.code.index[step.value]


def _conditional(names, wanted, *, keep=False):
    @step(*names)
    def handler(machine, frame, step):
        condition = machine.trace.open_condition(frame, frame.stack[-1])
        if condition is not None:
            targets = {
                wanted: (frame.code.index[step.value], not keep),
                not wanted: (step.index + 1, True),
            }
            return Jump(machine, frame, condition, targets).follow()
        if truth(machine, frame.stack[-1]) is wanted:
            frame.next = frame.code.index[step.value]
            if keep:
                return None
        frame.stack.pop()
        return None


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


@step("KW_NAMES")
def _kw_names(machine, frame, step):
    frame.kw_names = frame.raw.co_consts[step.arg]


@step("CALL")
def _call(machine, frame, step):
    stack = frame.stack
    if step.arg == 1 and type(stack[CALLED]) is np.ufunc and not frame.kw_names:
        result = _of_ufunc(machine, stack)
        if result is not None:
            stack[-3:] = (result,)
            return
    _call_with(machine, frame, step.arg, frame.kw_names)
    frame.kw_names = ()


@step("CALL_KW")
def _call_kw(machine, frame, step):
    names = frame.stack.pop()
    _call_with(machine, frame, step.arg, names)


CALLED, EMPTY = (-3, -2) if NEW_CALLS else (-2, -3)  # places below one argument


def _of_ufunc(machine, stack):
    """np.sin(x) of a float scalar, the short way; None if that is not what is called."""
    x = stack[-1]
    if type(x) is not Scalar or stack[EMPTY] is not NULL:
        return None
    name = calls.FLOAT_UFUNCS.get(stack[CALLED])
    if name is None or registered.name_of(stack[CALLED]) is not None:
        return None
    return function_of(machine.trace, name, x, False)


def _call_with(machine, frame, count, names):
    values = pop_many(frame, count)
    first, second = pop_many(frame, 2)
    if NEW_CALLS:
        function, bound = first, second
    else:
        function, bound = (second, NULL) if first is NULL else (first, second)
    if bound is not NULL:
        values.insert(0, bound)
    split = len(values) - len(names)
    kwargs = dict(zip(names, values[split:], strict=True))
    frame.callee = function
    _push_result(machine, frame, calls.call(machine, function, values[:split], kwargs))


# instructions that take an iterator from the stack, so that nobody else will have it
TAKING = (
    *("GET_ITER", "PRECALL", "CALL", "CALL_FUNCTION_EX", "KW_NAMES", "RETURN_VALUE"),
    *("LIST_EXTEND", "UNPACK_SEQUENCE", "UNPACK_EX", "POP_TOP"),
)


def _push_result(machine, frame, result):
    if is_iterator(result) and frame.code.steps[frame.step.index + 1].name not in TAKING:
        machine.trace.keep_iterator()
    frame.stack.append(result)


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
    frame.callee = function
    _push_result(machine, frame, calls.call(machine, function, args, dict(kwargs)))


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


@step("LOAD_ASSERTION_ERROR")
def _load_assertion_error(machine, frame, step):
    frame.stack.append(AssertionError)


@step("RAISE_VARARGS")
def _raise(machine, frame, step):
    values = pop_many(frame, step.arg)
    exception = values[0] if values else RuntimeError("re-raise")
    if isinstance(exception, Outside):
        exception = exception.value
    exception = calls.exception(exception) if isinstance(exception, type) else exception
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
    frame.stack.append(attributes.attribute(machine, frame.stack[-1], step.value))
