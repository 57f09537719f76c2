"""The checker refuses what no printer could understand, and says which node it is."""

from __future__ import annotations

import numpy as np
import pytest

from diffsol._graph.build import Graph
from diffsol._graph.check import MalformedProgram, check
from diffsol._graph.node import Node, Program
from diffsol._graph.ops import BOOL, COMPLEX, FLOAT, INT
from diffsol._graph.show import show


def program(output, trap=None):
    return Program(output, trap, (3,), FLOAT, 2)


def state():
    return Graph().state((3,), FLOAT)


def test_a_good_program_passes_and_is_printed():
    graph = Graph()
    y = graph.state((3,), FLOAT)
    rate = graph.elementwise("multiply", graph.param(0, (), FLOAT), graph.view(y, 2, (-1,), (3,)))
    trap = graph.reduce("any", graph.elementwise("less", y, graph.const(0.0)), (0,))
    good = program(rate, trap)
    check(good)
    assert (
        show(good)
        == """\
  %0 float64[3] = state()
  %1 float64[] = param(offset=0)
  %2 float64[3] = view(%0, offset=2, strides=(-1,))
  %3 float64[3] = multiply(%1, %2)
  %4 float64[] = const(0.0)
  %5 bool[3] = less(%0, %4)
  %6 bool[] = any(%5, axes=(0,))
  return %3
  ask Python if %6"""
    )


CORRUPTIONS = {
    "unknown operator": lambda y: Node("frobnicate", (y,), (), (3,), FLOAT, 9),
    "1 inputs, not 2": lambda y: Node("add", (y,), (), (3,), FLOAT, 9),
    "dtype float32": lambda y: Node("sqrt", (y,), (), (3,), np.dtype("f4"), 9),
    "has shape": lambda y: Node("sqrt", (y,), (), (4,), FLOAT, 9),
    "dtype bool, not float64": lambda y: Node("sqrt", (y,), (), (3,), BOOL, 9),
    "reaches elements 1 to 3 of 3": lambda y: Node("view", (y,), (1, (1,)), (3,), FLOAT, 9),
    "2 strides for 1 axes": lambda y: Node("view", (y,), (0, (1, 1)), (3,), FLOAT, 9),
    "0 attributes": lambda y: Node("view", (y,), (), (3,), FLOAT, 9),
    "runs from 0 to 3 of 3": lambda y: Node("take", (y,), (np.array([0, 3]),), (2,), FLOAT, 9),
    "the parts have 6 elements": lambda y: Node("concat", (y, y), (0,), (5,), FLOAT, 9),
    "repeats": lambda y: Node("put", (y, y), (np.array([0, 1, 1]),), (3,), FLOAT, 9),
    "window (2,)": lambda y: Node("update", (y, y), (0, (1,), (2,)), (3,), FLOAT, 9),
    "axes (1,) of 1": lambda y: Node("sum", (y,), ((1,),), (), FLOAT, 9),
    "shape (3,), not ()": lambda y: Node("sum", (y,), ((0,),), (3,), FLOAT, 9),
    "the node complex128": lambda y: Node("cumsum", (y,), (0,), (3,), COMPLEX, 9),
    "(3,) @ (4,)": lambda y: Node(
        "matmul", (y, Node("param", (), (0,), (4,), FLOAT, 5)), (), (), FLOAT, 9
    ),
    "parameters up to 3 of 2": lambda y: Node("param", (), (0,), (3,), FLOAT, 9),
    "only constants": lambda y: Node("time", (), (), (), FLOAT, 9, np.array(1.0)),
    "time is": lambda y: Node("time", (), (), (), INT, 9),
    "does not come before": lambda y: Node(
        "sqrt", (Node("state", (), (), (3,), FLOAT, 9),), (), (3,), FLOAT, 9
    ),
}


@pytest.mark.parametrize("message", CORRUPTIONS)
def test_a_corrupted_program_is_refused(message):
    bad = program(CORRUPTIONS[message](state()))
    if message.startswith("(3,) @"):
        bad.n_params = 4
    with pytest.raises(MalformedProgram) as error:
        check(bad)
    assert message in str(error.value)


def test_a_trap_is_one_truth_value():
    y = state()
    with pytest.raises(MalformedProgram, match="one truth value"):
        check(program(y, y))
