"""Names, attributes and items."""

from __future__ import annotations

import types

from diffsol._trace import attributes, world
from diffsol._trace.changes import assign_cell, changing
from diffsol._trace.frames import METHOD_BIT, NEW_CALLS, NULL, Cell
from diffsol._trace.guards import Outside
from diffsol._trace.instances import Instance, make_super, set_attribute
from diffsol._trace.merging import Split
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar
from diffsol._trace.steps.common import item, local_key, pop_many
from diffsol._trace.steps.registry import step
from diffsol._trace.values import Array


@step("LOAD_CONST")
def _load_const(machine, frame, step):
    frame.stack.append(step.value)


def _local(frame, name):
    value = frame.locals.get(name, NULL)
    if value is not NULL:
        return value
    if name in frame.cells:  # 3.13 loads cells for closures this way
        return frame.cells[name]
    if name in frame.unmerged:
        raise Split(frame.unmerged[name])
    raise UnboundLocalError(f"cannot access local variable {name!r}")


@step("LOAD_FAST", "LOAD_FAST_CHECK")
def _load_fast(machine, frame, step):
    value = frame.locals.get(step.value, NULL)
    frame.stack.append(_local(frame, step.value) if value is NULL else value)


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
    assign_cell(machine.trace, cell, frame.stack.pop())


def _attribute(machine, owner, name):
    if type(owner) is types.ModuleType:
        return attributes.module_attribute(machine.trace, owner, name)
    return attributes.attribute(machine, owner, name)


@step("LOAD_ATTR")
def _load_attr(machine, frame, step):
    value = _attribute(machine, frame.stack.pop(), step.value)
    if METHOD_BIT and step.arg & 1:
        _push_method(frame, value)
    else:
        frame.stack.append(value)


def _push_method(frame, value):
    frame.stack.extend((value, NULL) if NEW_CALLS else (NULL, value))


@step("LOAD_SUPER_ATTR")
def _load_super_attr(machine, frame, step):
    asked, cls, owner = pop_many(frame, 3)
    if asked is not super:
        raise Refused("unknown-call", "a `super` of its own")
    value = attributes.attribute(machine, make_super(machine, cls, owner), step.value)
    if step.arg & 1:
        _push_method(frame, value)
    else:
        frame.stack.append(value)


@step("LOAD_METHOD")
def _load_method(machine, frame, step):
    _push_method(frame, _attribute(machine, frame.stack.pop(), step.value))


@step("STORE_ATTR", "DELETE_ATTR")
def _store_attr(machine, frame, step):
    owner = frame.stack.pop()
    if isinstance(owner, Instance) and step.name == "STORE_ATTR":
        return set_attribute(owner, step.value, frame.stack.pop())
    raise Refused(
        "side-effect", f"assignment to the attribute {step.value} of a {world.type_name(owner)}"
    )


@step("BINARY_SUBSCR")
def _subscript(machine, frame, step):
    stack = frame.stack
    key, owner = stack.pop(), stack.pop()
    if type(key) is int and type(owner) is Array:
        stack.append(owner.at(key))
    else:
        stack.append(item(machine, owner, key))


@step("BINARY_SLICE")
def _binary_slice(machine, frame, step):
    stop, start = frame.stack.pop(), frame.stack.pop()
    frame.stack.append(item(machine, frame.stack.pop(), slice(start, stop)))


@step("STORE_SUBSCR")
def _store_subscript(machine, frame, step):
    stack = frame.stack
    key, owner, value = stack.pop(), stack.pop(), stack.pop()
    if type(key) is int and type(owner) is Array and type(value) is Scalar:
        owner.put_at(key, value)
    else:
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
    changing(machine.trace, owner)
    owner[local_key(machine, key)] = value


@step("DELETE_SUBSCR")
def _delete_subscript(machine, frame, step):
    key, owner = frame.stack.pop(), frame.stack.pop()
    if not isinstance(owner, list | dict):
        raise Refused("side-effect", f"del of an item of a {world.type_name(owner)}")
    changing(machine.trace, owner)
    del owner[local_key(machine, key)]
