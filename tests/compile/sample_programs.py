"""Programs for the compiler's tests and timings, written with a small operator-overloading shell.

The tracer makes the same graphs from Python functions; these do not depend on it.
"""
from __future__ import annotations

import numpy as np

from diffsol._graph.build import Graph, contiguous_strides
from diffsol._graph.node import Node, Program
from diffsol._graph.ops import FLOAT


class Value:
    """A node with arithmetic, indexing by slices or ints along the first axis, and assignment."""

    __array_priority__ = 100

    def __init__(self, graph, node):
        self.graph, self.node = graph, node

    def apply(self, name, *others):
        nodes = [x.node if isinstance(x, Value) else self.graph.const(x) for x in (self, *others)]
        return Value(self.graph, self.graph.elementwise(name, *nodes))

    def __add__(self, other):
        return self.apply("add", other)

    def __sub__(self, other):
        return self.apply("subtract", other)

    def __mul__(self, other):
        return self.apply("multiply", other)

    def __truediv__(self, other):
        return self.apply("divide", other)

    def __pow__(self, other):
        return self.apply("power", other)

    def __neg__(self):
        return self.apply("negative")

    def __radd__(self, other):
        return constant(self.graph, other) + self

    def __rsub__(self, other):
        return constant(self.graph, other) - self

    def __rmul__(self, other):
        return constant(self.graph, other) * self

    def __rtruediv__(self, other):
        return constant(self.graph, other) / self

    def __getitem__(self, key):
        offset, strides, shape = window_of(self.node.shape, key)
        return Value(self.graph, self.graph.view(self.node, offset, strides, shape))

    def __setitem__(self, key, value):
        value = value.node if isinstance(value, Value) else self.graph.const(value)
        self.node = self.graph.update(self.node, value, *window_of(self.node.shape, key))

    def sum(self, *axes):
        axes = axes or range(self.node.ndim)
        return Value(self.graph, self.graph.reduce("sum", self.node, axes))


def constant(graph, value):
    return Value(graph, graph.const(value))


def window_of(shape, key):
    """(offset, strides, shape) of basic indexing with ints and slices."""
    key = key if isinstance(key, tuple) else (key,)
    key += (slice(None),) * (len(shape) - len(key))
    offset, strides, window = 0, [], []
    for index, extent, step in zip(key, shape, contiguous_strides(shape), strict=True):
        if isinstance(index, slice):
            span = range(extent)[index]
            offset += (span.start if len(span) else 0) * step
            strides.append(span.step * step)
            window.append(len(span))
        else:
            offset += range(extent)[index] * step
    return offset, tuple(strides), tuple(window)


def stack(graph, *values):
    """A vector of scalars."""
    nodes = [v.node if isinstance(v, Value) else graph.const(v) for v in values]
    return Value(graph, graph.concat([graph.reshape(x, (1,)) for x in nodes], 0))


def join(*values):
    """numpy.concatenate along the first axis."""
    return Value(values[0].graph, values[0].graph.concat([v.node for v in values], 0))


def exp(x):
    return x.apply("exp")


def program(function, n, n_params=0, dtype=FLOAT) -> Program:
    """The program of function(graph, t, y[, params])."""
    graph = Graph()
    arguments = [Value(graph, graph.time()), Value(graph, graph.state((n,), dtype))]
    if n_params:
        arguments.append([Value(graph, graph.param(i, (), FLOAT)) for i in range(n_params)])
    result = function(graph, *arguments)
    node = result.node if isinstance(result, Value) else result
    assert isinstance(node, Node)
    return Program(node, None, (n,), dtype, n_params)


def lorenz(graph, t, y):
    x, u, z = y[0], y[1], y[2]
    return stack(graph, 10.0 * (u - x), x * (28.0 - z) - u, x * u - 8 / 3 * z)


def hodgkin_huxley(graph, t, y):
    v, m, h, n = (y[i] for i in range(4))
    current = 120.0 * m**3 * h * (v - 50.0) + 36.0 * n**4 * (v + 77.0) + 0.3 * (v + 54.4)
    a_m = 0.1 * (v + 40.0) / (1.0 - exp(-(v + 40.0) / 10.0))
    b_m = 4.0 * exp(-(v + 65.0) / 18.0)
    a_h = 0.07 * exp(-(v + 65.0) / 20.0)
    b_h = 1.0 / (1.0 + exp(-(v + 35.0) / 10.0))
    a_n = 0.01 * (v + 55.0) / (1.0 - exp(-(v + 55.0) / 10.0))
    b_n = 0.125 * exp(-(v + 65.0) / 80.0)
    return stack(graph, 10.0 - current, a_m * (1.0 - m) - b_m * m, a_h * (1.0 - h) - b_h * h,
                 a_n * (1.0 - n) - b_n * n)


def pleiades(graph, t, y):
    mass = np.arange(1.0, 8.0)
    x, u = y[0:7], y[7:14]

    def differences(p):
        rows = graph.view(p.node, 0, (0, 1), (7, 7))
        columns = graph.view(p.node, 0, (1, 0), (7, 7))
        return Value(graph, rows) - Value(graph, columns)

    dx, du = differences(x), differences(u)
    r2 = dx * dx + du * du + np.eye(7)
    weight = mass / r2**1.5
    return join(y[14:28], (weight * dx).sum(1), (weight * du).sum(1))


def many_statements(graph, t, y):
    """A thousand scalar statements: a ring of coupled logistic equations, written one by one."""
    n = 200
    rates = []
    for i in range(n):
        inflow = y[i - 1] * (0.5 + 0.001 * i)
        outflow = y[i] * (0.6 + 0.001 * i)
        growth = y[i] * (1.0 - y[i] / 2.0)
        rates.append(inflow - outflow + growth / (1.0 + y[(i + 1) % n]))
    return stack(graph, *rates)


def heat(graph, t, y):
    n = y.node.size
    rate = constant(graph, np.zeros(n))
    rate[1:-1] = (y[2:] - 2.0 * y[1:-1] + y[:-2]) * float(n) ** 2
    rate[0] = (y[1] - y[0]) * float(n) ** 2
    rate[-1] = (y[-2] - y[-1]) * float(n) ** 2
    return rate
