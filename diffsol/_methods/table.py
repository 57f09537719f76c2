"""Explicit Runge-Kutta tables that verify themselves when they are built.

Letters as in Hairer, Norsett, Wanner, *Solving ODEs I*: stage values
K_i = f(t + c_i h, y + h sum a_ij K_j), result y + h sum b_i K_i. All tables here are "first same as
last": the derivative at the result is one more row of K (index `n_stages`), is the first stage of
the next step, and may be used by the error estimates and the interpolant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from .trees import StageWeights, density, order_of, trees_of_order, trees_up_to

Row = tuple[Fraction, ...]


class TableError(ValueError):
    """A table breaks one of the conditions that it claims to satisfy."""


@dataclass(frozen=True)
class ErrorEstimate:
    """Weights E of one estimate h sum E_i K_i, which vanishes up to `order`.

    `bhat`, where it is given: weights of the formula whose difference from B the estimate is.
    """

    name: str
    order: int
    weights: Row
    bhat: Row = ()


@dataclass(frozen=True)
class ButcherTable:
    """One explicit method with its error estimates and its interpolant.

    Attributes
    ----------
    A : rows of the strictly lower triangular matrix, row i with i entries, `n_stages` rows
    B, C : weights and nodes, `n_stages` entries
    order : order of the result
    error_estimator_order : the step size control assumes an error of h**(this + 1)
    estimates : error estimates over `n_stages` + 1 rows of K
    A_extra, C_extra : further stages that only the interpolant uses (rows `n_stages` + 1 ...)
    P : interpolant; row r has the coefficients of x, x**2 ... with which K_r enters at t + x h
    D : the last rows of a nested interpolant (DOP853), from which P was expanded; else empty
    dense_order : order of the interpolant, uniformly in x
    tolerance : largest residual of a condition; 0 for rational coefficients
    """

    name: str
    source: str
    A: tuple[Row, ...]
    B: Row
    C: Row
    order: int
    error_estimator_order: int
    estimates: tuple[ErrorEstimate, ...]
    P: tuple[Row, ...]
    dense_order: int
    A_extra: tuple[Row, ...] = ()
    C_extra: Row = ()
    D: tuple[Row, ...] = ()
    tolerance: Fraction = Fraction(0)
    _phi: StageWeights = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check_shapes()
        object.__setattr__(self, "_phi", StageWeights(self.all_rows))
        self._check_row_sums()
        self._check_order("the result", self.result_weights, self.order)
        for estimate in self.estimates:
            self._check_vanishes(estimate)
        self._check_interpolant_ends()
        self._check_interpolant_order()

    @property
    def n_stages(self) -> int:
        return len(self.B)

    @property
    def n_rows(self) -> int:
        """Rows of K, those for the interpolant included."""
        return self.n_stages + 1 + len(self.A_extra)

    @property
    def all_rows(self) -> tuple[Row, ...]:
        """A with the result as one more stage and the interpolant's stages below."""
        return (*self.A, self.B, *self.A_extra)

    @property
    def all_nodes(self) -> Row:
        return (*self.C, Fraction(1), *self.C_extra)

    @property
    def result_weights(self) -> Row:
        return self._padded(self.B)

    def _padded(self, weights: Row) -> Row:
        return weights + (Fraction(0),) * (self.n_rows - len(weights))

    def _check_shapes(self) -> None:
        self._require(len(self.A) == len(self.C) == self.n_stages, "A, B, C have different lengths")
        self._require(len(self.A_extra) == len(self.C_extra), "A_extra, C_extra differ in length")
        for i, row in enumerate(self.all_rows):
            self._require(len(row) == i, f"row {i} of A has {len(row)} entries, not {i}")
        for estimate in self.estimates:
            self._require(
                len(estimate.weights) == self.n_stages + 1, f"{estimate.name} has a wrong length"
            )
        self._require(len(self.P) == self.n_rows, "P needs one row for each row of K")

    def _check_row_sums(self) -> None:
        for i, (row, c) in enumerate(zip(self.all_rows, self.all_nodes, strict=True)):
            self._require_small(sum(row, Fraction(0)) - c, f"row {i} of A does not sum to c_{i}")

    def _check_order(self, what: str, weights: Row, order: int) -> None:
        """Every condition up to `order` holds, and one of the next order does not."""
        for tree in trees_up_to(order):
            defect = self._weigh(weights, tree) - Fraction(1, density(tree))
            self._require_small(defect, f"{what} misses order {order_of(tree)} at tree {tree}")
        defects = [
            self._weigh(weights, t) - Fraction(1, density(t)) for t in trees_of_order(order + 1)
        ]
        self._require(self._any_large(defects), f"{what} has a higher order than {order}")

    def _check_vanishes(self, estimate: ErrorEstimate) -> None:
        """The estimate is blind to every term up to its order and sees one of the next."""
        weights = self._padded(estimate.weights)
        for tree in trees_up_to(estimate.order):
            self._require_small(
                self._weigh(weights, tree),
                f"{estimate.name} misses order {order_of(tree)} at tree {tree}",
            )
        seen = [self._weigh(weights, tree) for tree in trees_of_order(estimate.order + 1)]
        self._require(
            self._any_large(seen), f"{estimate.name} has a higher order than {estimate.order}"
        )

    def _check_interpolant_ends(self) -> None:
        """The interpolant meets y and f at both ends of the step."""
        for r, row in enumerate(self.P):
            slope = sum((i * p for i, p in enumerate(row, start=1)), Fraction(0))
            self._require_small(row[0] - (r == 0), f"interpolant: slope at the start, row {r}")
            self._require_small(
                sum(row, Fraction(0)) - self.result_weights[r], f"interpolant: end, row {r}"
            )
            self._require_small(
                slope - (r == self.n_stages), f"interpolant: slope at the end, row {r}"
            )

    def _check_interpolant_order(self) -> None:
        """sum_r b_r(x) Phi_r = x**rho / gamma as polynomials in x."""
        for tree in trees_up_to(self.dense_order):
            for power, column in enumerate(zip(*self.P, strict=True), start=1):
                wanted = Fraction(power == order_of(tree), density(tree))
                self._require_small(
                    self._weigh(column, tree) - wanted,
                    f"interpolant misses tree {tree} at x**{power}",
                )

    def _weigh(self, weights: Sequence[Fraction], tree: tuple) -> Fraction:
        return sum((w * p for w, p in zip(weights, self._phi(tree), strict=True) if w), Fraction(0))

    def _any_large(self, defects: Sequence[Fraction]) -> bool:
        # A true defect is a rational of moderate size; rounding of the published digits is not.
        return any(abs(d) > max(self.tolerance, Fraction(1, 10**12)) for d in defects)

    def _require_small(self, defect: Fraction, message: str) -> None:
        self._require(abs(defect) <= self.tolerance, f"{message} (by {float(defect):.3e})")

    def _require(self, holds: bool, message: str) -> None:
        if not holds:
            raise TableError(f"{self.name}: {message}")
