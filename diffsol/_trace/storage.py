"""The memory behind traced arrays."""

from __future__ import annotations

import itertools

import numpy as np

MOST_UPDATES = 8  # single elements assigned one by one; more are put at once


class Storage:
    """The buffer behind arrays: its contents are a node that assignments replace.

    Elements assigned one at a time (in a loop, say) are kept beside the node until it is asked for:
    a node for each assignment would make graphs that grow with the product of both.
    """

    __slots__ = (
        *("trace", "owner", "dtype", "c_order", "born"),
        *("scalars", "_node", "_elements", "_pending"),
    )
    count = itertools.count()

    def __init__(self, trace, node, owner="local", c_order=None):
        self.trace = trace
        self.born = next(self.count)  # how many there were before
        self.owner = (
            owner  # "local", "state", "outside", "part" (.real) or "picked": who sees a write
        )
        self.dtype = node.dtype
        # Does NumPy surely lay it out as we do? It keeps the order of the operands in many results.
        self.c_order = node.ndim < 2 if c_order is None else c_order
        self.scalars: dict = {}  # position -> the Scalar that reading it gave
        self._node = node
        self._elements: dict = {}  # position -> scalar node assigned last
        self._pending: set = set()  # positions of those that are not in the node yet

    @property
    def node(self):
        if self._pending:
            if self.trace.changes is not None:
                self.trace.changes.gathering(self)
            self.scalars.clear()
            self._node = self._gathered(sorted(self._pending))
            self._pending.clear()
        return self._node

    @node.setter
    def node(self, node):
        if self.trace.changes is not None:
            self.trace.changes.whole(self)
        self._node = node
        self.scalars.clear()
        self._elements.clear()
        self._pending.clear()

    def element(self, position):
        known = self._elements.get(position)
        return self.trace.graph.element(self._node, position) if known is None else known

    def set_element(self, position, value):
        if self.trace.changes is not None:
            self.trace.changes.element(self, position)
        self.scalars.pop(position, None)
        self._elements[position] = value
        self._pending.add(position)

    # --- for taking changes back ----------------------------------------------------------------

    def state(self):
        return self._node, dict(self._elements), set(self._pending)

    def restore(self, state):
        self._node, self._elements, self._pending = state
        self.scalars.clear()

    def state_of(self, position):
        return self._elements.get(position), position in self._pending

    def restore_element(self, position, state):
        value, pending = state
        self.scalars.pop(position, None)
        if value is None:
            del self._elements[position]
        else:
            self._elements[position] = value
        if not pending:
            self._pending.discard(position)

    def _gathered(self, positions):
        graph, base = self.trace.graph, self._node
        values = [self._elements[p] for p in positions]
        if len(positions) == base.size:
            return graph.reshape(stacked(graph, values), base.shape)
        if len(positions) > MOST_UPDATES:
            return graph.put(base, stacked(graph, values), positions)
        for position, value in zip(positions, values, strict=True):
            base = graph.update(base, value, position, (), ())
        return base


def stacked(graph, nodes):
    """Nodes of one shape along a new first axis."""
    if all(n.value is not None for n in nodes):
        return graph.const(np.array([n.value for n in nodes]))
    return graph.concat([graph.reshape(n, (1, *n.shape)) for n in nodes], 0)
