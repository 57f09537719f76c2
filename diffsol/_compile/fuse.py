"""Decides which arrays of a program get memory, and which are computed inside their readers' loops.

A *root* is a loop nest: it fills an array that is stored, reduces one, or writes the output.
Everything else is inlined at an index. Concatenations and assignments to boxes cost nothing when
inlined: the loops that read them are cut where they change from one part to the next.

An array is stored when that is its nature (reductions, matrix products, scattered assignments),
when an index cannot be followed through it (reshapes, gathers), or when it would be computed at
several places and costs more than the memory traffic that storing it takes.
"""

from __future__ import annotations

from diffsol._compile.costs import cost_of
from diffsol._compile.index import Affine, axis_map, compose, identity, window_box
from diffsol._graph.build import contiguous_strides
from diffsol._graph.elements import trailing_run
from diffsol._graph.ops import ELEMENTWISE

REDUCTIONS = ("sum", "prod", "amax", "amin", "any", "all")
LEAVES = ("const", "time", "state", "param")
PRODUCTS = ("matmul", "spmv", "solve")  # their inputs are read from memory
ALWAYS_STORED = (*REDUCTIONS, *PRODUCTS, "cumsum", "put")

LOOKUPS = ("gather", "searchsorted")  # read their first input in memory, at places not known before

CHEAP = 6  # additions that may be repeated rather than stored and read again
LONGEST = 150  # operations in one loop body; more are cut into several loops
MOST_PARTS = 8  # of one concatenation, or assignments in a row, followed by cutting loops
MOST_READERS = 8  # places at which one inlined array may be computed
END = 1 << 60  # position of the output's root: after every node
PAIRWISE = 8  # runs from here on are summed in NumPy's blocks, from memory


class Plan:
    """Where each node of a program lives.

    stored     ids of nodes with memory of their own
    in_place   ids of stored assignments that take over their base's memory
    peeled     ids of concatenations and reshapes written part by part by the root that they end in
    last_use   id -> id of the last root that reads a stored node
    """

    def __init__(self, program, pieces=True):
        self.program, self.pieces = program, pieces
        self.stored: set = set()
        self.in_place: set = set()
        self.peeled: set = set()
        self.last_use: dict = {}
        self.uses = _count_uses(program)
        self._contexts: dict = {node.id: set() for node in program.nodes}
        self._forced: set = set()
        self._points: dict = {node.id: 0 for node in program.nodes}
        self._cost = _costs(program)
        self._mark_long_chains()
        self._decide()

    # --- questions the lowering asks ----------------------------------------------------------

    def in_memory(self, node) -> bool:
        return node.size > 1 and (node.id in self.stored or node.op in LEAVES)

    def parts(self, node, strides, offset=0):
        """[(node, offset, strides)]: what a root writes where, once peeled."""
        if node.id not in self.peeled:
            return [(node, offset, strides)]
        if node.op == "view":
            x = node.inputs[0]
            return self.parts(x, contiguous_strides(x.shape), offset)
        axis, result = node.attrs[0], []
        for x in node.inputs:
            result += self.parts(x, strides, offset)
            offset += x.shape[axis] * strides[axis]
        return result

    # --- decisions, from the output backwards ---------------------------------------------------

    def _decide(self):
        output = self.program.output
        self._root(output, "output", END)
        for node in reversed(self.program.nodes):
            if node.size <= 1:
                self._point(node)
            elif node.op in LEAVES or node.id in self.peeled:
                continue
            elif self._must_store(node):
                self.stored.add(node.id)
                self._stored(node)
            else:
                self._inline(node)

    def _must_store(self, node) -> bool:
        contexts = self._contexts[node.id]
        return (
            node.op in ALWAYS_STORED
            or node.id in self._forced
            or node.op == "update"
            and not _is_box(node)
            or len(contexts) > 1
            and self._cost[node.id] > CHEAP
            or len(contexts) > MOST_READERS
            or self._cost[node.id] > LONGEST
            or self._points[node.id] > MOST_READERS
            and self._cost[node.id] > CHEAP
            or node.op in ("concat", "update")
            and not self._can_be_cut(node, contexts)
        )

    def _can_be_cut(self, node, contexts):
        if not self.pieces or len(node.inputs) > MOST_PARTS:
            return False
        return all(
            kind == "map" and all(len(a.terms) <= 1 for a in indices)
            for (_, kind, _), indices in contexts
        )

    def _root(self, node, name, position):
        """A root that writes `node` element by element; peel what can be written part by part."""
        self._peel(node, contiguous_strides(node.shape))
        for number, (part, _, _) in enumerate(self.parts(node, contiguous_strides(node.shape))):
            self._read(part, ((name, "map", number), identity(part.ndim)), position)

    def _peel(self, node, strides):
        if self.uses[node.id] > 1 or node.size <= 1:
            return
        if node.op == "concat":
            self.peeled.add(node.id)
            for x in node.inputs:
                self._peel(x, strides)
        elif node.op == "view" and strides == contiguous_strides(node.shape) and _is_reshape(node):
            self.peeled.add(node.id)
            self._peel(node.inputs[0], contiguous_strides(node.inputs[0].shape))

    def _stored(self, node):
        """The contexts of what the root of a stored node reads."""
        if node.op in ELEMENTWISE or node.op in ("cast", "view", "take", *LOOKUPS):
            self._inline(node, {((node.id, "map", 0), identity(node.ndim))}, node.id)
        elif node.op == "concat":
            for number, x in enumerate(node.inputs):
                self._read(x, ((node.id, "map", number), identity(x.ndim)), node.id)
        elif node.op in ("update", "put"):
            self._assignment(node)
        else:
            x = node.inputs[0]
            from_memory = node.op in PRODUCTS or (
                node.op == "sum" and trailing_run(x.shape, node.attrs[0]) >= PAIRWISE
            )
            for x in node.inputs:
                self._sequence(node, x, from_memory)

    def _sequence(self, node, x, from_memory):
        if from_memory:
            self._force(x)
        self._read(x, ((node.id, "sequence", 0), identity(x.ndim)), node.id)

    def _assignment(self, node):
        base, value = node.inputs
        kind = "map" if node.op == "update" else "sequence"
        if base.op not in LEAVES and self.uses[base.id] == 1 and base.size > 1:
            self.in_place.add(node.id)
            self._force(base)
        self._read(base, ((node.id, "map", "base"), identity(base.ndim)), node.id)
        self._read(value, ((node.id, kind, "value"), identity(value.ndim)), node.id)

    def _point(self, node):
        """A single element is computed where it stands; arrays are read at constant indices."""
        for x in node.inputs:
            if x.size <= 1:
                self._touch(x, node.id)
            elif node.op in REDUCTIONS or node.op in PRODUCTS:
                run = trailing_run(x.shape, node.attrs[0]) if node.op == "sum" else 0
                self._sequence(node, x, node.op in PRODUCTS or run >= PAIRWISE)
            elif node.op in LOOKUPS:
                self._force(x)
                self._touch(x, node.id)
            else:
                self._points[x.id] += 1
                self._touch(x, node.id)

    def _inline(self, node, contexts=None, position=None):
        """Hand the contexts of an inlined node on to what it reads."""
        contexts = self._contexts[node.id] if contexts is None else contexts
        position = self.last_use.get(node.id, node.id) if position is None else position
        if node.op in ("take", *LOOKUPS):
            self._force(node.inputs[0])
        for x, followed in self._followed(node, contexts):
            for context in followed:
                self._read(x, context, position)
            self._touch(x, position)

    def _followed(self, node, contexts):
        """(input, contexts in which it is read) of an inlined node."""
        if node.op == "view":
            x = node.inputs[0]
            axes = axis_map(*node.attrs, node.shape, x.shape)
            if axes is None:
                self._force(x)
                return [(x, [(root, identity(x.ndim)) for root, _ in contexts])]
            return [(x, [(root, compose(axes, indices)) for root, indices in contexts])]
        if node.op == "update":
            base, value = node.inputs
            if not value.size:
                return [(base, contexts)]
            starts, owner = window_box(node.attrs, node.shape)
            return [
                (base, contexts),
                (
                    value,
                    [
                        (root, inside(indices, starts, owner, value.shape))
                        for root, indices in contexts
                    ],
                ),
            ]
        if node.op == "concat":
            return [
                (
                    x,
                    [
                        ((*root[:2], (root[2], node.id, number)), indices)
                        for root, indices in contexts
                    ],
                )
                for number, x in enumerate(node.inputs)
            ]
        if node.op in LOOKUPS:
            table, index = node.inputs
            return [(table, []), (index, contexts)]
        return [(x, contexts if x.shape == node.shape else []) for x in node.inputs]

    # --- small verbs ------------------------------------------------------------------------------

    def _read(self, x, context, position):
        self._touch(x, position)
        if x.size > 1:
            self._contexts[x.id].add(context)

    def _touch(self, x, position):
        self.last_use[x.id] = max(self.last_use.get(x.id, 0), position)

    def _force(self, x):
        if x.op not in LEAVES and x.size > 1:
            self._forced.add(x.id)

    def _mark_long_chains(self):
        """Many assignments in a row are done in memory, one after the other."""
        length: dict = {}
        for node in self.program.nodes:
            if node.op == "update":
                base = node.inputs[0]
                length[node.id] = 1 + (length.get(base.id, 0) if self.uses[base.id] == 1 else 0)
        for node in reversed(self.program.nodes):
            if length.get(node.id, 0) > MOST_PARTS or node.id in self._forced and node.id in length:
                self._forced.add(node.id)
                if self.uses[node.inputs[0].id] == 1:
                    self._force(node.inputs[0])


def inside(indices, starts, owner, window) -> tuple:
    """Indices within an assignment's window, from indices of its base."""
    result = [Affine(0)] * len(window)
    for affine, start, axis in zip(indices, starts, owner, strict=True):
        if axis is not None:
            result[axis] = affine.moved(-start)
    return tuple(result)


def _is_box(node) -> bool:
    """Is the window of an assignment a box (or empty)?"""
    return not node.inputs[1].size or window_box(node.attrs, node.shape) is not None


def _is_reshape(node) -> bool:
    """Does the view only give the same elements, in the same order, another shape?"""
    offset, strides = node.attrs
    units = contiguous_strides(node.shape)
    return (
        node.size == node.inputs[0].size
        and offset == 0
        and all(
            s == unit
            for s, unit, extent in zip(strides, units, node.shape, strict=True)
            if extent > 1
        )
    )


def _count_uses(program) -> dict:
    uses: dict = {node.id: 0 for node in program.nodes}
    for node in program.nodes:
        for x in node.inputs:
            uses[x.id] += 1
    for root in (program.output, program.trap):
        if root is not None:
            uses[root.id] += 1
    return uses


def _costs(program):
    """Operations of each node if nothing below it were stored (an upper bound)."""
    cost, depth = {}, {}
    for node in program.nodes:
        inner = [x for x in dict.fromkeys(node.inputs) if x.size > 1]
        own = cost_of(node.op) if node.op in ELEMENTWISE or node.op in LOOKUPS else 0
        if node.op in LEAVES or node.op in ALWAYS_STORED:
            cost[node.id] = depth[node.id] = 0
            continue
        inner = [x for x in inner if cost[x.id] <= LONGEST]  # the others will be stored
        below = [cost[x.id] for x in inner]
        cost[node.id] = own + (
            max(below, default=0) if node.op in ("concat", "update") else sum(below)
        )
        depth[node.id] = 1 + max((depth[x.id] for x in inner), default=0)
        if depth[node.id] > LONGEST:
            cost[node.id] = LONGEST + 1
    return cost
