"""Programs element by element: every array is a flat list of scalars, in C order.

Views, gathers, concatenations and assignments only rearrange the scalars. What a scalar is, and how
one is computed, says a subclass: an SSA value (`_compile/unroll.py`), or a node (`explode.py`).
"""

from __future__ import annotations

import math

import numpy as np

from diffsol._graph.interpret import window
from diffsol._graph.ops import COMPLEX, ELEMENTWISE
from diffsol._graph.sums import pairwise

REDUCERS = {
    "sum": "add",
    "prod": "multiply",
    "amax": "maximum",
    "amin": "minimum",
    "any": "logical_or",
    "all": "logical_and",
}
LEAVES = ("const", "state", "param")
IDENTITY = {"sum": 0, "prod": 1, "any": False, "all": True}  # of an empty reduction


class Elements:
    """Walks a program. Subclasses give the leaves (const, time, state, param) as lists of scalars, and

    gather, searchsorted, solve, spmv  the scalars of these nodes (of an array that is only looked up in,
                                 None instead of its scalars)
    row(name, dtype, *scalars)   the operator `name` of scalars of that dtype
    convert(scalar, old, new)    a scalar of dtype `old` cast to `new`
    literal(number, dtype)       the scalar of a number
    """

    def __init__(self, program):
        self.program = program
        self.values: dict = {}  # id of a node -> its scalars
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
            if node.op in LEAVES and node.id not in by_element:
                self.values[node.id] = None  # a table, however long: no names for its elements
            elif node.op in ELEMENTWISE:
                self.values[node.id] = self.elementwise(node)
            else:
                self.values[node.id] = getattr(self, node.op)(
                    node, *(self.values[x.id] for x in node.inputs)
                )
        return self.values

    def elementwise(self, node):
        dtype = node.inputs[-1].dtype  # all have it, but for the condition of a select
        operands = [
            self.values[x.id] if x.shape == node.shape else self.values[x.id] * node.size
            for x in node.inputs
        ]
        return [self.row(node.op, dtype, *scalars) for scalars in zip(*operands, strict=True)]

    def cast(self, node, x):
        return [self.convert(scalar, node.inputs[0].dtype, node.dtype) for scalar in x]

    # --- rearrangements: no operations ------------------------------------------------------

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
            return self.literal(IDENTITY[node.op], node.dtype)
        if node.op == "sum" and node.dtype.kind in "fc" and run > 1:
            scalars = [
                pairwise(self.plus(node.dtype), scalars[i : i + run], node.dtype)
                for i in range(0, len(scalars), run)
            ]
        if node.op == "prod" and node.dtype == COMPLEX:  # NumPy starts from 1: inf becomes NaN
            scalars = [self.literal(1, COMPLEX), *scalars]
        result = scalars[0]
        for scalar in scalars[1:]:
            result = self.row(REDUCERS[node.op], node.dtype, result, scalar)
        return result

    def plus(self, dtype):
        return lambda a, b: self.row("add", dtype, a, b)

    def cumsum(self, node, x):
        axis = node.attrs[0]
        inner = math.prod(node.shape[axis + 1 :])
        span = node.shape[axis] * inner
        result = list(x)
        for i in range(len(x)):
            if i % span >= inner:
                result[i] = self.row("add", node.dtype, result[i - inner], x[i])
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

    def dot(self, a, b, dtype):
        products = [self.row("multiply", dtype, x, y) for x, y in zip(a, b, strict=True)]
        if not products:
            return self.literal(0, dtype)
        result = products[0]
        for product in products[1:]:
            result = self.row("add", dtype, result, product)
        return result


def _read_by_element(program) -> set:
    """Ids of the nodes that something else than a lookup reads."""
    roots = [x for x in (program.output, program.trap) if x is not None]
    read = {x.id for x in roots}
    for node in program.nodes:
        if node.op == "solve":
            continue
        inputs = node.inputs[1:] if node.op in ("gather", "searchsorted") else node.inputs
        read.update(x.id for x in inputs)
    return read


def trailing_run(shape, axes) -> int:
    """How many elements that lie next to each other a reduction over `axes` combines first."""
    run, axis = 1, len(shape) - 1
    while axis >= 0 and axis in axes:
        run *= shape[axis]
        axis -= 1
    return run
