"""What reaches an array in reverse accumulation, share by share, and the sum of it.

A share of an array's adjoint is for all of it, for a strided window, or for elements with a table of
positions. Shares that do not overlap are put side by side before anything is added: a stencil of
three points becomes a sum of three arrays, components used one by one become one concatenation.
Elements that a table repeats are added up by a product with a sparse matrix of ones.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np

from diffsol._graph import terms as tangent
from diffsol._graph.build import contiguous_strides
from diffsol._graph.diff import flat_positions
from diffsol._graph.node import Node

MOST_LAYERS = 8  # arrays that are added one after the other; more shares go by one table


class Bar(NamedTuple):
    """An adjoint, and may some of its elements be zero because nothing reaches them?"""

    node: Node
    holes: bool


class _Placed:
    """A share of some elements: those of a window (offset, strides), or with positions of a table."""

    def __init__(self, bar, positions, window=None):
        self.bar, self.positions, self.window = bar, positions, window

    @property
    def first(self) -> int:
        return int(self.positions.reshape(-1)[0])

    @property
    def is_run(self) -> bool:
        """Are these neighbouring elements, in order?"""
        return _in_order(self.positions.shape, self.window)

    @cached_property
    def repeats(self) -> bool:
        size = self.positions.size
        return size > 1 and np.unique(self.positions).size < size


class Shares:
    """The shares of the adjoint of one array of floats.

    start    of the array in a larger one: windows and positions are given in that
    """

    def __init__(self, graph, shape, start=0):
        self.graph, self.shape, self.size = graph, tuple(shape), math.prod(shape)
        self._start = start
        self._whole: list = []
        self._placed: list = []
        self._single: dict = {}  # position -> shares of that element

    def add(self, bar):
        self._whole.append(bar)

    def add_window(self, bar, offset, strides):
        """A share of a strided window; along axes of stride 0 its elements are the same."""
        spread = [k for k, e in enumerate(bar.node.shape) if e > 1 and not strides[k]]
        bar = Bar(self.graph.reduce("sum", bar.node, spread), bar.holes)
        strides = tuple(s for k, s in enumerate(strides) if k not in spread)
        offset -= self._start
        window, shape = (offset, strides), bar.node.shape
        if bar.node.size == self.size and _in_order(shape, window) and not offset:
            return self.add(Bar(self.graph.reshape(bar.node, self.shape), bar.holes))
        tangent.limit(bar.node.size)
        return self._place(_Placed(bar, flat_positions(offset, strides, shape), window))

    def add_at(self, bar, index):
        """A share of the elements with these positions, which may repeat."""
        tangent.limit(index.size)
        self._place(_Placed(bar, index - self._start))

    def _place(self, placed):
        if placed.positions.size == 1:
            self._single.setdefault(placed.first, []).append(placed.bar)
        elif placed.positions.size:
            self._placed.append(placed)

    def total(self) -> Bar | None:
        """The sum of all shares; None: there are none."""
        parts = list(self._whole)
        layers, many = self._layers()
        parts += [self._side_by_side(layer) for layer in layers]
        if many:
            parts.append(self._by_table(many))
        if not parts:
            return None
        total = parts[0].node
        for bar in parts[1:]:
            total = self.graph.elementwise("add", total, bar.node)
        return Bar(total, all(bar.holes for bar in parts))

    def _layers(self):
        """(lists of shares that do not overlap, shares that are too many or repeat elements)."""
        layers: list = []  # (members, which elements are taken)
        many: list = []
        for placed in (*self._singles(), *self._placed):
            flat = placed.positions.reshape(-1)
            free = (layer for layer in layers if not layer[1][flat].any())
            layer = None if placed.repeats else next(free, None)
            if layer is None and (placed.repeats or len(layers) == MOST_LAYERS):
                many.append(placed)
                continue
            if layer is None:
                layer = [], np.zeros(self.size, bool)
                layers.append(layer)
            layer[0].append(placed)
            layer[1][flat] = True
        return [members for members, _ in layers], many

    def _singles(self):
        """Elements that are used one by one, the shares of each added up."""
        for position in sorted(self._single):
            first, *rest = self._single[position]
            node = self.graph.reshape(first.node, ())
            for bar in rest:
                node = self.graph.elementwise("add", node, self.graph.reshape(bar.node, ()))
            holes = first.holes and all(bar.holes for bar in rest)
            yield _Placed(Bar(node, holes), np.array(position), (position, ()))

    def _side_by_side(self, members) -> Bar:
        """One array with shares that do not overlap in their places, and zeros elsewhere."""
        graph = self.graph
        runs = sorted((x for x in members if x.is_run), key=lambda x: x.first)
        others = [x for x in members if not x.is_run]
        result = self._concatenated(runs)
        for placed in others:
            if placed.window is None:
                result = graph.put(result, placed.bar.node, placed.positions)
            else:
                result = graph.update(
                    result, placed.bar.node, *placed.window, placed.bar.node.shape
                )
        reached = sum(x.positions.size for x in members) == self.size
        holes = not reached or any(x.bar.holes for x in members)
        return Bar(result, holes)

    def _concatenated(self, runs):
        graph, parts, end = self.graph, [], 0
        for placed in runs:
            if placed.first > end:
                parts.append(self._zeros(placed.first - end))
            size = placed.bar.node.size
            parts.append(graph.reshape(placed.bar.node, (size,)))
            end = placed.first + size
        if end < self.size:
            parts.append(self._zeros(self.size - end))
        return graph.reshape(graph.concat(parts, 0), self.shape)

    def _zeros(self, count):
        return self.graph.broadcast(self.graph.const(0.0), (count,))

    def _by_table(self, shares) -> Bar:
        """Row i of a sparse matrix of ones adds up what elements i of the array get."""
        graph, parts, sources, start = self.graph, [], [], 0
        for placed in shares:
            base, places = _source(placed.bar.node)
            parts.append(graph.reshape(base, (base.size,)))
            sources.append(start + places)
            start += base.size
        targets = np.concatenate([x.positions.reshape(-1) for x in shares])
        order = np.argsort(targets, kind="stable")
        starts = np.searchsorted(targets[order], np.arange(self.size + 1)).astype(np.int64)
        column = np.concatenate(sources)[order]
        tangent.limit(column.size)
        ones = graph.const(np.ones(column.size))
        total = graph.spmv(ones, graph.concat(parts, 0), starts, column)
        holes = bool((np.diff(starts) == 0).any()) or any(x.bar.holes for x in shares)
        return Bar(graph.reshape(total, self.shape), holes)


def _in_order(shape, window) -> bool:
    """Does a window (offset, strides) of that shape have neighbouring elements, in order?"""
    if window is None:
        return False
    units = contiguous_strides(shape)
    return all(s == unit for s, unit, e in zip(window[1], units, shape, strict=True) if e > 1)


def _source(node):
    """(array, positions in it) of a node's elements: a view's are those of what it views."""
    if node.op == "view":
        return node.inputs[0], flat_positions(*node.attrs, node.shape).reshape(-1)
    return node, np.arange(node.size)
