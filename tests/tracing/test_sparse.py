"""scipy.sparse matrices: SciPy's sums to the last bit in every format, exact patterns, no work of order n^2."""

import numpy as np
import pytest
import scipy.sparse as ss

from diffsol._graph.jacobian import jacobian
from diffsol._graph.ops import COMPLEX, FLOAT
from diffsol._trace.trace import trace_function
from graph.jacobians import pattern
from tracing.agreement import agree, differentiates, refusal, traced

RNG = np.random.default_rng(0)
N = 12
SOURCES = {
    "scattered": ss.random(N, N, 0.3, random_state=1, format="csr"),
    "blocks": ss.bsr_array(
        np.kron(RNG.integers(0, 2, (4, 4)), np.ones((3, 3))) * RNG.normal(size=(N, N)),
        blocksize=(3, 3),
    ),
    "diagonals": ss.diags_array(
        [RNG.normal(size=N - 1), RNG.normal(size=N), RNG.normal(size=N - 3)], offsets=[1, 0, -3]
    ),
}
MATRICES = {
    f"{kind.__name__[4:]} {form} {name}": kind(source).asformat(form)
    for form in ("csr", "csc", "coo", "dia", "bsr")
    for kind in (ss.csr_matrix, ss.csr_array)
    for name, source in SOURCES.items()
}
MATRICES["array bsr in blocks"] = SOURCES["blocks"]


@pytest.mark.parametrize("name", MATRICES)
def test_products(name):
    a = MATRICES[name]

    def plain(t, y):
        return a @ y + a.dot(t * y) - y @ a * (a.T @ y)

    def columns_and_multiples(t, y):
        columns = (a @ np.column_stack([y, 2 * y]))[:, 1] + (a @ y.reshape(-1, 1)).ravel()
        rows = (np.vstack([y, t * y]) @ a)[0]
        return columns * rows + (2.5 * a) @ y + (a / 3.0) @ y - (-a * t) @ y + a.dot(t) @ y

    agree(plain, N, rtol=0, atol=0)
    agree(columns_and_multiples, N, rtol=0, atol=0, times=(0.7,))
    if name.startswith("matrix"):
        agree(lambda t, y: a * y + y * a, N, rtol=0, atol=0, times=(0.7,))
    differentiates(plain, N)


def test_a_matrix_that_depends_on_the_state():
    a = SOURCES["scattered"]
    differentiates(lambda t, y: (y[0] * a) @ np.sin(y), N)


def test_rectangles():
    a = ss.random(3, N, 0.5, random_state=2, format="csc")
    agree(lambda t, y: np.repeat(a @ y, 4) + (np.ones(3) @ a), N, rtol=0, atol=0)
    one = ss.csr_array(np.arange(1.0, N + 1).reshape(1, N))
    agree(lambda t, y: (one @ y)[0] * y, N)
    empty = ss.csr_array((N, N))
    agree(lambda t, y: empty @ y, N)


def test_complex():
    a = ss.csr_array(SOURCES["scattered"].toarray() * (1 + 0.5j))
    fun = lambda t, y: -1j * (a @ y)  # noqa: E731
    result = trace_function(fun, (), (N,), COMPLEX, (N,), COMPLEX)
    assert sum(node.op == "spmv" for node in result.program.nodes) == 1


def test_pattern_is_exact():
    a = SOURCES["diagonals"].tocsr()
    found = jacobian(traced(lambda t, y: a @ y, N)[0].program)
    np.testing.assert_array_equal(pattern(found, N, N), a.toarray() != 0)


def test_values_are_a_parameter_and_places_are_guarded():
    a = SOURCES["scattered"].copy()

    def fun(t, y):
        return a @ y

    result, block = traced(fun, N)
    a.data *= 3.0
    assert result.check(fun, (), block)
    np.testing.assert_array_equal(block, a.data)
    place = a.indices[0]
    a.indices[0] = (place + 1) % N
    assert not result.check(fun, (), block)
    a.indices[0] = place
    assert result.check(fun, (), block)
    a.resize((N, N - 1))
    assert not result.check(fun, (), block)


def test_large_ones_need_no_more_than_looks_at_their_arrays():
    n = 1_000_000
    a = ss.diags_array(
        [np.ones(n - 1), np.full(n, -2.0), np.ones(n - 1)], offsets=[-1, 0, 1]
    ).tocsr()
    fun = lambda t, y: a @ y  # noqa: E731
    result = trace_function(fun, (), (n,), FLOAT, (n,), FLOAT)
    assert len(result.program.nodes) == 3
    assert jacobian(result.program).row.size == a.nnz


@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_places_of_entries_stay_in_the_bits_that_scipy_has_them_in(kind):
    a = SOURCES["scattered"].tocsr()
    a.indices, a.indptr = a.indices.astype(kind), a.indptr.astype(kind)
    fun = lambda t, y: a @ y  # noqa: E731
    (product,) = (x for x in agree(fun, N).program.nodes if x.op == "spmv")
    assert [x.dtype for x in product.attrs[:2]] == [kind, kind]
    differentiates(fun, N)


def test_refused():
    a, b = SOURCES["scattered"], ss.csr_array(SOURCES["scattered"])
    single = a.astype(np.float32)
    for fun, reason in (
        (lambda t, y: b * y, "unknown-call"),
        (lambda t, y: (a + a) @ y, "raises"),
        (lambda t, y: a.multiply(2.0) @ y, "unknown-attribute"),
        (lambda t, y: single @ y, "dtype"),
        (lambda t, y: a @ y[1:], "raises"),
        (lambda t, y: a[0] @ y, "unknown-call"),
    ):
        assert refusal(fun, N) == reason
