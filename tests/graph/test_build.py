"""The graph builder: sharing, folding, casts, broadcasting, views of views, powers without pow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffsol._graph import interpret
from diffsol._graph.build import Graph, contiguous_strides
from diffsol._graph.check import check
from diffsol._graph.node import Program
from diffsol._graph.ops import COMPLEX, FLOAT, INT


@pytest.fixture
def graph():
    return Graph()


def value_of(node, y):
    program = Program(node, None, y.shape, y.dtype, 0)
    check(program)
    return interpret.run(program, 0.0, y, np.empty(0))[0]


def test_equal_nodes_are_one(graph):
    y = graph.state((3,), FLOAT)
    assert graph.elementwise("sin", y) is graph.elementwise("sin", y)
    assert graph.const(1.0) is graph.const(np.float64(1.0))
    assert graph.const(1.0) is not graph.const(1)
    assert graph.const(0.0) is not graph.const(-0.0)


def test_constants_are_folded_but_not_their_warnings(graph):
    assert graph.elementwise("add", graph.const(1), graph.const(2.5)).value == 3.5
    assert graph.elementwise("divide", graph.const(1.0), graph.const(0.0)).value is None


def test_constants_cannot_be_changed(graph):
    with pytest.raises(ValueError, match="read-only"):
        graph.const(np.zeros(3)).value[0] = 1.0


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.complex64, object, np.uint8, "U3"])
def test_other_dtypes_are_refused(graph, dtype):
    with pytest.raises(TypeError, match="not compiled"):
        graph.const(np.zeros(2, dtype=dtype))


def test_complex_does_not_become_real(graph):
    with pytest.raises(TypeError, match="imaginary"):
        graph.cast(graph.state((2,), COMPLEX), FLOAT)


EXPONENTS = [2.0, 0.5, 1.5, 3.0, 4.0, -1.0, -2.0, -0.5, -1.5, -3.0, 1.0]


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_powers_without_pow_are_within_two_units(graph, exponent):
    y = np.random.default_rng(0).uniform(1e-3, 1e3, 1000)
    node = graph.elementwise("power", graph.state(y.shape, FLOAT), graph.const(exponent))
    program = Program(node, None, y.shape, FLOAT, 0)
    assert not any(x.op == "power" for x in program.nodes)
    got, wanted = value_of(node, y), y**exponent
    assert np.max(np.abs(got - wanted) / np.spacing(wanted)) <= 2.5
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -2.0])
    with np.errstate(all="ignore"):
        got, wanted = value_of(node_for(exponent), special), special**exponent
    if exponent in (0.5, 1.5, -0.5, -1.5):
        got, wanted = got[[0, 2, 4, 5]], wanted[[0, 2, 4, 5]]  # roots of -0.0 and -inf: see below
    np.testing.assert_array_equal(got, wanted)


def node_for(exponent):
    graph = Graph()
    return graph.elementwise("power", graph.state((6,), FLOAT), graph.const(exponent))


@given(st.data())
def test_views_of_views(data):
    """Chains of slices, transposes, reshapes and broadcasts are what NumPy makes of them."""
    base = np.arange(24.0)
    graph = Graph()
    node, array = graph.state((24,), FLOAT), base
    for _ in range(data.draw(st.integers(1, 5))):
        kind = data.draw(st.sampled_from(["reshape", "slice", "transpose", "broadcast"]))
        if kind == "reshape":
            shape = data.draw(
                st.sampled_from(
                    [s for s in ((-1,), (2, -1), (-1, 3), (1, -1, 1)) if _fits(s, array)]
                )
            )
            array = array.reshape(shape)
            node = graph.reshape(node, array.shape)
        elif kind == "slice" and array.ndim and array.shape[0] > 1:
            step = data.draw(st.sampled_from([1, 2, -1]))
            start = 0 if step > 0 else array.shape[0] - 1
            strides = contiguous_strides(array.shape)
            array = array[::step]
            node = graph.view(
                node, start * strides[0], (strides[0] * step, *strides[1:]), array.shape
            )
        elif kind == "transpose":
            strides = contiguous_strides(array.shape)
            array = array.T
            node = graph.view(node, 0, strides[::-1], array.shape)
        elif kind == "broadcast" and array.ndim < 3 and array.size < 100:
            array = np.broadcast_to(array, (2, *array.shape))
            node = graph.broadcast(node, array.shape)
    np.testing.assert_array_equal(value_of(node, base), array)


def _fits(shape, array):
    known = abs(int(np.prod(shape)))
    return array.size % known == 0


def test_integer_arithmetic_stays_integer(graph):
    three = graph.const(np.arange(3))
    assert graph.elementwise("multiply", three, graph.const(2)).dtype == INT
    assert graph.elementwise("divide", three, graph.const(2)).dtype == FLOAT
