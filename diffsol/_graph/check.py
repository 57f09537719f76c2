"""Refuses graphs that break the rules of `node.py`: a fault is named where it arises.

Tests run this between the passes; `check(program)` raises `MalformedProgram` with the offending
node and the nodes around it.
"""

from __future__ import annotations

import math

import numpy as np

from diffsol._graph.node import STRUCTURAL, Program
from diffsol._graph.ops import BOOL, COMPLEX, DTYPES, ELEMENTWISE, FLOAT, INT
from diffsol._graph.show import show

LEAVES = ("const", "time", "state", "param")
REDUCTIONS = ("sum", "prod", "amax", "amin", "any", "all")
ATTRIBUTES = {
    "param": 1,
    "view": 2,
    "take": 1,
    "concat": 1,
    "update": 3,
    "put": 1,
    "cumsum": 1,
    "searchsorted": 4,
    "spmv": 3,
    **dict.fromkeys(REDUCTIONS, 1),
}
ARITY = {
    **dict.fromkeys(LEAVES, 0),
    "view": 1,
    "take": 1,
    "update": 2,
    "put": 2,
    "cast": 1,
    "cumsum": 1,
    "matmul": 2,
    "gather": 2,
    "searchsorted": 2,
    "spmv": 2,
    "solve": 2,
    **dict.fromkeys(REDUCTIONS, 1),
}


class MalformedProgram(AssertionError):
    """A graph that no printer can be expected to understand: a bug in whatever made it."""


def check(program: Program) -> None:
    """Raise `MalformedProgram` unless every node of the program keeps the rules."""
    seen: dict = {}
    for node in program.nodes:
        fault = _fault(node, seen, program)
        if fault:
            raise MalformedProgram(f"%{node.id} {node.op}: {fault}\n\n{show(program, around=node)}")
        seen[node.id] = node
    for name, root in (("output", program.output), ("trap", program.trap)):
        if root is not None and seen.get(root.id) is not root:
            raise MalformedProgram(f"the {name} is not among the nodes")
    if program.trap is not None and (program.trap.dtype != BOOL or program.trap.size != 1):
        raise MalformedProgram(f"the trap is {program.trap!r}, not one truth value")


def _fault(node, seen, program):
    """What is wrong with a node whose inputs are right, or None."""
    return _form_fault(node, seen) or (
        _elementwise_fault(node)
        if node.op in ELEMENTWISE
        else _leaf_fault(node, program)
        if node.op in LEAVES
        else _structural_fault(node)
    )


def _form_fault(node, seen):
    if node.op not in ELEMENTWISE and node.op not in STRUCTURAL:
        return "unknown operator"
    if node.id in seen:
        return "its id is taken"
    for x in node.inputs:
        if seen.get(x.id) is not x:
            return f"input %{x.id} does not come before it"
    if node.dtype not in DTYPES:
        return f"dtype {node.dtype}"
    if not isinstance(node.shape, tuple) or any(not _is_count(e) for e in node.shape):
        return f"shape {node.shape!r}"
    arity = ELEMENTWISE[node.op].arity if node.op in ELEMENTWISE else ARITY.get(node.op)
    if arity is not None and len(node.inputs) != arity:
        return f"{len(node.inputs)} inputs, not {arity}"
    if len(node.attrs) != ATTRIBUTES.get(node.op, 0):
        return f"{len(node.attrs)} attributes, not {ATTRIBUTES.get(node.op, 0)}"
    if (node.value is not None) != (node.op == "const"):
        return "only constants have a value"
    return None


def _is_count(extent) -> bool:
    return isinstance(extent, int) and extent >= 0


def _selects(node) -> bool:
    return ELEMENTWISE[node.op].rule == "select"


def _elementwise_fault(node):
    for x in node.inputs:
        if x.shape not in (node.shape, ()):
            return f"input %{x.id} has shape {x.shape}, not {node.shape} or ()"
    dtypes = {x.dtype for x in node.inputs[_selects(node) :]}
    if len(dtypes) > 1:
        return f"inputs of dtypes {sorted(map(str, dtypes))}"
    return _dtype_fault(node, dtypes.pop())


def _dtype_fault(node, operand):
    row = ELEMENTWISE[node.op]
    if operand == COMPLEX and not row.complex:
        return "not defined for complex inputs"
    if _selects(node):
        expected, allowed = operand, DTYPES
        if node.inputs[0].dtype != BOOL:
            return f"the condition is {node.inputs[0].dtype}"
    elif row.rule == "make_complex":
        expected, allowed = COMPLEX, (FLOAT,)
    elif row.rule in ("order", "equal", "test", "logic"):
        expected = BOOL
        allowed = {
            "order": (INT, FLOAT),
            "equal": DTYPES,
            "test": (FLOAT, COMPLEX),
            "logic": (BOOL,),
        }
        allowed = allowed[row.rule]
    else:
        expected = FLOAT if row.rule == "real" and operand == COMPLEX else operand
        allowed = (INT, FLOAT, COMPLEX) if row.integer else (FLOAT, COMPLEX)
    if operand not in allowed:
        return f"inputs of dtype {operand}"
    return None if node.dtype == expected else f"dtype {node.dtype}, not {expected}"


def _leaf_fault(node, program):
    if node.op == "const":
        value = node.value
        if value.shape != node.shape or value.dtype != node.dtype:
            return f"holds {value.dtype}{list(value.shape)}, is {node!r}"
        return (
            None
            if value.flags.c_contiguous and not value.flags.writeable
            else ("its value is writeable or not in C order")
        )
    if node.op == "time":
        return None if (node.shape, node.dtype) == ((), FLOAT) else f"time is {node!r}"
    if node.op == "state":
        same = node.size == math.prod(program.state_shape) and node.dtype == program.state_dtype
        return None if same else f"{node!r} of a state {program.state_dtype}{program.state_shape}"
    end = node.attrs[0] + node.size * (2 if node.dtype == COMPLEX else 1)
    return (
        None
        if node.attrs[0] >= 0 and end <= program.n_params
        else (f"parameters up to {end} of {program.n_params}")
    )


def _structural_fault(node):
    if node.op in REDUCTIONS:
        return _reduction_fault(node)
    return {
        "view": _view_fault,
        "take": _take_fault,
        "concat": _concat_fault,
        "update": _update_fault,
        "put": _put_fault,
        "cast": _cast_fault,
        "cumsum": _cumsum_fault,
        "matmul": _matmul_fault,
        "gather": _gather_fault,
        "searchsorted": _searchsorted_fault,
        "spmv": _spmv_fault,
        "solve": _solve_fault,
    }[node.op](node)


def _same_dtype(node, *inputs):
    for x in inputs:
        if x.dtype != node.dtype:
            return f"input %{x.id} is {x.dtype}, the node {node.dtype}"
    return None


def _window_fault(offset, strides, shape, size):
    if len(strides) != len(shape):
        return f"{len(strides)} strides for {len(shape)} axes"
    if 0 in shape:
        return None
    spans = [s * (e - 1) for s, e in zip(strides, shape, strict=True)]
    low = offset + sum(s for s in spans if s < 0)
    high = offset + sum(s for s in spans if s > 0)
    return None if low >= 0 and high < size else f"reaches elements {low} to {high} of {size}"


def _view_fault(node):
    return _same_dtype(node, *node.inputs) or _window_fault(
        *node.attrs, node.shape, node.inputs[0].size
    )


def _index_fault(index, size):
    if not isinstance(index, np.ndarray) or index.dtype != INT or not index.flags.c_contiguous:
        return "the index is not a C-ordered int64 array"
    if index.size and not (index.min() >= 0 and index.max() < size):
        return f"the index runs from {index.min()} to {index.max()} of {size}"
    return None


def _take_fault(node):
    index = node.attrs[0]
    return (
        _same_dtype(node, *node.inputs)
        or _index_fault(index, node.inputs[0].size)
        or (None if index.shape == node.shape else f"index of shape {index.shape}")
    )


def _put_fault(node):
    (base, value), index = node.inputs, node.attrs[0]
    if base.shape != node.shape or value.shape != index.shape:
        return f"base {base.shape}, value {value.shape}, index {index.shape}"
    return (
        _same_dtype(node, base, value)
        or _index_fault(index, base.size)
        or (None if np.unique(index).size == index.size else "the index repeats elements")
    )


def _update_fault(node):
    (base, value), (offset, strides, window) = node.inputs, node.attrs
    if base.shape != node.shape or value.shape != window:
        return f"base {base.shape}, value {value.shape}, window {window}"
    return _same_dtype(node, base, value) or _window_fault(offset, strides, window, base.size)


def _concat_fault(node):
    axis = node.attrs[0]
    if not node.inputs or not 0 <= axis < node.ndim:
        return f"{len(node.inputs)} parts along axis {axis} of {node.ndim}"
    for x in node.inputs:
        if x.shape[:axis] + x.shape[axis + 1 :] != node.shape[:axis] + node.shape[axis + 1 :]:
            return f"part %{x.id} has shape {x.shape}"
    total = sum(x.shape[axis] for x in node.inputs)
    return _same_dtype(node, *node.inputs) or (
        None if total == node.shape[axis] else f"the parts have {total} elements"
    )


def _cast_fault(node):
    (x,) = node.inputs
    if x.shape != node.shape:
        return f"input of shape {x.shape}"
    return "from complex to real" if x.dtype == COMPLEX and node.dtype in (INT, FLOAT) else None


def _reduction_fault(node):
    (x,), (axes,) = node.inputs, node.attrs
    if list(axes) != sorted(set(axes)) or any(not 0 <= k < x.ndim for k in axes):
        return f"axes {axes} of {x.ndim}"
    if node.op in ("amax", "amin") and (node.dtype == COMPLEX or not x.size):
        return "of complex or no elements"
    kept = tuple(e for k, e in enumerate(x.shape) if k not in axes)
    return _same_dtype(node, x) or (
        None if node.shape == kept else f"shape {node.shape}, not {kept}"
    )


def _cumsum_fault(node):
    (x,), (axis,) = node.inputs, node.attrs
    if x.shape != node.shape or not 0 <= axis < node.ndim:
        return f"input of shape {x.shape}, axis {axis}"
    return _same_dtype(node, x)


def _matmul_fault(node):
    a, b = node.inputs
    if a.ndim not in (1, 2) or b.ndim not in (1, 2) or a.shape[-1] != b.shape[0]:
        return f"{a.shape} @ {b.shape}"
    expected = a.shape[:-1] + b.shape[1:]
    return _same_dtype(node, a, b) or (None if node.shape == expected else f"shape, not {expected}")


def _gather_fault(node):
    x, index = node.inputs
    if index.dtype != INT or index.shape != node.shape or not x.size:
        return f"{index.dtype} index of shape {index.shape} into {x.size} elements"
    return _same_dtype(node, x)


def _searchsorted_fault(node):
    (x, values), (side, offset, stride, count) = node.inputs, node.attrs
    if side not in ("left", "right") or node.dtype != INT or not count:
        return f"side {side!r}, dtype {node.dtype}, {count} elements"
    if x.dtype != FLOAT or values.dtype != FLOAT or values.shape != node.shape:
        return f"{values.dtype}{list(values.shape)} in {x.dtype}"
    return _window_fault(offset, (stride,), (count,), x.size)


def _spmv_fault(node):
    (data, x), (start, column, place) = node.inputs, node.attrs
    if node.shape != (len(start) - 1, *x.shape[1:]) or x.ndim not in (1, 2) or data.ndim != 1:
        return f"{len(start) - 1} rows times {x.shape}"
    if start[0] != 0 or start[-1] != column.size or (np.diff(start) < 0).any():
        return "its rows do not follow each other"
    if place is not None and place.shape != column.shape:
        return f"{place.size} places of {column.size} entries"
    return (
        _same_dtype(node, data, x)
        or _index_fault(column.astype(np.int64), x.shape[0])
        or _index_fault(np.arange(column.size) if place is None else place, data.size)
    )


def _solve_fault(node):
    a, b = node.inputs
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape != (b.shape[0],) * 2:
        return f"{a.shape} and {b.shape}"
    return _same_dtype(node, a, b) or (None if node.shape == b.shape else f"shape, not {b.shape}")
