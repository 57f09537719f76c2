"""A program in lanes: every element of every array is a `Value`, one number for each trajectory."""

from __future__ import annotations

import numpy as np

from diffsol._compile.vector import equations, rows
from diffsol._compile.vector.rows import KINDS, Refused
from diffsol._graph.elements import Elements
from diffsol._graph.ops import BOOL, COMPLEX, FLOAT, INT


class Lanes(Elements):
    """Writes a program into a text.

    The first n elements of its state are the trajectory's, in rows of `y`; the others are its own arguments, in
    rows of `q`. `trap` becomes the condition under which Python has to be asked, or None.

    known: values that are there already, by (array, row) of `t` and `y`
    """

    def __init__(self, text, program, n, known=()):
        super().__init__(program)
        if program.state_dtype == COMPLEX:
            raise Refused("complex numbers")
        self.text, self.n = text, n
        # conditions under which Python has to be asked: a system of equations that has no solution, say
        self.unanswered: list = []
        self._loaded: dict = dict(known)  # (array, row) -> its value
        self._rows: dict = {}  # id of a node -> where its values lie

    def outputs(self) -> list:
        output = self.program.output
        values = self.run()[output.id]
        return [rows.cast(self.text, x, output.dtype, FLOAT) for x in values]

    def trap(self):
        """The condition under which the program's trap is set, or None. Known after `outputs`."""
        trap = self.program.trap
        conditions = ([] if trap is None else [self.values[trap.id][0]]) + self.unanswered
        if not conditions:
            return None
        result = conditions[0]
        for condition in conditions[1:]:
            result = result | condition
        return result

    # --- scalars ----------------------------------------------------------------------------

    def row(self, name, dtype, *scalars):
        if name == "sqrt":
            # It may stand for x**0.5, x**1.5 or their like, of which the graph knows no more. Of all arguments this
            # one has powers that are no nan.
            self.unanswered.append(scalars[0].equals(-np.inf))
        return rows.compute(self.text, name, dtype, *scalars)

    def convert(self, scalar, old, new):
        return rows.cast(self.text, scalar, old, new)

    def literal(self, number, dtype):
        if dtype == COMPLEX:
            raise Refused("complex numbers")
        return self.text.constant(number, KINDS[dtype])

    def const(self, node):
        return [self.literal(x, node.dtype) for x in node.value.reshape(-1).tolist()]

    def time(self, node):
        return [self._state_row("t", 0)]

    def state(self, node):
        return [
            self._state_row("y", i) if i < self.n else self._state_row("q", i - self.n)
            for i in range(node.size)
        ]

    def _state_row(self, base, row):
        if (base, row) not in self._loaded:
            self._loaded[base, row] = self.text.load_row(self.text.argument(base), row)
        return self._loaded[base, row]

    def param(self, node):
        if node.dtype == COMPLEX:
            raise Refused("complex numbers")
        block = self.text.argument("p")
        return [
            self.convert(self.text.load_shared(block, node.attrs[0] + i), FLOAT, node.dtype)
            for i in range(node.size)
        ]

    # --- arrays that are looked up in -------------------------------------------------------

    def gather(self, node, x, places):
        table = node.inputs[0]
        last = table.size - 1
        text = self.text
        result = []
        for place in places:
            place = text.select(place < 0, 0, place)
            result.append(self._element(table, text.select(place > last, last, place)))
        return result

    def _element(self, table, place):
        """The element of an array at a place in it."""
        if table.op == "param":  # doubles, whatever the dtype
            found = self.text.lookup(self._shared(table), place, "V")
            return self.convert(found, FLOAT, table.dtype)
        kind = "V" if table.dtype == FLOAT else "I"
        if table.op == "const":
            found = self.text.lookup(self._shared(table), place, kind)
        else:
            found = self.text.lookup_row(self._memory(table), place, kind)
        return found.differs(0) if table.dtype == BOOL else found

    def searchsorted(self, node, x, values):
        table = node.inputs[0]
        side, start, stride, count = node.attrs
        shared = table.op in ("const", "param")
        memory = self._shared(table) if shared else self._memory(table)
        return [
            self.text.search(side, memory, start, stride, count, value, not shared)
            for value in values
        ]

    def _shared(self, node):
        """The address of an array that is the same for all lanes."""
        if node.dtype == COMPLEX:
            raise Refused("complex numbers")
        if node.op == "param":
            return self.text.address(self.text.argument("p"), node.attrs[0])
        return self.text.table(node.value.astype(np.int64 if node.dtype == BOOL else node.dtype))

    def values_of(self, node):
        """The elements of a node, also of one that `Elements` keeps for a table."""
        values = self.values[node.id]
        return getattr(self, node.op)(node) if values is None else values

    def _memory(self, node):
        """The rows in which the values of a node lie."""
        if node.id not in self._rows:
            values = self.values_of(node)
            if node.dtype == BOOL:
                values = [self.convert(x, BOOL, INT) for x in values]
            self._rows[node.id] = self.text.rows(values)
        return self._rows[node.id]

    # --- contractions -----------------------------------------------------------------------

    def spmv(self, node, data, x):
        start, column, place = node.attrs
        width = node.size // max(len(start) - 1, 1)
        places = np.arange(len(column)) if place is None else place
        entries = list(zip(places.tolist(), column.tolist(), strict=True))
        return [
            self.dot([data[at] for at, _ in row], [x[j * width + k] for _, j in row], node.dtype)
            for first, last in zip(start[:-1].tolist(), start[1:].tolist(), strict=True)
            for row in (entries[first:last],)
            for k in range(width)
        ]

    def solve(self, node, a, b):
        a, b = (self.values_of(x) for x in node.inputs)
        solution, singular = equations.solve(self.text, node.inputs[0].shape[0], a, b)
        self.unanswered.append(singular)
        return solution
