"""Traced arrays: what y and everything computed from them look like inside the tracer.

(Operators are attached to the classes by `arithmetic.py`, indexing by traced values by `picking.py`
and `masked.py`.)

`Scalar` stands for a Python or NumPy scalar, `Array` for an ndarray. An `Array` is a strided view
of a `Storage`, as an ndarray is of its buffer, so in-place assignment through views has NumPy's effect.
Index arithmetic is NumPy's own: keys are applied to a dummy array and its strides are read off.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from diffsol._graph.build import contiguous_strides
from diffsol._graph.node import varies
from diffsol._graph.ops import COMPLEX, INT
from diffsol._trace import indexing
from diffsol._trace.guards import Outside, OutsideInt
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Foreign, Scalar, Traced, traced_dtype
from diffsol._trace.storage import Storage, stacked

_DUMMY = np.zeros(1, dtype=np.int8)


class Array(Traced):
    """A traced ndarray: a strided view (units: elements) of a storage."""

    __slots__ = ("trace", "storage", "offset", "strides", "shape", "readonly")

    def __init__(self, trace, storage, offset, strides, shape, readonly=False):
        self.trace = trace
        self.storage = storage
        self.offset = offset
        self.strides = strides
        self.shape = shape
        self.readonly = readonly

    @classmethod
    def of(cls, trace, node, owner="local", c_order=None):
        storage = Storage(trace, node, owner, c_order)
        return cls(trace, storage, 0, contiguous_strides(node.shape), node.shape)

    @property
    def node(self):
        return self.trace.graph.view(self.storage.node, self.offset, self.strides, self.shape)

    @property
    def dtype(self):
        return self.storage.dtype

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        return int(np.prod(self.shape, dtype=int))

    @property
    def T(self):
        return self.transpose()

    def __len__(self):
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self):
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))  # reads when asked, as NumPy does

    def _viewed(self, function, readonly=False):
        """The view that `function` makes of an ndarray laid out like this one."""
        base = as_strided(_DUMMY, self.shape, self.strides)
        made = function(base)
        if made.size and made.base is not base and made.base is not base.base:
            raise Refused("numpy-call", "a view that NumPy makes by copying")
        offset = made.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        return Array(
            self.trace,
            self.storage,
            self.offset + offset,
            made.strides,
            made.shape,
            self.readonly or readonly,
        )

    def transpose(self, *axes):
        axes = (
            axes[0]
            if len(axes) == 1 and not isinstance(axes[0], (int, OutsideInt))
            else axes or None
        )
        return self._viewed(
            lambda a: np.transpose(a, None if axes is None else [int(i) for i in axes])
        )

    def swapaxes(self, a, b):
        return self._viewed(lambda x: np.swapaxes(x, int(a), int(b)))

    def squeeze(self, axis=None):
        return self._viewed(lambda x: np.squeeze(x, axis))

    def diagonal(self, offset=0):
        return self._viewed(lambda x: np.diagonal(x, int(offset)), readonly=True)

    def reshape(self, *shape, order="C"):
        shape = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        if order == "F":
            return self.transpose().reshape(tuple(shape)[::-1]).transpose()
        if order != "C":
            raise Refused("numpy-call", f"reshape with the order {order!r}")
        shape = tuple(int(e) for e in shape)
        self._share_uncertainly()
        try:
            return self._viewed(lambda a: _reshaped_in_place(a, shape))
        except (ValueError, AttributeError):
            pass  # not possible without a copy
        full = np.empty(self.shape, dtype=np.int8).reshape(shape).shape
        owner = "local" if self.storage.c_order else self.storage.owner
        return Array.of(self.trace, self.trace.graph.reshape(self.node, full), owner, True)

    def _share_uncertainly(self):
        """Whether NumPy gives a view or a copy hangs on a layout that we do not know: no more writes."""
        if not self.storage.c_order and self.storage.owner == "local":
            self.storage.owner = "picked"

    def _is_contiguous(self):
        return all(
            e == 1 or s == own
            for e, s, own in zip(
                self.shape, self.strides, contiguous_strides(self.shape), strict=True
            )
        )

    def is_surely_contiguous(self):
        """Do its elements lie in C order in NumPy, too?"""
        return self.storage.c_order and self._is_contiguous()

    def contiguous(self):
        """Itself, or a copy where NumPy has to copy to get C order."""
        if self.storage.c_order and not self._is_contiguous():
            return self.copy()
        self._share_uncertainly()
        return self

    def ravel(self, order="C"):
        if order == "F":
            return self.transpose().ravel()
        flat = self.reshape(-1, order=order)
        return flat.copy() if self.storage.c_order and not self._is_contiguous() else flat

    def flatten(self, order="C"):
        if order == "F":
            return self.transpose().flatten()
        return self.copy().reshape(-1, order=order)

    def copy(self, order="C"):
        return Array.of(self.trace, self.node, c_order=order == "C")

    def astype(self, dtype, copy=True):
        dtype = traced_dtype(dtype)
        if dtype == self.dtype and not copy:
            return self
        if self.dtype == COMPLEX and dtype != COMPLEX:
            raise Refused("complex-to-real", "astype of complex values")
        node = self.trace.graph.cast(self.node, dtype)
        return Array.of(self.trace, node, c_order=self.is_surely_contiguous())

    def _position(self, key):
        """Position in the storage of the one element that a key of ints names; else None."""
        keys = key if type(key) is tuple else (key,)
        if len(keys) != len(self.shape):
            return None
        position = self.offset
        for axis, (index, extent) in enumerate(zip(keys, self.shape, strict=True)):
            if type(index) is not int:
                if type(index) is not OutsideInt:
                    return None
                index = index.pinned()
            if not -extent <= index < extent:
                raise IndexError(
                    f"index {index} is out of bounds for axis {axis} with size {extent}"
                )
            position += self.strides[axis] * (index + extent if index < 0 else index)
        return position

    def at(self, index):
        """self[index] for an int: what loops do most."""
        shape, strides = self.shape, self.strides
        if not shape or not 0 <= index < shape[0]:
            return self[index]
        position = self.offset + strides[0] * index
        if len(shape) > 1:
            return Array(self.trace, self.storage, position, strides[1:], shape[1:], self.readonly)
        scalars = self.storage.scalars
        known = scalars.get(position)
        if known is None:
            known = scalars[position] = Scalar(self.trace, self.storage.element(position))
        return known

    def put_at(self, index, value):
        """self[index] = value for an int and a Scalar."""
        storage = self.storage
        if len(self.strides) != 1 or value.node.dtype is not storage.dtype:
            self[index] = value
            return
        self.writable()
        storage.set_element(self._position(index), value.node)

    def __getitem__(self, key):
        position = self._position(key)
        if position is not None:
            return Scalar(self.trace, self.storage.element(position))
        if is_dynamic(key):
            return self._pick(key)
        kind, key = indexing.index_kind(key)
        if kind == "mask":
            return self._select(key)
        if kind == "basic":
            part = self._viewed(lambda a: a[indexing.as_view_key(key)])
            if part.shape == () and not indexing.has_ellipsis(key):
                return Scalar(self.trace, part.node)
            return part
        node = self.trace.graph.take(self.storage.node, self._positions()[key])
        return Array.of(self.trace, node) if node.shape else Scalar(self.trace, node)

    def __setitem__(self, key, value):
        self.writable()
        graph = self.trace.graph
        dynamic = is_dynamic(key)
        kind, key = ("dynamic", key) if dynamic else indexing.index_kind(key)
        if kind == "mask":
            return self._assign(key, value)
        value = value.beside(self) if isinstance(value, Foreign) else value
        value = as_node(self.trace, value)
        if value.dtype == COMPLEX and self.dtype != COMPLEX:
            raise Refused("complex-to-real", "assignment of a complex value to a real array")
        value = graph.cast(value, self.dtype)
        if dynamic:
            return self._place(key, value)
        position = self._position(key) if kind == "basic" else None
        if position is not None and value.size == 1 and not value.shape:
            self.storage.set_element(position, value)
        elif kind == "basic":
            self._write(self._viewed(lambda a: a[indexing.as_view_key(key)]), value)
        else:
            self._put(self._positions()[key], value)

    def _write(self, part, value):
        """storage[part] = value, with NumPy's broadcasting (leading ones of value may go)."""
        graph, base = self.trace.graph, self.storage.node
        if not part.shape and value.shape:
            raise Refused("numpy-call", "an array assigned to one element")
        while value.ndim > len(part.shape) and value.shape[0] == 1:
            value = graph.reshape(value, value.shape[1:])
        value = graph.broadcast(value, np.broadcast_shapes(value.shape, part.shape))
        if value.shape != part.shape:
            raise ValueError(
                f"could not broadcast input array from shape {value.shape} into shape {part.shape}"
            )
        if part.offset == 0 and part.size == base.size and part._is_contiguous():
            self.storage.node = graph.reshape(value, base.shape)
        else:
            self.storage.node = graph.update(base, value, part.offset, part.strides, part.shape)

    def _put(self, index, value):
        graph = self.trace.graph
        value = graph.reshape(graph.broadcast(value, index.shape), (index.size,))
        flat = index.reshape(-1)
        _, last = np.unique(flat[::-1], return_index=True)
        if len(last) < len(flat):  # repeated indices: the last assignment stays
            keep = np.sort(len(flat) - 1 - last)
            value, flat = graph.take(value, keep), flat[keep]
        self.storage.node = graph.put(self.storage.node, value, flat)

    def _positions(self):
        """Flat positions in the storage of the elements of this view."""
        return self.offset + sum(
            (
                np.arange(e).reshape([-1 if j == i else 1 for j in range(self.ndim)]) * s
                for i, (e, s) in enumerate(zip(self.shape, self.strides, strict=True))
            ),
            np.zeros(self.shape, dtype=np.int64),
        )

    def writable(self):
        """Refuses writes that would be seen outside, or that NumPy would send through a view."""
        if self.readonly:
            raise ValueError("assignment destination is read-only")
        if self.storage.owner == "state":
            raise Refused("state-write", "assignment into y")
        if self.storage.owner == "outside":
            raise Refused("side-effect", "assignment into an array from outside")
        if self.storage.owner == "picked":
            raise Refused("dynamic-index", "assignment that a view may see")
        if self.storage.owner == "part":
            raise Refused("unknown-attribute", "assignment through .real or .imag")

    def fill(self, value):
        self[...] = value


def _reshaped_in_place(array, shape):
    """A view of that shape; an exception where NumPy would have to copy."""
    if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
        return array.reshape(shape, copy=False)
    view = array.view()
    view.shape = shape
    return view


def as_node(trace, value):
    """The node of a value that takes part in an array operation."""
    if isinstance(value, Traced):
        return value.node
    if isinstance(value, OutsideInt):
        return value.as_param()
    if isinstance(value, Outside):
        value = trace.local_copy(value)
    if isinstance(value, Foreign):
        raise Refused(*value.REFUSED)
    if isinstance(value, (list, tuple)):
        return stack(trace, value)
    if isinstance(value, (bool, int, float, complex, np.generic, np.ndarray)):
        try:
            return trace.graph.const(value)
        except (TypeError, OverflowError):
            raise Refused(
                "dtype", f"a value of type {getattr(value, 'dtype', type(value).__name__)}"
            ) from None
    raise Refused("unknown-object", f"arithmetic with a {type(value).__name__}")


def stack(trace, values):
    """np.array(values) for a (nested) sequence with traced elements."""
    graph = trace.graph
    nodes = [as_node(trace, v) for v in values]
    if not nodes:
        return graph.const(np.zeros(0))
    if len({n.shape for n in nodes}) > 1:
        raise ValueError("setting an array element with a sequence: inhomogeneous shape")
    return stacked(graph, nodes)


def wrap(trace, node, py=False, c_order=None):
    return Scalar(trace, node, py) if node.shape == () else Array.of(trace, node, c_order=c_order)


def keep_c_order(operands) -> bool:
    """Is the result in C order where NumPy keeps the order of these operands?"""
    return all(
        x.is_surely_contiguous() for x in operands if isinstance(x, Array) and len(x.shape) > 1
    )


def is_dynamic(part) -> bool:
    """Is this part of a key, or the whole key, an integer (or integers) that t or y decides?"""
    if isinstance(part, (list, tuple)):
        return any(is_dynamic(x) for x in part)
    return (
        isinstance(part, Traced)
        and part.dtype == INT
        and part.node.value is None
        and varies([part.node])
    )
