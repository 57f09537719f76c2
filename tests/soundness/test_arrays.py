"""Aliasing, views, layouts, and storage that is written element by element."""

import numpy as np
import pytest

from soundness.sides import assert_same, attacks

attack, CASES = attacks()
SIX = {"y0": [1.0, 0.5, -0.3, 0.2, 0.7, -1.1], "t_span": (0, 0.5)}
TABLE = np.array([[1.0, -2.0], [0.5, 3.0], [0.2, -0.1]])


@pytest.mark.parametrize("make", CASES, ids=lambda f: f.__name__)
def test_like_scipy(make, monkeypatch):
    assert_same(make, monkeypatch)


def pure(f):
    """An attack that needs no world: six states."""

    def make():
        return f, SIX

    make.__name__ = f.__name__
    return attack(make)


@pure
def one_array_under_two_names(t, y):
    a = b = np.zeros(6)
    a[0] = y[1]
    b[1:3] = -y[1:3]
    a *= 2
    return b


@pure
def copy_under_two_names(t, y):
    d = y.copy()
    e = d
    d *= -1
    e[0] += d[1]
    return d


@pure
def view_of_a_reversed_view(t, y):
    d = np.zeros(6)
    r = d[::-1]
    r[::2] = y[:3]
    r[1::2][::-1] = y[3:]
    return d


@pure
def transposed_writes(t, y):
    d = np.zeros((2, 3))
    d.T[:] = y.reshape(3, 2)
    d.T[0, 1] = y[0]
    d.T[1] += d.T[0]
    return d.ravel() * -1


@pure
def write_through_the_ravel_of_a_transpose(t, y):
    d = np.zeros((2, 3))
    d.T.ravel()[0] = 5.0  # a copy
    d.ravel()[1] = y[0]  # a view
    return d.ravel()


@pure
def ravel_of_a_product_in_fortran_order(t, y):
    d = y.reshape(2, 3).T * 2.0  # NumPy keeps the order of its operands
    d.ravel()[0] = 5.0  # so this is a copy
    return d.ravel() * -1


@pure
def ravel_kept_before_a_write_in_fortran_order(t, y):
    d = y.reshape(2, 3).T * 2.0
    flat = d.reshape(-1)
    d[0, 1] = 7.0
    return -flat


@pure
def ravel_of_zeros_like_a_transpose(t, y):
    d = np.zeros_like(y.reshape(2, 3).T)
    d.ravel()[:] = y
    return d.ravel() + 1


@pure
def ravel_of_a_copy_that_keeps_the_order(t, y):
    d = np.copy(y.reshape(2, 3).T)
    d.reshape(6)[0] = 4.0
    return d.ravel()


@pure
def ravel_of_an_array_that_keeps_the_order(t, y):
    d = np.array(y.reshape(2, 3).T)
    d.reshape(6)[0] = 4.0
    return d.ravel()


@pure
def ravel_of_a_copy_in_c_order(t, y):
    d = y.reshape(2, 3).T.copy()
    d.reshape(6)[0] = 4.0
    return d.ravel()


@pure
def ravel_of_a_fancy_selection(t, y):
    d = y.reshape(2, 3)[:, [2, 0, 1]]
    d.ravel()[0] = 4.0
    return d.ravel()


@pure
def ravel_of_a_table_in_fortran_order(t, y):
    d = np.asfortranarray(TABLE) * 1.0 if t < -1 else FORTRAN * y[0]
    d.ravel()[0] = 4.0
    return d.ravel()


FORTRAN = np.asfortranarray(TABLE)


@pure
def ravel_of_a_sum_in_fortran_order(t, y):
    d = np.sum(np.ones((2, 1, 1)) * y.reshape(3, 2).T[:, :, None].T, axis=0)
    d.ravel()[0] = 4.0
    return np.resize(d.ravel(), 6) if t < -1 else np.tile(d.ravel(), 2)[:6] * 1.0


@pure
def ravel_of_a_concatenation_in_fortran_order(t, y):
    a = y.reshape(2, 3).T
    d = np.concatenate([a[:1], a[1:]])
    d.ravel()[0] = 4.0
    return d.ravel()


@pure
def ravel_of_a_choice_in_fortran_order(t, y):
    a = y.reshape(2, 3).T
    d = np.where(a > 0, a, -a)
    d.ravel()[0] = 4.0
    return d.ravel()


@pure
def ravel_of_astype_in_fortran_order(t, y):
    d = y.reshape(2, 3).T.astype(float)
    d.ravel()[0] = 4.0
    return d.ravel()


@pure
def ascontiguousarray_of_fortran_order(t, y):
    d = y.reshape(2, 3).T * 1.0
    e = np.ascontiguousarray(d)
    e[0, 0] = 9.0
    return d.ravel()


@pure
def asarray_in_c_order(t, y):
    d = np.zeros((2, 3))
    e = np.asarray(d.T, order="C")
    e[0, 0] = 9.0
    return d.ravel() - y


@pure
def ravel_of_outer(t, y):
    d = np.outer(y[:2], y[:3])
    d.ravel()[0] = 4.0
    return d.ravel()


@pure
def rows_swapped_as_views(t, y):
    a = y.reshape(2, 3) * 1.0
    a[0], a[1] = a[1], a[0]
    return a.ravel()


@pure
def elements_swapped(t, y):
    a = y * 1.0
    a[0], a[1] = a[1], a[0]
    a[[2, 3]] = a[[3, 2]]
    return a


@pure
def overlapping_slices(t, y):
    a = y * 1.0
    a[1:] = a[:-1]
    a[:-1] += a[1:]
    a[::-1] -= a
    return a


@pure
def slices_read_between_element_writes(t, y):
    d = np.zeros(6)
    total = 0.0
    for i in range(6):
        d[i] = y[i] * (i + 1)
        total = total + np.sum(d[: i + 1])
        d[-1 - i] += total
    return d


@pure
def negative_and_duplicate_indices(t, y):
    d = np.zeros(6)
    d[-1] = y[0]
    d[5] += y[1]
    d[[0, 0, -6]] = y[1:4]
    d[[1, 1]] += y[4]
    return d


@pure
def element_writes_seen_through_a_view(t, y):
    d = np.zeros(6)
    tail = d[3:]
    for i in range(6):
        d[i] = y[5 - i]
    tail[0] = 9.0
    d[3] += 1.0
    tail *= 2.0
    return d


@pure
def writes_of_two_arrays_in_turns(t, y):
    a, b = np.zeros(6), np.ones(6)
    for i in range(6):
        a[i] = b[i] * y[i]
        b[(i + 1) % 6] = a[i]
    return a + b


@pure
def array_written_to_an_element(t, y):
    d = np.zeros(6)
    d[0] = y[:1] * 2  # an array of one element
    return d


@pure
def arrays_of_no_dimensions(t, y):
    a = np.array(y[0])
    b = a
    b += 1
    b[...] = b * 2
    c = a[()]
    a[()] = 5.0
    return -y * c - b


@pure
def diagonal_is_read_only(t, y):
    d = np.eye(2)
    np.diagonal(d)[0] = 3.0
    return y


@pure
def broadcast_view_is_read_only(t, y):
    d = np.broadcast_to(y, (2, 6))
    d += 1
    return d[0]


@pure
def integers_take_floats(t, y):
    d = np.zeros(6, dtype=int)
    d[:] = y * 3
    d[0] = 2.9
    d[1] = -y[0] * 5
    return d * 0.01


@pure
def in_place_cast_is_refused(t, y):
    d = np.arange(6)
    d += y
    return d


@pure
def truth_values_are_assigned(t, y):
    d = np.zeros(6, dtype=bool)
    d[:3] = y[:3]
    d[4] = y[0] > 0.5
    return d


@pure
def truth_values_added(t, y):
    m = y > 0
    return m + m


@pure
def truth_values_subtracted(t, y):
    m = y > 0
    return m - m


@pure
def sum_of_truth_values(t, y):
    return y * (np.sum(y > 0) // 2 + (y > 0).mean())


@pure
def list_holds_views(t, y):
    d = np.zeros((2, 3))
    rows = [d[0], d[1]]
    rows[0][:] = y[:3]
    rows[1] += 2.0
    rows[1] = y[3:]  # only the list
    return d.ravel()


@pure
def splits_are_views(t, y):
    d = y * 1.0
    a, b = d.reshape(2, 3)
    a += b
    for row in d.reshape(3, 2):
        row[0] = row[1]
    return d


@pure
def compared_with_none(t, y):
    if y == None:  # noqa: E711
        return y
    return -y


@pure
def compared_with_text(t, y):
    if y != "none":
        return y
    return -y


@pure
def compared_with_a_dict(t, y):
    return y * (1.0 if np.size(y == {}) == 6 else 2.0)


@pure
def element_compared_with_none(t, y):
    return y if y[0] == None else -y  # noqa: E711


@pure
def membership(t, y):
    return y * (0.5 in y) + (1 in [y[0], 1])


@pure
def truth_of_an_array(t, y):
    return y if y else -y


@pure
def fancy_result_is_a_copy(t, y):
    d = y * 1.0
    e = d[[0, 1, 2]]
    e += 100.0
    d[np.array([True, False] * 3)] *= 2
    return d


@pure
def returned_the_state(t, y):
    return y


@pure
def returned_a_view_of_the_state(t, y):
    return y[::-1]


@pure
def returned_a_generator(t, y):
    return (-x for x in y)


@pure
def returned_values_of_a_dict(t, y):
    return {"a": y[0], "b": y[1]}.values()


@pure
def returned_a_dict(t, y):
    return {0: y}


@pure
def returned_too_few(t, y):
    return y[:5]


@pure
def returned_a_matrix(t, y):
    return np.outer(y, y)


@pure
def returned_a_column(t, y):
    return y[:, None]


@pure
def returned_text(t, y):
    return ["1.0"] * 6


@pure
def returned_ragged(t, y):
    return [y[:2], y[2:]]


@pure
def state_negated_in_place(t, y):
    d = y
    d *= -1
    return d


@pure
def state_clamped_in_place(t, y):
    np.clip(y, 0, None, out=y)
    return -y


@pure
def state_clamped_by_mask(t, y):
    y[y < 0] = 0.0
    return -y


def outside(kind, name):
    """A function that multiplies by an array from outside of an unusual kind."""

    def make():
        w = kind(np.array([1.0, -2.0, 0.5, 3.0, 0.2, -0.1]))

        def f(t, y):
            return np.asarray(y * w, dtype=float).ravel()

        return f, SIX

    make.__name__ = name
    attack(make)


outside(lambda w: w[::-1], "reversed")
outside(lambda w: np.repeat(w, 2)[::2], "strided")
outside(lambda w: w.astype(">f8"), "swapped_bytes")
outside(lambda w: w.astype(np.float32), "single")
outside(lambda w: w.astype(np.int8), "small_integers")
outside(lambda w: w.astype(object), "objects")
outside(lambda w: w > 0, "truths")
outside(np.asmatrix, "matrix")
outside(lambda w: np.ma.masked_less(w, 0), "masked")
outside(lambda w: w.astype([("a", float)])["a"], "field")
outside(lambda w: w.view(np.recarray), "recarray")
outside(lambda w: np.lib.stride_tricks.as_strided(w, (6,), (0,)), "stride_of_zero")
outside(lambda w: np.float32(2.0), "single_number")
outside(lambda w: np.longdouble(2.0), "long_number")
outside(lambda w: list(w), "list")
outside(lambda w: tuple(w), "tuple")
outside(lambda w: {0: 1.0}, "dict")
outside(lambda w: None, "none")
outside(lambda w: "2", "text")


class Number:
    """Converts to all that one can ask for, and counts."""

    def __init__(self):
        self.asked = []

    def __float__(self):
        self.asked.append("float")
        return 2.0

    def __index__(self):
        self.asked.append("index")
        return 1

    def __array__(self, dtype=None, copy=None):
        self.asked.append("array")
        return np.array(2.0)

    def __mul__(self, other):
        self.asked.append("mul")
        return 3.0 * other

    __rmul__ = __mul__

    def __lt__(self, other):
        self.asked.append("lt")
        return True

    def __hash__(self):
        self.asked.append("hash")
        return 1

    def __eq__(self, other):
        self.asked.append("eq")
        return False


def asks(f):
    def make():
        n = Number()
        return (lambda t, y: f(y, n)), SIX, lambda: n.asked

    make.__name__ = f"object_{f.__name__}"
    return attack(make)


asks.__test__ = False


@asks
def multiplied(y, n):
    return n * y


@asks
def multiplied_from_the_right(y, n):
    return -(y[0] * n * y)


@asks
def made_a_float(y, n):
    return y * float(n)


@asks
def used_as_an_index(y, n):
    return y * y[n]


@asks
def made_an_array(y, n):
    return y * np.asarray(n)


@asks
def used_as_a_size(y, n):
    return y * np.sum(np.ones(n))


@asks
def compared(y, n):
    return -y if n < y[0] else y


@asks
def equal(y, n):
    return -y if n == 2 else y


@asks
def used_as_a_key(y, n):
    return y * {1: 2.0}.get(n, 3.0)


@asks
def looked_for(y, n):
    return y * (n in [1, 2])


@asks
def the_greater(y, n):
    return y * max(n, 1.0)
