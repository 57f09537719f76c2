"""Programs for the Jacobian of a program's output, and for its product with a vector."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diffsol._graph import sparsity
from diffsol._graph.build import Graph, contiguous_strides
from diffsol._graph.diff import Tangents
from diffsol._graph.node import Node, Program, reachable
from diffsol._graph.terms import Term


@dataclass(frozen=True)
class Jacobian:
    """d output / d state as a program with the parameters and the trap of the program itself.

    The state of a complex program is differentiated along the real axis, as SciPy's differences
    do; where the function is not holomorphic this is d f / d Re y.

    program   its output holds the values, column by column: all rows * columns of them if `full`,
              else those of the pattern (behind the original output if it was asked for)
    start     column j of the pattern holds values start[j] to start[j + 1], or None
    row       the row of each of them, ascending in each column, or None
    full      is every place of the matrix written?
    """

    program: Program
    start: np.ndarray | None
    row: np.ndarray | None
    full: bool


def jacobian(program, with_value=False, deadline=math.inf) -> Jacobian:
    """The Jacobian of a program. TooLarge: too many entries, or `deadline` (perf_counter) has passed.

    with_value: the output comes first, and shares what is computed for both.
    """
    graph = Graph()
    copies, found = _entries(program, graph, deadline)
    output, columns = copies[program.output.id], math.prod(program.state_shape)
    full = sparsity.as_full(found.entries.places.size, output.size, columns)
    values = graph.cast(found.full(columns) if full else found.values(), program.output.dtype)
    if with_value:
        values = graph.concat([graph.reshape(output, (output.size,)), values], 0)
    start, row = (None, None) if full else found.entries.compressed(output.size, columns)
    return Jacobian(derived_program(program, copies, values, program.state_shape), start, row, full)


def leading_jacobian(program, n, deadline=math.inf) -> Program:
    """d output / d of the first n elements of the state: (rows, n) in C order, every place written."""
    graph = Graph()
    copies, found = _entries(program, graph, deadline)
    rows, columns = program.output.size, math.prod(program.state_shape)
    by_columns = graph.cast(found.full(columns), program.output.dtype)
    values = graph.view(by_columns, 0, (1, rows), (rows, n))
    return derived_program(program, copies, values, program.state_shape)


def time_derivative(program, deadline=math.inf) -> Program | None:
    """d output / dt at a constant state; None where the output does not depend on t."""
    graph = Graph()
    copies = copied(program, graph)
    output = copies[program.output.id]
    nodes = reachable([output])
    tangents = Tangents(graph, 1)
    for node in nodes:
        if node.op == "time":
            tangents.seed(node, [Term(graph.const(1.0), np.zeros((), np.int64))])
    tangents.follow(nodes, deadline)
    terms = tangents.of(output)
    if not terms:
        return None
    return derived_program(program, copies, _only_column(graph, terms, output), program.state_shape)


def slope(program) -> Program:
    """The same as a program in any case."""
    nothing = Graph().const(np.zeros(program.output.shape))
    shape, dtype, n_params = program.state_shape, program.state_dtype, program.n_params
    return time_derivative(program) or Program(nothing, None, shape, dtype, n_params)


def _only_column(graph, terms, output):
    """What the terms (none, or one) of a single variable come to, in the output's shape and dtype."""
    column = graph.const(np.zeros(output.shape))
    for term in terms:
        column = graph.reshape(graph.broadcast(term.coef, (1, *output.shape)), output.shape)
    return graph.cast(column, output.dtype)


def pattern(program):
    """(rows, columns) of the entries that are not zero everywhere, column by column."""
    _, found = _entries(program, Graph(), math.inf)
    column, row = np.divmod(found.entries.places, program.output.size)
    return row, column


def _entries(program, graph, deadline):
    """(the program's nodes in `graph` by their ids here, the entries of its Jacobian there)."""
    copies = copied(program, graph)
    output, columns = copies[program.output.id], math.prod(program.state_shape)
    tangents = Tangents(graph, columns)
    nodes = reachable([output])
    for node in nodes:
        if node.op == "state":
            cols = np.arange(columns).reshape(node.shape)
            tangents.seed(node, [Term(graph.const(1.0), cols)])
    tangents.follow(nodes, deadline)
    return copies, sparsity.Collection(graph, tangents.of(output), output.shape)


def jvp_program(program, deadline=math.inf) -> Program:
    """J(t, y) v as a program whose state is y followed by v."""
    graph = Graph()
    size = math.prod(program.state_shape)
    both = graph.state((2 * size,), program.state_dtype)
    copies = copied(program, graph, both)
    tangents = Tangents(graph, 1)
    for node in program.nodes:
        if node.op == "state":
            shape = (1, *node.shape)
            coef = graph.view(both, size, contiguous_strides(shape), shape)
            term = Term(coef, np.zeros((1,) * len(shape), np.int64), 1)
            tangents.seed(copies[node.id], [term])
    output = copies[program.output.id]
    tangents.follow(reachable([output]), deadline)
    product = _only_column(graph, tangents.of(output), output)
    return derived_program(program, copies, product, (2 * size,))


def copied(program, graph, both=None, start=0) -> dict:
    """The program's nodes in another graph, by their ids here.

    both: a larger state, in which y begins at `start`.
    """
    copies: dict[int, Node] = {}
    for node in program.nodes:
        if node.op == "state" and both is not None:
            copies[node.id] = graph.view(both, start, contiguous_strides(node.shape), node.shape)
        else:
            copies[node.id] = graph.again(node, [copies[x.id] for x in node.inputs])
    return copies


def derived_program(program, copies, output, state_shape) -> Program:
    trap = program.trap if program.trap is None else copies[program.trap.id]
    return Program(output, trap, tuple(state_shape), program.state_dtype, program.n_params)
