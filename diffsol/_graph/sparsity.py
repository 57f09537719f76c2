"""Where the entries of a Jacobian are, and how they are collected from the terms of a tangent.

The terms' tables name the variable of every coefficient, so the pattern is exact: nothing but what
the operators connect, zeros only where values happen to vanish.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diffsol._graph import terms as tangent
from diffsol._graph.terms import Term

MOST_ONE_BY_ONE = 4  # further summands that are added one after the other
FEW = 16_384  # places of a table of sums that may be filled up, however few are sums
MOST_FILLED = 4  # longest to shortest sum of one table
NOTHING = (np.empty(0, np.int64),) * 2


def as_full(entries, rows, columns) -> bool:
    """Is the matrix better held in full? From half its places on, lists of places cost more."""
    return 2 * entries >= rows * columns


@dataclass(frozen=True)
class Entries:
    """The entries of a matrix, column by column with ascending rows, and what they are sums of.

    places   row + rows * column of each entry
    first    one summand of each entry: its position among all coefficients
    more     [(entries, positions)]: further summands of some entries
    """

    places: np.ndarray
    first: np.ndarray
    more: list

    def compressed(self, rows, columns):
        """(start, row numbers) as in SciPy's CSC arrays."""
        column, row = np.divmod(self.places, rows)
        return np.searchsorted(column, np.arange(columns + 1)).astype(np.int64), row


class Collection:
    """All coefficients of some terms one after the other, and the entries that they make up."""

    def __init__(self, graph, terms, shape):
        self.graph, self.shape = graph, shape
        self.parts: list = []  # flat nodes
        self.length = 0
        self._starts: dict = {}
        tables = [self._table(term) for term in terms]
        self.entries = _grouped(*(np.concatenate(x) for x in zip(NOTHING, *tables, strict=True)))

    def _table(self, term):
        """(places, positions) of a term's coefficients."""
        lead, size = (term.length,) if term.stack else (), math.prod(self.shape)
        tangent.limit(term.length * size)
        cols = np.broadcast_to(term.cols, lead + tuple(self.shape)).reshape(-1)
        places = cols * size + np.tile(np.arange(size), term.length)
        if tangent.scalar(term.coef):
            positions = np.full(cols.size, self._start(term.coef))
        else:
            flat = tangent.spread_coef(self.graph, term, self.shape)
            positions = self._start(flat) + np.arange(cols.size)
        there = cols >= 0
        if term.coef.value is not None and not tangent.scalar(term.coef):
            there &= np.broadcast_to(term.coef.value, lead + tuple(self.shape)).reshape(-1) != 0
        return (places, positions) if there.all() else (places[there], positions[there])

    def _start(self, node) -> int:
        """Position of a node's first element; a node stands there once."""
        start = self._starts.get(node.id)
        if start is None:
            start = self._starts[node.id] = self.length
            self.parts.append(self.graph.reshape(node, (node.size,)))
            self.length += node.size
        return start

    def values(self):
        """The entries, in order."""
        return self._sums(self.entries.first, np.arange(len(self.entries.first)))

    def full(self, columns):
        """The whole matrix, column by column, with its zeros."""
        count = columns * math.prod(self.shape)
        index = np.full(count, -1)
        index[self.entries.places] = self.entries.first
        if (index < 0).any():
            index[index < 0] = self._start(self.graph.const(np.zeros(1)))
        return self._sums(index, self.entries.places)

    def _all(self):
        parts = self.parts or [self.graph.const(np.zeros(1))]
        return self.graph.concat(parts, 0)

    def _sums(self, index, where):
        """The coefficients at `index`, with further summands added at places `where` of the entries."""
        graph, more = self.graph, self.entries.more
        tables = self._tables() if len(more) > MOST_ONE_BY_ONE else []
        flat = self._all()
        whole = index.size == flat.size and bool((index == np.arange(index.size)).all())
        result = flat if whole else graph.take(flat, index)
        for entries, positions in [] if tables else more:
            at = where[entries]
            total = graph.elementwise("add", graph.take(result, at), graph.take(flat, positions))
            result = total if at.size == index.size else graph.put(result, total, at)
        for entries, table in tables:
            total = graph.reduce("sum", graph.take(flat, table), (0,))
            result = graph.put(result, total, where[entries])
        return result

    def _tables(self):
        """[(entries, positions of all their summands, a row for each)], filled up with -0.0."""
        rest, more = self._start(self.graph.const(np.array([-0.0]))), self.entries.more
        counts = np.ones(len(self.entries.first), np.int64)
        for entries, _ in more:
            counts[entries] += 1
        several = np.flatnonzero(counts > 1)
        table = np.full((len(more) + 1, len(counts)), rest)
        table[0] = self.entries.first
        for row, (entries, positions) in enumerate(more, 1):
            table[row, entries] = positions
        order = several[np.argsort(counts[several], kind="stable")]
        return [
            (part, table[: counts[part].max(), part])
            for part in parts_of_like_length(order, counts[order])
        ]


def parts_of_like_length(items, lengths) -> list:
    """Parts of an array of items, sorted by length, whose lengths need not be filled up too much."""
    parts, start = [], 0
    while start < len(items):
        filled = lengths[start:] * np.arange(1, len(items) - start + 1)
        stop = max(
            start + int(np.searchsorted(filled, FEW, "right")),
            int(np.searchsorted(lengths, MOST_FILLED * lengths[start], "right")),
        )
        parts.append(items[start:stop])
        start = stop
    return parts


def _grouped(places, positions) -> Entries:
    """Entries from places that may occur several times."""
    order = np.argsort(places, kind="stable")
    places, positions = places[order], positions[order]
    new = np.ones(places.size, bool)
    new[1:] = places[1:] != places[:-1]
    if new.all():
        return Entries(places, positions, [])
    starts = np.flatnonzero(new)
    entry = np.cumsum(new) - 1
    rank = np.arange(places.size) - starts[entry]
    more = [(entry[rank == k], positions[rank == k]) for k in range(1, rank.max() + 1)]
    return Entries(places[new], positions[new], more)


def dense_term(graph, terms, shape, columns) -> Term:
    """The sum of some terms as one with a coefficient for every variable, zeros among them."""
    coef = graph.reshape(Collection(graph, terms, shape).full(columns), (columns, *shape))
    return Term(coef, np.arange(columns).reshape(-1, *(1,) * len(shape)), 1)
