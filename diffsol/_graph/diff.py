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
from diffsol._graph.formula import Formula
from diffsol._graph.ops import COMPLEX, FLOAT, INT
from diffsol._graph.sparsity import dense_term
from diffsol._graph.terms import Term, TooLarge, merged

LONGEST_PRODUCT = 64  # factors of `prod`: each one's derivative is the product of the others
MOST_CHOICES = 1 << 16  # elements times places of a gather from what depends on the state
OVERCOMPLETE = 2  # times as many coefficients per element as variables: they are added up


class Tangents:
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
        graph, window = self.graph, (x.size, *node.shape)
        places = graph.const(np.arange(x.size).reshape(-1, *(1,) * node.ndim))
        last = graph.const(x.size - 1)
        index = graph.elementwise("minimum", node.inputs[1], last)
        index = graph.elementwise("maximum", index, graph.const(0))
        hit = graph.elementwise(
            "equal", graph.broadcast(places, window), graph.broadcast(index, window)
        )
        strides, zero, chosen = (1, *(0,) * node.ndim), graph.const(0.0), []
        for term in tangent.viewed(graph, terms, x.shape, 0, strides, window):
            coef = graph.elementwise("select", hit, term.coef, zero)
            if term.stack and coef.ndim == len(window):
                coef = graph.reshape(coef, (1, *window))
            chosen.append(term.with_coef(coef))
        return tangent.summed(graph, chosen, window, (0,))

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

        positions = _positions(offset, strides, window)
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
        x, axes = node.inputs[0], node.attrs[0]
        front = (*axes, *(k for k in range(x.ndim) if k not in axes))
        strides = [contiguous_strides(x.shape)[k] for k in front]
        kept = tuple(x.shape[k] for k in front[len(axes) :])
        starts = _positions(0, strides[: len(axes)], [x.shape[k] for k in axes]).ravel()
        if starts.size > LONGEST_PRODUCT:
            raise TooLarge(f"a product of {starts.size} factors")
        rest = strides[len(axes) :]
        factors = [Formula(self.graph, self.graph.view(x, s, rest, kept)) for s in starts]
        result = []
        for start, others in zip(starts, _products_of_others(factors), strict=True):
            for term in tangent.viewed(self.graph, self.of(x), x.shape, start, rest, kept):
                coef = (Formula(self.graph, term.coef) * others).node
                result.append(self._with_coef(term, coef, node))
        return merged(self.graph, result)

    def _extremum(self, node):
        """The tangent of the first element that has the value."""
        x, axes = node.inputs[0], node.attrs[0]
        first, zero = self._first_hit(x, node, axes), self.graph.const(0.0)
        picked = [
            self._with_coef(term, self.graph.elementwise("select", first, term.coef, zero), x)
            for term in self.of(x)
        ]
        return tangent.summed(self.graph, picked, x.shape, axes)

    _amax = _amin = _extremum

    def _first_hit(self, x, node, axes):
        """Where is the first of the elements along the axes that equals the result?"""
        graph = self.graph
        whole = tuple(1 if k in axes else e for k, e in enumerate(x.shape))
        result = graph.broadcast(graph.reshape(node, whole), x.shape)
        hit = graph.elementwise("equal", x, result)
        order = (*(k for k in range(x.ndim) if k not in axes), *axes)
        turned = _transposed(graph, hit, order)
        rows = graph.reshape(turned, (*node.shape, math.prod(x.shape[k] for k in axes)))
        count = graph.cumsum(graph.cast(rows, INT), node.ndim)
        first = graph.elementwise(
            "logical_and", rows, graph.elementwise("equal", count, graph.const(1))
        )
        return _transposed(graph, graph.reshape(first, turned.shape), np.argsort(order))

    def _spmv(self, node):
        data, x = node.inputs
        start, column, place = node.attrs
        result = [
            self._sparse_uniform(node, term) for term in self.of(x) if self._is_vector(term, x)
        ]
        others = [term for term in self.of(x) if not self._is_vector(term, x)]
        if not others and not self.of(data):
            return merged(self.graph, result)
        entry = _by_rank(start)
        at = np.maximum(entry, 0)
        there, width = entry >= 0, math.prod(x.shape[1:])
        picked = column[at] if x.ndim == 1 else column[at][..., None] * width + np.arange(width)
        where = np.broadcast_to(there if x.ndim == 1 else there[..., None], picked.shape)
        places = at if place is None else place[at]
        places = np.broadcast_to(places if x.ndim == 1 else places[..., None], picked.shape)
        for terms, own, index, other, across in (
            (others, x, picked, data, places),
            (self.of(data), data, places, x, picked),
        ):
            if terms:
                tangent.limit(len(terms) * picked.size)
                factor = Formula(self.graph, self.graph.take(other, across))
                result += self._entries_times(terms, own, index, where, factor)
        return merged(self.graph, result)

    def _is_vector(self, term, x):
        """Is the tangent one vector (or one matrix)?"""
        return term.uniform and term.length == 1

    def _sparse_uniform(self, node, term):
        data, x = node.inputs
        coef = tangent.spread_coef(self.graph, term, x.shape)
        coef = self.graph.spmv(data, self.graph.reshape(coef, x.shape), *node.attrs)
        return _uniform(self.graph, term, coef, node)

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
        sides = _transposed(graph, whole.coef, order)
        flat = graph.reshape(sides, (node.shape[0], sides.size // node.shape[0]))
        coef = graph.reshape(graph.solve(a, flat), sides.shape)
        return [whole.with_coef(_transposed(graph, coef, order))]

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
            product = self.graph.matmul(rows, _transposed(self.graph, a, range(a.ndim)[::-1]))
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


def _transposed(graph, x, order):
    strides = contiguous_strides(x.shape)
    return graph.view(x, 0, [strides[k] for k in order], [x.shape[k] for k in order])


def _positions(offset, strides, window):
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


def _products_of_others(factors):
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
