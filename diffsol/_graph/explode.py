"""Small arrays as scalars, so that loops over them can be rolled back as loops over scalars are."""

from __future__ import annotations

from diffsol._graph.build import Graph
from diffsol._graph.elements import LEAVES, Elements
from diffsol._graph.node import Program
from diffsol._graph.ops import FLOAT


def exploded(program) -> Program:
    """The program with every array computed element by element; only the output is an array."""
    return _Exploding(program).program_of_scalars()


class _Exploding(Elements):
    """Scalars are nodes of a new graph."""

    def __init__(self, program):
        super().__init__(program)
        self.graph = Graph()

    def program_of_scalars(self) -> Program:
        program, graph = self.program, self.graph
        values = self.run()
        scalars = [graph.reshape(x, (1,)) for x in values[program.output.id]]
        output = graph.reshape(graph.concat(scalars, 0), program.output.shape)
        trap = None if program.trap is None else values[program.trap.id][0]
        return Program(output, trap, program.state_shape, program.state_dtype, program.n_params)

    def row(self, name, dtype, *scalars):
        return self.graph.elementwise(name, *scalars)

    def convert(self, scalar, old, new):
        return self.graph.cast(scalar, new)

    def literal(self, number, dtype):
        return self.graph.const(dtype.type(number))

    def const(self, node):
        return [self.graph.const(x) for x in node.value.reshape(-1)]

    def time(self, node):
        return [self.graph.time()]

    def state(self, node):
        state = self.graph.state(node.shape, node.dtype)
        return [self.graph.element(state, i) for i in range(node.size)]

    def param(self, node):
        graph, start = self.graph, node.attrs[0]
        if node.dtype == FLOAT:
            return [graph.param(start + i, (), FLOAT) for i in range(node.size)]
        block = graph.param(start, node.shape, node.dtype)
        return [graph.element(block, i) for i in range(node.size)]

    # --- lookups ----------------------------------------------------------------------------

    def gather(self, node, x, places):
        table = self.table(node.inputs[0])
        return [self.graph.gather(table, place) for place in places]

    def searchsorted(self, node, x, values):
        side, offset, stride, count = node.attrs
        table = self.graph.view(self.table(node.inputs[0]), offset, (stride,), (count,))
        return [self.graph.searchsorted(table, value, side) for value in values]

    def whole(self, node, *_):
        """The elements of what stays an array."""
        made = self.graph.again(node, [self.table(x) for x in node.inputs])
        return [self.graph.element(made, i) for i in range(node.size)]

    spmv = solve = whole

    def table(self, x):
        """An array whole."""
        if x.op in LEAVES:
            return self.graph.again(x, ())
        scalars = [self.graph.reshape(s, (1,)) for s in self.values[x.id]]
        return self.graph.reshape(self.graph.concat(scalars, 0), x.shape)
