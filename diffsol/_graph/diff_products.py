"""Tangents of products of matrices, of solutions of linear systems, and of what is looked up in tables."""

from __future__ import annotations

import math

import numpy as np

from diffsol._graph import terms as tangent
from diffsol._graph.build import contiguous_strides
from diffsol._graph.formula import Formula
from diffsol._graph.sparsity import dense_term
from diffsol._graph.terms import Term, TooLarge, merged

MOST_CHOICES = 1 << 16  # elements times places of a gather from what depends on the state


class Products:
    """Rules of `diff.Tangents`, which has `graph`, `columns` and `of`."""

    def _matmul(self, node):
        a, b = node.inputs
        shares = [self._left_share(node, a, b, term) for term in self.of(a)]
        shares += [self._right_share(node, a, b, term) for term in self.of(b)]
        return merged(self.graph, [term for share in shares for term in share])

    def _left_share(self, node, a, b, term):
        """da @ b."""
        if not term.uniform:
            return self._product_share(node, a, b, term, 0)
        rows = tangent.spread_coef(self.graph, term, a.shape)
        rows = self.graph.reshape(rows, (math.prod(rows.shape[:-1]), a.shape[-1]))
        return [_uniform(self.graph, term, self.graph.matmul(rows, b), node)]

    def _right_share(self, node, a, b, term):
        """a @ db."""
        if not term.uniform or b.ndim == 2:
            return self._product_share(node, a, b, term, 1)
        rows = tangent.spread_coef(self.graph, term, b.shape)
        if term.length == 1:
            product = self.graph.matmul(a, self.graph.reshape(rows, b.shape))
        else:
            product = self.graph.matmul(rows, transposed(self.graph, a, range(a.ndim)[::-1]))
        return [_uniform(self.graph, term, product, node)]

    def _product_share(self, node, a, b, term, which):
        """The same as products over rows, columns and the summed axis, which are then summed."""
        depth, columns = a.shape[-1], b.shape[1:]
        strides = (
            (*(depth,) * (a.ndim - 1), *(0,) * len(columns), 1),
            (*(0,) * (a.ndim - 1), *(1,) * len(columns), math.prod(columns)),
        )
        x, other = (a, b) if which == 0 else (b, a)
        window = (*node.shape, depth)
        factor = Formula(self.graph, self.graph.view(other, 0, strides[1 - which], window))
        products = []
        for wide in tangent.viewed(self.graph, [term], x.shape, 0, strides[which], window):
            coef = (Formula(self.graph, wide.coef) * factor).node
            if wide.stack and coef.ndim == len(window):
                coef = self.graph.reshape(coef, (1, *window))
            products.append(wide.with_coef(coef))
        return tangent.summed(self.graph, products, window, (node.ndim,))

    # --- sparse matrices, equations -------------------------------------------------------------

    def _spmv(self, node):
        data, x = node.inputs
        start, column, place = node.attrs
        result, others = [], []
        for number, own in enumerate(node.inputs):
            vectors = [term for term in self.of(own) if term.uniform and term.length == 1]
            others.append([term for term in self.of(own) if term not in vectors])
            result += [self._sparse_uniform(node, number, term) for term in vectors]
        if not any(others):
            return merged(self.graph, result)
        start, column = (x.astype(np.int64) for x in (start, column))  # products of them follow
        entry = _by_rank(start)
        at = np.maximum(entry, 0)
        there, width = entry >= 0, math.prod(x.shape[1:])
        picked = column[at] if x.ndim == 1 else column[at][..., None] * width + np.arange(width)
        where = np.broadcast_to(there if x.ndim == 1 else there[..., None], picked.shape)
        places = at if place is None else place[at]
        places = np.broadcast_to(places if x.ndim == 1 else places[..., None], picked.shape)
        for terms, own, index, other, across in (
            (others[0], data, places, x, picked),
            (others[1], x, picked, data, places),
        ):
            if terms:
                tangent.limit(len(terms) * picked.size)
                factor = Formula(self.graph, self.graph.take(other, across))
                result += self._entries_times(terms, own, index, where, factor)
        return merged(self.graph, result)

    def _sparse_uniform(self, node, number, term):
        """The share of an input whose tangent is one vector (or matrix): a product like the node itself."""
        inputs, shape = list(node.inputs), node.inputs[number].shape
        inputs[number] = self.graph.reshape(tangent.spread_coef(self.graph, term, shape), shape)
        return _uniform(self.graph, term, self.graph.spmv(*inputs, *node.attrs), node)

    def _entries_times(self, terms, own, index, where, factor):
        """Terms of own.ravel()[index] times a factor, there, added up over the first axis."""
        products = []
        for term in tangent.taken(self.graph, terms, own.shape, index):
            coef = (Formula(self.graph, term.coef) * factor).node
            if term.stack and coef.ndim == index.ndim:
                coef = self.graph.reshape(coef, (1, *index.shape))
            cols = np.where(where, term.cols, -1)
            products.append(Term(coef, cols, term.stack))
        return tangent.summed(self.graph, products, index.shape, (0,))

    def _solve(self, node):
        """d(a^-1 b) = a^-1 (db - da x) with x = a^-1 b, for all variables at once."""
        graph, (a, b) = self.graph, node.inputs
        tangent.limit(self.columns * node.size)
        rest = list(self.of(b))
        for term in self.of(a):
            for share in self._left_share(node, a, node, term):
                rest.append(share.with_coef(graph.elementwise("negative", share.coef)))
        whole = dense_term(graph, merged(graph, rest), node.shape, self.columns)
        order = (1, 0, *range(2, node.ndim + 1))  # the variables become further right-hand sides
        sides = transposed(graph, whole.coef, order)
        flat = graph.reshape(sides, (node.shape[0], sides.size // node.shape[0]))
        coef = graph.reshape(graph.solve(a, flat), sides.shape)
        return [whole.with_coef(transposed(graph, coef, order))]

    # --- lookups ----------------------------------------------------------------------------

    def _gather(self, node):
        """The picked element's tangent: a choice among all of them, unless they have one in common."""
        x = node.inputs[0]
        uniform = [term for term in self.of(x) if term.uniform and term.length == 1]
        others = [term for term in self.of(x) if not (term.uniform and term.length == 1)]
        result = [self._gathered(term, x, node) for term in uniform]
        if others:
            if x.size * node.size > MOST_CHOICES:
                raise TooLarge(f"{node.size} elements picked from {x.size}")
            result += self._picked(others, x, node)
        return merged(self.graph, result)

    def _gathered(self, term, x, node):
        coef = term.coef
        if not tangent.scalar(coef):
            coef = self.graph.gather(tangent.spread_coef(self.graph, term, x.shape), node.inputs[1])
            coef = self.graph.reshape(coef, (1, *node.shape))
        return Term(coef, term.cols.reshape(1, *(1,) * node.ndim), 1)

    def _picked(self, terms, x, node):
        graph, hit = self.graph, hits(self.graph, x, node.inputs[1])
        window = hit.shape
        strides, zero, chosen = (1, *(0,) * node.ndim), graph.const(0.0), []
        for term in tangent.viewed(graph, terms, x.shape, 0, strides, window):
            coef = graph.elementwise("select", hit, term.coef, zero)
            if term.stack and coef.ndim == len(window):
                coef = graph.reshape(coef, (1, *window))
            chosen.append(term.with_coef(coef))
        return tangent.summed(graph, chosen, window, (0,))


def hits(graph, x, index):
    """hit[k, ...]: does this index pick element k of x? Those out of range pick the nearest end."""
    window = (x.size, *index.shape)
    places = graph.const(np.arange(x.size).reshape(-1, *(1,) * index.ndim))
    index = graph.elementwise("minimum", index, graph.const(x.size - 1))
    index = graph.elementwise("maximum", index, graph.const(0))
    return graph.elementwise(
        "equal", graph.broadcast(places, window), graph.broadcast(index, window)
    )


def _by_rank(start):
    """entry[k, i]: the k-th entry of row i, or -1."""
    counts = np.diff(start)
    tangent.limit(counts.size * counts.max(initial=0))
    rank = np.arange(counts.max(initial=0)).reshape(-1, 1)
    return np.where(rank < counts, start[:-1] + rank, -1)


def _uniform(graph, term, coef, node):
    """A uniform term with coefficients of the node's shape."""
    cols = term.cols.reshape(term.length, *(1,) * node.ndim)
    return Term(graph.reshape(coef, (term.length, *node.shape)), cols, 1)


def transposed(graph, x, order):
    strides = contiguous_strides(x.shape)
    return graph.view(x, 0, [strides[k] for k in order], [x.shape[k] for k in order])
