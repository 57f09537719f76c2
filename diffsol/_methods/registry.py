"""The methods by number and name, with the traits that the rest of the package asks for.

Importing this module is cheap: the coefficients (whose checks take a moment) are read on demand
by `MethodTraits.table`. A test holds the traits and the tables together.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .rosenbrock import RosenbrockTable
    from .table import ButcherTable


@dataclass(frozen=True)
class MethodTraits:
    """What the rest of the package asks of a method.

    Attributes
    ----------
    id : the number that `ds_ivp_new` takes
    implicit : it solves systems with the Jacobian of the right-hand side
    starts_later : it does not call fun before its first step
    complex_states : it takes complex states
    array_rtol : it takes a relative tolerance for each component
    alternative_segment : SciPy's name for serving a breakpoint of dense output from the other side
    interpolant : SciPy's class of dense output, in `scipy.integrate._ivp`
    options : keyword arguments of SciPy's solver, in its order
    overhead : seconds that SciPy's solver spends on a trial step beyond the calls of fun (measured)
    """

    id: int
    name: str
    implicit: bool
    starts_later: bool
    complex_states: bool
    array_rtol: bool
    alternative_segment: bool
    interpolant: str
    options: tuple[str, ...]
    overhead: float

    @property
    def rhs_kind(self) -> str:
        """The kind of `Function` that its right-hand side is: whose results SciPy broadcasts, or not."""
        if self.starts_later:
            return "odepack"
        return "strict" if self.implicit else "rhs"  # finite differences do not broadcast


@dataclass(frozen=True)
class RungeKutta(MethodTraits):
    """An explicit Runge-Kutta method.

    Attributes
    ----------
    order, error_estimator_order : as SciPy's classes name them
    n_stages : stages of a step; K has one row more
    n_rows : rows of K with those that the interpolant needs
    dense_order : order of the interpolant
    n_dense : numbers per component that hold one interpolant
    dense_by_component : True when these lie together (SciPy's Q), False when F rows are states
    """

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


@dataclass(frozen=True)
class Rosenbrock:
    """A Rosenbrock method, which only ensembles have.

    Attributes
    ----------
    id : the number in `ds_ens.method`
    order, error_estimator_order, n_stages : as of a `RungeKutta`
    n_dense : numbers per component that hold one interpolant
    """

    id: int
    name: str
    order: int
    error_estimator_order: int
    n_stages: int
    n_dense: int

    @property
    def table(self) -> RosenbrockTable:
        """The checked coefficients."""
        return getattr(import_module("diffsol._methods.rosenbrock"), self.name.upper())


_COMMON = ("max_step", "rtol", "atol", "first_step")
_NEWTON = ("max_step", "rtol", "atol", "jac", "jac_sparsity", "first_step")
_BANDED = ("first_step", "min_step", "max_step", "rtol", "atol", "jac", "lband", "uband")
# implicit, starts_later, complex_states, array_rtol, alternative_segment
_EXPLICIT = (False, False, True, True, False)
_RADAU = (True, False, False, False, False)
_BDF = (True, False, True, False, True)
_LSODA = (True, True, False, True, True)
_QUICK, _SLOW, _LSODA_STEP = 10e-6, 60e-6, 25e-6  # overheads

EXPLICIT: dict[str, RungeKutta] = {
    traits.name: traits
    for traits in (
        RungeKutta(
            *(0, "RK23", *_EXPLICIT, "RkDenseOutput", _COMMON, _QUICK), *(3, 2, 3, 4, 3, 3, True)
        ),
        RungeKutta(
            *(1, "RK45", *_EXPLICIT, "RkDenseOutput", _COMMON, _QUICK), *(5, 4, 6, 7, 4, 4, True)
        ),
        RungeKutta(
            *(2, "DOP853", *_EXPLICIT, "Dop853DenseOutput", _COMMON, _QUICK),
            *(8, 7, 12, 16, 7, 7, False),
        ),
    )
}

METHODS: dict[str, MethodTraits] = {
    **EXPLICIT,
    "Radau": MethodTraits(3, "Radau", *_RADAU, "RadauDenseOutput", _NEWTON, _SLOW),
    "BDF": MethodTraits(4, "BDF", *_BDF, "BdfDenseOutput", _NEWTON, _SLOW),
    "LSODA": MethodTraits(5, "LSODA", *_LSODA, "LsodaDenseOutput", _BANDED, _LSODA_STEP),
}

ROSENBROCK: dict[str, Rosenbrock] = {"Rodas5P": Rosenbrock(6, "Rodas5P", 5, 4, 8, 4)}
