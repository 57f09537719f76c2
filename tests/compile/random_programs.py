"""Hypothesis strategies: random programs over all operators, dtypes and shapes, and their inputs."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from diffsol._graph.build import Graph, contiguous_strides
from diffsol._graph.node import Program
from diffsol._graph.ops import BOOL, COMPLEX, DTYPES, ELEMENTWISE, FLOAT, INT, result_dtype

EXACT = (
    "add",
    "subtract",
    "multiply",
    "divide",
    "floor_divide",
    "remainder",
    "fmod",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "copysign",
    "heaviside",
    "negative",
    "absolute",
    "sign",
    "square",
    "reciprocal",
    "sqrt",
    "floor",
    "ceil",
    "trunc",
    "rint",
    "conjugate",
    "real",
    "imag",
    "make_complex",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "equal",
    "not_equal",
    "isnan",
    "isinf",
    "isfinite",
    "logical_and",
    "logical_or",
    "logical_xor",
    "logical_not",
    "select",
)
REDUCTIONS = ("sum", "prod", "amax", "amin", "any", "all")
PLAIN = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e-3, 700.25, 5e-324, -1e-310]
WILD = [*PLAIN, np.inf, -np.inf, np.nan, 1e308, -1e200]
SHAPES = [(), (1,), (3,), (9,), (2, 3), (3, 1), (1, 4), (2, 2, 3), (0,), (2, 0)]
MOST_ELEMENTS = 400


def numbers(wild=True):
    finite = st.floats(-50, 50).map(lambda x: float(np.float64(x)))
    return st.one_of(finite, st.sampled_from(WILD if wild else PLAIN))


@st.composite
def arrays(draw, shape, dtype, wild=True):
    size = int(np.prod(shape))

    def column(elements):
        return draw(st.lists(elements, min_size=size, max_size=size))

    if dtype == BOOL:
        values = column(st.booleans())
    elif dtype == INT:
        values = column(st.integers(-9, 9))
    elif dtype == FLOAT:
        values = column(numbers(wild))
    else:
        values = np.empty(size, COMPLEX)
        values.real, values.imag = column(numbers(wild)), column(numbers(wild))
    return np.array(values, dtype=dtype).reshape(shape)


def _indices(extent, count):
    return st.lists(st.integers(0, extent - 1), min_size=count, max_size=count)


class _Maker:
    """Grows a graph by random nodes; what cannot be made is skipped."""

    def __init__(self, draw, operators, state, wild, dtypes):
        self.draw, self.operators, self.wild, self.dtypes = draw, operators, wild, dtypes
        self.graph = Graph()
        self.n_params = 6
        self.nodes = [
            self.graph.time(),
            self.graph.state(*state),
            self.graph.param(0, (), FLOAT),
            self.graph.param(1, (3,), FLOAT),
            self.graph.param(2, (2,), COMPLEX if COMPLEX in dtypes else INT),
        ]

    def pick(self):
        """Any node, more likely a late one, so that programs grow deep."""
        return self.draw(
            st.sampled_from(
                self.draw(
                    st.sampled_from((self.nodes[:5], self.nodes, self.nodes[-5:], self.nodes[-2:]))
                )
            )
        )

    def output(self):
        """The last node, or the last few in a row."""
        last = self.nodes[-self.draw(st.sampled_from((1, 2, 5, 12))) :]
        if len(last) == 1:
            return last[0]
        return self.graph.concat([self.graph.reshape(x, (x.size,)) for x in last], 0)

    def add(self):
        kind = self.draw(
            st.sampled_from(
                ("elementwise",) * 6
                + (
                    "const",
                    "reduce",
                    "slice",
                    "reshape",
                    "broadcast",
                    "take",
                    "concat",
                    "update",
                    "put",
                    "cumsum",
                    "matmul",
                    "cast",
                    "gather",
                    "spmv",
                    "searchsorted",
                    "reverse",
                )
            )
        )
        node = getattr(self, kind)()
        if node is not None and node.size <= MOST_ELEMENTS:
            self.nodes.append(node)

    def const(self):
        shape, dtype = self.draw(st.sampled_from(SHAPES)), self.draw(st.sampled_from(self.dtypes))
        return self.graph.const(self.draw(arrays(shape, dtype, self.wild)))

    def elementwise(self):
        row = ELEMENTWISE[self.draw(st.sampled_from(self.operators))]
        inputs = [self.pick() for _ in range(row.arity)]
        try:
            if row.rule == "make_complex":
                inputs = [self.graph.cast(x, FLOAT) for x in inputs]
            elif row.rule != "select":
                result_dtype(row, tuple(x.dtype for x in inputs))
            return self.graph.elementwise(row.name, *inputs)
        except (TypeError, ValueError):  # complex operands, shapes that do not broadcast
            return None

    def reduce(self):
        name, x = self.draw(st.sampled_from(REDUCTIONS)), self.pick()
        if x.ndim == 0 or name in ("amax", "amin") and (x.dtype == COMPLEX or not x.size):
            return None
        axes = self.draw(st.sets(st.integers(0, x.ndim - 1), min_size=1))
        if any(x.shape[k] == 0 for k in axes) and x.dtype == BOOL:
            return None
        return self.graph.reduce(name, x, axes)

    def slice(self):
        x = self.pick()
        offset, strides, shape = 0, [], []
        for extent, unit in zip(x.shape, contiguous_strides(x.shape), strict=True):
            start = self.draw(st.integers(0, max(extent - 1, 0)))
            step = self.draw(st.sampled_from((1, 1, 1, 2, -1)))
            span = range(extent)[start::step]
            if not len(span):
                return None
            offset += start * unit
            strides.append(step * unit)
            shape.append(len(span) if self.draw(st.booleans()) else 1)
        return self.graph.view(x, offset, strides, shape)

    def reverse(self):
        """A transposition."""
        x = self.pick()
        return self.graph.view(x, 0, contiguous_strides(x.shape)[::-1], x.shape[::-1])

    def reshape(self):
        x = self.pick()
        shape = self.draw(st.sampled_from([(x.size,), (1, x.size), (x.size, 1), x.shape[::-1]]))
        return self.graph.reshape(x, shape)

    def broadcast(self):
        x = self.pick()
        return self.graph.broadcast(x, (self.draw(st.integers(1, 3)), *x.shape))

    def take(self):
        x = self.pick()
        if not x.size:
            return None
        shape = self.draw(st.sampled_from(SHAPES))
        count = int(np.prod(shape))
        index = self.draw(st.lists(st.integers(0, x.size - 1), min_size=count, max_size=count))
        return self.graph.take(x, np.array(index, np.int64).reshape(shape))

    def gather(self):
        x, index = self.pick(), self.pick()
        if not x.size:
            return None
        if index.dtype != INT:
            index = self.graph.const(self.draw(arrays((3,), INT)))
            index = self.graph.elementwise("multiply", index, self.graph.cast(self.nodes[2], BOOL))
        return self.graph.gather(x, index)

    def spmv(self):
        data, x = self.pick(), self.pick()
        if x.ndim not in (1, 2) or not x.size or not data.size:
            return None
        counts = self.draw(st.lists(st.integers(0, 4), min_size=1, max_size=5))
        start = np.concatenate([[0], np.cumsum(counts)])
        column, place = (
            np.array(self.draw(_indices(extent, int(start[-1]))), np.int64)
            for extent in (x.shape[0], data.size)
        )
        return self.graph.spmv(self.graph.reshape(data, (data.size,)), x, start, column, place)

    def searchsorted(self):
        """In what is sorted: NumPy looks for several values in the others as it likes."""
        values = self.pick()
        count = self.draw(st.integers(1, 9))
        table = np.sort(self.draw(arrays((count,), FLOAT, self.wild)))
        if values.dtype == COMPLEX:
            return None
        table = self.graph.elementwise("add", self.graph.const(table), self.graph.const(0.0))
        if self.draw(st.booleans()):
            table = self.graph.elementwise(
                "maximum", table, self.nodes[0]
            )  # in memory, still sorted
        side = self.draw(st.sampled_from(("left", "right")))
        return self.graph.searchsorted(table, values, side)

    def concat(self):
        first = self.pick()
        same = [x for x in self.nodes if x.ndim == first.ndim and x.shape[1:] == first.shape[1:]]
        if first.ndim == 0:
            return None
        parts = [first, *self.draw(st.lists(st.sampled_from(same), max_size=3))]
        return self.graph.concat(parts, 0)

    def update(self):
        base, value = self.pick(), self.pick()
        if not base.size or value.dtype == COMPLEX != base.dtype:
            return None
        offset, strides, window = 0, [], []
        for extent, unit in zip(base.shape, contiguous_strides(base.shape), strict=True):
            start = self.draw(st.integers(0, extent - 1))
            step = self.draw(st.sampled_from((1, 1, 2)))
            offset += start * unit
            strides.append(step * unit)
            window.append(len(range(start, extent, step)))
        return self.assign(
            base,
            value,
            window,
            lambda v: self.graph.update(base, v, offset, strides, tuple(window)),
        )

    def put(self):
        base, value = self.pick(), self.pick()
        if not base.size or value.dtype == COMPLEX != base.dtype:
            return None
        index = self.draw(st.lists(st.integers(0, base.size - 1), unique=True, max_size=5))
        return self.assign(base, value, (len(index),), lambda v: self.graph.put(base, v, index))

    def assign(self, base, value, window, make):
        if base.dtype != COMPLEX and value.dtype == COMPLEX:
            return None
        try:
            return make(
                self.graph.broadcast(value, window)
                if np.broadcast_shapes(value.shape, tuple(window)) == tuple(window)
                else self.graph.const(1)
            )
        except ValueError:
            return None

    def cumsum(self):
        x = self.pick()
        return self.graph.cumsum(x, self.draw(st.integers(0, x.ndim - 1))) if x.ndim else None

    def matmul(self):
        a = self.pick()
        if a.ndim not in (1, 2):
            return None
        fitting = [x for x in self.nodes if x.ndim in (1, 2) and x.shape[0] == a.shape[-1]]
        return self.graph.matmul(a, self.draw(st.sampled_from(fitting))) if fitting else None

    def cast(self):
        x, dtype = self.pick(), self.draw(st.sampled_from(self.dtypes))
        return None if x.dtype == COMPLEX and dtype in (INT, FLOAT) else self.graph.cast(x, dtype)


@st.composite
def programs(draw, operators=tuple(ELEMENTWISE), wild=True, steps=12, dtypes=DTYPES):
    """(Program, t, y, parameters)."""
    dtype = draw(st.sampled_from((FLOAT, FLOAT, COMPLEX))) if COMPLEX in dtypes else FLOAT
    shape = draw(st.sampled_from([(1,), (3,), (9,), (2, 6)]))
    maker = _Maker(draw, operators, (shape, dtype), wild, dtypes)
    for _ in range(draw(st.integers(1, steps))):
        maker.add()
    output = maker.output()
    scalars = [x for x in maker.nodes if x.dtype == BOOL and x.size == 1]
    trap = draw(st.sampled_from([None, *scalars]))
    program = Program(output, trap, shape, dtype, maker.n_params)
    y = draw(arrays(shape, dtype, wild))
    return program, draw(numbers(False)), y, draw(arrays((maker.n_params,), FLOAT, wild))
