"""Unrolled lowering: every element of every array is an SSA value of its own.

Meant for small programs (see `plan.py`); rearranging arrays costs no instruction (see `Elements`).
"""

from __future__ import annotations

from diffsol._compile import lookups, sparse
from diffsol._compile.llvm_ops import emit_cast, emit_row
from diffsol._compile.writer import literal, pad
from diffsol._graph.elements import Elements
from diffsol._graph.ops import COMPLEX, FLOAT


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


class _Unroller(Elements):
    def __init__(self, w, program):
        super().__init__(program)
        self.w = w
        self.tables: dict = {}  # id -> address of an array that is read at unknown places

    def row(self, name, dtype, *scalars):
        return emit_row(self.w, name, dtype, *scalars)

    def convert(self, scalar, old, new):
        return emit_cast(self.w, scalar, old, new)

    def literal(self, number, dtype):
        return literal(number, dtype)

    def const(self, node):
        return [literal(x, node.dtype) for x in node.value.reshape(-1).tolist()]

    def time(self, node):
        return ["%t"]

    def state(self, node):
        return [self.w.load("%y", i, node.dtype) for i in range(node.size)]

    def param(self, node):
        return load_params(self.w, node.attrs[0], node.size, node.dtype)

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

    # --- contractions with names of their own -----------------------------------------------

    def spmv(self, node, data, x):
        return sparse.scalars(self.w, node, data, x)

    def solve(self, node, a, b):
        where = lookups.room(self.w, node.size, FLOAT)
        lookups.solve(self.w, node, *map(self.table, node.inputs), where)
        return [self.w.load(where, i, FLOAT) for i in range(node.size)]


def load_params(w, offset, size, dtype):
    """Scalars of a parameter node; the block holds doubles, whatever the dtype."""
    if dtype == COMPLEX:
        block = w.address("%p", offset, "double")
        return [w.load(block, i, COMPLEX) for i in range(size)]
    return [emit_cast(w, w.load("%p", offset + i, FLOAT), FLOAT, dtype) for i in range(size)]
