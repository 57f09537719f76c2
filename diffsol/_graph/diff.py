"""Forward-mode derivatives, graph to graph: the tangents of every node of a program.

Elementwise operators take theirs from `derivatives.py`; the rules of all others are here. What a
tangent is, and how it keeps its sparsity, is told in `terms.py`.
"""

from __future__ import annotations

import math
import time

import numpy as np

from diffsol._graph import terms as tangent
from diffsol._graph.build import contiguous_strides
from diffsol._graph.derivatives import DERIVATIVES, Choice
from diffsol._graph.diff_products import Products, transposed
from diffsol._graph.formula import Formula
from diffsol._graph.ops import COMPLEX, FLOAT, INT
from diffsol._graph.sparsity import dense_term
from diffsol._graph.terms import Term, TooLarge, merged

LONGEST_PRODUCT = 64  # factors of `prod`: each one's derivative is the product of the others
OVERCOMPLETE = 2  # times as many coefficients per element as variables: they are added up


class Tangents(Products):
    """Terms of each node of one graph, found from those of the nodes before it.

    columns is the number of variables; `seed` gives the leaves their terms.
    """

    def __init__(self, graph, columns):
        self.graph, self.columns = graph, columns
        self._terms: dict = {}  # id of a node -> list of Term; no entry: constant

    def seed(self, node, terms):
        self._terms[node.id] = terms

    def of(self, node) -> list:
        return self._terms.get(node.id, [])

    def follow(self, nodes, deadline=math.inf):
        """Find the terms of nodes in order, inputs first, until `deadline` (then TooLarge)."""
        for node in nodes:
            if time.perf_counter() > deadline:
                raise TooLarge("takes too long")
            if node.dtype in (FLOAT, COMPLEX) and any(self.of(x) for x in node.inputs):
                self._terms[node.id] = self._short(node, self._rule(node))

    def _rule(self, node):
        if node.op not in DERIVATIVES:
            return getattr(self, "_" + node.op)(node)
        row = DERIVATIVES[node.op]
        if row is None:
            return []
        return self._choice(node, row) if isinstance(row, Choice) else self._shares(node, row)

    def _short(self, node, terms):
        """Terms with far more coefficients than there are variables become one."""
        slots = sum(term.length for term in terms)
        if slots <= OVERCOMPLETE * self.columns or len(terms) == 1:
            return terms
        tangent.limit(self.columns * node.size)
        return [dense_term(self.graph, terms, node.shape, self.columns)]

    # --- elementwise ----------------------------------------------------------------------

    def _shares(self, node, rules):
        inputs = [Formula(self.graph, x) for x in node.inputs]
        z, result = Formula(self.graph, node), []
        for x, rule in zip(node.inputs, rules, strict=True):
            if rule is not None:
                for term in tangent.broadcast(self.graph, self.of(x), x.shape, node.shape):
                    coef = rule(Formula(self.graph, term.coef), z, *inputs).node
                    result.append(self._with_coef(term, coef, node))
        return merged(self.graph, result)

    def _with_coef(self, term, coef, node):
        if term.stack and coef.ndim == node.ndim > 0:  # from a coefficient for the whole stack
            coef = self.graph.reshape(coef, (1, *node.shape))
        return term.with_coef(coef)

    def _choice(self, node, row):
        condition = row.condition(*(Formula(self.graph, x) for x in node.inputs)).node
        zero, ways = self.graph.const(0.0), []
        for number in (row.first, row.second):
            x = node.inputs[number]
            found = tangent.broadcast(self.graph, self.of(x), x.shape, node.shape)
            ways.append({term.key: term for term in found})
        result = []
        for key in dict.fromkeys((*ways[0], *ways[1])):
            yes, no = (way.get(key) for way in ways)
            coefs = [zero if term is None else term.coef for term in (yes, no)]
            if coefs[0] is not coefs[1]:
                coefs[0] = self.graph.elementwise("select", condition, *coefs)
            result.append(self._with_coef(yes or no, coefs[0], node))
        return merged(self.graph, result)

    # --- rearrangements -------------------------------------------------------------------

    def _cast(self, node):
        return self.of(node.inputs[0])

    def _view(self, node):
        x = node.inputs[0]
        return merged(
            self.graph, tangent.viewed(self.graph, self.of(x), x.shape, *node.attrs, node.shape)
        )

    def _take(self, node):
        x = node.inputs[0]
        return merged(self.graph, tangent.taken(self.graph, self.of(x), x.shape, node.attrs[0]))

    def _concat(self, node):
        axis = node.attrs[0]
        return self._joined(
            node,
            lambda parts, length: self.graph.concat(parts, axis + (length is not None)),
            lambda parts: np.concatenate(parts, axis - node.ndim),
        )

    def _update(self, node):
        offset, strides, window = node.attrs

        def assign(parts, length):
            lead, step = ((), ()) if length is None else ((length,), (node.size,))
            return self.graph.update(
                *self._common(parts), offset, (*step, *strides), (*lead, *window)
            )

        positions = flat_positions(offset, strides, window)
        return self._joined(node, assign, lambda parts: _assigned(*parts, positions))

    def _put(self, node):
        index = node.attrs[0]

        def assign(parts, length):
            at = index
            if length is not None:
                starts = node.size * np.arange(length).reshape(-1, *(1,) * index.ndim)
                at = starts + index
            return self.graph.put(*self._common(parts), at)

        return self._joined(node, assign, lambda parts: _assigned(*parts, index))

    def _common(self, parts):
        """A base and a value of one dtype."""
        dtype = COMPLEX if any(x.dtype == COMPLEX for x in parts) else FLOAT
        return [self.graph.cast(x, dtype) for x in parts]

    def _joined(self, node, combine, combine_cols):
        shapes = [x.shape for x in node.inputs]
        lists = [self.of(x) for x in node.inputs]
        return merged(
            self.graph,
            tangent.joined(self.graph, shapes, lists, node.ndim, combine, combine_cols),
        )

    # --- contractions ---------------------------------------------------------------------

    def _sum(self, node):
        x = node.inputs[0]
        return tangent.summed(self.graph, self.of(x), x.shape, node.attrs[0])

    def _cumsum(self, node):
        """The sum over j <= i of x[j]: over a new axis j, behind i."""
        x, axis = node.inputs[0], node.attrs[0]
        uniform = [term for term in self.of(x) if term.uniform]
        result = [
            term.with_coef(
                self.graph.cumsum(tangent.spread_coef(self.graph, term, x.shape), axis + 1)
            )
            for term in uniform
        ]
        others = [term for term in self.of(x) if not term.uniform]
        strides, extent = list(contiguous_strides(x.shape)), x.shape[axis]
        strides.insert(axis, 0)
        square = (*x.shape[: axis + 1], extent, *x.shape[axis + 1 :])
        later = np.triu(np.ones((extent, extent), bool), 1)  # j > i
        later = later.reshape(extent, extent, *(1,) * (x.ndim - axis - 1))
        for term in tangent.viewed(self.graph, others, x.shape, 0, strides, square):
            cols = np.where(later, -1, term.cols)
            result += tangent.summed(
                self.graph, [Term(term.coef, cols, term.stack)], square, (axis + 1,)
            )
        return merged(self.graph, result)

    def _prod(self, node):
        """Each factor's tangent times the product of the other factors."""
        x = node.inputs[0]
        starts, rest, kept = factors_of(node)
        factors = [Formula(self.graph, self.graph.view(x, s, rest, kept)) for s in starts]
        result = []
        for start, others in zip(starts, products_of_others(factors), strict=True):
            for term in tangent.viewed(self.graph, self.of(x), x.shape, start, rest, kept):
                coef = (Formula(self.graph, term.coef) * others).node
                result.append(self._with_coef(term, coef, node))
        return merged(self.graph, result)

    def _extremum(self, node):
        """The tangent of the first element that has the value."""
        x, axes = node.inputs[0], node.attrs[0]
        first, zero = first_hit(self.graph, x, node), self.graph.const(0.0)
        picked = [
            self._with_coef(term, self.graph.elementwise("select", first, term.coef, zero), x)
            for term in self.of(x)
        ]
        return tangent.summed(self.graph, picked, x.shape, axes)

    _amax = _amin = _extremum


def first_hit(graph, x, node):
    """Where is the first of the elements along the reduced axes that equals the result, `node`?"""
    axes = node.attrs[0]
    whole = tuple(1 if k in axes else e for k, e in enumerate(x.shape))
    result = graph.broadcast(graph.reshape(node, whole), x.shape)
    hit = graph.elementwise("equal", x, result)
    order = (*(k for k in range(x.ndim) if k not in axes), *axes)
    turned = transposed(graph, hit, order)
    rows = graph.reshape(turned, (*node.shape, math.prod(x.shape[k] for k in axes)))
    count = graph.cumsum(graph.cast(rows, INT), node.ndim)
    first = graph.elementwise(
        "logical_and", rows, graph.elementwise("equal", count, graph.const(1))
    )
    return transposed(graph, graph.reshape(first, turned.shape), np.argsort(order))


def factors_of(node):
    """(offsets of the factors of a `prod` in its input, strides, shape of each of these views)."""
    x, axes = node.inputs[0], node.attrs[0]
    front = (*axes, *(k for k in range(x.ndim) if k not in axes))
    strides = [contiguous_strides(x.shape)[k] for k in front]
    starts = flat_positions(0, strides[: len(axes)], [x.shape[k] for k in axes]).ravel()
    if starts.size > LONGEST_PRODUCT:
        raise TooLarge(f"a product of {starts.size} factors")
    return starts, strides[len(axes) :], tuple(x.shape[k] for k in front[len(axes) :])


def flat_positions(offset, strides, window):
    """Flat positions of the elements of a strided window."""
    positions = np.full(tuple(window), offset, np.int64)
    for axis, (stride, extent) in enumerate(zip(strides, window, strict=True)):
        steps = stride * np.arange(extent)
        positions += steps.reshape(-1, *(1,) * (len(window) - axis - 1))
    return positions


def _assigned(base, value, positions):
    """Tables of a base with a value's put in at flat positions."""
    result = base.copy()
    lead = base.shape[: value.ndim - positions.ndim]
    result.reshape(*lead, -1)[..., positions] = value
    return result


def products_of_others(factors):
    """For each factor the product of all others, from products of what is before and behind it."""
    before, behind = [], []
    product = None
    for factor in factors:
        before.append(product)
        product = factor if product is None else product * factor
    product = None
    for factor in reversed(factors):
        behind.append(product)
        product = factor if product is None else factor * product
    one = Formula(factors[0].graph, factors[0].graph.const(1.0))
    return [
        (one if a is None else a) * (one if b is None else b)
        for a, b in zip(before, reversed(behind), strict=True)
    ]
