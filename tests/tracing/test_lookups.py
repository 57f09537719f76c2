"""Indices that depend on t or y, and searches in sorted tables."""

import bisect

import numpy as np
import pytest

from diffsol._graph.terms import TooLarge
from diffsol._trace.numpy_map.searching import BISECTS
from diffsol._trace.trace import trace_function
from tracing.agreement import agree, differentiates, refusal, traced

TABLE = np.linspace(0.0, 1.0, 50) ** 2
SQUARE = np.arange(20.0).reshape(4, 5)
LIST, TUPLE, PLACES = [1.0, 4.0, 2.0], (1, 2, 0), [2, 0, 1]
VECTORS = [np.array([1.0, 2.0]), np.array([3.0, -1.0])]
KNOTS = np.linspace(0.0, 2.0, 11)
VALUES = np.sin(3 * KNOTS)
DATA = np.column_stack([KNOTS, VALUES])
STEPS, HEIGHTS = np.array([0.0, 1.0, 1.0, 2.0]), np.array([1.0, 2.0, 5.0, 5.0])
KNOT_LIST = list(KNOTS)


def by_time(t, y):
    return [TABLE[int(t * 3)] * y[0], y[int(abs(y[1])) % 2]]


def rows_of_two(t, y):
    return SQUARE[int(t), 1:3] * y


def lists(t, y):
    return [LIST[int(t)] * y[0], y[PLACES[int(t)] - 1] + TUPLE[int(t)]]


def list_of_arrays(t, y):
    return VECTORS[int(t)] * y


def array_of_indices(t, y):
    return TABLE[np.abs((y * 3).astype(int))] * y


def assigned(t, y):
    dy = np.zeros(2)
    k = int(t)
    dy[k % 2] += 3 * y[0]
    dy[-1 - k % 2] = t
    return dy


def numpy_integers(t, y):
    i = np.floor(t * 2).astype(int)
    return [SQUARE[i, i], SQUARE[:, np.int64(i)].sum() * y[0]]


def mixed(t, y):
    return SQUARE[[int(t), 1], [0, int(t)]] * y


def transposed(t, y):
    return SQUARE.T[::-1][int(t) + np.arange(2), 0] * y


def computed_row(t, y):
    return np.outer(y, y)[int(t)][[1, 0]]


def negative(t, y):
    return [TABLE[-1 - int(t)], y[-int(t) - 1]]


def element_of_state(t, y):
    return [np.sin(y * y)[int(t)], y[int(t)] ** 2 + (2 * y)[1 - int(t)]]


@pytest.mark.parametrize(
    "fun",
    [
        *(by_time, rows_of_two, lists, list_of_arrays, array_of_indices, assigned, mixed),
        *(numpy_integers, transposed, computed_row, negative, element_of_state),
    ],
)
def test_index(fun):
    agree(fun, 2)
    differentiates(fun, 2)


@pytest.mark.parametrize("fun", [by_time, rows_of_two, lists, list_of_arrays, negative])
def test_out_of_range_is_left_to_python(fun):
    agree(fun, 2, times=(0.0, 1.0, 60.0, -3.5, np.nan, 1e300), plain=False)


def test_a_table_may_change():
    table = np.ones(9)

    def fun(t, y):
        return table[int(t)] * y

    result, block = traced(fun, 2)
    table[:] = 5.0
    assert result.check(fun, (), block)
    assert (block == 5.0).all()


def view_then_write(t, y):
    a = np.outer(y, y)
    row = a[int(t)]
    a[0] = 7.0
    return row


def write_through_view(t, y):
    a = np.outer(y, y)
    row = a[int(t)]
    row += 1.0
    return a[0]


def several_assigned(t, y):
    dy = np.zeros(2)
    dy[[int(t), 0]] = y
    return dy


def sliced(t, y):
    return y[: int(t)].sum() * y


@pytest.mark.parametrize("fun", [view_then_write, write_through_view, several_assigned, sliced])
def test_refused(fun):
    assert refusal(fun, 2) == "dynamic-index"


def test_many_choices_from_the_state_have_no_exact_jacobian():
    def fun(t, y):
        return np.sin(y)[(y * 3).astype(int)]

    with pytest.raises(TooLarge):
        differentiates(fun, 400)


# --- searches ---------------------------------------------------------------------------------------


def held(t, y):
    return [VALUES[np.searchsorted(KNOTS, t) - 1], VALUES[min(bisect.bisect(KNOT_LIST, t), 10)]]


def both_sides(t, y):
    left, right = np.searchsorted(KNOTS, y), KNOTS.searchsorted(y, side="right")
    return left + 0.1 * right


def digitized(t, y):
    return np.digitize(y, [-1, 0, 0.5]) * 1.0 + np.digitize(t, KNOTS, right=True)


def bisected(t, y):
    return [bisect.bisect_left(KNOT_LIST, y[0]), bisect.bisect_right(KNOT_LIST, y[1])]


def interpolated(t, y):
    return [np.interp(t, KNOTS, VALUES) * y[0], np.interp(y[1], DATA[:, 0], DATA[:, 1])]


def with_ends(t, y):
    return np.interp(y, KNOT_LIST, VALUES, left=-1, right=7.0)


def repeated_knots(t, y):
    return np.interp(y, STEPS, HEIGHTS)


def periodic(t, y):
    return np.interp(y, STEPS + 0.1 * np.arange(4), HEIGHTS, period=1.7)


def between_states(t, y):
    return [np.interp(t, [0.0, 1.0], [y[0], y[1]]), np.interp(y[0], [0.5], [3.0])]


def moving_knots(t, y):
    return np.interp(y, [t, t + 1, t + 3], [0.0, 1.0, 0.0])


ODD = [[0.2, 1.0], [1.0, 2.0], [2.0, 0.0], [9.0, -3.0], [np.nan, 0.3], [np.inf, -np.inf]]


@pytest.mark.parametrize(
    "fun",
    [
        *(held, digitized, bisected, interpolated, with_ends, repeated_knots, periodic),
        *(between_states, moving_knots),
    ],
)
def test_search(fun):
    agree(fun, 2)
    agree(fun, 2, states=ODD, times=(0.0, 0.2, 1.0, 2.0, 5.0, np.nan), plain=False)


@pytest.mark.parametrize("fun", [interpolated, with_ends, between_states])
def test_slopes(fun):
    differentiates(fun, 2, states=[[0.31, 0.77], [-0.4, 1.93]])


def test_interp_at_its_knots():
    agree(interpolated, 2, states=[[k, k] for k in KNOTS], times=KNOTS, rtol=0, atol=0)


@pytest.mark.skipif(not BISECTS, reason="this NumPy does not search such tables by bisection")
def test_a_scalar_is_sought_in_any_table():
    rng = np.random.default_rng(1)
    for _ in range(20):
        table = rng.uniform(-1, 1, rng.integers(1, 12))
        table[rng.integers(table.size)] = rng.choice([np.nan, 0.3, np.inf])

        def fun(t, y, table=table):
            return [np.searchsorted(table, y[0]), np.searchsorted(table, y[1], side="right")]

        agree(
            fun, 2, states=[*rng.uniform(-1, 1, (5, 2)), [np.nan, np.nan], [0.3, 0.3]], plain=False
        )


@pytest.mark.skipif(BISECTS, reason="this NumPy searches them by bisection, and so do kernels")
def test_a_scalar_is_sought_in_sorted_tables_only():
    rng = np.random.default_rng(1)
    for _ in range(20):
        table = np.sort(rng.uniform(-1, 1, 12))

        def fun(t, y, table=table):
            return [np.searchsorted(table, y[0]), np.searchsorted(table, y[1], side="right")]

        agree(fun, 2, states=[*rng.uniform(-1, 1, (5, 2)), table[4:6]], plain=False)
        table[[3, 7]] = table[[7, 3]]
        assert refusal(fun, 2) == "numpy-call"


def test_an_unsorted_table_is_refused_and_noticed_later():
    table = KNOTS.copy()

    def fun(t, y):
        return np.interp(y, table, VALUES)

    result, block = traced(fun, 2)
    table[3] += 0.05
    assert result.check(fun, (), block)
    table[3] = 9.0
    assert not result.check(fun, (), block)
    assert refusal(fun, 2) == "numpy-call"
    table[:] = np.nan
    assert refusal(fun, 2) == "numpy-call"


@pytest.mark.slow
def test_a_long_table_costs_no_text():
    table = np.linspace(0.0, 1.0, 200_000)
    squares = table**2
    result = agree(lambda t, y: np.interp(y, table, squares), 2)
    assert len(result.program.nodes) < 60


def test_wrong_shapes():
    for fun in (
        lambda t, y: np.interp(y, KNOTS, VALUES[:-1]),
        lambda t, y: np.interp(y, [], []),
        lambda t, y: np.interp(y, KNOTS, VALUES, period=0),
        lambda t, y: SQUARE[int(t), int(t), int(t)] * y,
    ):
        assert refusal(fun, 2) == "raises"
        with pytest.raises((ValueError, IndexError)):
            fun(0.3, np.ones(2))


def test_complex_state_at_a_traced_index():
    dtype = np.dtype(complex)
    fun = lambda t, y: (y * 1j)[int(t)] * y  # noqa: E731
    result = trace_function(fun, (), (2,), dtype, (2,), dtype)
    assert any(node.op == "gather" for node in result.program.nodes)
