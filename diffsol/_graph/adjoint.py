"""Programs for the adjoint equation of y' = f(t, y, p): f_y^T lambda and f_p^T lambda.

The traced function has its variables in one state, [y, p]. For stepping, y is the state and p stands in the
parameter block, behind the parameters that the function has anyway (as in `forward.py`).
"""

from __future__ import annotations

import math

from diffsol._graph.build import Graph, contiguous_strides
from diffsol._graph.diff import flat_positions
from diffsol._graph.node import Program
from diffsol._graph.ops import FLOAT
from diffsol._graph.reverse import Adjoints
from diffsol._graph.roll import rolled


def state_adjoint(program, n, deadline=math.inf) -> Program:
    """-f_y^T lambda for the state [lambda, y]: n numbers. Raises TooLarge."""
    parts = _Parts(program, n)
    found = parts.along(parts.both, (n,), parts.rows, deadline)
    return parts.program(parts.graph.elementwise("negative", found))


def parameter_adjoint(program, n, deadline=math.inf) -> Program:
    """f_p^T lambda for the state [lambda, y]: as many numbers as there are in p. Raises TooLarge."""
    parts = _Parts(program, n)
    return parts.program(parts.along(parts.p, parts.p.shape, 0, deadline))


class _Parts:
    """A program of the state [y, p] in a new graph, of the state [lambda, y] and with p among the parameters."""

    def __init__(self, program, n):
        self.graph, self._old, self._n = Graph(), program, n
        self.rows = program.output.size
        self.both = self.graph.state((self.rows + n,), FLOAT)
        self._q = math.prod(program.state_shape) - n
        self.p = self.graph.param(program.n_params, (self._q,), FLOAT)
        self._copies: dict = {}
        for node in program.nodes:
            self._copies[node.id] = self._copy(node)

    def _copy(self, node):
        """A window of the state that lies in y or in p is one of that: what depends on p does not on y."""
        graph = self.graph
        if node.op == "state":
            y = graph.view(self.both, self.rows, (1,), (self._n,))
            return graph.reshape(graph.concat([y, self.p], 0), node.shape)
        if node.op in ("view", "take") and node.inputs[0].op == "state" and node.size:
            at = node.attrs[0] if node.op == "take" else flat_positions(*node.attrs, node.shape)
            for part, moved, low, high in (
                (self.both, self.rows, 0, self._n),
                (self.p, -self._n, self._n, self._n + self._q),
            ):
                if low <= at.min() and at.max() < high:
                    if node.op == "take":
                        return graph.take(part, at + moved)
                    return graph.view(part, node.attrs[0] + moved, node.attrs[1], node.shape)
        return graph.again(node, [self._copies[x.id] for x in node.inputs])

    def along(self, leaf, shape, start, deadline):
        """lambda^T d output / d leaf."""
        output = self.graph.cast(self._copies[self._old.output.id], FLOAT)
        strides = contiguous_strides(output.shape)
        weights = self.graph.view(self.both, 0, strides, output.shape)
        return Adjoints(self.graph, leaf, shape, start).along(output, weights, deadline)

    def program(self, output) -> Program:
        trap = None if self._old.trap is None else self._copies[self._old.trap.id]
        size = self._old.output.size + self._n
        return rolled(Program(output, trap, (size,), FLOAT, self._old.n_params + self._q))
