"""Rosenbrock tables refuse one wrong digit; tests/ensemble/test_stiff.py measures the orders."""

from dataclasses import replace

import pytest

from diffsol._methods.registry import ROSENBROCK
from diffsol._methods.table import TableError

from .test_tables import changed, named

TABLES = [traits.table for traits in ROSENBROCK.values()]


@pytest.mark.parametrize("table", TABLES, ids=named)
@pytest.mark.parametrize("what", ["gamma", "A", "C", "nodes", "D", "M", "E", "H"])
def test_one_wrong_coefficient_is_refused(table, what):
    with pytest.raises(TableError, match=table.name):
        replace(table, **{what: changed(getattr(table, what))})


@pytest.mark.parametrize("table", TABLES, ids=named)
@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize("claim", ["order", "error_estimator_order"])
def test_wrong_order_claims_are_refused(table, claim, by):
    with pytest.raises(TableError, match=r"order|misses"):
        replace(table, **{claim: getattr(table, claim) + by})


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_a_better_interpolant_is_not_claimed(table):
    with pytest.raises(TableError, match="interpolant"):
        replace(table, dense_order=table.dense_order + 1)


@pytest.mark.parametrize("traits", ROSENBROCK.values(), ids=named)
def test_traits_are_those_of_the_table(traits):
    from diffsol._native._core import lib

    table = traits.table
    assert (traits.order, traits.error_estimator_order) == (
        table.order,
        table.error_estimator_order,
    )
    assert (traits.n_stages, traits.n_dense) == (table.n_stages, len(table.H) + 1)
    assert traits.id == getattr(lib, f"DS_{traits.name.upper()}")
