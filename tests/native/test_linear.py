"""LU factors of alpha I - beta J, of every kind, against NumPy and SciPy."""

import warnings

import numpy as np
import pytest
import scipy.linalg
from diffsol._native._core import ffi, lib
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu

from diffsol._engine.structure import LuPlan

from .lu import (
    BANDED,
    DENSE,
    LU,
    NOT_FINITE,
    OK,
    SINGULAR,
    SPARSE,
    bandwidths,
    csc,
    order_of,
    pattern_of,
)

EPS = np.finfo(float).eps
KINDS = ("own", "lapack", "banded", "permuted", "sparse", "amd")
NUMBERS = ((False, False), (False, True), (True, True))  # J complex, A complex


def plan_for(kind, mask, order):
    if kind == "own":
        return LuPlan(DENSE)
    if kind == "lapack":
        return LuPlan(DENSE, use_lapack=True)
    if kind == "banded":
        return LuPlan(BANDED, *bandwidths(mask))
    if kind == "permuted":
        return LuPlan(BANDED, *bandwidths(mask, order), order=order)
    if kind == "sparse":
        return LuPlan(SPARSE)
    return LuPlan(SPARSE, order=order_of(lib.ds_order_amd, mask))


def random_mask(rng, n, density):
    return rng.random((n, n)) < density


def random_values(rng, mask, is_complex, scale=1.0):
    values = rng.standard_normal(mask.shape) * scale
    if is_complex:
        values = values + 1j * rng.standard_normal(mask.shape) * scale
    return np.where(mask, values, 0)


def random_alpha(rng, is_complex):
    return rng.uniform(0.5, 2) + (1j * rng.uniform(-2, 2) if is_complex else 0)


def shifted(alpha, beta, jac):
    return alpha * np.eye(len(jac)) - beta * jac


def assert_solves(lu, a, b, growth=1.0):
    """Normwise backward error at rounding level (Higham, Accuracy and Stability, theorem 7.1)."""
    x = lu.solve(b)
    assert np.all(np.isfinite(x))
    residual = np.max(np.abs(a @ x - b), initial=0.0)
    norms = [np.max(np.sum(np.abs(a), axis=1), initial=0.0), np.max(np.abs(x), initial=0.0)]
    scale = norms[0] * norms[1] + np.max(np.abs(b), initial=0.0)
    assert residual <= growth * 10 * EPS * max(len(b), 1) * scale
    return x


def nearly_singular(a):
    values = np.linalg.svd(a, compute_uv=False)
    return len(values) > 0 and values[-1] <= 1e-12 * values[0]


@pytest.mark.parametrize("jac_complex, is_complex", NUMBERS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 28, 44, 70])
def test_solves_as_numpy(n, kind, jac_complex, is_complex):
    rng = np.random.default_rng(n)
    mask = random_mask(rng, n, 0.3)
    lu = LU(n, plan_for(kind, mask, rng.permutation(n)), mask, jac_complex, is_complex)
    for _ in range(3):  # the same object, other values
        jac = random_values(rng, mask, jac_complex)
        alpha, beta = random_alpha(rng, is_complex), rng.standard_normal()
        a = shifted(alpha, beta, jac)
        b = random_values(rng, np.ones(n, bool), is_complex)
        assert lu.factor(alpha, beta, jac) == OK
        x = assert_solves(lu, a, b)
        np.testing.assert_allclose(x, np.linalg.solve(a, b), rtol=1e-8, atol=1e-10)
        assert_solves(lu, a, b[::-1])  # and another right-hand side


@pytest.mark.parametrize("jac_complex, is_complex", NUMBERS)
@pytest.mark.parametrize("kind", ["own", "lapack", "sparse"])
@pytest.mark.parametrize("n", [0, 1, 5, 12, 50])
def test_full_pattern(n, kind, jac_complex, is_complex):
    rng = np.random.default_rng(n)
    jac = random_values(rng, np.ones((n, n), bool), jac_complex)
    alpha = random_alpha(rng, is_complex)
    lu = LU(n, plan_for(kind, None, None), None, jac_complex, is_complex)
    assert lu.factor(alpha, 0.3, jac) == OK
    assert_solves(lu, shifted(alpha, 0.3, jac), np.arange(n) + 1.0)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(0, 40),
    density=st.floats(0, 1),
    kind=st.sampled_from(KINDS),
    numbers=st.sampled_from(NUMBERS),
    alpha=st.sampled_from([0.0, 1e-3, 1.0, 1e6]),
)
def test_any_pattern(seed, n, density, kind, numbers, alpha):
    """alpha 0 leaves diagonals empty: the fronts cannot go on without row exchanges."""
    rng = np.random.default_rng(seed)
    jac_complex, is_complex = numbers
    mask = random_mask(rng, n, density)
    jac = random_values(rng, mask, jac_complex)
    a = shifted(alpha, 1.0, jac)
    lu = LU(n, plan_for(kind, mask, rng.permutation(n)), mask, jac_complex, is_complex)
    code = lu.factor(alpha, 1.0, jac)
    assert code in (OK, SINGULAR)
    if not nearly_singular(a):
        assert code == OK
        assert_solves(lu, a, random_values(rng, np.ones(n, bool), is_complex))


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_badly_scaled(kind, is_complex):
    """Chemistry: states and rates over many orders of magnitude. Each row is solved at its scale."""
    rng = np.random.default_rng(0)
    n = 30
    mask = random_mask(rng, n, 0.2)
    rows = 10.0 ** rng.uniform(-8, 8, n)
    columns = 10.0 ** rng.uniform(-8, 8, n)
    jac = random_values(rng, mask, is_complex) * rows[:, None] / columns
    a = shifted(1.0, 1.0, jac)
    b = a @ np.ones(n)
    lu = LU(n, plan_for(kind, mask, rng.permutation(n)), mask, is_complex, is_complex)
    assert lu.factor(1.0, 1.0, jac) == OK
    assert_solves(lu, a, b)


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_graded_pivots_never_lose_accuracy(kind, is_complex):
    """Diagonals from 1 down to 0: whichever way the sparse factors go, the answer is right."""
    rng = np.random.default_rng(5)
    n = 40
    mask = (random_mask(rng, n, 0.1) | np.eye(n, k=1, dtype=bool)) & ~np.eye(n, dtype=bool)
    mask[-1, 0] = True
    jac = random_values(rng, mask, is_complex)
    lu = LU(n, plan_for(kind, mask, rng.permutation(n)), mask, is_complex, is_complex)
    solved = 0
    for alpha in [10.0**-k for k in range(18)] + [0.0, 1.0, 30.0]:
        a = shifted(alpha, 1.0, jac)
        if np.linalg.cond(a) > 1e13:
            continue
        assert lu.factor(alpha, 1.0, jac) == OK
        assert_solves(lu, a, a @ np.ones(n))
        solved += 1
    assert solved > 10


@pytest.mark.parametrize("is_complex", [False, True])
def test_sparse_recovers_from_bad_pivots(is_complex):
    """After matrices that need row exchanges the fronts, with their size, come back."""
    rng = np.random.default_rng(1)
    n = 60
    mask = random_mask(rng, n, 0.05) | np.roll(np.eye(n, dtype=bool), 1, axis=0)
    jac = random_values(rng, mask, is_complex) + np.roll(np.eye(n), 1, axis=0)
    lu = LU(n, plan_for("amd", mask, None), mask, is_complex, is_complex)
    good = lu.size
    b = rng.standard_normal(n)
    for alpha in (100.0, 1e-9, 1e-9, 1e-9, *[100.0] * 40):
        assert lu.factor(alpha, 1.0, jac) == OK
        assert_solves(lu, shifted(alpha, 1.0, jac), b)
        assert alpha == 100.0 or lu.size != good
    assert lu.size == good


@pytest.mark.parametrize("jac_complex, is_complex", NUMBERS)
def test_big_fronts(jac_complex, is_complex):
    """Fronts wider than the blocks and tiles they are worked on in, with remainders."""
    rng = np.random.default_rng(2)
    n = 700
    mask = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) < 9
    mask[-180:, -180:] = True
    jac = random_values(rng, mask, jac_complex) - 30 * np.eye(n)
    for lu in (
        LU(n, plan_for(kind, mask, None), mask, jac_complex, is_complex)
        for kind in ("sparse", "amd")
    ):
        alpha = random_alpha(rng, is_complex)
        assert lu.factor(alpha, 0.7, jac) == OK
        assert_solves(lu, shifted(alpha, 0.7, jac), rng.standard_normal(n))


def grid(side, periodic=True):
    """Pattern of two species on a square grid, stacked: the 2-D Brusselator's."""
    line = np.eye(side, k=1, dtype=bool)
    if periodic:
        line[-1, 0] = True
    line = line | line.T
    one = np.eye(side, dtype=bool)
    space = np.kron(line, one) | np.kron(one, line) | np.kron(one, one)
    species = np.kron(one, one)
    return np.block([[space, species], [species, space]])


@pytest.mark.parametrize("is_complex", [False, True])
def test_grid(is_complex):
    rng = np.random.default_rng(3)
    mask = grid(16)
    jac = random_values(rng, mask, False) - 6 * np.eye(len(mask))
    lu = LU(len(mask), plan_for("amd", mask, None), mask, False, is_complex)
    alpha = 1 + (2j if is_complex else 0)
    assert lu.factor(alpha, 1.0, jac) == OK
    assert_solves(lu, shifted(alpha, 1.0, jac), rng.standard_normal(len(mask)))


# Outcomes that SciPy's solvers see: lu_factor's.


@pytest.mark.parametrize("kind", ["own", "lapack", "banded"])
@pytest.mark.parametrize("n", [2, 5, 12])
def test_singular_as_lapack(kind, n):
    """The same zero pivot as LAPACK's, and a solution that is not finite, as SciPy's."""
    rng = np.random.default_rng(n)
    for column in range(n):
        a = rng.standard_normal((n, n))
        a[:, column] = 0
        lu = LU(n, plan_for(kind, np.ones((n, n)), None), np.ones((n, n), bool))
        assert lu.factor(0.0, -1.0, a) == SINGULAR
        assert lu.pivot == scipy.linalg.lapack.dgetrf(a)[2]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SciPy warns of the singular matrix
            theirs = scipy.linalg.lu_solve(scipy.linalg.lu_factor(a), np.ones(n))
        assert not np.all(np.isfinite(theirs))
        assert not np.all(np.isfinite(lu.solve(np.ones(n))))


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_singular_then_regular(kind, is_complex):
    n = 9
    mask = np.eye(n, dtype=bool) | np.eye(n, k=1, dtype=bool)
    jac = np.where(mask, 1.0, 0)
    jac[4, 4] = 0
    jac[4, 5] = 0
    lu = LU(n, plan_for(kind, mask, np.arange(n)), mask, is_complex, is_complex)
    assert lu.factor(0.0, 1.0, jac) == SINGULAR
    assert 1 <= lu.pivot <= n
    assert lu.factor(1.5, 1.0, jac) == OK
    assert_solves(lu, shifted(1.5, 1.0, jac), np.ones(n))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("jac_complex, is_complex", NUMBERS)
@pytest.mark.parametrize("kind", KINDS)
def test_not_finite(kind, jac_complex, is_complex, bad):
    rng = np.random.default_rng(0)
    n = 12
    mask = random_mask(rng, n, 0.4) | np.eye(n, dtype=bool)
    lu = LU(n, plan_for(kind, mask, rng.permutation(n)), mask, jac_complex, is_complex)
    jac = random_values(rng, mask, jac_complex) - 5 * np.eye(n)
    for row, column in np.argwhere(mask)[::7]:
        broken = jac.copy()
        broken[row, column] = bad
        assert lu.factor(1.0, 1.0, broken) == NOT_FINITE
    assert lu.factor(np.nan, 1.0, jac) == NOT_FINITE
    assert lu.factor(1.0, np.inf, jac) == NOT_FINITE
    assert lu.factor(1.0, 1.0, jac) == OK
    assert_solves(lu, shifted(1.0, 1.0, jac), np.ones(n))


def sum_of_parts(z):
    return abs(z.real) + abs(z.imag)


def eliminate(a, b, size=sum_of_parts):
    """The textbook's solve with LAPACK's pivots: the first of the largest."""
    a, b = [list(row) for row in a], list(b)
    n = len(b)
    for k in range(n):
        p = max(range(k, n), key=lambda i: size(a[i][k]))  # the first of equals
        a[k], a[p], b[k], b[p] = a[p], a[k], b[p], b[k]
        inverse = 1 / a[k][k]
        for i in range(k + 1, n):
            factor = a[i][k] * inverse
            a[i][k + 1 :] = [
                x - factor * y for x, y in zip(a[i][k + 1 :], a[k][k + 1 :], strict=True)
            ]
            b[i] -= factor * b[k]
    for k in reversed(range(n)):
        complex_pivot = isinstance(a[k][k], complex)
        b[k] = b[k] * (1 / a[k][k]) if complex_pivot else b[k] / a[k][k]
        for i in range(k):
            b[i] -= a[i][k] * b[k]
    return np.array(b)


@pytest.mark.parametrize("n", range(1, 14))
def test_pivots_as_lapack(n):
    """Bit for bit what the textbook computes with LAPACK's pivots: ties tell which are chosen."""
    rng = np.random.default_rng(n)
    for _ in range(20):
        a = rng.choice([-2.0, -1, 1, 2], (n, n)) / rng.choice([3.0, 7], n)
        if nearly_singular(a):
            continue
        lu = LU(n, LuPlan(DENSE))
        assert lu.factor(0.0, -1.0, a) == OK
        assert np.array_equal(lu.solve(np.ones(n)), eliminate(a, np.ones(n)))


def test_complex_pivot_by_sum_of_parts():
    """1 + i comes before 1.625, whose modulus is larger: only then is the solution exact."""
    a, b = np.array([[1.625, 1], [1 + 1j, 0]]), [1, 5]
    exact = np.array([2.5 - 2.5j, -3.0625 + 4.0625j])
    lu = LU(2, LuPlan(DENSE), None, True, True)
    assert lu.factor(0.0, -1.0, a) == OK
    assert np.array_equal(lu.solve(b), exact)
    assert not np.array_equal(eliminate(a, b, size=abs), exact)


# What ds_lu_new refuses.


def test_entry_outside_the_band():
    mask = np.eye(5, dtype=bool)
    mask[4, 0] = True
    with pytest.raises(ValueError):
        LU(5, LuPlan(BANDED, 3, 0), mask)
    with pytest.raises(ValueError):
        LU(5, LuPlan(BANDED, 0, 3), mask)
    assert LU(5, LuPlan(BANDED, 4, 0), mask).factor(1.0, 0.5, mask.astype(float)) == OK


@pytest.mark.parametrize("kind", [BANDED, SPARSE])
@pytest.mark.parametrize("order", [[0, 0, 1], [0, 1, 3], [-1, 0, 1]])
def test_order_is_no_permutation(kind, order):
    plan = LuPlan(kind, 2, 2, np.array(order, np.int64))
    with pytest.raises(ValueError):
        LU(3, plan, np.ones((3, 3), bool))


def test_complex_jacobian_needs_complex_factors():
    with pytest.raises(ValueError):
        LU(3, LuPlan(DENSE), None, jac_complex=True, is_complex=False)


def test_wider_band_than_the_matrix():
    lu = LU(3, LuPlan(BANDED, 50, 60), np.ones((3, 3), bool))
    jac = np.arange(9.0).reshape(3, 3)
    assert lu.factor(20.0, 1.0, jac) == OK
    assert_solves(lu, shifted(20.0, 1.0, jac), np.ones(3))


# Orders.


def fill(mask, order):
    """Entries of the factors on the symmetric pattern, by elimination as the textbook does it."""
    a = (mask | mask.T)[np.ix_(order, order)] | np.eye(len(mask), dtype=bool)
    for k in range(len(a)):
        below = k + 1 + np.nonzero(a[k + 1 :, k])[0]
        a[np.ix_(below, below)] = True
    return a.sum()


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 60), density=st.floats(0, 0.3))
def test_orders_are_permutations(seed, n, density):
    mask = random_mask(np.random.default_rng(seed), n, density)
    for function in (lib.ds_order_rcm, lib.ds_order_amd):
        order_of(function, mask)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 60), density=st.floats(0, 0.2))
def test_cost_counts_the_fill(seed, n, density):
    rng = np.random.default_rng(seed)
    mask, order = random_mask(rng, n, density), rng.permutation(n)
    start, rows = csc(mask)
    entries, work = ffi.new("double *"), ffi.new("double *")
    assert not lib.ds_order_cost(
        pattern_of(n, start, rows), ffi.from_buffer("int64_t[]", order), entries, work
    )
    assert entries[0] == fill(mask, order)


@pytest.mark.parametrize("periodic", [False, True])
def test_amd_fills_like_superlu(periodic):
    """Within a tenth of SciPy's minimum degree order on grids, and far below the natural order."""
    mask = grid(12, periodic)
    ours = fill(mask, order_of(lib.ds_order_amd, mask))
    a = csc_matrix(mask - 0.0 + 9 * np.eye(len(mask)))
    theirs = splu(a, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0)
    assert ours <= 1.1 * (theirs.L.nnz + theirs.U.nnz)
    assert ours < 0.5 * fill(mask, np.arange(len(mask)))


def test_amd_with_a_busy_vertex():
    """One unknown that is coupled to all goes last, and nothing fills in."""
    n = 400
    mask = np.eye(n, dtype=bool) | np.eye(n, k=1, dtype=bool)
    mask[0, :] = mask[:, 0] = True
    order = order_of(lib.ds_order_amd, mask)
    assert order[-1] == 0 or order[-2] == 0 or order[-3] == 0
    assert fill(mask, order) <= 6 * n


def test_rcm_finds_the_band():
    rng = np.random.default_rng(4)
    n = 200
    hidden = rng.permutation(n)
    mask = (np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 2)[np.ix_(hidden, hidden)]
    assert max(bandwidths(mask, order_of(lib.ds_order_rcm, mask))) <= 4
