"""Operators and comparisons."""

from __future__ import annotations

import opcode
import operator
import sys
import types

import numpy as np

from diffsol._trace import containers
from diffsol._trace.changes import changing
from diffsol._trace.floats import combined
from diffsol._trace.guards import Outside, unpin
from diffsol._trace.instances import Instance
from diffsol._trace.reasons import Refused, UserRaised
from diffsol._trace.scalars import Scalar
from diffsol._trace.steps.common import constant_array, operand, truth
from diffsol._trace.steps.registry import step

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


BINARY_SYMBOLS = [symbol for _, symbol in opcode._nb_ops]


# for each argument of BINARY_OP the operator of the graph that may be had the short way, or None
_QUICK = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
QUICK = [_QUICK.get(symbol.removesuffix("=")) for symbol in BINARY_SYMBOLS]


@step("BINARY_OP")
def _binary_op(machine, frame, step):
    stack = frame.stack
    right, left = stack.pop(), stack.pop()
    if type(left) is Scalar or type(right) is Scalar:
        name = QUICK[step.arg]
        result = combined(machine.trace, name, left, right) if name is not None else None
        if result is not None:
            stack.append(result)
            return
    stack.append(_general_binary(machine, step, left, right))


def _general_binary(machine, step, left, right):
    right = operand(machine, right)
    symbol = BINARY_SYMBOLS[step.arg]
    table = BINARY
    if symbol == "%" and isinstance(left, str | bytes):
        right = _printed(right)
    if symbol.endswith("="):
        symbol, table = symbol[:-1], IN_PLACE
        if isinstance(left, Outside) and not isinstance(left.value, tuple):
            raise Refused(
                "side-effect", f"in-place operator on a {type(left.value).__name__} from outside"
            )
        changing(machine.trace, left)
    left = constant_array(machine, operand(machine, left))
    try:
        return table[symbol](left, right)
    except ArithmeticError as error:
        if type(left) not in (int, float) or type(right) not in (int, float):
            raise
        # as Python's numbers do, on this path
        raise UserRaised(error, machine.where()) from None


def _printed(value):
    """What a string is formatted with: numbers that the trace may rely on."""
    if isinstance(value, tuple):
        return tuple(_printed(x) for x in value)
    value = unpin(value)
    if type(value) not in (int, float, complex, bool, str, bytes, type(None)):
        raise Refused("concrete-value", "a traced value in a string")
    return value


def _unary(name, function):
    @step(name)
    def handler(machine, frame, step):
        frame.stack.append(function(operand(machine, frame.stack.pop())))


_unary("UNARY_NEGATIVE", operator.neg)
_unary("UNARY_POSITIVE", operator.pos)


@step("UNARY_INVERT")
def _unary_invert(machine, frame, step):
    value = operand(machine, frame.stack.pop())
    if sys.version_info >= (3, 12) and isinstance(value, bool):
        raise Refused("side-effect", "~ of a truth value, of which Python warns")
    frame.stack.append(operator.invert(value))


@step("UNARY_NOT")
def _unary_not(machine, frame, step):
    value = frame.stack.pop()
    condition = machine.trace.open_condition(frame, value)
    frame.stack.append(
        not truth(machine, value)
        if condition is None
        else Scalar(machine.trace, machine.trace.graph.elementwise("logical_not", condition), True)
    )


@step("TO_BOOL")
def _to_bool(machine, frame, step):
    value = frame.stack.pop()
    condition = machine.trace.open_condition(frame, value)
    frame.stack.append(
        truth(machine, value) if condition is None else Scalar(machine.trace, condition, True)
    )


@step("COMPARE_OP")
def _compare(machine, frame, step):
    right, left = frame.stack.pop(), frame.stack.pop()
    symbol = _comparison(step.value)
    if symbol in ("==", "!=") and _compare_by_identity(left, right):
        same = left.value is right.value
        machine.trace.reads.require(f"({left.var} == {right.var}) is {same}")
        frame.stack.append(same == (symbol == "=="))
        return
    left, right = operand(machine, left), operand(machine, right)
    frame.stack.append(COMPARE[symbol](left, right))


def _compare_by_identity(*operands) -> bool:
    """Objects from outside, members of an Enum say, whose == and != are those of `object`."""
    return all(
        isinstance(x, Outside)
        and type(x.value).__eq__ is object.__eq__
        and type(x.value).__ne__ is object.__ne__
        for x in operands
    )


def _comparison(symbol):
    return symbol[5:-1] if symbol.startswith("bool(") else symbol


@step("IS_OP")
def _is_op(machine, frame, step):
    right, left = frame.stack.pop(), frame.stack.pop()
    frame.stack.append(_identical(machine, left, right) != bool(step.arg))


# objects of which there is one only, whatever expression they come from
SINGLE = (
    type(None),
    bool,
    type(Ellipsis),
    type,
    types.BuiltinFunctionType,
    np.ufunc,
    types.ModuleType,
)


def _identical(machine, left, right) -> bool:
    reads = machine.trace.reads
    if isinstance(left, Outside) and isinstance(right, Outside):
        same = left.value is right.value
        reads.require(f"({left.var} is {right.var}) is {same}")
        return same
    if isinstance(right, Outside):
        left, right = right, left
    if isinstance(left, Outside):
        same = left.value is right
        reads.require(f"({left.var} is {reads.constant(right)}) is {same}")
        return same
    if isinstance(left, SINGLE) and isinstance(right, SINGLE):
        return left is right
    if left is None or right is None:
        return False
    if isinstance(left, Instance) and isinstance(right, Instance):
        return left is right
    if isinstance(left, list | dict | set) and isinstance(right, list | dict | set):
        return left is right  # made inside
    raise Refused("unknown-object", "identity of numbers, strings or arrays")


@step("CONTAINS_OP")
def _contains(machine, frame, step):
    container, value = frame.stack.pop(), frame.stack.pop()
    found = (
        containers.contains(machine, container, value)
        if isinstance(container, Outside)
        else operand(machine, value) in container
    )
    frame.stack.append(bool(found) != bool(step.arg))
