"""Guards of long containers: compared as a whole, at the speed of C. Loading this needs no tracer.

What is the very object that was seen last cannot have changed, if it is a number or a tuple of numbers.
Only where others are found are elements compared one by one.
"""

from __future__ import annotations

import operator
from itertools import chain, compress, islice

import numpy as np

CONTAINERS = (list, tuple)
KINDS = (*CONTAINERS, int, float, bool, str, bytes, type(None), np.float64, np.int64, np.bool_)
EXACT_INT = 2**53  # larger Python ints are not exact as doubles


class Whole:
    """A container whose elements are of these kinds, numbered level by level.

    The levels are the container itself, its elements, the elements of the containers among them, and so on.

    kinds       for each level the number in KINDS of each element's type
    lengths     for each level the lengths of the containers in it
    pinned      {number of an element: its value}
    exact       numbers of ints that must be exact as doubles
    offsets     {number of an element: its place in the parameter block}
    """

    def __init__(self, kinds, lengths, pinned, exact, offsets):
        self._kinds = [[KINDS[k] for k in level] for level in kinds]
        self._inner = [[kind in CONTAINERS for kind in level] for level in self._kinds]
        self._lengths = lengths
        self._to_open = _to_open(self._kinds, lengths)
        self._pinned, self._exact, self._numbers = pinned, exact, list(offsets)
        self._places = _index(list(offsets.values()))
        self._seen: tuple | None = None  # (objects, parameters) that fitted last

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
        if self._numbers:
            block[self._places] = seen[1]
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
        """The parameters, or None if something else is not what it was."""
        level, elements = [value], []
        for kinds, inner, lengths in zip(self._kinds, self._inner, self._lengths, strict=True):
            if list(map(type, level)) != kinds:
                return None
            elements += level
            containers = list(compress(level, inner))
            if list(map(len, containers)) != lengths:
                return None
            level = list(chain.from_iterable(containers))
        if any(elements[number] != known for number, known in self._pinned.items()):
            return None
        if not all(-EXACT_INT < elements[number] < EXACT_INT for number in self._exact):
            return None
        return np.array([elements[number] for number in self._numbers], float)


def _index(offsets):
    """Offsets as an index: a slice where they follow each other."""
    if offsets and offsets == list(range(offsets[0], offsets[0] + len(offsets))):
        return slice(offsets[0], offsets[0] + len(offsets))
    return np.array(offsets, np.int64)


def _to_open(kinds, lengths):
    """The levels that `Whole._objects` looks into: [(which elements it opens, their types and lengths)].

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
