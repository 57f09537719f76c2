"""Loops of reductions, cumulative sums and products of matrices."""

from __future__ import annotations

import math

import numpy as np

from diffsol._compile import helpers, lookups, sparse
from diffsol._compile.fuse import PAIRWISE
from diffsol._compile.index import Affine, flat
from diffsol._compile.llvm_ops import emit_row
from diffsol._compile.writer import LLVM_TYPE, literal
from diffsol._graph.build import contiguous_strides
from diffsol._graph.elements import IDENTITY, REDUCERS, trailing_run
from diffsol._graph.ops import COMPLEX, FLOAT


class Contractions:
    """What `loops._Lowering` does for nodes whose elements are made of many; that has the rest."""

    def reduce(self, node, where):
        x, axes = node.inputs[0], node.attrs[0]
        if x.size and x.ndim - 1 not in axes:
            return self.accumulate(node, where)
        strides = contiguous_strides(node.shape)

        def write(indices):
            self.w.store(
                self.reduce_one(node, indices),
                where,
                self.number(flat(indices, strides)),
                node.dtype,
            )

        return self.nest([(0, extent) for extent in node.shape], write)

    def accumulate(self, node, where):
        """Add (or whatever) row after row to the result: the order of NumPy's strided reductions."""
        x, axes = node.inputs[0], node.attrs[0]
        strides = contiguous_strides(node.shape)
        first = self.identity(node)
        self.nest(
            [(0, extent) for extent in node.shape],
            lambda indices: self.w.store(
                first, where, self.number(flat(indices, strides)), node.dtype
            ),
        )
        box = [(0, extent) for extent in x.shape]

        def add(indices):
            at = self.number(flat([a for k, a in enumerate(indices) if k not in axes], strides))
            total = self.w.load(where, at, node.dtype)
            scalar = self.element(x, indices, box)
            self.w.store(
                emit_row(self.w, REDUCERS[node.op], node.dtype, total, scalar),
                where,
                at,
                node.dtype,
            )

        self.nest(box, add)

    def identity(self, node):
        """What combined with the first element gives that element, to the sign of zero."""
        if node.op in IDENTITY:
            value = IDENTITY[node.op]
            negative_zero = node.op == "sum" and node.dtype.kind in "fc" and node.inputs[0].size
            value = complex(-0.0, -0.0) if negative_zero else value
            return literal(value if node.dtype == COMPLEX else value.real, node.dtype)
        if node.dtype == FLOAT:
            return literal(-math.inf if node.op == "amax" else math.inf, FLOAT)
        limits = np.iinfo(np.int64)
        return literal(limits.min if node.op == "amax" else limits.max, node.dtype)

    def reduce_one(self, node, indices):
        """One element of a reduction that takes in the last axis (or of an empty one)."""
        x, axes = node.inputs[0], node.attrs[0]
        if not x.size:
            return self.identity(node)
        if x.size == 1 and node.op != "prod":
            return self.scalars[x.id]
        run = trailing_run(x.shape, axes)
        blocks = node.op == "sum" and run >= PAIRWISE and node.dtype.kind in "fc"
        looped = [k for k in axes if not blocks or math.prod(x.shape[k:]) > run]
        kept = iter(indices)
        where = [None if k in axes else next(kept) for k in range(x.ndim)]
        base = 1 + max((axis for a in indices for axis, _ in a.terms), default=-1)

        def term(names):
            at = tuple(
                Affine(0) if k in axes and k not in names else names.get(k, where[k])
                for k in range(x.ndim)
            )
            if blocks:
                return self.block_sum(x, flat(at, contiguous_strides(x.shape)), run)
            return self.element(x, at, self._wide_box(x, base))

        loops = [(k, base + n) for n, k in enumerate(k for k in looped if x.shape[k] > 1)]
        return self.carry(node, loops, {}, self.identity(node), term)

    def _wide_box(self, x, base):
        """Ranges of the axes in use while reducing: none of them fixed, none to be cut."""
        return [(0, 2)] * (base + x.ndim)

    def carry(self, node, loops, names, total, term):
        """Loop over [(axis of the input, loop variable)], handing the result from round to round."""
        if not loops:
            return emit_row(self.w, REDUCERS[node.op], node.dtype, total, term(names))
        (k, variable), *rest = loops
        types = ["double"] * 2 if node.dtype == COMPLEX else [LLVM_TYPE[node.dtype]]
        carried = list(zip(types, self.split(total), strict=True))
        with self.w.loop(0, node.inputs[0].shape[k], carried) as loop:
            with self.scope({variable: loop.index}):
                names = {**names, k: Affine(0, ((variable, 1),))}
                total = self.carry(node, rest, names, self.join(loop.now), term)
            loop.next = self.split(total)
        return total

    def split(self, scalar):
        return list(scalar) if isinstance(scalar, tuple) else [scalar]

    def join(self, parts):
        return tuple(parts) if len(parts) == 2 else parts[0]

    def block_sum(self, x, start, run):
        """NumPy's pairwise sum of a run of elements in memory."""
        return helpers.pairwise_sum(self.w, self.pointer(x, start), run, x.dtype)

    def cumsum(self, node, where):
        x, axis = node.inputs[0], node.attrs[0]
        strides, step = contiguous_strides(node.shape), contiguous_strides(node.shape)[axis]
        whole = [(0, extent) for extent in node.shape]
        first = [(0, 1) if k == axis else span for k, span in enumerate(whole)]
        rest = [(1, extent) if k == axis else (0, extent) for k, extent in enumerate(node.shape)]

        def start(indices):
            self.w.store(
                self.element(x, indices, first),
                where,
                self.number(flat(indices, strides)),
                node.dtype,
            )

        def follow(indices):
            at = flat(indices, strides)
            before = self.w.load(where, self.number(at.moved(-step)), node.dtype)
            total = emit_row(self.w, "add", node.dtype, before, self.element(x, indices, rest))
            self.w.store(total, where, self.number(at), node.dtype)

        self.nest(first, start)
        if node.shape[axis] > 1:
            self.nest(rest, follow)

    def matmul(self, node, where):
        a, b = node.inputs
        depth, columns = a.shape[-1], b.shape[1] if b.ndim == 2 else 1
        rows = a.shape[0] if a.ndim == 2 else 1
        if columns == 1 and depth:

            def write(indices):
                row = combine_row(indices, depth)
                self.w.store(
                    self.dot(node, row, Affine(0), 1),
                    where,
                    self.number(flat(indices[:1], (1,))),
                    node.dtype,
                )

            return self.nest([(0, rows)], write)
        zero = literal(0, node.dtype)
        self.nest(
            [(0, rows * columns)],
            lambda indices: self.w.store(zero, where, self.number(indices[0]), node.dtype),
        )
        if depth:
            self.nest(
                [(0, rows), (0, depth), (0, columns)],
                lambda indices: self.add_product(node, where, *indices),
            )

    def spmv(self, node, where):
        data, x = map(self.table, node.inputs)
        strides = contiguous_strides(node.shape)

        def write(indices):
            row, k = (self.number(a) for a in (*indices, Affine(0))[:2])
            scalar = sparse.element(self.w, node, row, k, data, x)
            self.w.store(scalar, where, self.number(flat(indices, strides)), node.dtype)

        self.nest([(0, extent) for extent in node.shape], write)

    def solve(self, node, where):
        lookups.solve(self.w, node, *map(self.table, node.inputs), where)

    def add_product(self, node, where, i, k, j):
        """where[i, j] += a[i, k] * b[k, j]: the innermost loop runs along rows, as memory does."""
        a, b = node.inputs
        depth, columns = a.shape[-1], b.shape[1]
        at = self.number(flat((i, j), (columns, 1)))
        left = self.operand(a, flat((i, k), (depth, 1)))
        right = self.operand(b, flat((k, j), (columns, 1)))
        product = emit_row(self.w, "multiply", node.dtype, left, right)
        total = self.w.load(where, at, node.dtype)
        self.w.store(emit_row(self.w, "add", node.dtype, total, product), where, at, node.dtype)

    def operand(self, x, at):
        return self.scalars[x.id] if x.size == 1 else self.fetch(x, at)

    def dot(self, node, row, column, stride):
        """The inner product of a row of inputs[0] with inputs[1], both in memory."""
        a, b = node.inputs
        depth = a.shape[-1]
        if not depth:
            return literal(0, node.dtype)
        if depth == 1:
            return emit_row(
                self.w, "multiply", node.dtype, self.operand(a, row), self.operand(b, column)
            )
        return helpers.dot(self.w, self.pointer(a, row), self.pointer(b, column), depth, node.dtype)


def combine_row(indices, depth):
    """Flat index of the first element of row `indices[0]`."""
    return flat(indices[:1], (depth,))
