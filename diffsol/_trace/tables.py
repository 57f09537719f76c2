"""Long lists and tuples of numbers from outside, guarded as a whole.

A reaction network's list of tuples has thousands of elements, and a line of the guard function for each
would take longer than a solve. Here is noted what a trace relies on of them; `whole.py` compares it.
"""

from __future__ import annotations

from itertools import accumulate, chain, compress

from diffsol._trace.guards import Part
from diffsol._trace.whole import CONTAINERS, KINDS

FEWEST = 64  # elements that are worth a table
DEEPEST = 6  # levels of containers in containers
NUMBER_OF = {kind: number for number, kind in enumerate(KINDS)}


def part_of(owner) -> Part | None:
    """A container from outside as the part of a table that it is, or None if it is in none."""
    reads, var = owner.reads, owner.var
    if type(var) is Part:
        return var
    if var not in reads.tables:
        levels = _levels(owner.value)
        table = reads.tables[var] = None if levels is None else Table(levels)
        if table is not None:
            reads.lines.append(
                f"if not fits({reads.constant(table.relied)}, {var}, P): return False"
            )
    table = reads.tables[var]
    return None if table is None else Part.of(var, table, 0, 0)


def _levels(value):
    """[[value], its elements, the elements of the containers among these, ...], or None if there are
    few, or others than numbers and the like."""
    levels = [[value]]
    while containers := [x for x in levels[-1] if type(x) in CONTAINERS]:
        levels.append(list(chain.from_iterable(containers)))
        if len(levels) > DEEPEST or not NUMBER_OF.keys() >= set(map(type, levels[-1])):
            return None
    return levels if sum(map(len, levels)) > FEWEST else None


class Table:
    """What a trace relies on of one container, and which of its numbers are parameters.

    pinned, exact, offsets, relied: the arguments of `Whole`
    """

    def __init__(self, levels):
        inner = [[type(x) in CONTAINERS for x in level] for level in levels]
        lengths = [
            list(map(len, compress(level, mask))) for level, mask in zip(levels, inner, strict=True)
        ]
        kinds = [[NUMBER_OF[type(x)] for x in level] for level in levels]
        self.pinned: dict = {}
        self.exact: list = []
        self.offsets: dict = {}
        self.relied = (kinds, lengths, self.pinned, self.exact, self.offsets)
        self._first = list(accumulate(map(len, levels), initial=0))  # number of a level's first
        # of each element how many containers stand before it, and of each container the same of elements
        self._rank = [list(accumulate(mask, initial=0)) for mask in inner]
        self._start = [list(accumulate(extents, initial=0)) for extents in lengths]

    def child(self, level, position, k):
        """(level, position) of element k of a container."""
        return level + 1, self._start[level][self._rank[level][position]] + k

    def number(self, level, position) -> int:
        return self._first[level] + position
