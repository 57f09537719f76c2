"""What the code between a jump and its join changes of things that were there before.

Each change is recorded before it is made, so that it can be taken back and the other way be followed
from the same start.
"""

from __future__ import annotations

from diffsol._trace.storage import Storage

MUTABLE = (list, dict, set)


class Changes:
    """The changes of one way, while it is followed; `finish` takes them back and keeps the outcome.

    elements    storage -> {position: node of the element in the end}
    wholes      storage -> node in the end, where more than single elements changed
    contents    id of a list, dict or set -> (it, a copy as it was in the end)
    cells       cell -> its value in the end
    """

    def __init__(self):
        self.start = next(Storage.count)  # arrays born later are new: nobody else knows them
        self.elements: dict = {}
        self.wholes: dict = {}
        self.contents: dict = {}
        self.cells: dict = {}
        self._undo: list = []  # functions, the last change first

    # --- recording --------------------------------------------------------------------------------

    def element(self, storage, position):
        """An element is going to be assigned."""
        if storage.born > self.start or storage in self.wholes:
            return
        known = self.elements.setdefault(storage, {})
        if position not in known:
            known[position] = None
            state = storage.state_of(position)
            self._undo.append(lambda: storage.restore_element(position, state))

    def gathering(self, storage):
        """Elements assigned one by one are going to be put into its node, which changes no value."""
        if storage.born <= self.start and storage not in self.wholes:
            state = storage.state()
            self._undo.append(lambda: storage.restore(state))

    def whole(self, storage):
        """Its contents are going to be replaced."""
        if storage.born <= self.start and storage not in self.wholes:
            self.wholes[storage] = None
            self.elements.pop(storage, None)
            state = storage.state()
            self._undo.append(lambda: storage.restore(state))

    def content(self, container):
        """A list, dict or set is going to be changed."""
        if id(container) not in self.contents:
            before = container.copy()
            self.contents[id(container)] = (container, None)
            self._undo.append(lambda: fill(container, before))

    def cell(self, cell):
        """A variable shared with an inner function is going to be assigned."""
        if cell not in self.cells:
            before = cell.value
            self.cells[cell] = None
            self._undo.append(lambda: setattr(cell, "value", before))

    # --- the end ------------------------------------------------------------------------------------

    def finish(self):
        for storage, known in self.elements.items():
            for position in known:
                known[position] = storage.element(position)
        for storage in self.wholes:
            self.wholes[storage] = storage.node
        for key, (container, _) in self.contents.items():
            self.contents[key] = (container, container.copy())
        self.cells = {cell: cell.value for cell in self.cells}
        for undo in reversed(self._undo):
            undo()
        self._undo.clear()

    def assign_arrays(self):
        """Makes the changes of arrays once more."""
        for storage, node in self.wholes.items():
            storage.node = node
        for storage, known in self.elements.items():
            for position, value in known.items():
                storage.set_element(position, value)

    def content_of(self, container):
        """What a list, dict or set held in the end."""
        return self.contents.get(id(container), (None, container))[1]


def fill(container, content):
    """Gives a list, dict or set this content."""
    if isinstance(container, list):
        container[:] = content
    else:
        container.clear()
        container.update(content)


def changing(trace, value):
    """To be called before a list, dict or set that was made inside is changed."""
    if trace.changes is not None and isinstance(value, MUTABLE):
        trace.changes.content(value)


def assign_cell(trace, cell, value):
    """Assigns a variable shared with an inner function."""
    if trace.changes is not None:
        trace.changes.cell(cell)
    cell.value = value
