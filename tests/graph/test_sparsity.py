"""Patterns are exact: what the operators connect, and nothing else."""

import subprocess
import sys

import numpy as np
import pytest

from diffsol._graph import terms
from diffsol._graph.jacobian import jacobian
from diffsol._graph.ops import FLOAT
from diffsol._graph.sparsity import as_full
from diffsol._graph.terms import TooLarge
from diffsol._trace.trace import trace_function
from graph.jacobians import pattern

N, M = 13, 5
SIZE = N * M


def slices(t, y):
    rate = np.zeros(SIZE)
    rate[1:-1] = y[2:] - 2 * y[1:-1] + y[:-2]
    rate[0] = y[1]
    return rate


def reshaped(t, y):
    u = y.reshape(N, M)
    rate = np.zeros_like(u)
    rate[1:-1, 1:-1] = u[2:, 1:-1] + u[:-2, 1:-1] * u[1:-1, 2:]
    rate[:, 0] = u[:, -1]
    return rate.ravel()


def two_species(t, y):
    u, v = y[: SIZE // 2], y[SIZE // 2 : 2 * (SIZE // 2)]
    return np.concatenate([u * u * v, np.diff(u), [0.0], y[-1:] ** 2])


def interleaved(t, y):
    rate = np.zeros(SIZE)
    rate[::2] = y[::2] * 2
    rate[1::2] = y[0:-1:2] + y[2::2]
    return rate


def loops(t, y):
    rate = np.zeros(SIZE)
    for i in range(SIZE):
        rate[i] = y[i - 1] * y[(3 * i) % SIZE]
    return rate


def masked(t, y):
    """Products with a constant zero are no dependence."""
    mask = np.zeros(SIZE)
    mask[::3] = 1.0
    return mask * y - y[0] * (1.0 - mask)


def row_sums(t, y):
    u = y.reshape(N, M)
    return (2 * u - u.sum(1)[:, None]).ravel()


def fancy(t, y):
    index = np.array([(7 * i) % SIZE for i in range(SIZE)])
    return y[index] * y


def where(t, y):
    return np.where(y > 0.5, np.roll(y, 1), y * t)


IDIOMS = {
    "roll": lambda t, y: np.roll(y, 1) - 2 * y + np.roll(y, -2),
    "roll 2-d": lambda t, y: (
        np.roll(y.reshape(N, M), 1, 0) * np.roll(y.reshape(N, M), 1, 1)
    ).ravel(),
    "slices": slices,
    "diff": lambda t, y: np.concatenate([[0.0], np.diff(y)]),
    "diff of diff": lambda t, y: np.concatenate([[y[0]], np.diff(np.diff(y)), [y[-1]]]),
    "reshaped": reshaped,
    "two species": two_species,
    "interleaved": interleaved,
    "loops": loops,
    "masked": masked,
    "row sums": row_sums,
    "fancy": fancy,
    "where": where,
    "transposed": lambda t, y: y.reshape(N, M).T.ravel() * y,
    "cumsum of rows": lambda t, y: np.cumsum(y.reshape(N, M), axis=1).ravel(),
    "nothing": lambda t, y: np.zeros(SIZE),
    "of time only": lambda t, y: np.full(SIZE, np.sin(t)),
}


def dependence(fun, rng):
    """Which components change with which, tried out by large moves to several sides."""
    found = np.zeros((SIZE, SIZE), bool)
    for _ in range(16):
        y = rng.uniform(0.6, 1.0, SIZE) * rng.choice([0.1, 1.0], SIZE)
        base = np.asarray(fun(0.7, y.copy()), float)
        for j in range(SIZE):
            moved = y.copy()
            moved[j] *= 1.001
            found[:, j] |= np.asarray(fun(0.7, moved), float) != base
    return found


@pytest.mark.parametrize("name", IDIOMS)
def test_pattern_is_exact(name):
    fun = IDIOMS[name]
    program = trace_function(fun, (), (SIZE,), FLOAT, (SIZE,), FLOAT).program
    found = jacobian(program)
    assert not found.full
    np.testing.assert_array_equal(
        pattern(found, SIZE, SIZE), dependence(fun, np.random.default_rng(0))
    )


def test_what_cancels_is_no_entry():
    program = trace_function(lambda t, y: (y + y[::-1]) - y, (), (SIZE,), FLOAT, (SIZE,), FLOAT)
    found = jacobian(program.program)
    np.testing.assert_array_equal(pattern(found, SIZE, SIZE), np.eye(SIZE, dtype=bool)[::-1])


def test_columns_are_sorted_arrays_of_int64():
    program = trace_function(reshaped, (), (SIZE,), FLOAT, (SIZE,), FLOAT).program
    found = jacobian(program)
    assert found.start.dtype == found.row.dtype == np.int64
    assert found.start[0] == 0
    assert found.start[-1] == found.row.size == found.program.output.size
    for a, b in zip(found.start[:-1], found.start[1:], strict=True):
        assert (np.diff(found.row[a:b]) > 0).all()


def test_full_from_half_on():
    assert as_full(50, 10, 10)
    assert not as_full(49, 10, 10)
    program = trace_function(lambda t, y: y - y.sum(), (), (8,), FLOAT, (8,), FLOAT).program
    found = jacobian(program)
    assert found.full
    assert found.start is None is found.row
    assert found.program.output.shape == (64,)


def test_too_many_entries_are_refused(monkeypatch):
    program = trace_function(lambda t, y: y - y.sum(), (), (80,), FLOAT, (80,), FLOAT).program
    monkeypatch.setattr(terms, "MOST_ENTRIES", 6399)
    with pytest.raises(TooLarge, match="6399"):
        jacobian(program)
    monkeypatch.setattr(terms, "MOST_ENTRIES", 6400)
    assert jacobian(program).full


def test_no_sparse_matrices_are_imported():
    """Importing scipy.sparse takes longer than most solves."""
    code = (
        "import sys, numpy as np\n"
        "from diffsol._engine.function import Function\n"
        "bound = Function(lambda t, y: -np.roll(y, 1), (), np.zeros(500)).compile()\n"
        "assert bound.variant.jacobian(10.0).row.size == 500\n"
        "assert 'scipy.sparse' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
