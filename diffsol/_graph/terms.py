"""Tangents of an array with respect to many variables at once, as a sum of few terms.

d x[i] / d v[j] = sum over the terms, and over a term's stack k, of coef[k, i] where cols[k, i] = j.

So a term is an array of coefficients together with a constant table that says which variable each
belongs to. The state itself is one term: coefficients 1, variables 0, 1, 2, ... A slice of the state
takes its part of the table, a product multiplies coefficients, a sum over an axis makes that axis a
stack. A five-point stencil is five terms, however large the grid; a scalar expression is one term
for each variable in it. This is vector forward mode (Griewank & Walther, Evaluating Derivatives,
2008, 3.2) with its sparsity kept in closed form (ibid. 7.1): what is structurally zero is not there,
and what has been one column of a colouring is one term, whose seeds are folded away.
"""

from __future__ import annotations

import math
from itertools import zip_longest

import numpy as np

from diffsol._graph.build import contiguous_strides

MOST_ENTRIES = 1 << 22  # of one table (32 MB); larger Jacobians are not worth having in full
SHORT_STACK = 4  # stacks up to this length become single terms, which merge with others
SHORT_SCALAR_STACK = 64  # the same for the stack of one element
ITEM = np.dtype(np.int64).itemsize


class TooLarge(Exception):
    """The derivative has more entries than a table may hold."""


class Term:
    """One term of the tangent of an array of some shape S.

    coef   node of shape () (the same for all) or lead + S, where lead is (), (1,) or (K,)
    cols   int64 array: variable of each coefficient, -1 for none. Its shape is S without a stack,
           (K, *S) with one, or (K, 1, ..., 1) where it is the same for all of S
    stack  0, or 1 if there is the leading axis of length K
    """

    __slots__ = ("coef", "cols", "stack", "_key")

    def __init__(self, coef, cols, stack=0):
        self.coef, self.cols, self.stack, self._key = coef, cols, stack, None

    @property
    def length(self) -> int:
        return self.cols.shape[0] if self.stack else 1

    @property
    def uniform(self) -> bool:
        """Does the whole array depend on the same variables?"""
        return self.stack == 1 and self.cols.size == self.cols.shape[0]

    @property
    def key(self):
        """Equal for terms whose coefficients may be added."""
        if self._key is None:
            self._key = self.stack, self.cols.shape, self.cols.tobytes()
        return self._key

    def with_coef(self, coef) -> Term:
        term = Term(coef, self.cols, self.stack)
        term._key = self._key
        return term


def limit(entries):
    if entries > MOST_ENTRIES:
        raise TooLarge(f"more than {MOST_ENTRIES} entries")


def scalar(coef) -> bool:
    return coef.shape == ()


def spread_coef(graph, term, shape):
    """The coefficients as an array of the term's full shape."""
    lead = (term.length,) if term.stack else ()
    return graph.broadcast(term.coef, lead + tuple(shape))


def merged(graph, terms) -> list:
    """The terms with equal tables added up; those that are zero throughout are left out."""
    found: dict = {}
    for term in terms:
        same = found.get(term.key)
        if same is not None:
            term = term.with_coef(graph.elementwise("add", same.coef, term.coef))
        found[term.key] = term
    return [term for term in found.values() if term.coef.value is None or term.coef.value.any()]


def viewed(graph, terms, shape, offset, strides, window) -> list:
    """The terms of a strided view of an array of `shape`; the view has the shape `window`."""
    result = []
    for term in terms:
        cols = _viewed_cols(term, math.prod(shape), offset, strides, window)
        if (cols >= 0).any():
            coef = term.coef
            if not scalar(coef):
                lead = coef.shape[: term.stack]
                coef = graph.view(
                    graph.broadcast(coef, (*lead, *shape)),
                    offset,
                    (math.prod(shape),) * term.stack + tuple(strides),
                    (*lead, *window),
                )
            result.append(Term(coef, cols, term.stack))
    return result


def _viewed_cols(term, size, offset, strides, window):
    if term.uniform:
        return term.cols.reshape(term.length, *(1,) * len(window))
    lead = term.cols.shape[: term.stack]
    limit(math.prod(lead) * math.prod(window))
    steps = [ITEM * s for s in ((size,) * term.stack + tuple(strides))]
    return np.ndarray((*lead, *window), np.int64, term.cols, ITEM * offset, steps).copy()


def broadcast(graph, terms, shape, wider) -> list:
    """The terms of a scalar that stands for an array of the shape `wider`."""
    return terms if shape == wider else viewed(graph, terms, (), 0, (0,) * len(wider), wider)


def taken(graph, terms, shape, index) -> list:
    """The terms of array.ravel()[index]."""
    result = []
    for term in terms:
        if term.uniform:
            cols = term.cols.reshape(term.length, *(1,) * index.ndim)
        else:
            lead = term.cols.shape[: term.stack]
            cols = term.cols.reshape(*lead, -1)[..., index]
        if (cols >= 0).any():
            coef = term.coef
            if not scalar(coef):
                coef = graph.take(
                    spread_coef(graph, term, shape), _stacked_index(index, term, shape)
                )
            result.append(Term(coef, np.array(cols, order="C"), term.stack))
    return result


def _stacked_index(index, term, shape):
    """The flat index of array.ravel()[index], one below the other for each array of a stack."""
    if not term.stack:
        return index
    starts = math.prod(shape) * np.arange(term.length)
    return starts.reshape(-1, *(1,) * index.ndim) + index


def summed(graph, terms, shape, axes) -> list:
    """The terms of the sum over some axes of an array of `shape`."""
    kept = tuple(k for k in range(len(shape)) if k not in axes)
    if not math.prod(shape):
        return []
    result = []
    for term in terms:
        result += (
            [_contracted(graph, term, shape, axes)]
            if _same_along(term, axes)
            else _stacked(graph, term, shape, tuple(axes), kept)
        )
    return merged(graph, result)


def _same_along(term, axes) -> bool:
    """Does each element's variable stay the same along these axes?"""
    first = term.cols
    for axis in axes:
        first = first.take([0], axis + term.stack)
    return bool((first == term.cols).all())


def _contracted(graph, term, shape, axes):
    axes = tuple(axis + term.stack for axis in axes)
    coef = graph.reduce("sum", spread_coef(graph, term, shape), axes)
    cols = term.cols
    for axis in sorted(axes, reverse=True):
        cols = cols.take(0, axis)
    return Term(coef, np.array(cols, order="C"), term.stack)


def _stacked(graph, term, shape, axes, kept):
    """The summed axes become the stack's (behind an older stack's)."""
    lead = (term.length,) if term.stack else ()
    extents = lead + tuple(shape[k] for k in axes)
    rest = tuple(shape[k] for k in kept)
    order = (*range(term.stack), *(k + term.stack for k in (*axes, *kept)))
    cols = np.broadcast_to(term.cols, lead + tuple(shape)).transpose(order)
    cols = np.ascontiguousarray(cols.reshape(-1, *rest))
    coef = term.coef
    if not scalar(coef):
        strides = contiguous_strides(lead + tuple(shape))
        coef = graph.view(
            spread_coef(graph, term, shape), 0, [strides[k] for k in order], extents + rest
        )
        coef = graph.reshape(coef, (math.prod(extents), *rest))
    return split(graph, Term(coef, cols, 1), rest)


def split(graph, term, shape) -> list:
    """A short stack as single terms; a long one in its shortest form."""
    size, length = math.prod(shape), term.length
    if length <= SHORT_STACK or size == 1 and length <= SHORT_SCALAR_STACK:
        strides = contiguous_strides(shape)
        return [
            Term(
                term.coef if scalar(term.coef) else graph.view(term.coef, k * size, strides, shape),
                term.cols[k, ...],  # of rank 0 still an array
            )
            for k in range(length)
            if (term.cols[k] >= 0).any()
        ]
    flat = term.cols.reshape(length, size)
    if (flat == flat[:, :1]).all():
        term = Term(term.coef, flat[:, 0].reshape(length, *(1,) * len(shape)).copy(), 1)
    return [term]


def joined(graph, shapes, term_lists, rank, combine, combine_cols) -> list:
    """The terms of an array of that rank put together from parts of these shapes, term by term.

    combine(nodes, stack length or None) and combine_cols(arrays) put the parts together.
    """
    result: list = []
    known: dict = {}
    for group in _aligned(term_lists):
        model = next(term for term in group if term is not None)
        if model.uniform:
            cols = model.cols.reshape(model.length, *(1,) * rank)
        else:
            cols = combine_cols([_cols_of(t, model, s) for t, s in zip(group, shapes, strict=True)])
        if (cols >= 0).any():
            coef = _joined_coef(graph, group, model, shapes, combine, known)
            result.append(Term(coef, cols, model.stack))
    return result


def _aligned(term_lists):
    """Groups of one term (or None) of each part that can become one term."""
    kinds: dict = {}
    for number, terms in enumerate(term_lists):
        for term in terms:
            kind = (
                term.length if term.stack else None,
                term.cols.tobytes() if term.uniform else None,
            )
            kinds.setdefault(kind, [[] for _ in term_lists])[number].append(term)
    for lists in kinds.values():
        yield from zip_longest(*lists)


def _cols_of(term, model, shape):
    lead = (model.length,) if model.stack else ()
    return np.full((*lead, *shape), -1, np.int64) if term is None else term.cols


def _joined_coef(graph, group, model, shapes, combine, known):
    """The coefficients of one group; known: arrays made for it and other groups by (id, shape)."""
    coefs = {term.coef.id: term.coef for term in group if term is not None}
    complete = not model.uniform or all(term is not None for term in group)
    if len(coefs) == 1 and scalar(model.coef) and complete:
        return model.coef  # where a part has no such term, the table says so
    lead, zero, nodes = (model.length,) if model.stack else (), graph.const(0.0), []
    for term, shape in zip(group, shapes, strict=True):
        coef, whole = zero if term is None else term.coef, lead + tuple(shape)
        if (coef.id, whole) not in known:
            known[coef.id, whole] = graph.broadcast(coef, whole)
        nodes.append(known[coef.id, whole])
    return combine(nodes, model.length if model.stack else None)
