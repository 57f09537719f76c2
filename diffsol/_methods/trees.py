"""Rooted trees: the conditions that make a Runge-Kutta method accurate to some order.

Each tree tau of order rho stands for one condition  sum_i b_i Phi_i(tau) = 1 / gamma(tau)
(Hairer, Norsett, Wanner, *Solving ODEs I*, section II.2, theorems 2.11 and 2.13).
A tree is written as the sorted tuple of the trees that hang from its root; a leaf is ``()``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache

Tree = tuple["Tree", ...]


@cache
def trees_of_order(order: int) -> tuple[Tree, ...]:
    """All rooted trees with `order` nodes, each once."""
    return tuple(sorted(_forests(order - 1, order - 1)))


@cache
def _forests(nodes: int, largest: int) -> tuple[Tree, ...]:
    """All multisets of trees with `nodes` nodes together, none larger than `largest`."""
    if nodes == 0:
        return ((),)
    found = set()
    for size in range(1, min(nodes, largest) + 1):
        for first in trees_of_order(size):
            for rest in _forests(nodes - size, size):
                found.add(tuple(sorted((first, *rest))))
    return tuple(found)


@cache
def order_of(tree: Tree) -> int:
    """Number of nodes, rho(tau)."""
    return 1 + sum(map(order_of, tree))


@cache
def density(tree: Tree) -> int:
    """gamma(tau): the order of the tree times the densities of what hangs from its root."""
    result = order_of(tree)
    for child in tree:
        result *= density(child)
    return result


def trees_up_to(order: int) -> Iterator[Tree]:
    """All rooted trees with at most `order` nodes, small ones first."""
    for size in range(1, order + 1):
        yield from trees_of_order(size)


class StageWeights:
    """Phi_i(tau) for the stages i of one table.

    `A` is the strictly lower triangular matrix as rows of growing length (row i has i entries).
    Values are exact (`Fraction`) and kept, because trees share their branches.
    """

    def __init__(self, A: Sequence[Sequence[Fraction]]):
        self._A = [[(r, a) for r, a in enumerate(row) if a] for row in A]
        self._known: dict[Tree, list[Fraction]] = {}

    def __call__(self, tree: Tree) -> list[Fraction]:
        if tree not in self._known:
            self._known[tree] = self._compute(tree)
        return self._known[tree]

    def _compute(self, tree: Tree) -> list[Fraction]:
        result = [Fraction(1)] * len(self._A)
        for child in tree:
            below = self(child)
            branch = [sum((a * below[r] for r, a in row), Fraction(0)) for row in self._A]
            result = [x * y for x, y in zip(result, branch, strict=True)]
        return result
