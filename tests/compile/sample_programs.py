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
    return stack(
        graph,
        10.0 - current,
        a_m * (1.0 - m) - b_m * m,
        a_h * (1.0 - h) - b_h * h,
        a_n * (1.0 - n) - b_n * n,
    )


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


def roll(graph, t, y):
    """A ring: both neighbours by numpy.roll."""
    return join(y[1:], y[:1]) - 2.0 * y + join(y[-1:], y[:-1])


def brusselator(graph, t, y):
    """One-dimensional reaction and diffusion, species interleaved, ends held."""
    u, v = y[0::2], y[1::2]
    rate = constant(graph, np.zeros(y.node.size))
    reaction = u * u * v
    edge_u = join(constant(graph, np.ones(1)), u, constant(graph, np.ones(1)))
    edge_v = join(constant(graph, np.full(1, 3.0)), v, constant(graph, np.full(1, 3.0)))
    rate[0::2] = 1.0 + reaction - 4.0 * u + 0.02 * (edge_u[2:] - 2.0 * u + edge_u[:-2])
    rate[1::2] = 3.0 * u - reaction + 0.02 * (edge_v[2:] - 2.0 * v + edge_v[:-2])
    return rate


def padded(graph, t, y):
    """Differences of differences, with the ends repeated."""
    ends = join(y[:1], y, y[-1:])
    slope = ends[1:] - ends[:-1]
    flux = slope / (1.0 + slope * slope)
    return flux[1:] - flux[:-1] + exp(-(t * t)) * (1.0 - y / y.sum())


def grid(graph, t, y):
    """A square grid: five-point stencil inside, one-sided at the edges, flattened again."""
    n = int(y.node.size**0.5)
    u = Value(graph, graph.reshape(y.node, (n, n)))
    rate = constant(graph, np.zeros((n, n)))
    rate[1:-1, 1:-1] = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]
    rate[0, :] = u[1, :] - u[0, :]
    rate[-1, :] = u[-2, :] - u[-1, :]
    rate[1:-1, 0] = u[1:-1, 1] - u[1:-1, 0]
    rate[1:-1, -1] = u[1:-1, -2] - u[1:-1, -1]
    return Value(graph, graph.reshape(rate.node, (n * n,)))


def three_body(graph, t, y):
    """Positions and velocities as arrays (bodies, 3), forces by broadcasting."""
    n = y.node.size // 6
    x = Value(graph, graph.reshape(y[: 3 * n].node, (n, 3)))
    left = Value(graph, graph.view(x.node, 0, (3, 0, 1), (n, n, 3)))
    right = Value(graph, graph.view(x.node, 0, (0, 3, 1), (n, n, 3)))
    d = right - left
    r2 = (d * d).sum(2) + np.eye(n)
    r3 = Value(graph, graph.view((r2**1.5).node, 0, (n, 1, 0), (n, n, 3)))
    force = (d / r3).sum(1)
    return join(y[3 * n :], Value(graph, graph.reshape(force.node, (3 * n,))))


def decays(graph, t, y):
    """A linear system with a full matrix, and its cumulated feed."""
    n = y.node.size
    matrix = np.random.default_rng(3).standard_normal((n, n))
    product = Value(graph, graph.matmul(graph.const(matrix), y.node))
    return product + Value(graph, graph.cumsum(y.node, 0))


def quantum(graph, t, y):
    """Schroedinger's equation with a full Hamiltonian."""
    n = y.node.size
    rng = np.random.default_rng(4)
    matrix = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
    product = Value(graph, graph.matmul(graph.const(matrix + matrix.conj().T), y.node))
    return product * (-1j)
