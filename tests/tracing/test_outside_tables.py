"""Long containers from outside: what the guard of a kernel tells of them, and that it stays short."""

import json

import numpy as np
import pytest

from diffsol._cache import constants
from diffsol._graph.ops import FLOAT
from diffsol._trace.check import made_of
from diffsol._trace.guards import Reads
from diffsol._trace.trace import trace_function
from diffsol._trace.whole import Whole
from tracing.agreement import agree

N = 40


def network(t, y, reactions):
    d = np.zeros(N)
    for a, b, k in reactions:
        d[a] -= k * y[a]
        d[b] += k * y[a]
    return d


def reactions(kind=tuple, outer=list):
    return outer(kind((i, (7 * i + 3) % N, 0.5 + i)) for i in range(N))


def traced(fun, container):
    result = trace_function(fun, (container,), (N,), FLOAT, (N,), FLOAT)
    block = np.full(result.n_params, np.nan)
    return result, block, lambda new: result.check(fun, (new,), block)


@pytest.mark.parametrize("outer", [list, tuple])
@pytest.mark.parametrize("kind", [list, tuple])
def test_it_means_the_same(kind, outer):
    agree(network, N, (reactions(kind, outer),))


def test_the_guard_does_not_grow_with_the_container(monkeypatch):
    sources = []
    compiled = Reads.compile_check
    monkeypatch.setattr(
        Reads, "compile_check", lambda reads: sources.append(reads.source()) or compiled(reads)
    )
    for count in (N, 2 * N):
        traced(network, reactions()[:-1] * (count // N))
    assert len(sources[0].splitlines()) == len(sources[1].splitlines()) < 30


def test_the_same_objects_are_not_compared_again(monkeypatch):
    container = reactions()
    _result, block, fits = traced(network, container)
    assert fits(container)
    monkeypatch.delattr(Whole, "_compared")
    block[:] = np.nan
    assert fits(container)
    assert fits(list(container))
    assert not np.isnan(block).any()
    container[3] = (*container[3][:2], 1.0)
    assert not fits(container)  # looked at again, in vain


@pytest.mark.parametrize("outer", [list, tuple])
@pytest.mark.parametrize("kind", [list, tuple])
def test_other_numbers_are_parameters_and_other_indices_do_not_fit(kind, outer):
    _result, block, fits = traced(network, reactions(kind, outer))
    before = reactions(kind, list)
    assert fits(outer(before))
    first = block.copy()
    changed = [*before]
    changed[5] = kind((*changed[5][:2], -2.0))
    assert fits(outer(changed))
    assert (block != first).sum() == 1
    assert -2.0 in block
    assert fits(outer(before))
    assert (block == first).all()
    for other in (
        kind((6, *before[5][1:])),
        kind((*before[5][:2], 3)),
        kind((5.0, *before[5][1:])),
        kind((True, *before[5][1:])),
        kind(before[5][:2]),
        {list: tuple, tuple: list}[kind](before[5]),
    ):
        assert not fits(outer([*before[:5], other, *before[6:]]))
    assert not fits(outer(before[:-1]))
    assert not fits({list: tuple, tuple: list}[outer](before))
    assert fits(outer(before))


def test_a_list_that_changes_in_place_is_seen():
    container = reactions(list)
    _result, block, fits = traced(network, container)
    assert fits(container)
    container[7][2] = 123.0
    assert fits(container)
    assert 123.0 in block
    container[7][0] = 8
    assert not fits(container)
    container[7][0] = 7
    container[7].append(1)
    assert not fits(container)


def test_a_list_within_a_tuple_that_stays_the_same_object():
    container = (*reactions(), [1, 2, 4.0], (3, [4, 5.0]))

    def fun(t, y, rows):
        d = np.zeros(N)
        for row in rows[:-1]:
            d[row[0]] += row[2] * y[row[1]]
        last = rows[len(rows) - 1]
        d[last[0]] -= last[1][1] * y[last[1][0]]
        return d

    _result, block, fits = traced(fun, container)
    assert fits(container)
    agree(fun, N, (container,))
    container[-1][1][1] = 77.0
    assert fits(container)
    assert 77.0 in block
    container[-2][2] = 88.0
    assert fits(container)
    assert 88.0 in block
    container[-1][1][0] = 5
    assert not fits(container)
    container[-1][1][0] = 4
    container[-2][1] = 3
    assert not fits(container)


def test_items_read_one_at_a_time():
    def fun(t, y, rows):
        d = np.zeros(N)
        for i in range(len(rows)):
            d[rows[i][0]] += rows[i][2] * y[rows[i][1]] + rows[i][1] * y[0]
        return d

    rows = reactions()
    _result, block, fits = traced(fun, rows)
    assert fits(rows)
    agree(fun, N, (rows,))
    for i in (2, N - 2):
        assert fits([*rows[:i], (*rows[i][:2], -9.5), *rows[i + 1 :]])
        assert -9.5 in block
        assert not fits([*rows[:i], (rows[i][0] - 1, *rows[i][1:]), *rows[i + 1 :]])


def test_ints_as_numbers_stay_open_where_they_are_exact():
    def fun(t, y, factors):
        return np.array([factors[i] * y[i] for i in range(N)]) + sum(factors) * y

    counts = list(range(2 * N))
    agree(fun, N, (counts,))

    def scaled(t, y, factors):
        return np.array([k * x for k, x in zip(factors, y, strict=False)])

    _result, block, fits = traced(scaled, counts)
    assert fits(counts[::-1])
    assert block[0] == 2 * N - 1
    assert not fits([2**60, *counts[1:]])


@pytest.mark.parametrize("value", [np.float64(0.5), "a", None, True, np.int64(3), b"x"])
def test_other_things_that_do_not_change(value):
    def fun(t, y, rows):
        return np.array([y[0] if row[0] == 0 else -y[1] for row in rows[:N]])

    rows = [(i % 3, value) for i in range(N)]
    _result, _block, fits = traced(fun, rows)
    assert fits(rows)
    assert not fits([*rows[:3], (1, value), *rows[4:]])


def test_tables_are_told():
    container = reactions()
    reads = trace_function(network, (container,), (N,), FLOAT, (N,), FLOAT, told=True).reads
    lines = [line for line in reads.told() if "args[0]" in line]
    assert len(lines) == 2


def test_another_process_can_compare_them():
    container = reactions(list)
    source, values = traced(network, container)[0].guards
    kept = json.loads(json.dumps([constants.write(value) for value in values]))
    fits = made_of(source, [constants.read(value) for value in kept])
    block = np.zeros(N)
    assert fits(network, (container,), block)
    np.testing.assert_array_equal(block, [k for _, _, k in container])
    container[3][1] += 1
    assert not fits(network, (container,), block)
