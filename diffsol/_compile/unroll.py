"""Unrolled lowering: every element of every array is an SSA value of its own.

An array is a flat list of scalars in C order, so that views, gathers, concatenations and
assignments rearrange names and cost no instruction. Meant for small programs (see `plan.py`).
"""

from __future__ import annotations

import math

import numpy as np

from diffsol._compile import lookups, sparse
from diffsol._compile.llvm_ops import emit_cast, emit_row, operand_dtype
from diffsol._compile.sums import pairwise
from diffsol._compile.writer import literal, pad
from diffsol._graph.interpret import window
from diffsol._graph.ops import COMPLEX, ELEMENTWISE, FLOAT

REDUCERS = {
    "sum": "add",
    "prod": "multiply",
    "amax": "maximum",
    "amin": "minimum",
    "any": "logical_or",
    "all": "logical_and",
}
IDENTITY = {"sum": 0, "prod": 1, "any": False, "all": True}  # of an empty reduction


def lower(w, program) -> None:
    """Write the body of the kernel, up to and with its return."""
    values = _Unroller(w, program).run()
    dtype = program.output.dtype
    stored = COMPLEX if dtype == COMPLEX else FLOAT
    for i, scalar in enumerate(values[program.output.id]):
        w.store(emit_cast(w, scalar, dtype, stored), "%out", i, stored)
    return_trap(w, None if program.trap is None else values[program.trap.id][0])


def return_trap(w, trap) -> None:
    """Return 1 if the trap (an i1, or None) is set, else 0."""
    w.line("ret i32 0" if trap is None else f"ret i32 {w.value(f'zext i1 {trap} to i32')}")


class _Unroller:
    def __init__(self, w, program):
        self.w, self.program = w, program
        self.values: dict = {}
        self.tables: dict = {}  # id -> address of an array that is read at unknown places
        self.uses: dict = {}
        for node in program.nodes:
            for x in node.inputs:
                self.uses[x.id] = self.uses.get(x.id, 0) + 1
        for root in (program.output, program.trap):
            if root is not None:
                self.uses[root.id] = self.uses.get(root.id, 0) + 1

    def run(self) -> dict:
        by_element = _read_by_element(self.program)
        for node in self.program.nodes:
            if node.op in ("const", "param") and node.id not in by_element:
                self.values[node.id] = None  # a table, however long: no names for its elements
            elif node.op in ELEMENTWISE:
                self.values[node.id] = self.elementwise(node)
            else:
                self.values[node.id] = getattr(self, node.op)(
                    node, *(self.values[x.id] for x in node.inputs)
                )
        return self.values

    # --- leaves and elementwise -------------------------------------------------------------

    def const(self, node):
        return [literal(x, node.dtype) for x in node.value.reshape(-1).tolist()]

    def time(self, node):
        return ["%t"]

    def state(self, node):
        return [self.w.load("%y", i, node.dtype) for i in range(node.size)]

    def param(self, node):
        return load_params(self.w, node.attrs[0], node.size, node.dtype)

    def elementwise(self, node):
        w, size, dtype = self.w, node.size, operand_dtype(node)
        operands = [
            self.values[x.id] if x.shape == node.shape else self.values[x.id] * size
            for x in node.inputs
        ]
        return [emit_row(w, node.op, dtype, *scalars) for scalars in zip(*operands, strict=True)]

    def cast(self, node, x):
        return [emit_cast(self.w, scalar, node.inputs[0].dtype, node.dtype) for scalar in x]

    # --- rearrangements: no instructions ----------------------------------------------------

    def view(self, node, x):
        if not node.size:
            return []
        offset, strides = node.attrs
        if len(strides) <= 1:
            step, count = (strides[0], node.size) if strides else (0, 1)
            return [x[offset + step * i] for i in range(count)]
        positions = window(np.arange(len(x)), offset, strides, node.shape)
        return [x[i] for i in positions.reshape(-1).tolist()]

    def take(self, node, x):
        return [x[i] for i in node.attrs[0].reshape(-1).tolist()]

    def concat(self, node, *parts):
        axis = node.attrs[0]
        inner = math.prod(node.shape[axis + 1 :])
        rows = [x.shape[axis] * inner for x in node.inputs]
        outer = math.prod(node.shape[:axis])
        return [
            scalar
            for i in range(outer)
            for part, row in zip(parts, rows, strict=True)
            for scalar in part[i * row : (i + 1) * row]
        ]

    def update(self, node, base, value):
        if not value:
            return list(base)
        positions = window(np.arange(len(base)), *node.attrs)
        return self.assign(node, base, value, positions)

    def put(self, node, base, value):
        return self.assign(node, base, value, node.attrs[0])

    def assign(self, node, base, value, positions):
        """The base with new elements; it is changed in place where nobody else reads it."""
        result = base if self.uses[node.inputs[0].id] == 1 else list(base)
        for position, scalar in zip(positions.reshape(-1).tolist(), value, strict=True):
            result[position] = scalar
        return result

    # --- lookups ----------------------------------------------------------------------------

    def lookup(self, node, x, places):
        table = self.table(node.inputs[0])
        return [lookups.emit(self.w, node, table, place) for place in places]

    gather = searchsorted = lookup

    def table(self, x):
        """The address of an array: where a leaf lies, else of a copy."""
        if x.id not in self.tables:
            if x.op == "const":
                address = self.w.table(pad(x.value))
            elif x.op == "param":
                address = self.w.address("%p", x.attrs[0], "double")
            elif x.op == "state":
                address = "%y"
            else:
                address = lookups.spilled(self.w, self.values[x.id], x.dtype)
            self.tables[x.id] = address
        return self.tables[x.id]

    # --- contractions -----------------------------------------------------------------------

    def reduction(self, node, x):
        """Group the elements by where they end up, then combine each group as NumPy does."""
        axes, shape = node.attrs[0], node.inputs[0].shape
        kept = [i for i in range(len(shape)) if i not in axes]
        rows = np.arange(len(x)).reshape(shape).transpose(*kept, *axes)
        rows = rows.reshape(node.size, math.prod(shape[i] for i in axes))
        run = trailing_run(shape, axes)
        return [self.combine(node, [x[i] for i in row], run) for row in rows.tolist()]

    sum = prod = amax = amin = any = all = reduction

    def combine(self, node, scalars, run):
        if not scalars:
            return literal(IDENTITY[node.op], node.dtype)
        if node.op == "sum" and node.dtype.kind in "fc" and run > 1:
            scalars = [
                pairwise(self.plus(node.dtype), scalars[i : i + run], node.dtype)
                for i in range(0, len(scalars), run)
            ]
        if node.op == "prod" and node.dtype == COMPLEX:  # NumPy starts from 1: inf becomes NaN
            scalars = [literal(1, COMPLEX), *scalars]
        result = scalars[0]
        for scalar in scalars[1:]:
            result = emit_row(self.w, REDUCERS[node.op], node.dtype, result, scalar)
        return result

    def plus(self, dtype):
        return lambda a, b: emit_row(self.w, "add", dtype, a, b)

    def cumsum(self, node, x):
        axis = node.attrs[0]
        inner = math.prod(node.shape[axis + 1 :])
        span = node.shape[axis] * inner
        result = list(x)
        for i in range(len(x)):
            if i % span >= inner:
                result[i] = emit_row(self.w, "add", node.dtype, result[i - inner], x[i])
        return result

    def matmul(self, node, a, b):
        left, right = (x.shape for x in node.inputs)
        depth = left[-1]
        columns = right[1] if len(right) == 2 else 1
        rows = left[0] if len(left) == 2 else 1
        return [
            self.dot(a[i * depth : (i + 1) * depth], b[j::columns], node.dtype)
            for i in range(rows)
            for j in range(columns)
        ]

    def spmv(self, node, data, x):
        return sparse.scalars(self.w, node, data, x)

    def solve(self, node, a, b):
        where = lookups.room(self.w, node.size, FLOAT)
        lookups.solve(self.w, node, *map(self.table, node.inputs), where)
        return [self.w.load(where, i, FLOAT) for i in range(node.size)]

    def dot(self, a, b, dtype):
        products = [emit_row(self.w, "multiply", dtype, x, y) for x, y in zip(a, b, strict=True)]
        if not products:
            return literal(0, dtype)
        result = products[0]
        for product in products[1:]:
            result = emit_row(self.w, "add", dtype, result, product)
        return result


def _read_by_element(program) -> set:
    """Ids of the nodes that something else than a lookup reads."""
    roots = [x for x in (program.output, program.trap) if x is not None]
    read = {x.id for x in roots}
    for node in program.nodes:
        inputs = node.inputs[1:] if node.op in ("gather", "searchsorted") else node.inputs
        if node.op == "solve":
            continue
        read.update(x.id for x in inputs)
    return read


def load_params(w, offset, size, dtype):
    """Scalars of a parameter node; the block holds doubles, whatever the dtype."""
    if dtype == COMPLEX:
        block = w.address("%p", offset, "double")
        return [w.load(block, i, COMPLEX) for i in range(size)]
    return [emit_cast(w, w.load("%p", offset + i, FLOAT), FLOAT, dtype) for i in range(size)]


def trailing_run(shape, axes) -> int:
    """How many elements that lie next to each other a reduction over `axes` combines first."""
    run, axis = 1, len(shape) - 1
    while axis >= 0 and axis in axes:
        run *= shape[axis]
        axis -= 1
    return run
