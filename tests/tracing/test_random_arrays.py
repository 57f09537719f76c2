"""Array programs: tracer, interpreter, both printers and the rolling of loops agree with NumPy."""

import math
import re
import warnings
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compile.kernels import call
from diffsol._compile.cpu import compile_program
from diffsol._graph import interpret, roll
from diffsol._graph.check import check
from diffsol._graph.explode import exploded
from diffsol._graph.jacobian import jacobian
from diffsol._graph.ops import COMPLEX, FLOAT
from diffsol._trace.reasons import Refused
from diffsol._trace.trace import trace_function
from tracing.random_arrays import OUTSIDE, SIZE, TRIAL, array_functions

VALUES = st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, -0.3, 1e-3, 1.7])
STATES = st.lists(VALUES, min_size=SIZE, max_size=SIZE)
EXAMPLES = 100
thorough = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def function_of(source):
    scope = {
        "np": np,
        "math": math,
        **{k: np.copy(v) if np.ndim(v) else v for k, v in OUTSIDE.items()},
    }
    exec(source, scope)
    return scope["f"]


def traced(f, dtype=FLOAT):
    """(program, parameters), or None where the function stays Python."""
    try:
        result = trace_function(f, (), (SIZE,), dtype, (SIZE,), dtype, told=True)
    except Refused:
        return None
    block = np.empty(result.n_params)
    assert result.check(f, (), block)
    return result.program, block


def wanted(f, t, y):
    """What NumPy gives: the result, or the exception."""
    with np.errstate(all="ignore"):
        try:
            return np.asarray(f(np.float64(t), y.copy()), dtype=float)
        except Exception as error:
            return error


def warnings_of(f, t, y):
    """What NumPy warns of: its texts, without the operators' names."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            f(np.float64(t), y.copy())
        except Exception:
            return set()
    return {str(w.message) for w in caught if w.category is RuntimeWarning}


def rolled_at_all_costs(program):
    with mock.patch.object(roll, "FEWEST_ALIKE", 2):
        return roll._Rolling(exploded(program)).run()


@pytest.mark.slow
@thorough
@given(array_functions(), st.sampled_from([0.0, 0.4, 1.3, -2.0]), STATES)
def test_all_ways_agree_with_numpy(source, t, state):
    f, y = function_of(source), np.array(state)
    made = traced(f)
    if made is None:
        return
    program, block = made
    expected = wanted(f, t, y)
    with np.errstate(all="ignore"):
        value, trap = interpret.run(program, t, y, block)
    same(value, trap, expected, source)
    small = rolled_at_all_costs(program)
    check(small)
    for form, unrolled in ((program, True), (program, False), (small, False)):
        value, code, flags = call(compile_program(form, unrolled=unrolled), t, y, block)
        if not flags:
            same(value, code, expected, source)


@thorough
@given(array_functions(), st.sampled_from([0.0, 0.4, 1.3, -2.0]), STATES)
def test_where_numpy_warns_python_is_asked(source, t, state):
    f, y = function_of(source), np.array(state)
    made = traced(f)
    told = warnings_of(f, t, y)
    if made is None or not told:
        return
    for unrolled in (True, False):
        _, code, flags = call(compile_program(made[0], unrolled=unrolled), t, y, made[1])
        assert code or flags, f"{told}\n{source}"


COMPLEX_TRIAL = TRIAL + 1j * TRIAL[::-1]
COMPLEX_STATES = st.lists(st.builds(complex, VALUES, VALUES), min_size=SIZE, max_size=SIZE)


@pytest.mark.slow
@thorough
@given(array_functions(COMPLEX_TRIAL), st.sampled_from([0.0, 0.4, -2.0]), COMPLEX_STATES)
def test_complex_states_agree_with_numpy(source, t, state):
    f, y = function_of(source), np.array(state)
    made = traced(f, COMPLEX)
    if made is None:
        return
    program, block = made
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        try:
            expected = np.asarray(f(np.float64(t), y.copy()), dtype=complex)
        except Exception as error:
            expected = error
    for unrolled in (True, False):
        value, code, flags = call(compile_program(program, unrolled=unrolled), t, y, block)
        if not flags:
            same(value.view(complex), code, expected, source)


def same(value, trap, expected, source):
    if trap:
        return  # Python is asked
    assert not isinstance(expected, Exception), source
    scale = np.max(np.abs(expected[np.isfinite(expected)]), initial=1.0)
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-13 * scale, err_msg=source)


@settings(thorough, max_examples=EXAMPLES // 2)
@given(array_functions(), st.lists(st.floats(0.1, 0.9), min_size=SIZE, max_size=SIZE))
def test_jacobian_agrees_with_differences(source, state):
    f, y, t = function_of(source), np.array(state), 0.4
    made = traced(f)
    if made is None:
        return
    with np.errstate(all="ignore"):
        found = matrix_of(jacobian(made[0]), t, y, made[1])
        rough, fine = (differences(f, t, y, h) for h in (2e-4, 1e-4))
        noise = 1e-15 * np.abs(f(t, y))[:, None] / 1e-4
    exact = (4 * fine - rough) / 3
    # where two step sizes, or the two sides, disagree there is a kink or a jump
    smooth = np.abs(fine - rough) <= 1e-4 * (1 + np.abs(fine))
    smooth &= one_sided_agree(f, t, y, fine)
    scale = 1 + np.max(np.abs(exact[smooth & np.isfinite(exact)]), initial=0.0)
    bad = smooth & np.isfinite(exact) & (np.abs(found - exact) > 1e-5 * scale + noise)
    assert not bad.any(), f"{source}\n{found}\n{exact}"


# what is not analytic, or takes a complex number for another
KINKS = re.compile(
    r"abs|>|max|min|sign|floor|astype|where|clip|any|all|hypot|real|var|prod|Z|==|float|linalg"
)
STEP = 1e-30


@settings(thorough, max_examples=EXAMPLES)
@given(array_functions(), st.lists(st.floats(0.1, 0.9), min_size=SIZE, max_size=SIZE))
def test_jacobian_agrees_with_complex_steps(source, state):
    f, y, t = function_of(source), np.array(state), 0.4
    if KINKS.search(source[source.index("def f") :]):
        return
    made = traced(f)
    if made is None:
        return
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        found = matrix_of(jacobian(made[0]), t, y, made[1])
        columns = [f(t, y + 1j * STEP * e).imag / STEP for e in np.eye(SIZE)]
    exact = np.array(columns).T
    known = np.isfinite(exact) & np.isfinite(found)
    np.testing.assert_allclose(found[known], exact[known], rtol=1e-9, atol=1e-9, err_msg=source)


def differences(f, t, y, h):
    columns = [(f(t, y + h * e) - f(t, y - h * e)) / (2 * h) for e in np.eye(SIZE)]
    return np.array(columns).T


def one_sided_agree(f, t, y, central, h=1e-4):
    """At a kink the difference quotients of the two sides are not the central one."""
    with np.errstate(all="ignore"):
        here = f(t, y)
        ahead = np.array([(f(t, y + h * e) - here) / h for e in np.eye(SIZE)]).T
    return np.abs(ahead - central) <= 1e-2 * (1 + np.abs(central))


def matrix_of(made, t, y, block):
    values, _ = interpret.run(made.program, t, y, block)
    if made.start is None:
        return values.reshape(SIZE, SIZE).T
    matrix = np.zeros((SIZE, SIZE))
    for column in range(SIZE):
        span = slice(made.start[column], made.start[column + 1])
        matrix[made.row[span], column] = values.ravel()[span]
    return matrix


def test_most_of_the_random_functions_are_compiled():
    """Otherwise nothing is tested here."""
    outcomes = []

    @settings(thorough, max_examples=40)
    @given(array_functions())
    def count(source):
        outcomes.append(traced(function_of(source)) is not None)

    count()
    assert np.mean(outcomes) > 0.4
