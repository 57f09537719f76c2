"""Jumps on traced values: followed both ways, merged where they meet, without flags of the way not taken."""

import functools
import math

import numpy as np
import pytest

from diffsol._graph.ops import FLOAT
from diffsol._trace.branches import MOST_ROUNDS
from tracing.agreement import agree, differentiates, random_states, refusal, traced

N = 12
GUARDED = []  # functions whose other way would raise, warn, or give a derivative that is not finite
MERGED = []  # functions with more ways than could be followed one by one


def guarded(fun):
    GUARDED.append(fun)
    return fun


def merged(fun):
    MERGED.append(fun)
    return fun


@guarded
def root_of_positive(t, y):
    d = np.zeros(N)
    for i in range(N):
        if y[i] > 0:
            r = np.sqrt(y[i])
        else:
            r = 0.0
        d[i] = r
    return d


@guarded
def sinc_away_from_zero(t, y):
    return [math.sin(v) / v if abs(v) > 0.3 else 1.0 for v in y]


@guarded
def logarithm_of_positive(t, y):
    out = []
    for v in y:
        if v <= 0:
            out.append(v)
        elif v < 0.5:
            out.append(math.log(v))
        else:
            out.append(np.log(v - 0.4) + np.arccosh(1.0 + v))
    return out


@guarded
def power_of_positive(t, y):
    def flow(h):
        return 0.6 * h**1.7 if h > 0 else -((-h) ** 0.6)

    return [flow(v) + flow(w) for v, w in zip(y, y[::-1], strict=True)]


@guarded
def whole_arrays(t, y):
    if y[0] > 0:
        return np.sqrt(y * y[0] + 2.0) / y[0]
    if y[1] > 0:
        return np.log(y + 2.0) / y[1]
    return np.exp(y) / (y[0] + y[1])


@guarded
def remainders(t, y):
    return [v // w + v % w if w > 0.1 else v for v, w in zip(y, y[::-1], strict=True)]


@merged
def elif_chains_in_a_loop(t, y):
    d = np.zeros(N)
    for i, v in enumerate(y):
        if v > 0.5:
            d[i] -= v
        elif v > 0.0 and y[i - 1] > 0:
            d[i - 1] += v
        elif v < -0.5 or y[i - 1] < -0.5:
            d[i] += 1
            continue
        d[i] += 0.1 * v
    return d


@merged
def lists_and_tuples(t, y):
    flow = [0.0] * N
    pair = (0.0, 1)
    for i in range(N):
        if y[i] < 0:
            flow[i] = y[i]
            pair = (pair[0] + y[i], pair[1] + 1)
        else:
            flow[i - 1] = -y[i]
            pair = (pair[1], pair[1])
    return [f + pair[0] / pair[1] for f in flow]


@merged
def two_names_of_one_array(t, y):
    a = np.zeros(N)
    b = a[::-1]
    for v in y:
        if v > 0:
            a[0] += v
        else:
            b[0] -= v
            a[1:3] = v
    return a + 2 * b


@merged
def inner_functions_with_nonlocal(t, y):
    total, count = 0.0, 0

    def add(x):
        nonlocal total, count
        if x > 0:
            total += x
            count += 1
        return total

    return [add(v) * 0.1 + count for v in y]


@merged
def early_returns(t, y):
    for v in y:
        if v > 0.95:
            return -y
        if v < -0.95:
            return np.zeros(N)
    return [v if v > 0 else 0.0 for v in y]


@merged
def loops_left_early(t, y):
    found = -1.0
    for i, v in enumerate(y):
        if v > 0.6:
            found = i * v
            break
    else:
        found = 7.0
    return y * found


@merged
def negations_and_chains(t, y):
    out = []
    for v in y:
        outside = not -0.5 < v <= 0.5
        if outside and not v > t:
            out.append(v)
        else:
            out.append(v * v if not outside else 1.0)
    return out


@merged
def variables_of_some_ways_only(t, y):
    d = y.copy()
    for i in range(N):
        if d[i] > 0.0:
            name, scale = "up", [2.0, 3.0]
            d[i] *= scale[0] * len(name)
        else:
            name, scale = "downwards", [1.0]
            d[i] -= scale[0] * len(name)
    return d


def newton(t, y):
    E = y[0]
    while True:
        step = (E - 0.3 * math.sin(E) - y[0] - t) / (1 - 0.3 * math.cos(E))
        E -= step
        if abs(step) < 1e-13:
            break
    return [math.cos(E), y[1] * E]


def newton_with_a_limit(t, y):
    x, change, rounds = 1.0, 1.0, 0
    while abs(change) > 1e-14 and rounds < 50:
        change = (x**3 + x - y[0] - 3) / (3 * x**2 + 1)
        x, rounds = x - change, rounds + 1
    return [x, y[1] - x]


@pytest.mark.parametrize("fun", GUARDED + MERGED, ids=lambda f: f.__name__)
def test_like_python_without_asking_it(fun):
    agree(fun, N, states=random_states(N, 6))


@pytest.mark.parametrize("fun", [newton, newton_with_a_limit], ids=lambda f: f.__name__)
def test_loops_until_converged(fun):
    agree(fun, 2)
    differentiates(fun, 2)


@pytest.mark.parametrize("fun", GUARDED + MERGED, ids=lambda f: f.__name__)
def test_derivative(fun):
    differentiates(fun, N, h=1e-5, rtol=1e-6)


@pytest.mark.parametrize("fun", MERGED, ids=lambda f: f.__name__)
def test_nan_and_infinity_go_the_ways_they_go_in_python(fun):
    states = random_states(N, 6)
    for k, y in enumerate(states):
        y[k], y[-k - 1] = math.nan, (-1) ** k * math.inf
    agree(fun, N, states=states, plain=False)


def test_cost_grows_with_the_number_of_questions():
    def clamped(t, y):
        out = np.empty_like(y)
        for i in range(len(y)):
            u = y[i]
            if u < 0.0:
                u = 0.0
            elif u > 1.0:
                u = 1.0
            out[i] = 0.5 - u
        return out

    sizes = [len(traced(clamped, n)[0].program.nodes) for n in (20, 40)]
    assert sizes[1] < 2.1 * sizes[0]


def test_an_exception_on_one_way_is_left_to_python():
    def checked(t, y):
        for v in y:
            if v > 0.5:
                raise ValueError(f"{v} is too large")
        return [v if v > 0 else -v for v in y]

    states = random_states(N, 3)
    agree(checked, N, states=[np.minimum(y, 0.4) for y in states])
    agree(checked, N, states=states, plain=False)


def test_slow_convergence_is_left_to_python():
    def halves(t, y):
        x, rounds = y[0], 0
        while x > 1e-3:
            x, rounds = x / 2, rounds + 1
        return [rounds]

    quick, slow = [0.5], [1e-3 * 2.0 ** (MOST_ROUNDS + 3)]
    agree(halves, 1, states=[quick])
    agree(halves, 1, states=[quick, slow], plain=False, times=(0.0,))


def test_what_differs_and_is_used_is_followed_on_ways_of_its_own():
    def by_name(t, y):
        mode = "up" if y[0] > 0 else "down"
        values = [1.0, 2.0] if y[1] > 0 else [3.0]
        return np.array([{"up": 1.0, "down": -2.0}[mode], sum(values)])

    agree(by_name, 2)


def test_iterators_are_not_used_twice():
    def kept(t, y):
        values = iter(y)
        if y[0] > 0:
            first = next(values)
        else:
            first = next(values) * 2
        return [first, next(values), next(values, 9.0)]

    agree(kept, 3)

    def shared(t, y):
        total, odd = 0.0, 0.0
        for v in y:
            if v > 0:
                odd = v
                if v > 0.5:
                    break
            else:
                odd = -1.0
            total += v
        return [total, odd, 0.0, 0.0]

    agree(shared, 4)


def test_changes_on_one_way_are_not_seen_on_the_other():
    def swapped(t, y):
        rows = [[y[0], 1.0], [y[1], 2.0]]
        table = {"a": y[0], "b": 1.0}
        if rows[0][0] > 0:
            rows[0][1] = y[1]
            table["a"] = 3.0
        else:
            rows[1][0] += rows[0][1]
            table["b"] += table["a"]
        return [rows[0][0] * rows[0][1] + table["a"], rows[1][0] * rows[1][1] + table["b"]]

    agree(swapped, 2)


def test_lists_that_only_closures_and_iterators_hold():
    def held(t, y):
        def counter():
            counts = [0.0, 0.0]

            def count(x):
                if x > 0:
                    counts[0] += x
                else:
                    counts[1] -= 1
                return counts[0] + counts[1]

            return count

        count = counter()
        total = 0.0
        for row in [[y[0], 1.0], [y[1], 2.0]]:
            if row[0] > 0:
                row[1] = y[2]
            total += row[1]
        return [count(y[0]), count(y[1]), total + count(y[2])]

    agree(held, 3)


def test_an_alias_stays_an_alias():
    def aliased(t, y):
        if y[0] > 0:
            a = np.zeros(2)
            b = a
        else:
            a = np.ones(2)
            b = np.ones(2)
        b[0] = 5.0
        return a + y

    def of_old(t, y):
        old = np.zeros(2)
        a = old if y[0] > 0 else np.ones(2)
        old[0] = y[1]
        return a + y

    agree(aliased, 2)
    agree(of_old, 2)


def test_refused_where_even_the_ways_are_too_many():
    def filtered(t, y):
        return [sum([v for v in y if v > 0])] * 8

    assert refusal(filtered, 8) == "too-many-branches"


def test_an_array_that_may_be_of_ints_is_not_written_into():
    def truncated(t, y):
        d = np.array([0 if y[0] > 0 else y[0], 1])
        d[1] = 2.5
        return d

    def largest(t, y):
        d = np.array([max(y[0], 0) * 2, 1])
        d[1] = 2.5
        return d

    def not_written(t, y):
        return np.array([0 if y[0] > 0 else y[0], max(y[1], 0)]) * 2 + y

    assert traced(truncated, 2)
    agree(truncated, 2)
    assert refusal(largest, 2) == "dynamic-index"
    agree(not_written, 2)


def test_types_that_behave_differently_are_not_merged():
    def of_python_or_numpy(t, y):
        x = y[0] if y[0] > 0 else 0
        return [1.0 / x if y[1] > 0 else x]

    # 1.0 / 0 raises, 1.0 / numpy.float64(0) warns: either way Python is asked
    agree(lambda t, y: of_python_or_numpy(t, y) * 2, 2, plain=False)
    assert traced(of_python_or_numpy, 2)[0].program.output.dtype == FLOAT


def test_a_list_and_an_array_are_not_merged_where_a_builtin_takes_them():
    def of_either_kind(total, v):
        if v is None:
            return total * 2  # twice the list, or the doubled array
        if v > 0:
            return [v]
        return np.array([2 * v])

    def reduced(t, y):
        return functools.reduce(of_either_kind, [y[0], None], [0.0])

    states = [np.array([v, v]) for v in (0.4, -0.4)]
    agree(reduced, 2, states=states)
