"""The way into a core: with the interpreter's lock where the function is Python."""

import numpy as np
import pytest
from diffsol._native._core import lib

from diffsol._engine.function import Function
from diffsol._engine.lsoda import Lsoda
from diffsol._engine.vode import FUNCTIONAL, Vode

RUNS = {
    "lsoda": (lib.ds_odeint_run, lib.ds_python_odeint_run),
    "vode": (lib.ds_vode_run, lib.ds_python_vode_run),
}


def decay(t, y):
    return -y


def solver(name, n):
    if name == "lsoda":
        made = Lsoda(n, 1e-6, 1e-9, None, (0.0, 0.0, 0.0, 500, 12, 5))
    else:
        made = Vode(n, float, 1e-6, 1e-9, 1, FUNCTIONAL, None, (0.0, 0.0, 0.0, 500, 12))
    made.set_functions(Function(decay, (), np.empty(n), kind="odepack"), decay, (), None, ())
    return made


@pytest.mark.parametrize("name", RUNS)
def test_the_lock_is_held_while_the_function_is_python(name):
    without, holding = RUNS[name]
    tier = solver(name, 2).tier
    assert tier.step is holding
    tier.function.compile()
    tier.enter()
    assert tier.bound is not None
    assert tier.step is without
    tier.leave()
    assert tier.step is holding


@pytest.mark.parametrize("name", RUNS)
def test_a_large_matrix_is_factored_without_it(name):
    assert solver(name, 1000).tier.step is RUNS[name][0]


@pytest.mark.parametrize("name", RUNS)
def test_both_ways_give_the_same(name):
    ends = []
    for way in RUNS[name]:
        made, y = solver(name, 3), np.array([1.0, 0.5, 2.0])
        made.tier._mode, made.tier.step = "0", way
        anew = {"anew": True} if name == "vode" else {}
        ends.append((made.run(0.0, y, 1.0, **anew), made.y))
    assert ends[0][0] == ends[1][0] == 2
    np.testing.assert_array_equal(ends[0][1], ends[1][1])
    np.testing.assert_allclose(ends[0][1], np.exp(-1.0) * np.array([1.0, 0.5, 2.0]), rtol=1e-4)
