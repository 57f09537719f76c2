"""Both lowerings compute what the interpreter computes, or raise a flag so that Python is asked."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compile.kernels import as_doubles, call
from compile.random_programs import EXACT, programs
from diffsol._compile.cpu import compile_program
from diffsol._graph import interpret
from diffsol._graph.check import check
from diffsol._graph.ops import COMPLEX

thorough = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)


def reference(program, t, y, params):
    """(value, trap, does NumPy warn?) of the interpreter."""
    warned = []
    with np.errstate(
        divide="call",
        over="call",
        invalid="call",
        under="ignore",
        call=lambda kind, flag: warned.append(kind),
    ):
        value, trap = interpret.run(program, t, y, params)
    return as_doubles(value), trap, bool(warned)


def agree(case, unrolled, tolerance, quick=False):
    program, t, y, params = case
    check(program)
    expected, trap, warned = reference(program, t, y, params)
    if not np.isfinite([*np.ravel(y), *params]).all() and any(
        node.op == "matmul" and node.dtype == COMPLEX for node in program.nodes
    ):
        return True  # BLAS multiplies its sums by one, and makes NaNs of infinities so
    kernel = compile_program(program, unrolled=unrolled, quick=quick)
    value, code, flags = call(kernel, t, y, params)
    if flags:
        return warned
    assert code == int(trap)
    same = np.isnan(value) & np.isnan(expected) | (value == expected)
    if not same.all():
        scale = np.max(np.abs(expected[np.isfinite(expected)]), initial=1.0)
        np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance * scale)
    return True


@thorough
@given(case=programs(EXACT), unrolled=st.booleans())
def test_arithmetic(case, unrolled):
    agree(case, unrolled, 1e-13)


@thorough
@given(case=programs(), unrolled=st.booleans())
def test_all_operators(case, unrolled):
    agree(case, unrolled, 1e-9)


@thorough
@given(case=programs(EXACT, wild=False), unrolled=st.booleans())
def test_no_flag_that_numpy_does_not_raise(case, unrolled):
    assert agree(case, unrolled, 1e-13)


@settings(thorough, max_examples=60)
@given(case=programs(steps=30))
def test_quick_code(case):
    agree(case, True, 1e-9, quick=True)
