"""Loop lowering: arrays stay arrays, filled by fused loop nests (what is fused: see `fuse.py`).

Single elements are SSA values; a stored array lies in the kernel's workspace (`workspace.py`); a
loop nest is cut where inlined joins and assignments change their form (`regions.py`).
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import numpy as np

from diffsol._compile import lookups, sparse
from diffsol._compile.contractions import Contractions
from diffsol._compile.fuse import LEAVES, LOOKUPS, REDUCTIONS, Plan
from diffsol._compile.index import Affine, flat, identity, on_box
from diffsol._compile.llvm_ops import emit_cast, emit_row, operand_dtype
from diffsol._compile.regions import boxes, cuts_well, inputs_at
from diffsol._compile.unroll import return_trap
from diffsol._compile.workspace import Workspace
from diffsol._compile.writer import LLVM_TYPE, literal, pad
from diffsol._graph.build import contiguous_strides
from diffsol._graph.ops import BOOL, COMPLEX, ELEMENTWISE, FLOAT


def lower(w, program) -> None:
    """Write the body of the kernel, up to and with its return."""
    plan = Plan(program)
    if not cuts_well(plan):
        plan = Plan(program, pieces=False)
    _Lowering(w, program, plan).run()


class _Lowering(Contractions):
    def __init__(self, w, program, plan):
        self.w, self.program, self.plan = w, program, plan
        self.scalars: dict = {}  # id -> scalar of a node with one element
        self.scopes: list = [{}]  # values known in the enclosing loop bodies
        self.memory = Workspace(program, plan)

    def run(self):
        for node in self.program.nodes:
            if node.size == 1:
                self.scalars[node.id] = self.point(node)
            elif node.id in self.plan.stored:
                self.memory.place(node)
                self.store(node)
            self.memory.release(node.id)
        self.output(self.program.output)
        trap = self.program.trap
        body, self.w.lines = self.w.lines, []
        self.memory.allocate(self.w)
        self.w.lines += body
        self.memory.free(self.w)
        return_trap(self.w, None if trap is None else self.scalars[trap.id])

    # --- roots ------------------------------------------------------------------------------------

    def output(self, node):
        dtype = COMPLEX if node.dtype == COMPLEX else FLOAT
        if node.size == 1:
            scalar = emit_cast(self.w, self.scalars[node.id], node.dtype, dtype)
            self.w.store(scalar, "%out", 0, dtype)
        elif node.size and self.memory.where.get(node.id) != "%out":
            for part, offset, strides in self.plan.parts(node, contiguous_strides(node.shape)):
                self.map(part, "%out", offset, strides, dtype)

    def store(self, node):
        """Fill the memory of a stored node."""
        where, strides = self.memory.where[node.id], contiguous_strides(node.shape)
        if node.op in REDUCTIONS:
            self.reduce(node, where)
        elif node.op in ("cumsum", "matmul", "spmv", "solve", "update", "put"):
            getattr(self, node.op)(node, where)
        elif node.op == "concat":
            offset, axis = 0, node.attrs[0]
            for x in node.inputs:
                self.map(x, where, offset, strides, node.dtype)
                offset += x.shape[axis] * strides[axis]
        else:
            self.map(node, where, 0, strides, node.dtype, inner=True)

    def map(self, node, where, offset, strides, dtype, inner=False):
        """where[offset + strides . i] = node[i]; inner: compute the node, though it is stored."""
        if not node.size:
            return
        compute = self.compute if inner else self.element
        for box in boxes(self.plan, node, [(0, extent) for extent in node.shape], inner):
            self.nest(box, partial(self.write, node, compute, box, (where, offset, strides, dtype)))

    def write(self, node, compute, box, target, indices):
        where, offset, strides, dtype = target
        scalar = emit_cast(self.w, compute(node, indices, box), node.dtype, dtype)
        self.w.store(scalar, where, self.number(flat(indices, strides, offset)), dtype)

    def nest(self, box, body):
        """Loops over a box around body(indices)."""
        with ExitStack() as stack:
            names = {}
            for axis, (start, stop) in enumerate(box):
                if stop - start > 1:
                    names[axis] = stack.enter_context(self.w.loop(start, stop)).index
            stack.enter_context(self.scope(names))
            body(tuple(on_box(a, box) for a in identity(len(box))))

    def scope(self, names):
        return _Scope(self, names)

    # --- elements ---------------------------------------------------------------------------------

    def number(self, affine):
        """The SSA name (or int) of an affine index."""
        if not affine.terms:
            return affine.start
        known = self.lookup(affine)
        if known is not None:
            return known
        w, total = self.w, None
        for axis, step in affine.terms:
            name = self.lookup(("axis", axis))
            term = name if step == 1 else w.value(f"mul nsw i64 {name}, {step}")
            total = term if total is None else w.value(f"add nsw i64 {total}, {term}")
        if affine.start:
            total = w.value(f"add nsw i64 {total}, {affine.start}")
        self.scopes[-1][affine] = total
        return total

    def lookup(self, key):
        return next((scope[key] for scope in reversed(self.scopes) if key in scope), None)

    def element(self, node, indices, box):
        """The scalar of node[indices], computed once per loop body."""
        if node.size == 1:
            return self.scalars[node.id]
        indices = tuple(on_box(a, box) for a in indices)
        key = node.id, indices
        known = self.lookup(key)
        if known is None:
            if self.plan.in_memory(node):
                known = self.fetch(node, flat(indices, contiguous_strides(node.shape)))
            else:
                known = self.compute(node, indices, box)
            self.scopes[-1][key] = known
        return known

    def compute(self, node, indices, box):
        """The scalar of an inlined node from those of its inputs."""
        if node.op == "take":
            x, at = node.inputs[0], flat(indices, contiguous_strides(node.shape))
            return self.scalars[x.id] if x.size == 1 else self.fetch(x, self.gather(node, at))
        if node.op == "view" and self.plan.in_memory(node.inputs[0]):
            return self.fetch(
                node.inputs[0], on_box(flat(indices, node.attrs[1], node.attrs[0]), box)
            )
        children = inputs_at(node, indices, box)
        values = [self.element(x, at, box) for x, at in children]
        if node.op in ELEMENTWISE:
            return emit_row(self.w, node.op, operand_dtype(node), *values)
        if node.op == "cast":
            return emit_cast(self.w, values[0], node.inputs[0].dtype, node.dtype)
        if node.op in LOOKUPS:
            return lookups.emit(self.w, node, self.table(node.inputs[0]), values[0])
        return values[0]

    def gather(self, node, position):
        """The SSA name of the index that a take or put holds at a position."""
        index = node.attrs[0]
        if not position.terms:
            return Affine(int(index.reshape(-1)[position.start]))
        narrow = index.size and index.max() < 1 << 31
        table = self.w.table(np.ascontiguousarray(index, np.int32 if narrow else np.int64))
        type, at = "i32" if narrow else "i64", self.number(position)
        found = self.w.value(f"load {type}, ptr {self.w.address(table, at, type)}")
        return self.w.value(f"zext i32 {found} to i64") if narrow else found

    def fetch(self, node, at):
        """Load from a leaf or a stored node; at: an Affine, or the SSA name of a flat index."""
        if node.op == "const":
            return self.constant(node, at)
        at = self.number(at) if isinstance(at, Affine) else at
        if node.op == "state":
            return self.w.load("%y", at, node.dtype)
        if node.op == "param":
            block = self.w.address("%p", node.attrs[0], "double")
            if node.dtype == COMPLEX:
                return self.w.load(block, at, COMPLEX)
            return emit_cast(self.w, self.w.load(block, at, FLOAT), FLOAT, node.dtype)
        return self.w.load(self.memory.where[node.id], at, node.dtype)

    def constant(self, node, at):
        values = node.value.reshape(-1)
        if isinstance(at, Affine) and not at.terms:
            return literal(values[at.start].item(), node.dtype)
        raw = values.tobytes()
        if raw == raw[: values.itemsize] * values.size:  # one value throughout, zeros for one
            return literal(values[0].item(), node.dtype)
        at = self.number(at) if isinstance(at, Affine) else at
        return self.w.load(self.w.table(pad(values)), at, node.dtype)

    def point(self, node):
        """The scalar of a node with one element."""
        w = self.w
        if node.op == "time":
            return "%t"
        if node.op in LEAVES:
            return self.fetch(node, Affine(0))
        if node.op in REDUCTIONS:
            return self.reduce_one(node, (Affine(0),) * node.ndim)
        if node.op == "spmv":
            return sparse.element(w, node, 0, 0, *map(self.table, node.inputs))
        if node.op == "matmul":
            return self.dot(node, Affine(0), Affine(0), 1)
        if node.op in ("update", "put"):
            return self.scalars[node.inputs[1 if node.inputs[1].size else 0].id]
        if node.op in ("concat", "cumsum"):
            return next(self.scalars[x.id] for x in node.inputs if x.size)
        if node.op in ("view", "take"):
            return self.at_position(node.inputs[0], node.attrs[0])
        if node.op in LOOKUPS:
            x, at = node.inputs
            return lookups.emit(w, node, self.table(x), self.scalars[at.id])
        values = [self.scalars[x.id] for x in node.inputs]
        if node.op == "cast":
            return emit_cast(w, values[0], node.inputs[0].dtype, node.dtype)
        return emit_row(w, node.op, operand_dtype(node), *values)

    def at_position(self, x, position):
        """The element of an array at a constant flat position."""
        position = int(np.asarray(position).reshape(-1)[0])
        indices = np.unravel_index(position, x.shape)
        return self.element(x, tuple(Affine(int(i)) for i in indices), [])

    # --- addresses ----------------------------------------------------------------------------------

    def table(self, x):
        """Address of an array that is read at places not known before."""
        if x.size > 1:
            return self.pointer(x, Affine(0))
        return lookups.spilled(self.w, [self.scalars[x.id]], x.dtype)

    def pointer(self, x, start):
        """Address of the element of a leaf or stored node at a flat index."""
        type = (
            "[2 x double]"
            if x.dtype == COMPLEX
            else "i8"
            if x.dtype == BOOL
            else LLVM_TYPE[x.dtype]
        )
        if x.op == "const":
            base = self.w.table(pad(x.value))
        elif x.op == "state":
            base = "%y"
        elif x.op == "param":
            base = self.w.address("%p", x.attrs[0], "double")
        else:
            base = self.memory.where[x.id]
        return self.w.address(base, self.number(start), type)

    # --- assignments in memory ----------------------------------------------------------------------

    def update(self, node, where):
        base, value = node.inputs
        if node.id not in self.plan.in_place:
            self.map(base, where, 0, contiguous_strides(base.shape), node.dtype)
        offset, strides, _ = node.attrs
        self.map(value, where, offset, strides, node.dtype)

    def put(self, node, where):
        base, value = node.inputs
        if node.id not in self.plan.in_place:
            self.map(base, where, 0, contiguous_strides(base.shape), node.dtype)
        box = [(0, extent) for extent in value.shape]
        strides = contiguous_strides(value.shape)

        def write(indices):
            at = self.gather(node, flat(indices, strides))
            at = self.number(at) if isinstance(at, Affine) else at
            self.w.store(self.element(value, indices, box), where, at, node.dtype)

        if value.size:
            self.nest(box, write)


class _Scope:
    """Values named inside a loop body are forgotten when it ends."""

    def __init__(self, lowering, names):
        self.scopes = lowering.scopes
        self.names = {("axis", axis): name for axis, name in names.items()}

    def __enter__(self):
        self.scopes.append(self.names)

    def __exit__(self, *exception):
        self.scopes.pop()
