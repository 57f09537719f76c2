"""Forward sensitivities as programs: a function of a state and of parameters, and its linearised system.

A traced function has its variables in one state, x = [y, p]. To be stepped, y is the state and p belongs to
the parameter block, behind the parameters that the function has anyway.
"""

from __future__ import annotations

import math

import numpy as np

from diffsol._graph import sparsity
from diffsol._graph.build import Graph
from diffsol._graph.diff import Tangents
from diffsol._graph.node import Program, reachable
from diffsol._graph.ops import FLOAT
from diffsol._graph.roll import rolled
from diffsol._graph.terms import Term

SPARSE = 0.3  # share of a matrix' places from which on it is multiplied in full
SMALL = 8  # rows and columns up to which it is in any case


def with_parameters(program, n) -> Program:
    """The program with the first n elements of its state as the state, the others as parameters."""
    graph = Graph()
    copies = _split(program, graph, graph.state((n,), FLOAT), n)
    n_params = program.n_params + math.prod(program.state_shape) - n
    return _of(program, copies, copies[program.output.id], n_params, n)


def forward_program(program, n, variables, own=False, deadline=math.inf) -> Program:
    """[f, dS/dt] for the state [y, S]: the equations of y and of its derivatives S_j = dy / dv_j.

    dS_j / dt = (df/dy) S_j + df/dv_j (Hairer, Norsett, Wanner I, II.6, eq. 6.23)

    program    f of the state [y, p], real, with n rows; or any other function of these, with its own rows
    variables  for each v_j its place in p, or -1: an initial value, on which f does not depend
    own        p is no parameter but stands behind S in the state, as of a trajectory of an ensemble
    The columns, n numbers each of S and as many as f has of its derivatives, stand one behind the other. Raises
    TooLarge.
    """
    m, size = len(variables), math.prod(program.state_shape)
    width = n * (1 + m)
    graph = Graph()
    both = graph.state((width + (size - n) * own,), FLOAT)
    y, columns = graph.view(both, 0, (1,), (n,)), graph.view(both, n, (n, 1), (m, n))
    p = graph.view(both, width, (1,), (size - n,)) if own and size > n else None
    copies = _split(program, graph, y, n, p)
    output = graph.cast(copies[program.output.id], FLOAT)
    output = graph.reshape(output, (output.size,))
    found = _derivatives(graph, output, n, size, width if own else None, program.n_params, deadline)
    slope = _product(graph, found, columns, n)
    used = [k for k, v in enumerate(variables) if v >= 0]
    if used:
        slope = _with_parameter_part(graph, found, slope, used, [n + variables[k] for k in used])
    result = graph.concat([output, graph.reshape(slope, (slope.size,))], 0)
    n_params = program.n_params + (0 if own else size - n)
    return _of(program, copies, result, n_params, both.size)


class _Found:
    """The entries of d output / d [y, p]: where, and the nodes of their values."""

    def __init__(self, graph, terms, shape):
        self.rows = math.prod(shape)
        collection = sparsity.Collection(graph, terms, shape)
        self.values = collection.values()
        self.column, self.row = np.divmod(collection.entries.places, self.rows)


def _derivatives(graph, output, n, size, p_at, n_params, deadline):
    """The entries of d output / d [y, p]; y are the first n elements of the state; p begins at its element `p_at`, or
    is the parameter behind the first `n_params` numbers (None)."""
    tangents = Tangents(graph, size)
    nodes = reachable([output])
    for node in nodes:
        if node.op == "state":
            variables = np.full(node.size, -1)
            variables[:n] = np.arange(n)
            if p_at is not None:
                variables[p_at:] = np.arange(n, size)
            tangents.seed(node, [Term(graph.const(1.0), variables)])
        elif node.op == "param" and node.attrs[0] == n_params:
            tangents.seed(node, [Term(graph.const(1.0), np.arange(n, size))])
    tangents.follow(nodes, deadline)
    return _Found(graph, tangents.of(output), output.shape)


def _product(graph, found, columns, n):
    """(df/dy) S, (m, rows), of columns (m, n): a column in each row."""
    rows = found.rows
    inside = found.column < n
    row, column, at = found.row[inside], found.column[inside], np.flatnonzero(inside)
    if max(n, rows) <= SMALL or len(row) >= SPARSE * n * rows:
        matrix = _full(graph, found.values, column * rows + row, at, (n, rows))
        return graph.matmul(columns, matrix)
    order = np.lexsort((column, row))  # row by row
    start = np.searchsorted(row[order], np.arange(rows + 1))
    transposed = graph.view(columns, 0, (1, n), (n, columns.shape[0]))
    product = graph.spmv(found.values, transposed, start, column[order], at[order])
    return graph.view(product, 0, (1, columns.shape[0]), (columns.shape[0], rows))


def _with_parameter_part(graph, found, slope, used, wanted):
    """The slope with df/dv added to its rows `used`, whose variables are columns `wanted` of the Jacobian."""
    position = np.full(int(found.column.max(initial=0)) + 1, -1)
    wanted = np.array(wanted)
    there = wanted < len(position)
    position[wanted[there]] = np.array(used)[there]
    variable = position[found.column] if len(found.column) else found.column
    at = np.flatnonzero(variable >= 0)
    if not len(at):
        return slope
    places = variable[at] * found.rows + found.row[at]
    if len(at) >= SPARSE * slope.size:
        return graph.elementwise("add", slope, _full(graph, found.values, places, at, slope.shape))
    values = graph.take(found.values, at)
    changed = graph.elementwise("add", graph.take(slope, places), values)
    return graph.put(slope, changed, places)


def _full(graph, values, places, at, shape):
    """A matrix with zeros but for values[at] at the (flat) places."""
    index = np.full(math.prod(shape), values.size)
    index[places] = at
    if (index < values.size).all():
        return graph.take(values, index.reshape(shape))
    padded = graph.concat([values, graph.const(np.zeros(1))], 0)
    return graph.take(padded, index.reshape(shape))


def _split(program, graph, y, n, p=None) -> dict:
    """The program's nodes in the graph, by their ids here, with [y, p] in place of the state; p None: parameters."""
    size = math.prod(program.state_shape)
    both = y
    if size > n:
        p = graph.param(program.n_params, (size - n,), FLOAT) if p is None else p
        both = graph.concat([y, p], 0)
    both = graph.reshape(both, program.state_shape)
    copies: dict = {}
    for node in program.nodes:
        inputs = [copies[x.id] for x in node.inputs]
        copies[node.id] = both if node.op == "state" else graph.again(node, inputs)
    return copies


def _of(program, copies, output, n_params, size) -> Program:
    """The new program, of a state of `size` numbers."""
    trap = None if program.trap is None else copies[program.trap.id]
    return rolled(Program(output, trap, (size,), FLOAT, n_params))
