"""Tables hold SciPy's numbers and refuse one wrong digit."""

from dataclasses import fields, replace
from fractions import Fraction

import numpy as np
import pytest
import scipy.integrate

from diffsol._methods.registry import EXPLICIT
from diffsol._methods.table import ErrorEstimate, TableError
from diffsol._methods.trees import density, order_of, trees_of_order

TABLES = [traits.table for traits in EXPLICIT.values()]


def named(table):
    return table.name


def floats(row):
    return [float(x) for x in row]


def lower(rows, width):
    return np.array([floats(row) + [0.0] * (width - len(row)) for row in rows])


def test_trees_are_as_many_as_the_literature_says():
    # Hairer, Norsett, Wanner I, table II.2.2
    assert [len(trees_of_order(p)) for p in range(1, 9)] == [1, 1, 2, 4, 9, 20, 48, 115]


def test_density_of_known_trees():
    leaf = ()
    assert [density(t) for t in (leaf, (leaf,), (leaf, leaf), ((leaf,),))] == [1, 2, 3, 6]
    assert order_of(((leaf, leaf), leaf)) == 5


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_coefficients_are_scipys_to_the_last_bit(table):
    theirs = getattr(scipy.integrate, table.name)
    s = table.n_stages
    np.testing.assert_array_equal(lower(table.A, s)[:, : theirs.A.shape[1]], theirs.A)
    np.testing.assert_array_equal(floats(table.B), theirs.B)
    np.testing.assert_array_equal(floats(table.C), theirs.C)
    for estimate in table.estimates:
        np.testing.assert_array_equal(floats(estimate.weights), getattr(theirs, estimate.name))
    if table.D:
        np.testing.assert_array_equal([floats(row) for row in table.D], theirs.D)
        np.testing.assert_array_equal(lower(table.A_extra, table.n_rows), theirs.A_EXTRA)
        np.testing.assert_array_equal(floats(table.C_extra), theirs.C_EXTRA)
    else:
        np.testing.assert_array_equal([floats(row) for row in table.P], theirs.P)


def changed(value):
    """`value` with its first nonzero number a little larger."""
    if isinstance(value, Fraction):
        return value * (1 + Fraction(1, 10**6))
    if isinstance(value, ErrorEstimate):
        return replace(value, weights=changed(value.weights))
    items = list(value)
    for i, item in enumerate(items):
        has_number = any(item) if isinstance(item, tuple) else bool(item)
        if has_number:
            items[i] = changed(item)
            return tuple(items)
    raise AssertionError("nothing to change")


@pytest.mark.parametrize("table", TABLES, ids=named)
@pytest.mark.parametrize("what", ["A", "B", "C", "estimates", "P", "A_extra", "C_extra"])
def test_one_wrong_coefficient_is_refused(table, what):
    if not getattr(table, what):
        pytest.skip("this method has none")
    with pytest.raises(TableError, match=table.name):
        replace(table, **{what: changed(getattr(table, what))})


@pytest.mark.parametrize("table", TABLES, ids=named)
@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize("claim", ["order", "estimates", "dense_order"])
def test_wrong_order_claims_are_refused(table, claim, by):
    if claim == "dense_order" and by < 0:
        pytest.skip("an interpolant may be better than it claims")
    wrong = getattr(table, claim)
    if claim == "estimates":
        wrong = (replace(wrong[0], order=wrong[0].order + by), *wrong[1:])
    else:
        wrong += by
    with pytest.raises(TableError, match=r"order|misses"):
        replace(table, **{claim: wrong})


def test_wrong_shapes_are_refused():
    table = EXPLICIT["RK23"].table
    with pytest.raises(TableError, match="lengths"):
        replace(table, C=table.C[:-1])
    with pytest.raises(TableError, match="row 1"):
        replace(table, A=(table.A[0], (), table.A[2]))


def test_init_fields_are_kept_by_replace():
    table = EXPLICIT["RK45"].table
    again = replace(table)
    assert all(getattr(again, f.name) == getattr(table, f.name) for f in fields(table) if f.init)


@pytest.mark.parametrize("traits", EXPLICIT.values(), ids=named)
def test_traits_are_those_of_the_table(traits):
    table = traits.table
    theirs = getattr(scipy.integrate, traits.name)
    assert (traits.order, traits.error_estimator_order, traits.n_stages) == (
        theirs.order,
        theirs.error_estimator_order,
        theirs.n_stages,
    )
    assert (table.order, table.error_estimator_order) == (
        traits.order,
        traits.error_estimator_order,
    )
    assert (table.n_stages, table.n_rows) == (traits.n_stages, traits.n_rows)
    assert (table.dense_order, len(table.P[0])) == (traits.dense_order, traits.n_dense)
    assert traits.dense_by_component == (not table.D)
    assert traits.error_exponent == -1 / (theirs.error_estimator_order + 1)
