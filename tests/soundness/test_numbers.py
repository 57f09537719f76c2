"""Python's numbers against NumPy's: errors, warnings, integers, text, and the truth of things."""

import math

import numpy as np
import pytest

from soundness.sides import assert_same, attacks

attack, CASES = attacks()
LEFT, WHOLE = np.array([1, 10, 3]), 7


@pytest.mark.parametrize("make", CASES, ids=lambda f: f.__name__)
def test_like_scipy(make, monkeypatch):
    assert_same(make, monkeypatch)


def pure(f, *args, **options):
    def make():
        return f, {"t_span": (0, 1), "args": args or None, **options}

    make.__name__ = f.__name__
    return attack(make)


def given(*args, **options):
    return lambda f: pure(f, *args, **options)


# --- division, powers, domains ---------------------------------------------------------------------------


@pure
def python_zero_division(t, y):
    return [1.0 / float(y[0] > 2) * y[0], y[1]]


@pure
def python_zero_division_of_time(t, y):
    return [1.0 / t, y[1]]


@pure
def numpy_zero_division(t, y):
    return [1.0 / np.float64(t) * 0 + y[0], y[1]] if t > 0 else y / np.where(y > 0, 1.0, 0.0)


@pure
def numpy_zero_division_warns_each_time(t, y):
    return np.where(np.isfinite(y[0] / (0.0 * y)), 0.0, -y)


@pure
def zero_to_a_negative_power(t, y):
    return [float(t) ** -1 * 0, -y[0]]


@pure
def numpy_zero_to_a_negative_power(t, y):
    return [np.minimum(np.float64(t) ** -1.0, 1.0), -y[0]]


@pure
def negative_to_a_fractional_power(t, y):
    return [((-float(y[0])) ** 0.5).imag, -y[1]]


@pure
def numpy_negative_to_a_fractional_power(t, y):
    return np.nan_to_num((-y) ** 0.5) - y if t > 2 else np.where(y > 9, (-y) ** 0.5, -y)


@pure
def root_outside_of_its_domain(t, y):
    return [math.sqrt(y[1] - t), -y[1]]


@pure
def logarithm_of_zero(t, y):
    return [math.log(t), 0.0]


@pure
def overflow_of_exp(t, y):
    return [math.exp(1000 * t) * 0, -y[1]]


@pure
def numpy_overflow_of_exp(t, y):
    return [1 / np.exp(2000 * y[0]), -y[1]]


@pure
def overflow_of_a_power(t, y):
    return [10.0 ** (400 * float(t)) * 0, -y[1]]


@pure
def overflow_of_constants(t, y):
    return y * (0.0 if t < 2 else 10.0**400)


@pure
def overflow_of_a_constant_each_time(t, y):
    return -y * (np.float64(1e300) * 1e300 > 0)


@pure
def remainder_by_zero(t, y):
    return [float(y[0]) % (1.0 - math.ceil(t)), 0.0]


@pure
def caught_zero_division(t, y):
    try:
        k = 1 / float(t)
    except ZeroDivisionError:
        k = 1.0
    finally:
        c = 0.5
    return -y * min(k, c)


@pure
def raised_from(t, y):
    try:
        if y[0] > 1.5:
            raise KeyError("a")
    except KeyError as error:
        raise ValueError("b") from error
    return y


@pure
def asserted(t, y):
    assert y[0] < 1.5, f"too large: {float(y[0]) > 1.5}"
    return y


@pure
def errors_told_inside(t, y):
    with np.errstate(all="raise"):
        return y * 1e-200 * 1e-200


@pure
def underflow_told_inside(t, y):
    with np.errstate(under="warn"):
        return y * np.float64(1e-200) ** 2


@pure
def errors_ignored_inside(t, y):
    with np.errstate(all="ignore"):
        return np.where(y > 0, -y, 1 / (y * 0))


# --- integers --------------------------------------------------------------------------------------------


@pure
def numpy_integer_division_by_zero(t, y):
    return [np.int64(y[0]) // np.int64(t * 0), -y[1]]


@pure
def numpy_integer_remainder_by_zero(t, y):
    return [np.int64(5) % np.int64(y[1]), -y[1]]


@pure
def integer_arrays_divided_by_zero(t, y):
    k = (y * 3).astype(int)
    return (k // (k * 0)) * y


@pure
def smallest_integer_divided(t, y):
    k = (y * 0).astype(int) - 2**63
    return (k // ((y * 0).astype(int) - 1)) * 1e-20


@pure
def numpy_integer_overflow(t, y):
    k = np.int64(y[0] * 3) + np.int64(2**62)
    return [k * np.int64(4) * 1e-20, -y[1]]


@pure
def integer_array_overflow(t, y):
    k = (y * 3).astype(int) + 2**62
    return k * 4 * 1e-20


@pure
def python_integers_have_no_end(t, y):
    k = int(y[0] * 10) * 2**40
    return [float(k * 2**40 % 1000003) * 1e-6, 0.0]


@pure
def constant_python_integers_have_no_end(t, y):
    k = int(LEFT[1]) ** 20
    return -y * (k / 1e20)


@pure
def products_of_constant_python_integers(t, y):
    k = int(LEFT[1]) * 2**62
    return -y * (k * 1e-20)


@pure
def conversion_of_what_is_too_large(t, y):
    return [int(1e19 * (1 + t)) * 1e-19, 0.0]


@pure
def conversion_of_nan(t, y):
    return [int(np.nan * t) * 0.0, 0.0] if t > 0.5 else -y


@pure
def rounding_of_halves(t, y):
    return [round(0.5 + int(3 * t)) - round(float(t) * 2 + 0.5), round(2.5) - y[1]]


@pure
def huge_index(t, y):
    return [y[int(1e17 * t)], 0.0]


@pure
def negative_index(t, y):
    return [y[-int(2 + t)], y[int(-t) - 1]]


@pure
def index_of_a_list(t, y):
    return [[0.5, 1.0, 2.0][int(4 * t)], 0.0]


@given(3)
def big_integer_argument(t, y, n):
    return -y * (n**40 % 7)


@given(2**60)
def large_integer_argument(t, y, n):
    return -y * n * 2.0**-60


@given(10**400)
def too_large_integer_argument(t, y, n):
    return -y * n


@given(0)
def division_by_an_integer_argument(t, y, n):
    return [t / n, y[1]]


@given(np.int64(2))
def numpy_integer_argument(t, y, n):
    return -y * n**-1


@given(True)
def truth_as_a_number(t, y, on):
    return -y * (on + on) - ~on


@given()
def truth_of_a_state_as_a_number(t, y):
    return -y * (2.5 + ~bool(y[0] > 0.5))


@given()
def truth_of_the_time_as_a_number(t, y):
    return -y * (2.5 + ~(float(t) > 0.5))


@given(1, 1.0)
def equal_arguments(t, y, a, b):
    return -y * ((a is b) + 1) * (1 if isinstance(b, int) else 2)


# --- text, keys, sets ------------------------------------------------------------------------------------


@given(3)
def integer_in_text(t, y, n):
    return -y * {"k3": 2.0}.get("k%s" % n, 1.0)  # noqa: UP031


@given(3)
def integer_in_text_with_repr(t, y, n):
    return -y * {"k3-3": 2.0}.get("k%r-%d" % (n, n), 1.0)  # noqa: UP031


@given(3)
def integer_in_text_by_str(t, y, n):
    return -y * {"[3]": 2.0}.get(str([n]), 1.0) * {"{1: 3}": 3.0}.get(str({1: n}), 1.0)


@given(3)
def integer_in_text_by_format(t, y, n):
    return -y * {"3": 2.0}.get(f"{n}", 1.0) * {"3": 3.0}.get(f"{n}", 1.0)


@given(0.5)
def number_in_text(t, y, k):
    return -y * {"0.5": 2.0}.get("%g" % k, 1.0) * {"0.5": 2.0}.get(f"{k}", 1.0)  # noqa: UP031


@pure
def state_in_text(t, y):
    return -y * {"1.0": 2.0}.get("%r" % float(y[0]), 1.0)  # noqa: UP031


@pure
def length_of_text_of_the_state(t, y):
    return -y * len(str({"a": y[0] > 0.2})) * 0.1


@pure
def length_of_text_of_a_list(t, y):
    return -y * len(repr([y[0] > 0.2])) * 0.1


@pure
def length_of_text_with_a_tuple(t, y):
    return -y * len("%s" % (y[0] > 0.2,)) * 0.1  # noqa: UP031


@pure
def hash_of_the_state(t, y):
    return -y * (hash(y[0] > 0.2) + 1)


@pure
def set_of_the_state(t, y):
    return -y * len({float(y[0]), float(y[1]), 0.25})


@pure
def dict_of_the_state(t, y):
    return -y * {float(x): i for i, x in enumerate(y)}[float(y[1])]


@pure
def key_of_time(t, y):
    return -y * {0.0: 2.0}.get(t, 1.0)


@pure
def sorted_state(t, y):
    a, *rest = sorted([y[0], y[1], 0.5 - t], reverse=False)
    return [a, -rest[-1]]


@pure
def sorted_by_a_key(t, y):
    return sorted(y, key=lambda x: -x)


@pure
def identity_of_elements(t, y):
    return -y if y[0] is y[0] else y


@pure
def type_of_time(t, y):
    return -y * (2.0 if type(t) is float else 1.0)


@pure
def nan_in_comparisons(t, y):
    x = np.nan * y[0]
    return [float(x == x) - y[0], max(x, 1.0) == 1.0]


@pure
def chained_comparisons(t, y):
    return -y if 0.2 < y[0] <= 1 != t else [0.5, 0.1]


@pure
def logic_of_numbers(t, y):
    return [(y[0] and t) or -1.0, not y[1]]


@pure
def switch_by_match(t, y):
    match int(3 * t):
        case 0:
            k = 1.0
        case 1 | 2:
            k = 2.0
        case _:
            k = 3.0
    return -k * y


@pure
def walrus_and_stars(t, y):
    if (k := y[0] + t) > 1.2:
        y = [*y[:1], *(-x for x in y[1:])]
    return [k * -y[0], *y[1:]]


@pure
def deep_recursion(t, y):
    def down(n):
        return down(n - 1) if n else 1.0

    return -y * down(200)


@pure
def shallow_recursion(t, y):
    def down(n):
        return 0.5 * down(n - 1) + 0.1 if n else 1.0

    return -y * down(6)


@pure
def generator_that_sends(t, y):
    def g():
        x = yield 1.0
        yield x * 2

    it = g()
    next(it)
    return -y * it.send(y[0])


@pure
def generator_with_finally(t, y):
    def g():
        try:
            yield from y
        finally:
            pass

    return [-x for x in g()]


@pure
def iterators_of_the_function(t, y):
    it = iter(y)
    a = next(it)
    return [-a * next(it, 5.0), next(it, 0.5)]


@pure
def deleted_names(t, y):
    k = 2.0
    del k
    return -y * k  # noqa: F821


@pure
def loop_with_else(t, y):
    for x in y:
        if x > 1.0:
            break
    else:
        return -y
    return [0.3, 0.3]


@pure
def loop_until_converged(t, y):
    x, n = 1.0, 0
    while abs(x * x - 1 - t) > 1e-3 and n < 4:
        x, n = 0.5 * (x + (1 + t) / x), n + 1
    return -x * y


# --- complex states --------------------------------------------------------------------------------------


@given(y0=[1 + 1j, 0.5j])
def complex_comparison(t, y):
    return -y if y[0] > 0.5 else 1j * y


@given(y0=[1 + 1j, 0.5j])
def complex_to_float(t, y):
    return -y * float(y[0])


@given(y0=[1 + 1j, 0.5j])
def complex_parts(t, y):
    z = y * 1.0
    z.real = 0.5
    return -z


@given(y0=[1 + 1j, 0.5j])
def complex_division(t, y):
    return -y / (y[0] * y[0].conjugate()) + y**2 - abs(y)


@given(y0=[1 + 1j, 0.5j])
def complex_python_zero_division(t, y):
    return -y * (1 / complex(t))


@given(y0=[1.0, 0.5])
def complex_by_accident(t, y):
    return [1j * y[0], y[1]]


# --- values that go nowhere: NumPy warns and raises all the same -----------------------------------


@pure
def unused_singular_solve(t, y):
    m = np.array([[y[0], 2 * y[0]], [3 * y[0], 6 * y[0]]]) * 0.1
    if t > 0.5:
        np.linalg.solve(m, y)
    return -y


@pure
def unused_logarithm(t, y):
    aux = {"r": np.log(-y)}
    return -y * len(aux)


@pure
def unused_quotient(t, y):
    z = 1 / np.floor(y * 0)
    del z
    return -y


@pure
def overwritten_quotient(t, y):
    d = 1.0 / (y - y)
    d[:] = -y
    return d


@pure
def sums_of_truths(t, y):
    return [-y[0] * ((y[0] > 0) + (y[0] > 0.5)), -y[1] * ((y > 0) * (y > 0.2)).sum()]


@pure
def convolution_with_a_hole(t, y):
    return np.nan_to_num(np.convolve(y, [1.0, np.nan], "full"))[:2] - y
