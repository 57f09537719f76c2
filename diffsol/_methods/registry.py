"""The methods by number and name, with the traits that the rest of the package asks for.

Importing this module is cheap: the coefficients (whose checks take a moment) are read on demand
by `MethodTraits.table`. A test holds the traits and the tables together.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .table import ButcherTable


@dataclass(frozen=True)
class MethodTraits:
    """What a method is.

    Attributes
    ----------
    id : the number that `ds_ivp_new` takes
    order, error_estimator_order : as SciPy's classes name them
    n_stages : stages of a step; K has one row more
    n_rows : rows of K with those that the interpolant needs
    dense_order : order of the interpolant
    n_dense : numbers per component that hold one interpolant
    dense_by_component : True when these lie together (SciPy's Q), False when F rows are states
    """

    id: int
    name: str
    order: int
    error_estimator_order: int
    n_stages: int
    n_rows: int
    dense_order: int
    n_dense: int
    dense_by_component: bool

    @property
    def extra_stages(self) -> int:
        """Evaluations that an interpolant costs."""
        return self.n_rows - self.n_stages - 1

    @property
    def error_exponent(self) -> float:
        return -1 / (self.error_estimator_order + 1)

    @property
    def table(self) -> ButcherTable:
        """The checked coefficients."""
        return getattr(import_module("diffsol._methods.erk"), self.name)


METHODS: dict[str, MethodTraits] = {
    traits.name: traits
    for traits in (
        MethodTraits(0, "RK23", 3, 2, 3, 4, 3, 3, True),
        MethodTraits(1, "RK45", 5, 4, 6, 7, 4, 4, True),
        MethodTraits(2, "DOP853", 8, 7, 12, 16, 7, 7, False),
    )
}
