"""Rosenbrock methods: tables that verify themselves when they are built, and Rodas5P.

In the form that needs no product with the Jacobian (Hairer, Wanner, *Solving ODEs II*, section IV.7, eq.
7.25, U for what is called u there): with J = f_y(t, y) and f_t at the start of the step,

    (1 / (gamma h) - J) U_i = f(t + alpha_i h, y + sum_j a_ij U_j) + sum_j (c_ij / h) U_j + d_i h f_t,

j < i; the result is y + sum m_i U_i. All tables here are stiffly accurate: the last stage starts from the
embedded result, of one order less, and adds its U to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from .table import Row, TableError
from .trees import Tree, density, order_of, trees_of_order, trees_up_to

Matrix = list[list[Fraction]]


@dataclass(frozen=True)
class RosenbrockTable:
    """One method with its error estimate and its interpolant.

    Attributes
    ----------
    A, C : strictly lower triangular rows a_ij and c_ij, row i with i entries
    M : weights of the result
    E : weights of the error estimate
    H : the interpolant, y + x (D + (1 - x) (F_1 + x (F_2 + x (F_3 ...)))), D = sum m_i U_i, F_r = sum H_ri U_i
    order, error_estimator_order, dense_order : as of a `ButcherTable`
    tolerance : largest residual of a condition, of coefficients as rounded as the published ones
    """

    name: str
    source: str
    gamma: Fraction
    A: tuple[Row, ...]
    C: tuple[Row, ...]
    nodes: Row
    D: Row
    M: Row
    E: Row
    H: tuple[Row, ...]
    order: int
    error_estimator_order: int
    dense_order: int
    tolerance: Fraction
    _conditions: _Conditions = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check_shapes()
        object.__setattr__(self, "_conditions", _Conditions(self))
        self._check_sums()
        self._check_order("the result", self.M, self.order)
        embedded = tuple(m - e for m, e in zip(self.M, self.E, strict=True))
        self._check_order("the embedded result", embedded, self.error_estimator_order)
        self._require((*self.A[-1], 0) == embedded, "the last stage is not at the embedded result")
        self._check_interpolant()

    @property
    def n_stages(self) -> int:
        return len(self.M)

    def _check_shapes(self) -> None:
        s = self.n_stages
        rows = (self.A, self.C, self.nodes, self.D, self.E, *self.H)
        self._require(all(len(row) == s for row in rows), "rows differ in length")
        for name, matrix in (("A", self.A), ("C", self.C)):
            for i, row in enumerate(matrix):
                self._require(len(row) == i, f"row {i} of {name} has {len(row)} entries")

    def _check_sums(self) -> None:
        """alpha_i and d_i are the sums of the rows of the untransformed matrices."""
        for i in range(self.n_stages):
            alpha, gamma = sum(self._conditions.alpha[i]), sum(self._conditions.gamma[i])
            self._require_small(alpha - self.nodes[i], f"row {i} of A does not sum to its node")
            self._require_small(gamma - self.D[i], f"row {i} of gamma does not sum to d_{i}")

    def _check_order(self, what: str, weights: Row, order: int) -> None:
        for tree in trees_up_to(order):
            defect = self._conditions.weigh(weights, tree) - Fraction(1, density(tree))
            self._require_small(defect, f"{what} misses order {order_of(tree)} at tree {tree}")
        defects = [
            self._conditions.weigh(weights, tree) - Fraction(1, density(tree))
            for tree in trees_of_order(order + 1)
        ]
        large = any(abs(defect) > 1000 * self.tolerance for defect in defects)
        self._require(large, f"{what} has a higher order than {order}")

    def powers(self) -> tuple[Row, ...]:
        """The interpolant as weights of x, x**2 ... with which the U enter."""
        zero = (Fraction(0),) * self.n_stages
        inner = [*self.H, zero]  # F_1 + x F_2 + ...; times (1 - x) below
        before = [zero, *self.H]
        bubble = [
            tuple(a - b for a, b in zip(*pair, strict=True))
            for pair in zip(inner, before, strict=True)
        ]
        first = tuple(m + b for m, b in zip(self.M, bubble[0], strict=True))
        return (first, *bubble[1:])

    def _check_interpolant(self) -> None:
        for tree in trees_up_to(self.dense_order):
            for power, weights in enumerate(self.powers(), start=1):
                wanted = Fraction(power == order_of(tree), density(tree))
                defect = self._conditions.weigh(weights, tree) - wanted
                self._require_small(defect, f"interpolant misses tree {tree} at x**{power}")

    def _require_small(self, defect: Fraction, message: str) -> None:
        self._require(abs(defect) <= self.tolerance, f"{message} (by {float(defect):.3e})")

    def _require(self, holds: bool, message: str) -> None:
        if not holds:
            raise TableError(f"{self.name}: {message}")


class _Conditions:
    """Phi_i(tau) of the stages (section IV.7, theorem 7.4): where a node has one branch only, it weighs that
    with alpha + gamma (the diagonal included), else each of them with alpha.
    """

    def __init__(self, table: RosenbrockTable):
        s = table.n_stages
        inverse = [
            [-c for c in row] + [1 / table.gamma] + [Fraction(0)] * (s - i - 1)
            for i, row in enumerate(table.C)
        ]
        self.gamma = _inverse_of_lower(inverse)
        padded = [[*row] + [Fraction(0)] * (s - i) for i, row in enumerate(table.A)]
        self.alpha = [_row_times(row, self.gamma) for row in padded]
        self.beta = [
            [a + g for a, g in zip(*rows, strict=True)]
            for rows in zip(self.alpha, self.gamma, strict=True)
        ]
        self._known: dict[Tree, list[Fraction]] = {}

    def weigh(self, weights: Sequence[Fraction], tree: Tree) -> Fraction:
        """sum_i b_i Phi_i(tau), where b are the weights of the untransformed stages."""
        b = _row_times(weights, self.gamma)
        return sum((x * y for x, y in zip(b, self._phi(tree), strict=True)), Fraction(0))

    def _phi(self, tree: Tree) -> list[Fraction]:
        if tree not in self._known:
            self._known[tree] = self._compute(tree)
        return self._known[tree]

    def _compute(self, tree: Tree) -> list[Fraction]:
        matrix = self.beta if len(tree) == 1 else self.alpha
        result = [Fraction(1)] * len(matrix)
        for child in tree:
            below = self._phi(child)
            for i, row in enumerate(matrix):
                result[i] *= sum((a * x for a, x in zip(row, below, strict=True)), Fraction(0))
        return result


def _row_times(row: Sequence[Fraction], matrix: Matrix) -> list[Fraction]:
    return [
        sum((a * b for a, b in zip(row, column, strict=True)), Fraction(0))
        for column in zip(*matrix, strict=True)
    ]


def _inverse_of_lower(matrix: Matrix) -> Matrix:
    size = len(matrix)
    result: Matrix = []
    for i, row in enumerate(matrix):
        unit = [Fraction(i == j) for j in range(size)]
        known = _row_times(row[:i], result) if i else [Fraction(0)] * size
        result.append([(u - k) / row[i] for u, k in zip(unit, known, strict=True)])
    return result


def _row(text: str) -> Row:
    return tuple(map(Fraction, text.split()))


def _rodas5p() -> RosenbrockTable:
    # From stage 6 on, each argument is the one before it plus the last U.
    last = (
        "-7.502846399306121 2.561846144803919 -11.627539656261098 "
        "-0.18268767659942256 0.030198172008377946"
    )
    A = (
        "",
        "3",
        "2.849394379747939 0.45842242204463923",
        "-6.954028509809101 2.489845061869568 -10.358996098473584",
        "2.8029986275628964 0.5072464736228206 -0.3988312541770524 -0.04721187230404641",
        last,
        f"{last} 1",
        f"{last} 1 1",
    )
    C = (
        "",
        "-14.155112264123755",
        "-17.97296035885952 -2.859693295451294",
        "147.12150275711716 -1.41221402718213 71.68940251302358",
        "165.43517024871676 -0.4592823456491126 42.90938336958603 -5.961986721573306",
        "24.854864614690072 -3.0009227002832186 47.4931110020768 5.5814197821558125 -0.6610691825249471",
        "30.91273214028599 -3.1208243349937974 77.79954646070892 34.28646028294783 "
        "-19.097331116725623 -28.087943162872662",
        "37.80277123390563 -3.2571969029072276 112.26918849496327 66.9347231244047 "
        "-40.06618937091002 -54.66780262877968 -9.48861652309627",
    )
    H = (
        "25.948786856663858 -2.5579724845846235 10.433815404888879 -2.3679251022685204 "
        "0.524948541321073 1.1241088310450404 0.4272876194431874 -0.17202221070155493",
        "-9.91568850695171 -0.9689944594115154 3.0438037242978453 -24.495224566215796 "
        "20.176138334709044 15.98066361424651 -6.789040303419874 -6.710236069923372",
        "11.419903575922262 2.8879645146136994 72.92137995996029 80.12511834622643 "
        "-52.072871366152654 -59.78993625266729 -0.15582684282751913 4.883087185713722",
    )
    return RosenbrockTable(
        name="Rodas5P",
        source="G. Steinebach, Construction of Rosenbrock-Wanner method Rodas5P and numerical "
        "benchmarks within the Julia Differential Equations package, BIT Numer. Math. 63 (2023) 27",
        gamma=Fraction("0.21193756319429014"),
        A=tuple(map(_row, A)),
        C=tuple(map(_row, C)),
        nodes=_row(
            "0 0.6358126895828704 0.4095798393397535 0.9769306725060716 0.4288403609558664 1 1 1"
        ),
        D=_row(
            "0.21193756319429014 -0.42387512638858027 -0.3384627126235924 1.8046452872882734 "
            "2.325825639765069 0 0 0"
        ),
        M=_row(f"{last} 1 1 1"),
        E=_row("0 0 0 0 0 0 0 1"),
        H=tuple(map(_row, H)),
        order=5,
        error_estimator_order=4,
        dense_order=4,
        tolerance=Fraction(1, 10**12),
    )


RODAS5P = _rodas5p()
