"""Builds graphs: casts, broadcasts, shares equal nodes, folds constants, rewrites simple powers."""

from __future__ import annotations

import math

import numpy as np

from diffsol._graph import interpret
from diffsol._graph.node import Node
from diffsol._graph.ops import BOOL, COMPLEX, DTYPES, ELEMENTWISE, FLOAT, INT, result_dtype
from diffsol._graph.powers import constant_power
from diffsol._graph.shield import HARMLESS, shielded

FLOAT_FUNCTIONS = {
    name for name, row in ELEMENTWISE.items() if row.rule == "float" and row.arity == 1
}
FOLD_LIMIT = 1 << 16  # constants larger than this are not folded (a copy each would cost more)

SELECTS = ("select", "shield")

# operators that neither cast nor simplify floats that are no constants
SIMPLEST = {"add", "subtract", "multiply", "divide", *FLOAT_FUNCTIONS}


def contiguous_strides(shape) -> tuple:
    """Strides, in elements, of a C-ordered array."""
    strides, step = [], 1
    for extent in reversed(shape):
        strides.append(step)
        step *= extent
    return tuple(reversed(strides))


class Graph:
    """A growing graph; equal nodes are one node.

    locate: called for each new node, tells the (file, line, function) that makes it.
    """

    def __init__(self, locate=None):
        self._locate = locate
        self.path = None  # condition under which what is being built counts, a BOOL scalar
        self._made: list = []  # every node, by its id
        self._nodes: dict = {}  # by what tells equal ones
        self._scalars: dict = {name: {} for name in SIMPLEST}  # of_scalars, by their inputs
        self._floats: dict = {}  # constants by the Python float that they are

    def nodes(self) -> list:
        """Every node that was made, in order."""
        return list(self._made)

    # --- leaves ---------------------------------------------------------------------------

    def const(self, value) -> Node:
        if type(value) is float and value:  # not 0.0, which equals -0.0
            known = self._floats.get(value)
            if known is None:
                known = self._floats[value] = self._const(value)
            return known
        return self._const(value)

    def _const(self, value) -> Node:
        value = np.asarray(value)
        dtype = _storage_dtype(value.dtype)
        value = np.array(value, dtype=dtype, order="C")
        value.flags.writeable = False
        key = ("const", value.tobytes(), value.shape, dtype.char)
        return self._share(key, "const", (), (), value.shape, dtype, value)

    def time(self) -> Node:
        return self._share(("time",), "time", (), (), (), FLOAT)

    def state(self, shape, dtype) -> Node:
        return self._share(("state",), "state", (), (), tuple(shape), dtype)

    def param(self, offset, shape, dtype) -> Node:
        shape = tuple(shape)
        return self._share(("param", offset, shape), "param", (), (offset,), shape, dtype)

    def again(self, node, inputs) -> Node:
        """A node of another graph, made here from inputs that were made here."""
        if node.op == "const":
            return self.const(node.value)
        if node.op == "time":
            return self.time()
        if node.op == "state":
            return self.state(node.shape, node.dtype)
        if node.op == "param":
            return self.param(*node.attrs, node.shape, node.dtype)
        return self._make(node.op, tuple(inputs), node.attrs, node.shape, node.dtype)

    # --- elementwise ----------------------------------------------------------------------

    def elementwise(self, name, *inputs) -> Node:
        """ELEMENTWISE[name] of the inputs, with NumPy's casts and broadcasting."""
        if self.path is not None and name in HARMLESS:
            inputs = tuple(shielded(self, name, inputs))
        if name in SIMPLEST and _are_traced_floats(inputs):
            return self.of_scalars(name, inputs)
        row = ELEMENTWISE[name]
        if row.rule == "select":
            common = max((x.dtype for x in inputs[1:]), key=DTYPES.index)
            inputs = (self.cast(inputs[0], BOOL), *(self.cast(x, common) for x in inputs[1:]))
            result = common
        else:
            operand, result = result_dtype(row, tuple(x.dtype for x in inputs))
            if name in ("real", "conjugate") and operand != COMPLEX:
                return self.cast(inputs[0], operand)
            inputs = tuple(self.cast(x, operand) for x in inputs)
        shapes = {x.shape for x in inputs}
        shape = shapes.pop() if len(shapes) == 1 else np.broadcast_shapes(*shapes)
        inputs = tuple(x if x.shape == () else self.broadcast(x, shape) for x in inputs)
        return self._simplified(name, inputs, shape, result)

    def of_scalars(self, name, inputs) -> Node:
        """One of SIMPLEST of float scalars, as it is: loops make these by the thousand."""
        known = self._scalars[name]
        node = known.get(inputs)
        if node is None:
            made = self._made
            where = None if self._locate is None else self._locate()
            node = known[inputs] = Node(name, inputs, (), (), FLOAT, len(made), None, where)
            made.append(node)
        return node

    def _simplified(self, name, inputs, shape, dtype):
        if name == "power" and inputs[1].value is not None and inputs[1].shape == ():
            simple = constant_power(self, inputs[0], inputs[1].value.item())
            if simple is not None:
                return simple
        selects = name in SELECTS
        if selects and inputs[0].value is not None and inputs[0].shape == ():
            return self.broadcast(inputs[1 if inputs[0].value else 2], shape)
        if selects and inputs[1] is inputs[2]:
            return self.broadcast(inputs[1], shape)
        if selects:
            inputs = _without_repeats(inputs)
        if name == "multiply" and _is_one(inputs[1]) and inputs[0].shape == shape:
            return inputs[0]
        if name == "multiply" and _is_one(inputs[0]) and inputs[1].shape == shape:
            return inputs[1]
        return self._make(name, inputs, (), shape, dtype)

    def cast(self, x, dtype) -> Node:
        if x.dtype == dtype:
            return x
        if x.dtype == COMPLEX and dtype != BOOL:
            raise TypeError("a complex value cannot become real without losing its imaginary part")
        return self._make("cast", (x,), (), x.shape, dtype)

    # --- shape ----------------------------------------------------------------------------

    def element(self, x, position) -> Node:
        """The scalar x.ravel()[position]."""
        key = ("view", (x,), x.dtype.char, (), position, ())
        known = self._nodes.get(key)
        if known is not None:
            return known
        if position == 0 and x.shape == ():
            return x
        return self._make("view", (x,), (position, ()), (), x.dtype)

    def broadcast(self, x, shape) -> Node:
        shape = tuple(shape)
        if x.shape == shape:
            return x
        lead = len(shape) - len(x.shape)
        own = contiguous_strides(x.shape)
        strides = (0,) * lead + tuple(
            0 if e == 1 and full != 1 else s
            for e, s, full in zip(x.shape, own, shape[lead:], strict=True)
        )
        return self.view(x, 0, strides, shape)

    def reshape(self, x, shape) -> Node:
        shape = tuple(shape)
        return x if shape == x.shape else self.view(x, 0, contiguous_strides(shape), shape)

    def view(self, x, offset, strides, shape) -> Node:
        shape = tuple(int(e) for e in shape)
        strides = tuple(0 if e == 1 else int(s) for s, e in zip(strides, shape, strict=True))
        trivial = tuple(
            0 if e == 1 else s for s, e in zip(contiguous_strides(shape), shape, strict=True)
        )
        if offset == 0 and shape == x.shape and strides == trivial:
            return x
        if x.op == "view" and strides == trivial and offset == 0 and math.prod(shape) == x.size:
            return self._reshaped_view(x, shape)
        return self._make("view", (x,), (int(offset), strides), shape, x.dtype)

    def _reshaped_view(self, x, shape):
        """A reshape of a view that only adds or drops axes of extent 1 stays one view."""
        kept = [(e, s) for e, s in zip(x.shape, x.attrs[1], strict=True) if e != 1]
        if [e for e, _ in kept] == [e for e in shape if e != 1]:
            rest = iter(kept)
            strides = tuple(0 if e == 1 else next(rest)[1] for e in shape)
            return self.view(x.inputs[0], x.attrs[0], strides, shape)
        return self._make(
            "view",
            (x,),
            (
                0,
                tuple(
                    0 if e == 1 else s
                    for s, e in zip(contiguous_strides(shape), shape, strict=True)
                ),
            ),
            shape,
            x.dtype,
        )

    def take(self, x, index) -> Node:
        index = np.ascontiguousarray(index, dtype=np.int64)
        return self._make("take", (x,), (index,), index.shape, x.dtype)

    def gather(self, x, index) -> Node:
        """x.ravel()[index] for a node of integers, all of them in range."""
        if index.value is not None:
            return self.take(x, np.clip(index.value, 0, x.size - 1))
        if x.size == 1:
            return self.broadcast(self.reshape(x, ()), index.shape)
        base, offset, stride = _line(x)
        if (base, offset, stride) != (x, 0, 1):
            index = self.elementwise("multiply", index, self.const(stride))
            index = self.elementwise("add", index, self.const(offset))
        return self._make("gather", (base, index), (), index.shape, x.dtype)

    def searchsorted(self, table, values, side) -> Node:
        """numpy.searchsorted(table, values, side); a column of a larger table is searched in place."""
        base, offset, stride = _line(table)
        attrs = (side, offset, stride, table.size)
        inputs = (self.cast(base, FLOAT), self.cast(values, FLOAT))
        return self._make("searchsorted", inputs, attrs, values.shape, INT)

    def concat(self, parts, axis) -> Node:
        dtype = max((x.dtype for x in parts), key=DTYPES.index)
        parts = tuple(self.cast(x, dtype) for x in parts)
        shape = list(parts[0].shape)
        shape[axis] = sum(x.shape[axis] for x in parts)
        parts = tuple(x for x in parts if x.shape[axis]) or parts[:1]
        return (
            parts[0]
            if len(parts) == 1
            else self._make("concat", parts, (axis,), tuple(shape), dtype)
        )

    def update(self, base, value, offset, strides, window) -> Node:
        value = self.broadcast(self.cast(value, base.dtype), window)
        return self._make(
            "update",
            (base, value),
            (int(offset), tuple(strides), tuple(window)),
            base.shape,
            base.dtype,
        )

    def put(self, base, value, index) -> Node:
        index = np.ascontiguousarray(index, dtype=np.int64)
        value = self.broadcast(self.cast(value, base.dtype), index.shape)
        return self._make("put", (base, value), (index,), base.shape, base.dtype)

    # --- contractions ---------------------------------------------------------------------

    def reduce(self, name, x, axes) -> Node:
        if name in ("any", "all"):
            x = self.cast(x, BOOL)
        elif x.dtype == BOOL:
            x = self.cast(x, INT)
        axes = tuple(sorted(axes))
        if not axes:
            return x
        shape = tuple(e for i, e in enumerate(x.shape) if i not in axes)
        return self._make(name, (x,), (axes,), shape, x.dtype)

    def cumsum(self, x, axis) -> Node:
        x = self.cast(x, INT) if x.dtype == BOOL else x
        return self._make("cumsum", (x,), (axis,), x.shape, x.dtype)

    def matmul(self, a, b) -> Node:
        dtype = max(a.dtype, b.dtype, INT, key=DTYPES.index)
        shape = a.shape[:-1] + b.shape[1:]
        return self._make("matmul", (self.cast(a, dtype), self.cast(b, dtype)), (), shape, dtype)

    def spmv(self, data, x, start, column, place=None) -> Node:
        """The product of a sparse matrix (see node.py) with a vector, or with each column of a matrix."""
        dtype = max(data.dtype, x.dtype, INT, key=DTYPES.index)
        shape = (len(start) - 1, *x.shape[1:])
        if not len(column):
            return self.broadcast(self.const(np.zeros((), dtype)), shape)
        inputs = (self.cast(data, dtype), self.cast(x, dtype))
        return self._make("spmv", inputs, (start, column, place), shape, dtype)

    def solve(self, a, b) -> Node:
        """numpy.linalg.solve(a, b) of a matrix and a vector or a matrix."""
        a, b = self.cast(a, FLOAT), self.cast(b, FLOAT)
        if a.size == 1:
            return self.elementwise("divide", b, self.reshape(a, ()))
        return self._make("solve", (a, b), (), b.shape, FLOAT)

    # --- sharing --------------------------------------------------------------------------

    def _make(self, op, inputs, attrs, shape, dtype):
        if all(x.value is not None for x in inputs) and math.prod(shape) <= FOLD_LIMIT:
            with np.errstate(all="raise"):
                try:
                    return self.const(
                        interpret.apply(op, attrs, shape, dtype, [x.value for x in inputs])
                    )
                except FloatingPointError:
                    pass  # NumPy would warn at every evaluation: leave it to the kernel's flags
        if op in SIMPLEST and dtype is FLOAT and shape == ():
            return self.of_scalars(op, inputs)
        key = (
            op,
            inputs,
            dtype.char,
            shape,
            *map(_attribute_key, attrs),
        )
        return self._share(key, op, inputs, attrs, shape, dtype)

    def _share(self, key, op, inputs, attrs, shape, dtype, value=None):
        node = self._nodes.get(key)
        if node is None:
            where = None if self._locate is None else self._locate()
            made = self._made
            node = self._nodes[key] = Node(op, inputs, attrs, shape, dtype, len(made), value, where)
            made.append(node)
        return node


def _attribute_key(value):
    """What tells equal attributes; a long table is equal to itself only (its node keeps it alive)."""
    if not isinstance(value, np.ndarray):
        return value
    return value.tobytes() if value.size <= FOLD_LIMIT else id(value)


def _storage_dtype(dtype) -> np.dtype:
    if dtype in DTYPES:
        return dtype
    raise TypeError(f"arrays of dtype {dtype} are not compiled")


def _are_traced_floats(inputs) -> bool:
    """Are all of these float scalars that are no constants?"""
    return all(not (x.shape or x.dtype is not FLOAT or x.value is not None) for x in inputs)


def _without_repeats(inputs):
    """A condition is not asked again on either side of a select."""
    condition, yes, no = inputs
    if yes.op in SELECTS and yes.inputs[0] is condition:
        yes = yes.inputs[1]
    if no.op in SELECTS and no.inputs[0] is condition:
        no = no.inputs[2]
    return condition, yes, no


def _is_one(x):
    return x.value is not None and x.shape == () and x.dtype == FLOAT and x.value == 1.0


def _line(x):
    """(base, offset, stride) of an array's elements: those of a vector that is a view lie in its base."""
    if x.op == "view" and x.ndim == 1:
        return x.inputs[0], x.attrs[0], x.attrs[1][0]
    return x, 0, 1
