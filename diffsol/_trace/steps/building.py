"""Tuples, lists, dicts, strings and unpacking."""

from __future__ import annotations

from diffsol._trace.changes import changing
from diffsol._trace.frames import Opaque
from diffsol._trace.guards import unpin
from diffsol._trace.reasons import Refused
from diffsol._trace.steps.common import iterate, operand, pop_many
from diffsol._trace.steps.registry import step


@step("BUILD_TUPLE")
def _build_tuple(machine, frame, step):
    frame.stack.append(tuple(pop_many(frame, step.arg)))


@step("BUILD_LIST")
def _build_list(machine, frame, step):
    frame.stack.append(pop_many(frame, step.arg))


@step("BUILD_SET")
def _build_set(machine, frame, step):
    frame.stack.append(set(pop_many(frame, step.arg)))


@step("BUILD_MAP")
def _build_map(machine, frame, step):
    values = pop_many(frame, 2 * step.arg)
    frame.stack.append(dict(zip(values[::2], values[1::2], strict=True)))


@step("BUILD_CONST_KEY_MAP")
def _build_const_key_map(machine, frame, step):
    keys = frame.stack.pop()
    frame.stack.append(dict(zip(keys, pop_many(frame, step.arg), strict=True)))


@step("BUILD_SLICE")
def _build_slice(machine, frame, step):
    frame.stack.append(slice(*pop_many(frame, step.arg)))


@step("BUILD_STRING")
def _build_string(machine, frame, step):
    parts = pop_many(frame, step.arg)
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
    value = unpin(value)
    if not _printable(value) or isinstance(spec, Opaque):
        return Opaque()
    return format(conversion(value), spec)


@step("LIST_APPEND", "SET_ADD")
def _list_append(machine, frame, step):
    value = frame.stack.pop()
    owner = frame.stack[-step.arg]
    changing(machine.trace, owner)
    owner.append(value) if isinstance(owner, list) else owner.add(value)


@step("MAP_ADD")
def _map_add(machine, frame, step):
    value, key = frame.stack.pop(), frame.stack.pop()
    changing(machine.trace, frame.stack[-step.arg])
    frame.stack[-step.arg][key] = value


@step("LIST_EXTEND", "SET_UPDATE")
def _list_extend(machine, frame, step):
    values = list(iterate(machine, frame.stack.pop()))
    owner = frame.stack[-step.arg]
    changing(machine.trace, owner)
    owner.extend(values) if isinstance(owner, list) else owner.update(values)


@step("DICT_UPDATE", "DICT_MERGE")
def _dict_update(machine, frame, step):
    values = operand(machine, frame.stack.pop())
    changing(machine.trace, frame.stack[-step.arg])
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
