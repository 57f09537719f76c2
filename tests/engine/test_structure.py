"""Dense, banded or sparse: the plan for a Jacobian's pattern."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg  # noqa: F401  (its LAPACK is used where it is loaded)
from diffsol._native._core import lib
from scipy import sparse

from diffsol._engine.structure import plan

COSTS = ("factor", "solve", "incomplete", "iteration")


def pattern(matrix):
    matrix = sparse.csc_matrix(matrix)
    matrix.sort_indices()
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)


def band(n, width):
    return sparse.diags(
        [np.ones(n - abs(k)) for k in range(-width, width + 1)], range(-width, width + 1)
    )


def grid(side):
    line = band(side, 1).tolil()
    line[0, -1] = line[-1, 0] = 1
    one = sparse.eye(side)
    space = sparse.kron(line, one) + sparse.kron(one, line)
    species = sparse.eye(side**2)
    return sparse.bmat([[space, species], [species, space]])


def plan_of(matrix, is_complex=False, inexact=False):
    return plan(matrix.shape[0], *pattern(matrix), is_complex, inexact)


def test_small_is_dense():
    for n in (0, 1, 3, 30):
        chosen = plan_of(sparse.eye(n))
        assert chosen.kind == lib.DS_LU_DENSE
        assert not chosen.use_lapack or n >= 28


def test_full_is_dense():
    for n in (3, 100, 1000):
        assert plan(n).kind == lib.DS_LU_DENSE
    assert plan_of(sparse.csc_matrix(np.ones((100, 100)))).kind == lib.DS_LU_DENSE


def test_lapack_for_large_dense_only(monkeypatch):
    assert "scipy.linalg" in sys.modules
    assert not plan(20).use_lapack
    assert plan(30, is_complex=True).use_lapack
    assert plan(60).use_lapack
    # what is not loaded yet must be worth its import
    monkeypatch.delitem(sys.modules, "scipy.linalg")
    assert not plan(60).use_lapack
    assert plan(500).use_lapack
    assert plan(500).native.lapack.getrf[0]


@pytest.mark.parametrize("n, width", [(500, 1), (500, 2), (1000, 5)])
def test_natural_band(n, width):
    chosen = plan_of(band(n, width))
    assert (chosen.kind, chosen.lower, chosen.upper) == (lib.DS_LU_BANDED, width, width)
    assert chosen.order is None


def test_one_sided_band():
    chosen = plan_of(sparse.diags([np.ones(499), np.ones(500)], [-1, 0]))
    assert (chosen.kind, chosen.lower, chosen.upper) == (lib.DS_LU_BANDED, 1, 0)


def test_stacked_species_become_a_band():
    """The 1-D Brusselator as [u; v]: half the matrix wide as it is, 5 diagonals in order."""
    line, one = band(500, 1), sparse.eye(500)
    chosen = plan_of(sparse.bmat([[line, one], [one, line]]))
    assert chosen.kind == lib.DS_LU_BANDED
    assert max(chosen.lower, chosen.upper) <= 3
    assert np.array_equal(np.sort(chosen.order), np.arange(1000))


def test_grid_is_sparse():
    chosen = plan_of(grid(16))
    assert chosen.kind == lib.DS_LU_SPARSE
    assert np.array_equal(np.sort(chosen.order), np.arange(512))


def test_inexact_solutions_of_a_grid_are_iterative():
    for side in (16, 64):
        chosen = plan_of(grid(side), inexact=True)
        assert chosen.kind == lib.DS_LU_ITERATIVE
        assert np.array_equal(np.sort(chosen.order), np.arange(2 * side**2))
        assert tuple(getattr(chosen.native.costs, name) for name in COSTS) == chosen.costs
        factor, solve, incomplete, iteration = chosen.costs
        assert factor > solve > iteration
        assert factor > incomplete
    assert plan_of(grid(64), is_complex=True, inexact=True).kind == lib.DS_LU_SPARSE


def test_inexact_solutions_of_a_line_are_exact():
    assert plan_of(band(500, 1), inexact=True).kind == lib.DS_LU_BANDED


def test_busy_column_is_no_band():
    """One unknown coupled to all (a temperature): RCM is not even tried."""
    matrix = band(400, 1).tolil()
    matrix[:, 0] = matrix[0, :] = 1
    assert plan_of(matrix).kind == lib.DS_LU_SPARSE


def test_empty_pattern():
    chosen = plan_of(sparse.csc_matrix((50, 50)))
    assert (chosen.lower, chosen.upper) == (0, 0) or chosen.kind == lib.DS_LU_SPARSE


def test_native_keeps_the_order_alive():
    chosen = plan_of(grid(8))
    native = chosen.native
    assert [native.order[k] for k in range(128)] == list(chosen.order)


def test_imports_nothing_large():
    """Planning needs neither scipy.sparse nor, below LAPACK's size, scipy.linalg."""
    code = """
import sys
import numpy as np
from diffsol._engine.structure import plan
n = 400
start = np.append(0, np.cumsum(np.full(n, 1)))
plan(n, start, np.arange(n)).native
plan(10).native
print([m for m in ("scipy.sparse", "scipy.linalg") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
