"""Adjoints of products, of solutions of linear systems, of extrema and of what is looked up in tables."""

from __future__ import annotations

import numpy as np

from diffsol._graph.bars import Bar
from diffsol._graph.diff import factors_of, first_hit, products_of_others
from diffsol._graph.diff_products import MOST_CHOICES, hits, transposed
from diffsol._graph.formula import Formula
from diffsol._graph.terms import TooLarge


class Products:
    """Rules of `reverse.Adjoints`, which has `graph`, `active`, `give...`, `_kept_zero` and `_spread`."""

    def _matmul(self, node, bar):
        a, b = node.inputs
        if not node.size or not a.size:
            return
        if self.active(a):
            self.give(a, Bar(self._left(bar.node, a, b), bar.holes))
        if self.active(b):
            self.give(b, Bar(self._right(bar.node, a, b), bar.holes))

    def _left(self, bar, a, b):
        """z-bar b^T."""
        if a.ndim == 1:  # z-bar is a number or a row
            return self._scaled(b, bar) if b.ndim == 1 else self.graph.matmul(b, bar)
        if b.ndim == 1:
            return self._outer(bar, b)
        return self.graph.matmul(bar, self._turned(b))

    def _right(self, bar, a, b):
        """a^T z-bar."""
        if a.ndim == 1:
            return self._scaled(a, bar) if b.ndim == 1 else self._outer(a, bar)
        return self.graph.matmul(bar, a) if b.ndim == 1 else self.graph.matmul(self._turned(a), bar)

    def _outer(self, column, row):
        graph, shape = self.graph, (column.size, row.size)
        column = graph.view(column, 0, (1, 0), shape)
        return graph.elementwise("multiply", column, graph.view(row, 0, (0, 1), shape))

    def _scaled(self, x, factor):
        return self.graph.elementwise("multiply", x, factor)

    def _turned(self, x):
        return transposed(self.graph, x, range(x.ndim)[::-1])

    def _spmv(self, node, bar):
        """Entry e in row i and column j has the adjoint z-bar[i] x[j]; x-bar is a product with A^T."""
        graph, (data, x) = self.graph, node.inputs
        start, column, place = node.attrs
        row = np.repeat(np.arange(len(start) - 1), np.diff(start))
        place = np.arange(column.size) if place is None else place
        if self.active(x):
            order = np.argsort(column, kind="stable")
            starts = np.searchsorted(column[order], np.arange(x.shape[0] + 1)).astype(np.int64)
            product = graph.spmv(data, bar.node, starts, row[order], place[order])
            self.give(x, Bar(product, True))
        if self.active(data):
            entries = [self._rows(array, at) for array, at in ((bar.node, row), (x, column))]
            products = graph.elementwise("multiply", *entries)
            products = graph.reduce("sum", products, range(1, products.ndim))
            self.give_at(data, Bar(products, bar.holes), np.asarray(place, np.int64))

    def _rows(self, x, at):
        """x[at] of a vector or a matrix."""
        if x.ndim == 1:
            return self.graph.take(x, at)
        return self.graph.take(x, at[:, None] * x.shape[1] + np.arange(x.shape[1]))

    def _solve(self, node, bar):
        """x = a^-1 b: b-bar = a^-T x-bar, a-bar = -b-bar x^T."""
        a, b = node.inputs
        w = self.graph.solve(self._turned(a), bar.node)
        self.give(b, Bar(w, bar.holes))
        if self.active(a):
            if node.ndim == 1:
                outer = self._outer(w, node)
            else:
                outer = self.graph.matmul(w, self._turned(node))
            self.give(a, Bar(self.graph.elementwise("negative", outer), bar.holes))

    def _prod(self, node, bar):
        graph, x = self.graph, node.inputs[0]
        starts, strides, shape = factors_of(node)
        factors = [Formula(graph, graph.view(x, s, strides, shape)) for s in starts]
        for start, others in zip(starts, products_of_others(factors), strict=True):
            share = (Formula(graph, bar.node) * others).node
            self.give_window(x, self._kept_zero(bar, share), int(start), strides)

    def _extremum(self, node, bar):
        """All of it goes to the first element that has the value."""
        graph, x = self.graph, node.inputs[0]
        spread = self._spread(node, bar.node, x.shape)
        first = first_hit(graph, x, node)
        self.give(x, Bar(graph.elementwise("select", first, spread, graph.const(0.0)), True))

    _amax = _amin = _extremum

    def _gather(self, node, bar):
        """Which element was picked is known when it runs only: a choice among all of them."""
        graph, (x, index) = self.graph, node.inputs
        if not self.active(x):
            return
        if x.size * node.size > MOST_CHOICES:
            raise TooLarge(f"{node.size} elements picked from {x.size}")
        hit = hits(graph, x, index)
        window = hit.shape
        chosen = graph.elementwise(
            "select", hit, graph.broadcast(bar.node, window), graph.const(0.0)
        )
        total = graph.reduce("sum", chosen, range(1, len(window)))
        self.give(x, Bar(graph.reshape(total, x.shape), True))
