"""The memory behind traced arrays."""

from __future__ import annotations

import numpy as np

MOST_UPDATES = 8  # single elements assigned one by one; more are put at once


class Storage:
    """The buffer behind arrays: its contents are a node that assignments replace.

    Elements assigned one at a time (in a loop, say) are kept beside the node until it is asked for:
    a node for each assignment would make graphs that grow with the product of both.
    """

    __slots__ = ("graph", "owner", "dtype", "c_order", "scalars", "_node", "_elements", "_pending")

    def __init__(self, graph, node, owner="local", c_order=None):
        self.graph = graph
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
            self.scalars.clear()
            self._node = self._gathered(sorted(self._pending))
            self._pending.clear()
        return self._node

    @node.setter
    def node(self, node):
        self._node = node
        self.scalars.clear()
        self._elements.clear()
        self._pending.clear()

    def element(self, position):
        known = self._elements.get(position)
        return self.graph.element(self._node, position) if known is None else known

    def set_element(self, position, value):
        self.scalars.pop(position, None)
        self._elements[position] = value
        self._pending.add(position)

    def _gathered(self, positions):
        graph, base = self.graph, self._node
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
