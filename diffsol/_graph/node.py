"""Nodes of the array graph: typed arrays with static shapes, and the program made of them.

Operators that are not elementwise (the structural ones), with their attributes:

  const    value                      a constant array (read-only, C order)
  time                                the scalar t
  state                               the state y, shape (n,) or as the tracer saw it
  param    offset                     `size` doubles (complex: pairs) of the parameter block from offset on
  view     offset, strides            strided view of the C-ordered input; units are elements, stride 0 broadcasts
  take     index                      input.ravel()[index]; index is a constant int64 array of the output's shape
  concat   axis                       like numpy.concatenate
  update   offset, strides, window    copy of inputs[0] in which the strided window holds inputs[1]
  put      index                      copy of inputs[0] with ravel()[index] = inputs[1] (index without repeats)
  cast                                to the node's own dtype (int/float -> bool is `!= 0`, float -> int truncates)
  sum prod amax amin any all  axes    reductions; the axes disappear
  cumsum   axis
  matmul                              numpy.matmul of 1-D/2-D inputs
  spmv     start, column, place       product of a sparse matrix with inputs[1] (1-D/2-D): entry e, in column[e], is
                                      inputs[0][place[e]] (place None: inputs[0][e]); those of row i are start[i] to
                                      start[i + 1] and are added up in this order; integers of 32 or 64 bits
  solve                               numpy.linalg.solve of inputs[0] (n, n) and inputs[1] (n,) or (n, k), all real
  gather                              inputs[0].ravel()[inputs[1]], integers; those out of range go to the nearest end
  searchsorted  side, offset, stride, count
                                      numpy.searchsorted of inputs[1] in inputs[0].ravel()[offset::stride][:count]

All other operators are rows of `ops.ELEMENTWISE`; their inputs have the output's shape or shape ().
Every node's value is logically a fresh C-ordered array; `view` is the only aliasing and it reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

STRUCTURAL = (
    "const",
    "time",
    "state",
    "param",
    "view",
    "take",
    "concat",
    "update",
    "put",
    "cast",
    "sum",
    "prod",
    "amax",
    "amin",
    "any",
    "all",
    "cumsum",
    "matmul",
    "spmv",
    "solve",
    "gather",
    "searchsorted",
)


class Node:
    """One operator applied to inputs. Made by `build.Graph` only, which shares equal nodes."""

    __slots__ = ("op", "inputs", "attrs", "shape", "dtype", "id", "value", "where")

    def __init__(self, op, inputs, attrs, shape, dtype, id, value=None, where=None):
        self.op = op
        self.inputs = inputs  # tuple of Node
        self.attrs = attrs  # tuple, as listed above (arrays as numpy arrays)
        self.shape = shape  # tuple of int
        self.dtype = dtype  # one of ops.DTYPES
        self.id = id  # position of creation: inputs have smaller ids
        self.value = value  # ndarray for const, else None
        self.where = where  # (file, line, function) that made it, where somebody wants to know

    @property
    def size(self) -> int:
        size = 1
        for extent in self.shape:
            size *= extent
        return size

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __repr__(self):
        return f"<%{self.id} {self.op} {self.dtype.name}{list(self.shape)}>"


@dataclass
class Program:
    """What is compiled: outputs of (t, y, parameters).

    output is written to `out` in C order (complex: pairs). trap, where not None, is a scalar BOOL
    node: true means "the user's function does something here that is not in the graph (it raises,
    say): ask Python for this evaluation".
    """

    output: Node
    trap: Node | None
    state_shape: tuple
    state_dtype: np.dtype
    n_params: int  # doubles in the parameter block
    nodes: list = field(default_factory=list)  # all nodes needed, in order

    def __post_init__(self):
        roots = [self.output] if self.trap is None else [self.output, self.trap]
        self.nodes = reachable(roots)


def depends_on_time(nodes) -> bool:
    """Is t among what these nodes are computed from?"""
    return _needs(nodes, ("time",))


def varies(nodes) -> bool:
    """Are t or y among what these nodes are computed from?"""
    return _needs(nodes, ("time", "state"))


def _needs(nodes, ops) -> bool:
    """Is there a node of one of these operators among what the nodes are computed from?"""
    seen = set(nodes)
    stack = list(seen)
    while stack:
        node = stack.pop()
        if node.op in ops:
            return True
        for x in node.inputs:
            if x not in seen:
                seen.add(x)
                stack.append(x)
    return False


def reachable(roots) -> list:
    """Every node that the roots need, inputs first."""
    found = [None] * (1 + max((root.id for root in roots), default=-1))  # by id
    for root in roots:
        found[root.id] = root
    stack = list(roots)
    while stack:
        for x in stack.pop().inputs:
            if found[x.id] is None:
                found[x.id] = x
                stack.append(x)
    return [node for node in found if node is not None]
