"""Rolls straight-line scalar code back into arrays.

A Python loop over components leaves a graph of thousands of similar scalars: straight-line code that
takes minutes to compile. Here scalars that do the same to elements of the same arrays become one
array operation, level by level, as dynamic batching does it for neural networks (Looks, Herreshoff,
Hutchins and Norvig: Deep learning with dynamic computation graphs, 2017). Every element is computed
by the same operations in the same order as before.

A sum that grows term by term is taken whole: the sums of one level become the columns of a matrix
whose rows are added one after the other, short ones filled up with -0.0, which changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import repeat

import numpy as np

from diffsol._graph.build import Graph
from diffsol._graph.chains import chains_of, live
from diffsol._graph.elements import REDUCERS
from diffsol._graph.explode import exploded
from diffsol._graph.node import Program
from diffsol._graph.ops import BOOL, ELEMENTWISE, FLOAT
from diffsol._graph.pieces import FEWEST_ALIKE, elements, joined, runs
from diffsol._graph.sparsity import parts_of_like_length

FEWEST_SCALARS = 1_000  # operations: straight-line code for fewer is compiled soon enough
FEWEST_ARRAYS = 100  # operations on arrays that do not come from a loop, presumably
MOST_ELEMENTS = 200_000  # of arrays that are taken apart
# of one, on average: loops over larger ones are compiled sooner than they are taken apart
MOST_OF_EACH = 512
MOST_RUNS = 8  # stretches of arrays that are put together without a table
REARRANGING = ("view", "take", "concat", "update", "put")
NEUTRAL = {"sum": -0.0, "any": False}


def rolled(program) -> Program:
    """The program with similar scalars as arrays, if it has so many that this pays."""
    scalars = sum(not node.shape and node.op in ELEMENTWISE for node in program.nodes)
    arrays = sum(node.size > 1 for node in program.nodes if node.shape and node.inputs)
    small = program
    if arrays >= FEWEST_ARRAYS and _elements(program) <= min(MOST_ELEMENTS, MOST_OF_EACH * arrays):
        small = exploded(program)  # a loop over small arrays
    elif scalars < FEWEST_SCALARS:
        return program
    made = _Rolling(small).run()
    return made if 2 * len(made.nodes) < len(program.nodes) else program


def _elements(program) -> int:
    """Scalars that the arrays of a program are taken apart into."""
    return sum(_scalars(node) for node in program.nodes if node.op not in REARRANGING)


def _scalars(node) -> int:
    if node.op == "matmul":
        return node.size * node.inputs[0].shape[-1]
    return node.inputs[0].size if node.op in REDUCERS else node.size


class _Rolling:
    """One program on its way into `graph`.

    made    id of an old node -> the node that holds its value
    home    id of an old scalar -> (new array, position) where it lies in an array with others
    """

    def __init__(self, program):
        self.program, self.graph = program, Graph()
        self.made: dict = {}
        self.home: dict = {}
        self.chains = chains_of(program)
        self._arrays: dict = {}

    def run(self) -> Program:
        for nodes in self.levels():
            groups = defaultdict(list)
            for node in nodes:
                groups[self.kind(node)].append(node)
            for kind, group in groups.items():
                self.build(kind, group)
        program = self.program
        trap = None if program.trap is None else self.value(program.trap)
        return Program(
            self.value(program.output),
            trap,
            program.state_shape,
            program.state_dtype,
            program.n_params,
        )

    def levels(self):
        """Nodes by the length of the longest way to them: those of one level are independent."""
        level: dict = {}
        found = defaultdict(list)
        for node in live(self.program, self.chains):
            chain = self.chains.get(node.id)
            inputs = node.inputs if chain is None else chain.terms
            depth = 0
            for x in inputs:
                if level[x.id] >= depth:
                    depth = level[x.id] + 1
            level[node.id] = depth
            found[depth].append(node)
        return [found[depth] for depth in range(len(found))]

    def kind(self, node):
        """What may be computed together has one kind; None: on its own."""
        chain = self.chains.get(node.id)
        if chain is not None:
            return (chain.reduction, chain.from_zero)
        if node.shape or node.op not in ELEMENTWISE and node.op != "cast":
            return None
        return (node.op, node.dtype.char, *map(self.source, node.inputs))

    def source(self, x):
        """Where a scalar input comes from: scalars of one source are read as one array."""
        home = self.home.get(x.id)
        if home is not None:
            return home[0].id
        if x.op == "view":
            return -1 - x.inputs[0].id
        return x.op if x.op in ("const", "param") and x.dtype == FLOAT else "single"

    def build(self, kind, group):
        if kind is None or len(kind) > 2 and len(group) < FEWEST_ALIKE:
            for node in group:
                self.single(node)
        elif kind[0] in NEUTRAL:
            for part in self.of_like_length(group):
                self.reduced(*kind, part)
        else:
            node = group[0]
            columns = [self.column([x.inputs[k] for x in group]) for k in range(len(node.inputs))]
            if node.op == "cast":
                self.settle(group, self.graph.cast(columns[0], node.dtype))
            else:
                self.settle(group, self.graph.elementwise(node.op, *columns))

    def single(self, node):
        graph = self.graph
        if node.op == "concat" and len(node.inputs) >= FEWEST_ALIKE:
            scalars = [_only_element(x) for x in node.inputs]
            if all(x is not None for x in scalars):
                array = self.picked(*self.spread(scalars), (len(scalars),))
                self.made[node.id] = graph.reshape(array, node.shape)
                return
        inputs = [self.value(x) for x in node.inputs]
        if node.op == "concat" and node.ndim == 1:
            inputs = joined(graph, inputs)
        self.made[node.id] = graph.again(node, inputs)

    def settle(self, group, array):
        """These scalars are the elements of that array."""
        numbers = [node.id for node in group]
        if not array.shape:
            self.made.update(dict.fromkeys(numbers, array))
        else:
            self.home.update(
                zip(numbers, zip(repeat(array), range(len(group)), strict=False), strict=True)
            )

    def value(self, x):
        """The node that holds an old node's value."""
        known = self.made.get(x.id)
        if known is None:
            known = self.made[x.id] = self.graph.element(*self.home[x.id])
        return known

    # --- scalars side by side -----------------------------------------------------------------

    def column(self, scalars):
        """The array of these scalars; one scalar where all are the same."""
        if scalars[-1] is scalars[0] and scalars.count(scalars[0]) == len(scalars):
            return self.value(scalars[0])
        arrays, places = self.spread(scalars)
        return self.picked(arrays, places, (len(scalars),))

    def spread(self, scalars):
        """([array], (number of the array, position in it) of each scalar as an array of pairs)."""
        alike = self.in_one(scalars)
        if alike is not None:
            array, positions = alike
            places = np.zeros((len(scalars), 2), np.int64)
            places[:, 1] = positions
            return [self.array(array, None)], places
        number: dict = {}
        arrays: list = []
        loose: dict = {}
        numbers, positions = [], []
        for x in scalars:
            array, position = self.place(x, loose)
            n = number.get(id(array))
            if n is None:
                n = number[id(array)] = len(arrays)
                arrays.append(array)
            numbers.append(n)
            positions.append(position)
        places = np.array([numbers, positions], np.int64).T
        return [self.array(x, loose) for x in arrays], places

    def in_one(self, scalars):
        """(array, positions), if all these scalars lie in the same one, as most do; else None."""
        if scalars[0].op == "view":
            base = scalars[0].inputs[0]
            if all(x.op == "view" and x.inputs[0] is base for x in scalars):
                return self.made[base.id], [x.attrs[0] for x in scalars]
        homes = list(map(self.home.get, [x.id for x in scalars]))
        if None in homes:
            return None
        (array, _), *_ = homes
        return (array, [k for _, k in homes]) if all(x is array for x, _ in homes) else None

    def place(self, x, loose):
        """(array, position) of a scalar; scalars of no array are numbered in `loose`."""
        home = self.home.get(x.id)
        if home is not None:
            return home
        if x.op == "view":
            return self.made[x.inputs[0].id], x.attrs[0]
        if x.op == "param" and x.dtype == FLOAT:
            return self.parameters(), x.attrs[0]
        return loose, loose.setdefault(x.id, (len(loose), x))[0]

    def parameters(self):
        """The whole parameter block as one array."""
        return self.graph.param(0, (self.program.n_params,), FLOAT)

    def array(self, x, loose):
        if x is not loose:
            return self.graph.reshape(x, (x.size,))
        nodes = [self.value(node) for _, node in loose.values()]
        if all(n.value is not None for n in nodes):
            return self.graph.const(np.array([n.value for n in nodes]))
        return self.graph.concat([self.graph.reshape(n, (1,)) for n in nodes], 0)

    def picked(self, arrays, places, shape):
        """The array whose elements lie at these places."""
        graph = self.graph
        if len(arrays) == 1:
            return elements(graph, arrays[0], places[:, 1].reshape(shape))
        stretches = runs(places)
        if len(stretches) <= min(MOST_RUNS, len(places) // 4):
            views = [
                graph.view(arrays[n], int(start), (1,), (int(length),))
                for n, start, length in stretches
            ]
            return graph.reshape(graph.concat(views, 0), shape)
        parts, positions, start = [], np.empty(len(places), np.int64), 0
        for number, array in enumerate(arrays):
            mine = places[:, 0] == number
            if not mine.any():
                continue
            used, inverse = np.unique(places[mine, 1], return_inverse=True)
            parts.append(elements(graph, array, used))
            positions[mine] = start + inverse.reshape(-1)
            start += len(used)
        return elements(graph, graph.concat(parts, 0), positions.reshape(shape))

    # --- sums ---------------------------------------------------------------------------------

    def of_like_length(self, group):
        """Parts of a group whose chains need not be filled up too much."""
        group = sorted(group, key=lambda node: len(self.chains[node.id].terms))
        lengths = np.array([len(self.chains[node.id].terms) for node in group])
        return parts_of_like_length(group, lengths)

    def reduced(self, reduction, from_zero, group):
        """Sums of the terms of each chain, as sums over the rows of one matrix."""
        graph, chains = self.graph, [self.chains[node.id] for node in group]
        length, count = max(len(chain.terms) for chain in chains), len(chains)
        terms = [term for chain in chains for term in chain.terms]
        negative = np.array([sign for chain in chains for sign in chain.negative])
        rows = np.concatenate([np.arange(len(chain.terms)) for chain in chains])
        columns = np.repeat(np.arange(count), [len(chain.terms) for chain in chains])
        arrays, places = self.spread(terms)
        if negative.any():
            arrays, places = self.signed(arrays, places, negative)
        table = np.empty((length, count, 2), np.int64)
        if len(terms) < length * count:
            neutral = np.array([NEUTRAL[reduction]], BOOL if reduction == "any" else FLOAT)
            table[:] = len(arrays), 0
            arrays = [*arrays, graph.const(neutral)]
        table[rows, columns] = places
        matrix = self.picked(arrays, table.reshape(-1, 2), (length, count))
        total = graph.reduce(reduction, matrix, (0,))
        if from_zero:
            total = graph.elementwise("add", graph.const(0.0), total)
        self.settle(group, total)

    def signed(self, arrays, places, negative):
        """Terms that are subtracted come from the negative arrays."""
        places = places.copy()
        for number in np.unique(places[negative, 0]):
            mine = negative & (places[:, 0] == number)
            used, inverse = np.unique(places[mine, 1], return_inverse=True)
            places[mine, 0] = len(arrays)
            places[mine, 1] = inverse.reshape(-1)
            part = elements(self.graph, arrays[number], used)
            arrays = [*arrays, self.graph.elementwise("negative", part)]
        return arrays, places


def _only_element(x):
    """What an array of one element was made of: a scalar or an element of an array, or None."""
    while x.op == "view" and x.size == x.inputs[0].size == 1:
        x = x.inputs[0]
    return x if x.size == 1 and (x.op == "view" or not x.shape) else None
