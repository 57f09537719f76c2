"""Sums (and other reductions) that are written term by term: s = t0; s = s + t1; s = s - t2; ..."""

from __future__ import annotations

from collections import Counter

import numpy as np

from diffsol._graph.node import Node
from diffsol._graph.ops import BOOL, FLOAT

FEWEST_TERMS = 4  # of a sum that is taken whole
MOST_REPEATED = 8  # terms that two sums have in common and add up both
REDUCTIONS = {"add": "sum", "subtract": "sum", "logical_or": "any"}


class Chain:
    """One of them: its terms, and which of these are subtracted.

    A sum that starts from 0.0 does so at its end as well as at its start: only -0.0 tells.
    """

    __slots__ = ("reduction", "terms", "negative", "from_zero")

    def __init__(self, reduction, first):
        self.reduction = reduction
        self.from_zero = _is_zero(first)
        self.terms: list = [] if self.from_zero else [first]
        self.negative: list = [False] * len(self.terms)

    def add(self, node):
        """Make it one term longer: by what this node adds to it."""
        self.terms.append(node.inputs[1])
        self.negative.append(node.op == "subtract")

    def copy(self):
        chain = Chain.__new__(Chain)
        chain.reduction, chain.from_zero = self.reduction, self.from_zero
        chain.terms, chain.negative = list(self.terms), list(self.negative)
        return chain


def _is_zero(x) -> bool:
    return x.value is not None and x.dtype == FLOAT and not x.value and not np.signbit(x.value)


def chains_of(program) -> dict:
    """{id of its last node: chain} of the reductions that are written term by term.

    What two sums begin with is a part of both where that is short.
    """
    uses = Counter([x.id for node in program.nodes for x in node.inputs])
    uses.update(root.id for root in (program.output, program.trap) if root is not None)
    chains: dict = {}
    for node in program.nodes:
        reduction = REDUCTIONS.get(node.op)
        if reduction is None or node.shape or node.dtype not in (FLOAT, BOOL):
            continue
        first = node.inputs[0]
        known = chains.get(first.id)
        if known is None or REDUCTIONS[first.op] != reduction:
            chains[node.id] = node  # the first operation of one, perhaps: most are the only one
            continue
        shared = uses[first.id] > 1
        if not shared:
            del chains[first.id]
        if known is first:
            known = _begun(first)
        elif shared and len(known.terms) > MOST_REPEATED:
            chains[node.id] = node
            continue
        elif shared:
            known = known.copy()
        known.add(node)
        chains[node.id] = known
    begun = {key: _begun(x) if type(x) is Node else x for key, x in chains.items() if _may_be(x)}
    return {
        key: chain
        for key, chain in begun.items()
        if chain.from_zero or len(chain.terms) >= FEWEST_TERMS
    }


def _begun(node):
    """The chain of one operation."""
    chain = Chain(REDUCTIONS[node.op], node.inputs[0])
    chain.add(node)
    return chain


def _may_be(chain) -> bool:
    """Is it a chain, or an operation that is one by itself?"""
    return type(chain) is Chain or _is_zero(chain.inputs[0])


def live(program, chains) -> list:
    """The nodes that the roots need if chains are made of their terms, inputs first."""
    seen: dict = {}
    stack = [root for root in (program.output, program.trap) if root is not None]
    while stack:
        node = stack.pop()
        if node.id not in seen:
            seen[node.id] = node
            chain = chains.get(node.id)
            stack.extend(node.inputs if chain is None else chain.terms)
    return [seen[key] for key in sorted(seen)]
