"""Values that depend on which way a jump went: one value for both, chosen by `select`.

Merged is what later code cannot tell from the one or the other; for the rest there is `Unmergeable`.
"""

from __future__ import annotations

import contextlib

import numpy as np

from diffsol._graph.ops import BOOL, COMPLEX, INT
from diffsol._trace.guards import OutsideInt, unpin
from diffsol._trace.kinds import either
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar
from diffsol._trace.storage import Storage
from diffsol._trace.values import Array, as_node

NUMBERS = (Scalar, OutsideInt, bool, int, float, complex, np.generic)
PLAIN = (bool, int, str, bytes, type(None), range, slice)


class Unmergeable(Exception):
    """The two ways end with values that cannot be one."""


class Split(Refused):
    """The ways from the jump at `site` have to be followed separately: what differs there is needed."""

    def __init__(self, site):
        super().__init__("too-many-branches")
        self.site = site


class Merging:
    """Merges what the two ways from one jump, `yes` and `no` (`branches.Way`), end with."""

    def __init__(self, trace, condition, yes, no, old):
        self.trace, self.condition = trace, condition
        self.yes, self.no = yes, no
        self.old = old  # function that tells whether a container was there before the jump
        self.start = min(yes.changes.start, no.changes.start)
        self.made: dict = {}  # ids of two new objects -> the one that stands for both
        self.partner: dict = {}  # id of a new object -> id of its partner on the other way

    def value(self, a, b):
        if a is b:
            return a
        if type(a) in PLAIN and type(a) is type(b) and a == b:
            return a
        if isinstance(a, NUMBERS) and isinstance(b, NUMBERS):
            return self._number(a, b)
        if isinstance(a, Array) and isinstance(b, Array):
            return self._array(a, b)
        if type(a) is tuple and type(b) is tuple:
            return tuple(self._items(a, b))
        if type(a) is list and type(b) is list:
            return self._list(a, b)
        raise Unmergeable

    def outcome(self, a, b):
        """Of two results of the whole function, of which nobody sees whether they are lists or arrays."""
        try:
            return self.value(a, b)
        except Unmergeable:
            nodes = self._outcome(self.yes.changes, a), self._outcome(self.no.changes, b)
            if nodes[0].shape != nodes[1].shape:
                raise
            return Array.of(self.trace, self._select(*nodes))

    def _outcome(self, changes, value):
        if isinstance(value, Array):
            return self._view(changes, value)
        if type(value) in (list, tuple):
            items = changes.content_of(value)
            if all(isinstance(x, NUMBERS) for x in items):
                return as_node(self.trace, list(items))
        raise Unmergeable

    def locals(self) -> dict:
        """Variables that are one on both ways; the others must not be read."""
        yes, no = self.yes.locals, self.no.locals
        merged = {}
        for name in yes:
            with contextlib.suppress(Unmergeable, KeyError):
                merged[name] = self.value(yes[name], no[name])
        return merged

    def stack(self):
        return [*self._items(self.yes.stack, self.no.stack)]

    def contents(self) -> list:
        """[(container that was there before and was changed, its content)]"""
        changed = {**self.yes.changes.contents, **self.no.changes.contents}
        return [
            (container, self._content(container))
            for container, _ in changed.values()
            if self.old(container)
        ]

    def cells(self) -> dict:
        yes, no = self.yes.changes.cells, self.no.changes.cells
        return {
            cell: self.value(yes.get(cell, cell.value), no.get(cell, cell.value))
            for cell in dict.fromkeys((*yes, *no))
        }

    def assign_arrays(self):
        """Gives the arrays that were changed their contents; to be done last."""
        yes, no = self.yes.changes, self.no.changes
        for storage in dict.fromkeys((*yes.wholes, *no.wholes)):
            storage.node = self._select(self._whole(yes, storage), self._whole(no, storage))
        for storage in dict.fromkeys((*yes.elements, *no.elements)):
            if storage not in yes.wholes and storage not in no.wholes:
                self._assign_elements(storage)

    # --- numbers ----------------------------------------------------------------------------------

    def _number(self, a, b):
        if all(isinstance(x, OutsideInt) or as_node(self.trace, x).dtype == INT for x in (a, b)):
            a, b = unpin(a), unpin(b)
        nodes = as_node(self.trace, a), as_node(self.trace, b)
        for dtype in (BOOL, COMPLEX):  # what is another type behaves in another way
            if len({node.dtype == dtype for node in nodes}) == 2:
                raise Unmergeable
        return Scalar(self.trace, self._select(*nodes), either(a, b))

    def _select(self, a, b):
        return self.trace.graph.elementwise("select", self.condition, a, b)

    # --- arrays -----------------------------------------------------------------------------------

    def _array(self, a, b):
        if (a.shape, a.dtype, a.readonly) != (b.shape, b.dtype, b.readonly):
            raise Unmergeable
        alike = (a.offset, a.strides) == (b.offset, b.strides)
        if a.storage is b.storage and alike:
            return a
        if alike and self._are_twins(a.storage, b.storage):
            storage = self._paired(a.storage, b.storage, self._storage)
            return Array(self.trace, storage, a.offset, a.strides, a.shape, a.readonly)
        for storage in (a.storage, b.storage):
            if id(storage) in self.partner:
                raise Unmergeable
            if storage.owner == "local":
                storage.owner = "picked"  # a later write would have to be seen through the result
        node = self._select(self._view(self.yes.changes, a), self._view(self.no.changes, b))
        c_order = a.is_surely_contiguous() and b.is_surely_contiguous()
        return Array.of(self.trace, node, "picked", c_order or None)

    def _are_twins(self, a, b) -> bool:
        """Are both new, and alike but for their contents?"""
        new = a.born > self.start and b.born > self.start
        kinds = [(x.owner, x.dtype, x.c_order, x.node.shape) for x in (a, b)]
        return new and kinds[0] == kinds[1]

    def _storage(self, a, b):
        return Storage(self.trace, self._select(a.node, b.node), a.owner, a.c_order)

    def _view(self, changes, array):
        node = self._whole(changes, array.storage)
        return self.trace.graph.view(node, array.offset, array.strides, array.shape)

    def _whole(self, changes, storage):
        """The node of a storage as it was at the end of a way."""
        if storage in changes.wholes:
            return changes.wholes[storage]
        known = changes.elements.get(storage)
        if not known:
            return storage.node
        outer, self.trace.changes = self.trace.changes, None
        state = storage.state()
        for position, value in known.items():
            storage.set_element(position, value)
        node = storage.node
        storage.restore(state)
        self.trace.changes = outer
        return node

    def _assign_elements(self, storage):
        yes, no = (way.changes.elements.get(storage, {}) for way in (self.yes, self.no))
        for position in dict.fromkeys((*yes, *no)):
            before = storage.element(position)
            value = self._select(yes.get(position, before), no.get(position, before))
            storage.set_element(position, value)

    # --- containers -------------------------------------------------------------------------------

    def _list(self, a, b):
        if self.old(a) or self.old(b):
            raise Unmergeable
        return self._paired(
            a,
            b,
            lambda a, b: list(
                self._items(self.yes.changes.content_of(a), self.no.changes.content_of(b))
            ),
        )

    def _paired(self, a, b, make):
        """What stands for both; two names of one object stay two names of one object."""
        if self.partner.setdefault(id(a), id(b)) != id(b):
            raise Unmergeable
        if self.partner.setdefault(id(b), id(a)) != id(a):
            raise Unmergeable
        if (id(a), id(b)) not in self.made:
            self.made[id(a), id(b)] = make(a, b)
        return self.made[id(a), id(b)]

    def _items(self, a, b):
        if len(a) != len(b):
            raise Unmergeable
        return [self.value(x, y) for x, y in zip(a, b, strict=True)]

    def _content(self, container):
        a = self.yes.changes.content_of(container)
        b = self.no.changes.content_of(container)
        if isinstance(container, list):
            return self._items(a, b)
        if isinstance(container, dict) and list(a) == list(b):
            return {key: self.value(a[key], b[key]) for key in a}
        raise Unmergeable
