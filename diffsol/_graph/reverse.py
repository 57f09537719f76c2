"""Reverse-mode derivatives, graph to graph: products of a vector with a program's Jacobian.

Nodes are visited from the output back. Each hands its adjoint z-bar on to its inputs: a share of
theirs for each (Griewank & Walther, Evaluating Derivatives, 2008, 3.2-3.3). Elementwise operators
use the rules of `derivatives.py`, which are linear in the tangent and act on each element by itself,
so that they are their own transposes; the rules of all others are here and in `reverse_products.py`.
Adjoints of arrays are arrays: a product of matrices is reversed by two products of matrices.

Where nothing reaches an element (a `Choice` took the other input, a slice left it out) its adjoint is
zero, and has to stay so where the slope is infinite: forward mode has no term there.
"""

from __future__ import annotations

import math
import time

import numpy as np

from diffsol._graph.bars import Bar, Shares
from diffsol._graph.build import Graph, contiguous_strides
from diffsol._graph.derivatives import DERIVATIVES, Choice
from diffsol._graph.formula import Formula
from diffsol._graph.jacobian import copied, derived_program
from diffsol._graph.node import Program, reachable
from diffsol._graph.ops import COMPLEX, FLOAT
from diffsol._graph.reverse_products import Products
from diffsol._graph.terms import TooLarge


def vjp_program(program, deadline=math.inf) -> Program:
    """lambda^T J(t, x) as a program whose state is lambda (one number for each of the output's) followed by x.

    TooLarge: the program computes with complex numbers on the way from x, what it does has no
    derivative, or `deadline` (perf_counter) has passed.
    """
    graph = Graph()
    rows, columns = program.output.size, math.prod(program.state_shape)
    if program.state_dtype == COMPLEX:
        raise TooLarge("a complex state")
    both = graph.state((rows + columns,), FLOAT)
    copies = copied(program, graph, both, rows)
    output = copies[program.output.id]
    weights = graph.view(both, 0, contiguous_strides(output.shape), output.shape)
    adjoints = Adjoints(graph, both, (columns,), rows)
    product = adjoints.along(output, weights, deadline)
    return derived_program(program, copies, product, (rows + columns,))


class Adjoints(Products):
    """Adjoints of the nodes of one graph that depend on a leaf.

    shape, start    the leaf's part that counts is an array of this shape, beginning there
    """

    def __init__(self, graph, leaf, shape, start=0):
        self.graph = graph
        self._leaf = leaf
        # id of an active node -> Shares
        self._shares: dict = {leaf.id: Shares(graph, shape, start)}

    def along(self, output, weights, deadline=math.inf):
        """The weights of an output's elements times its derivative with respect to the leaf."""
        self.follow(output, weights, deadline)
        shares = self._shares[self._leaf.id]
        found = shares.total()
        zero = self.graph.const(0.0)
        return self.graph.broadcast(zero, shares.shape) if found is None else found.node

    def follow(self, output, weights, deadline=math.inf):
        """Hand the weights of an output's elements on until they have reached the leaf."""
        nodes = reachable([output])
        self._open(nodes)
        if output.id in self._shares:
            self.give(output, Bar(weights, False))
        for node in reversed(nodes):
            if time.perf_counter() > deadline:
                raise TooLarge("takes too long")
            if node.id in self._shares and node is not self._leaf:
                bar = self._shares.pop(node.id).total()
                if bar is not None:
                    self._rule(node, bar)

    def _open(self, nodes):
        """What depends on the leaf gets shares."""
        for node in nodes:
            active = any(x.id in self._shares for x in node.inputs)
            if active and node.dtype == COMPLEX:
                raise TooLarge("complex numbers that depend on the state")
            if active and node.dtype == FLOAT:
                self._shares[node.id] = Shares(self.graph, node.shape)

    def active(self, node) -> bool:
        return node.id in self._shares

    def give(self, x, bar):
        """A share for all of x (if x depends on the leaf)."""
        if self.active(x):
            self._shares[x.id].add(bar)

    def give_window(self, x, bar, offset, strides):
        if self.active(x):
            self._shares[x.id].add_window(bar, offset, strides)

    def give_at(self, x, bar, index):
        if self.active(x):
            self._shares[x.id].add_at(bar, index)

    def _rule(self, node, bar):
        if node.op not in DERIVATIVES:
            return getattr(self, "_" + node.op)(node, bar)
        row = DERIVATIVES[node.op]
        if isinstance(row, Choice):
            self._choice(node, bar, row)
        elif row is not None:
            self._elementwise(node, bar, row)
        return None

    # --- elementwise ----------------------------------------------------------------------

    def _elementwise(self, node, bar, rules):
        inputs = [Formula(self.graph, x) for x in node.inputs]
        z, d = Formula(self.graph, node), Formula(self.graph, bar.node)
        for x, rule in zip(node.inputs, rules, strict=True):
            if rule is not None and self.active(x):
                share = rule(d, z, *inputs).node
                self._give_broadcast(x, self._kept_zero(bar, share))

    def _kept_zero(self, bar, share) -> Bar:
        """A share made from an adjoint with holes has the same holes, whatever the slope there."""
        if bar.holes and not _keeps_zeros(bar.node, share):
            zero = self.graph.const(0.0)
            nothing = self.graph.elementwise("equal", bar.node, zero)
            share = self.graph.elementwise("select", nothing, zero, share)
        return Bar(share, bar.holes)

    def _choice(self, node, bar, row):
        condition = row.condition(*(Formula(self.graph, x) for x in node.inputs)).node
        zero = self.graph.const(0.0)
        for number, ways in ((row.first, (bar.node, zero)), (row.second, (zero, bar.node))):
            if self.active(node.inputs[number]):
                share = self.graph.elementwise("select", condition, *ways)
                self._give_broadcast(node.inputs[number], Bar(share, True))

    def _give_broadcast(self, x, bar):
        """A share for an input that may be a scalar for all elements."""
        if x.shape != bar.node.shape:
            bar = Bar(self.graph.reduce("sum", bar.node, range(bar.node.ndim)), bar.holes)
        self.give(x, bar)

    # --- rearrangements -------------------------------------------------------------------

    def _cast(self, node, bar):
        self.give(node.inputs[0], bar)

    def _view(self, node, bar):
        self.give_window(node.inputs[0], bar, *node.attrs)

    def _take(self, node, bar):
        self.give_at(node.inputs[0], bar, node.attrs[0])

    def _concat(self, node, bar):
        axis, strides, start = node.attrs[0], contiguous_strides(node.shape), 0
        for x in node.inputs:
            self.give(x, Bar(self.graph.view(bar.node, start, strides, x.shape), bar.holes))
            start += x.shape[axis] * strides[axis]

    def _update(self, node, bar):
        graph, (base, value), window = self.graph, node.inputs, node.attrs
        self.give(base, Bar(graph.update(bar.node, graph.const(0.0), *window), True))
        self.give(value, Bar(graph.view(bar.node, *window), bar.holes))

    def _put(self, node, bar):
        graph, (base, value), index = self.graph, node.inputs, node.attrs[0]
        self.give(base, Bar(graph.put(bar.node, graph.const(0.0), index), True))
        self.give(value, Bar(graph.take(bar.node, index), bar.holes))

    # --- sums -----------------------------------------------------------------------------

    def _sum(self, node, bar):
        x = node.inputs[0]
        self.give(x, Bar(self._spread(node, bar.node, x.shape), bar.holes))

    def _spread(self, node, array, shape):
        """An array of a reduction's shape, the same along the axes that were reduced."""
        axes = node.attrs[0]
        whole = tuple(1 if k in axes else e for k, e in enumerate(shape))
        return self.graph.broadcast(self.graph.reshape(array, whole), shape)

    def _cumsum(self, node, bar):
        """x[j] is part of every sum from j on: sums from the other end."""
        axis, graph = node.attrs[0], self.graph
        strides = list(contiguous_strides(node.shape))
        end = (node.shape[axis] - 1) * strides[axis]
        strides[axis] = -strides[axis]
        turned = graph.view(bar.node, end, strides, node.shape)
        sums = graph.view(graph.cumsum(turned, axis), end, strides, node.shape)
        self.give(node.inputs[0], Bar(sums, bar.holes))


def _keeps_zeros(bar, share) -> bool:
    """Is the share zero where the adjoint is, whatever else it is made of?"""
    if share is bar or share.op == "negative" and share.inputs[0] is bar:
        return True
    if share.op != "multiply" or bar not in share.inputs:
        return False
    return any(x.value is not None and bool(np.isfinite(x.value).all()) for x in share.inputs)
