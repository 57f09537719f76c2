"""Long lists and tuples of numbers from outside, guarded as a whole.

A reaction network's list of tuples has thousands of elements, and a line of the guard function for each
would take longer than a solve. A `Table` compares them at the speed of C: what is the very object that it
saw last cannot have changed; only where others are found are they compared one by one.
"""

from __future__ import annotations

import operator
from itertools import accumulate, chain, compress, islice

import numpy as np

from diffsol._trace.guards import EXACT_INT, Part

FEWEST = 64  # elements that are worth a table
DEEPEST = 6  # levels of containers in containers
CONTAINERS = {list, tuple}
UNCHANGING = {int, float, bool, str, bytes, type(None), np.float64, np.int64, np.bool_}


def part_of(owner) -> Part | None:
    """A container from outside as the part of a table that it is, or None if it is in none."""
    reads, var = owner.reads, owner.var
    if type(var) is Part:
        return var
    if var not in reads.tables:
        levels = _levels(owner.value)
        table = reads.tables[var] = None if levels is None else Table(levels)
        if table is not None:
            reads.lines.append(f"if not {reads.constant(table)}.fits({var}, P): return False")
    table = reads.tables[var]
    return None if table is None else Part.of(var, table, 0, 0)


def _levels(value):
    """[[value], its elements, the elements of the containers among these, ...], or None if there are
    few, or others than numbers and the like."""
    levels = [[value]]
    while containers := [x for x in levels[-1] if type(x) in CONTAINERS]:
        levels.append(list(chain.from_iterable(containers)))
        if len(levels) > DEEPEST or not set(map(type, levels[-1])) <= CONTAINERS | UNCHANGING:
            return None
    return levels if sum(map(len, levels)) > FEWEST else None


class Table:
    """What a trace relies on of one container, and which of its numbers are parameters.

    Elements are numbered through the levels, the container itself being 0.
    """

    def __init__(self, levels):
        self._kinds = [list(map(type, level)) for level in levels]
        self._inner = [[kind in CONTAINERS for kind in kinds] for kinds in self._kinds]
        self._lengths = [
            list(map(len, compress(level, inner)))
            for level, inner in zip(levels, self._inner, strict=True)
        ]
        self._first = list(accumulate(map(len, levels), initial=0))  # number of a level's first
        # of each element how many containers stand before it, and of each container the same of elements
        self._rank = [list(accumulate(inner, initial=0)) for inner in self._inner]
        self._start = [list(accumulate(lengths, initial=0)) for lengths in self._lengths]
        self._to_open = _to_open(self._kinds, self._lengths)
        self.pinned: dict = {}  # number of an element -> its value
        self.exact: set = set()  # numbers of ints that must be exact as doubles
        self.offsets: dict = {}  # number of an element -> its place in the parameter block
        self._seen: tuple | None = None  # (objects, parameters) that fitted last

    def child(self, level, position, k):
        """(level, position) of element k of a container."""
        return level + 1, self._start[level][self._rank[level][position]] + k

    def number(self, level, position) -> int:
        return self._first[level] + position

    # --- the guard ------------------------------------------------------------------------------

    def fits(self, value, block) -> bool:
        """Is it as the trace relies on? Its parameters are written to the block."""
        seen, objects = self._seen, self._objects(value)
        if objects is None:
            return False
        if seen is None or not all(map(operator.is_, objects, seen[0])):
            parameters = self._compared(value)
            if parameters is None:
                return False
            seen = self._seen = objects, parameters
        if self.offsets:
            block[seen[1][0]] = seen[1][1]
        return True

    def _objects(self, value):
        """What stays the same while it is the same object, in order; None if lists have other lengths."""
        level, found = [value], []
        for is_open, kinds, lengths in self._to_open:
            opened = level
            if len(kinds) < len(is_open):
                opened = list(compress(level, is_open))
                found += compress(level, map(operator.not_, is_open))
            if list(map(type, opened)) != kinds or list(map(len, opened)) != lengths:
                return None
            level = list(chain.from_iterable(opened))
        return found + level

    def _compared(self, value):
        """The parameters (places, numbers), or None if something else is not what it was."""
        level, elements = [value], []
        for kinds, inner, lengths in zip(self._kinds, self._inner, self._lengths, strict=True):
            if list(map(type, level)) != kinds:
                return None
            elements += level
            containers = list(compress(level, inner))
            if list(map(len, containers)) != lengths:
                return None
            level = list(chain.from_iterable(containers))
        if any(elements[number] != known for number, known in self.pinned.items()):
            return None
        if not all(-EXACT_INT < elements[number] < EXACT_INT for number in self.exact):
            return None
        numbers = np.array([elements[number] for number in self.offsets], float)
        return _places(list(self.offsets.values())), numbers


def _places(offsets):
    """Offsets as an index: a slice where they follow each other."""
    if offsets and offsets == list(range(offsets[0], offsets[0] + len(offsets))):
        return slice(offsets[0], offsets[0] + len(offsets))
    return np.array(offsets, np.int64)


def _to_open(kinds, lengths):
    """The levels that `Table._objects` looks into: [(which elements it opens, their types and lengths)].

    It opens lists, and tuples that hold any; of a level it only sees what it opened above.
    """
    steps = []
    seen = [True]  # of each element of a level: is it in a container that was opened?
    for level, changing in enumerate(_changing(kinds, lengths)):
        steps.append(
            (
                list(compress(changing, seen)),
                [k for k, c, s in zip(kinds[level], changing, seen, strict=True) if c and s],
                [],
            )
        )
        below = []
        sizes = iter(lengths[level])
        for kind, is_open in zip(kinds[level], changing, strict=True):
            if kind in CONTAINERS:
                size = next(sizes)
                below += [is_open] * size
                if is_open:
                    steps[-1][2].append(size)
        if not any(changing):
            return steps[:-1]
        seen = below
    return steps


def _changing(kinds, lengths):
    """For each level: which of its elements are lists, or tuples that hold any?"""
    masks: list = []
    inside: list = []  # the mask of the level below
    for kinds_here, lengths_here in zip(reversed(kinds), reversed(lengths), strict=True):
        below, sizes = iter(inside), iter(lengths_here)
        inside = [
            kind in CONTAINERS and (any(list(islice(below, next(sizes)))) or kind is list)
            for kind in kinds_here
        ]
        masks.insert(0, inside)
    return masks
