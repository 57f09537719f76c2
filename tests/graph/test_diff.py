"""Derivatives of every operator, against differences of the interpreter."""

import numpy as np
import pytest

from diffsol._graph.build import Graph, contiguous_strides
from diffsol._graph.derivatives import DERIVATIVES, STEPS, Choice
from diffsol._graph.jacobian import jacobian
from diffsol._graph.node import Program
from diffsol._graph.ops import BOOL, COMPLEX, ELEMENTWISE, FLOAT, INT
from diffsol._graph.special import TABLE as SPECIAL
from diffsol._graph.terms import TooLarge
from graph.jacobians import differences, exact, product

# where functions with a bounded domain are tried, off kinks and jumps; all others: everywhere
DOMAINS = {
    "arcsin": (-0.9, 0.9),
    "arccos": (-0.9, 0.9),
    "arctanh": (-0.9, 0.9),
    **dict.fromkeys(("arccosh", "remainder", "fmod"), (1.1, 3.0)),
    **dict.fromkeys(("sqrt", "log", "log2", "log10", "log1p", "power"), (0.2, 3.0)),
    "tan": (-1.2, 1.2),
    **{
        f"special_{name}": interval
        for names, interval in {
            "logit erfcinv ndtri binom": (0.1, 0.9),
            "erfinv": (-0.9, 0.9),
            "entr xlogy rel_entr kl_div gamma gammaln loggamma beta betaln": (0.3, 3.0),
            "gammainc gammaincc y0 y1 k0 k1 k0e k1e jv yv iv kv exp1 expi": (0.3, 3.0),
            "xlog1py log1p ellipkinc ellipeinc rgamma": (0.1, 0.9),
        }.items()
        for name in names.split()
    },
}


def program_of(make, n, dtype=FLOAT, shape=None):
    """The program of make(graph, state)."""
    graph = Graph()
    output = make(graph, graph.state(shape or (n,), dtype))
    return Program(output, None, shape or (n,), dtype, 0)


def agree(program, y, rtol=1e-8):
    got, wanted = exact(program, 0.5, y), differences(program, 0.5, y)
    scale = np.max(np.abs(wanted), initial=1.0)
    np.testing.assert_allclose(got, wanted, rtol=rtol, atol=rtol * scale)
    v = np.random.default_rng(1).standard_normal(y.size)
    np.testing.assert_allclose(
        product(program, 0.5, y, v), wanted @ v, rtol=rtol, atol=rtol * y.size * scale
    )
    return got


def points(name, count, seed=0):
    low, high = DOMAINS.get(name, (-2.0, 2.0))
    return np.random.default_rng(seed).uniform(low, high, count)


# --- elementwise --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_every_operator_has_a_row(name):
    row = DERIVATIVES[name]
    assert row is None or isinstance(row, Choice) or len(row) == ELEMENTWISE[name].arity
    assert (row is None) == (name in STEPS)


def test_no_row_is_for_an_operator_that_does_not_exist():
    assert set(DERIVATIVES) == set(ELEMENTWISE)


PARTLY = {f"special_{n}" for n, row in SPECIAL.items() if None in row.partials}
SMOOTH = [
    name
    for name, row in DERIVATIVES.items()
    if row is not None and name != "make_complex" and name not in PARTLY
]


@pytest.mark.parametrize("name", SMOOTH)
def test_real(name):
    arity = ELEMENTWISE[name].arity

    def make(graph, y):
        inputs = [graph.view(y, 5 * i, (1,), (5,)) for i in range(arity)]
        if name == "select":
            inputs[0] = graph.elementwise("greater", inputs[0], graph.const(0.0))
        return graph.elementwise(name, *inputs)

    program = program_of(make, 5 * arity)
    got = agree(program, points(name, 5 * arity))
    assert np.count_nonzero(got) >= 5 or name == "imag"


@pytest.mark.parametrize("name", [name for name in SMOOTH if ELEMENTWISE[name].complex])
def test_complex_along_the_real_axis(name):
    arity = ELEMENTWISE[name].arity

    def make(graph, y):
        inputs = [graph.view(y, 5 * i, (1,), (5,)) for i in range(arity)]
        if name == "select":
            inputs[0] = graph.elementwise(
                "greater", graph.elementwise("real", inputs[0]), graph.const(0.0)
            )
        return graph.elementwise(name, *inputs)

    y = points(name, 5 * arity) + 1j * points("add", 5 * arity, seed=1)
    got = agree(program_of(make, 5 * arity, COMPLEX), y)
    assert np.count_nonzero(got) >= 5 or name == "imag"


@pytest.mark.parametrize("name", [name for name in SMOOTH if ELEMENTWISE[name].complex])
def test_complex_parts_of_a_real_state(name):
    """Reals become complex on the way, and what comes out is real again."""
    arity = ELEMENTWISE[name].arity

    def make(graph, y):
        parts = [graph.view(y, 3 * i, (1,), (3,)) for i in range(2 * arity)]
        inputs = [
            graph.elementwise("make_complex", parts[2 * i], parts[2 * i + 1]) for i in range(arity)
        ]
        if name == "select":
            inputs[0] = graph.elementwise("greater", parts[0], graph.const(0.0))
        z = graph.elementwise(name, *inputs)
        return graph.concat([graph.elementwise(part, z) for part in ("real", "imag")], 0)

    agree(program_of(make, 6 * arity), points(name, 6 * arity))


@pytest.mark.parametrize("name", sorted(PARTLY))
def test_where_one_argument_has_a_derivative(name):
    """The others are constants; what is not known has no exact Jacobian."""
    partials = SPECIAL[name.removeprefix("special_")].partials
    for which, partial in enumerate(partials):

        def make(graph, y, which=which):
            inputs = [graph.const(0.7)] * len(partials)
            inputs[which] = y
            return graph.elementwise(name, *inputs)

        if partial is None:
            with pytest.raises(TooLarge):
                exact(program_of(make, 5), 0.5, points(name, 5))
        else:
            agree(program_of(make, 5), points(name, 5))


@pytest.mark.parametrize("name", STEPS)
def test_steps_have_no_derivative(name):
    row = ELEMENTWISE[name]

    def make(graph, y):
        z = graph.elementwise(name, *[graph.view(y, 3 * i, (1,), (3,)) for i in range(row.arity)])
        return graph.cast(z, FLOAT)

    assert not exact(program_of(make, 3 * row.arity), 0.0, points(name, 3 * row.arity)).any()


def test_a_branch_that_is_not_taken_spoils_nothing():
    """sqrt has an infinite slope at 0; a product with 0 would make a NaN of it."""

    def make(graph, y):
        positive = graph.elementwise("greater", y, graph.const(0.0))
        root = graph.elementwise("sqrt", y)
        return graph.elementwise("select", positive, root, y)

    with np.errstate(divide="ignore"):
        got = exact(program_of(make, 2), 0.0, np.array([0.0, 4.0]))
    np.testing.assert_array_equal(got, [[1.0, 0.0], [0.0, 0.25]])


@pytest.mark.parametrize("name, expected", [("maximum", 1.0), ("fmin", 1.0), ("fmax", 1.0)])
def test_the_extremum_with_a_number(name, expected):
    def make(graph, y):
        return graph.elementwise(name, y, graph.const(0.0 if name != "fmin" else 9.0))

    got = exact(program_of(make, 2), 0.0, np.array([2.0, 3.0]))
    np.testing.assert_array_equal(got, expected * np.eye(2))


@pytest.mark.parametrize("exponent", [2.0, 3.0, 0.5, 1.5, -1.0, 2.7, -0.3, 0.0])
def test_constant_powers_need_no_logarithm(exponent):
    def make(graph, y):
        return graph.elementwise("power", y, graph.const(exponent))

    agree(program_of(make, 4), np.array([0.3, 0.7, 1.0, 2.5]))
    assert not any(x.op == "log" for x in jacobian(program_of(make, 4)).program.nodes)
    if exponent >= 2:
        assert not exact(program_of(make, 4), 0.0, np.zeros(4)).any()


# --- structural ---------------------------------------------------------------------------------


def nonlinear(graph, y):
    """Something with a different slope everywhere."""
    return graph.elementwise("sin", graph.elementwise("multiply", y, graph.const(1.3)))


def axes_moved(graph, x, order):
    strides = contiguous_strides(x.shape)
    return graph.view(x, 0, [strides[k] for k in order], [x.shape[k] for k in order])


def spread(graph, y, shape):
    return graph.broadcast(graph.reshape(y, (y.size, 1)), (y.size, *shape))


STRUCTURES = {
    "view": lambda g, y: g.view(y, 3, (-1, 2), (3, 3)),
    "broadcast": lambda g, y: spread(g, y, (3,)),
    "take": lambda g, y: g.take(y, np.array([[3, 1, 1], [0, 5, 2]])),
    "concat": lambda g, y: g.concat([y, g.const(np.ones(3)), g.elementwise("square", y), y], 0),
    "concat 2-d": lambda g, y: g.concat([spread(g, y, (2,)), spread(g, y, (1,))], 1),
    "update": lambda g, y: g.update(y, g.view(y, 0, (1,), (3,)), 1, (2,), (3,)),
    "update of a constant": lambda g, y: g.update(
        g.const(np.ones((9, 9), y.dtype)),
        spread(g, g.view(y, 2, (1,), (3,)), (3,)),
        10,
        (9, 2),
        (3, 3),
    ),
    "update of one element": lambda g, y: g.update(y, g.view(y, 3, (), ()), 5, (), ()),
    "update of two axes": lambda g, y: g.update(
        spread(g, y, (2,)), g.view(y, 0, (1,), (y.size,)), 1, (2,), (y.size,)
    ),
    "put in a square": lambda g, y: g.put(
        y, g.view(y, 0, (2, 1), (2, 2)), np.array([[5, 1], [3, 2]])
    ),
    "update with a constant": lambda g, y: g.update(y, g.const(2.0), 1, (3,), (2,)),
    "put": lambda g, y: g.put(y, g.view(y, 2, (-1,), (3,)), np.array([5, 1, 3])),
    "put of a constant": lambda g, y: g.put(
        g.const(np.ones(y.size, y.dtype)), y, np.arange(y.size)[::-1]
    ),
    "cast": lambda g, y: g.elementwise("real", g.cast(y, COMPLEX)),
    "sum": lambda g, y: g.reduce("sum", y, (0,)),
    "sum over rows": lambda g, y: g.reduce("sum", g.view(y, 0, (1, 1), (y.size - 3, 4)), (0,)),
    "sum over columns": lambda g, y: g.reduce("sum", g.view(y, 0, (1, 1), (y.size - 3, 4)), (1,)),
    "sum over both": lambda g, y: g.reduce("sum", g.view(y, 0, (1, 1), (y.size - 3, 4)), (0, 1)),
    "sum of what is spread": lambda g, y: g.reduce("sum", spread(g, y, (3,)), (1,)),
    "prod": lambda g, y: g.reduce("prod", g.view(y, 0, (1,), (6,)), (0,)),
    "prod over rows": lambda g, y: g.reduce("prod", g.view(y, 0, (1, 1), (5, 4)), (0,)),
    "prod over both": lambda g, y: g.reduce("prod", g.view(y, 0, (1, 1), (5, 4)), (0, 1)),
    "amax": lambda g, y: g.reduce("amax", y, (0,)),
    "amin over rows": lambda g, y: g.reduce("amin", g.view(y, 0, (1, 1), (6, 3)), (0,)),
    "amax over columns": lambda g, y: g.reduce("amax", g.view(y, 0, (1, 1), (6, 3)), (1,)),
    "amin over two axes": lambda g, y: g.reduce("amin", g.view(y, 0, (1, 2, 1), (2, 3, 2)), (0, 2)),
    "cumsum": lambda g, y: g.cumsum(y, 0),
    "cumsum of rows": lambda g, y: g.cumsum(g.view(y, 0, (1, 1), (5, 4)), 0),
    "cumsum of columns": lambda g, y: g.cumsum(g.view(y, 0, (1, 1), (5, 4)), 1),
    "cumsum of a cumsum": lambda g, y: g.cumsum(nonlinear(g, g.cumsum(y, 0)), 0),
    "matrix @ vector": lambda g, y: g.matmul(matrix(g, 5, y.size), y),
    "vector @ matrix": lambda g, y: g.matmul(y, matrix(g, y.size, 5)),
    "vector @ vector": lambda g, y: g.matmul(y, g.elementwise("exp", y)),
    "matrix @ matrix": lambda g, y: g.matmul(
        g.view(y, 0, (1, 1), (5, 4)), nonlinear(g, g.view(y, 1, (1, 1), (4, 3)))
    ),
    "two layers": lambda g, y: g.matmul(
        matrix(g, 4, 30), g.elementwise("tanh", g.matmul(matrix(g, 30, y.size), y))
    ),
    "two layers, left": lambda g, y: g.matmul(
        g.elementwise("tanh", g.matmul(y, matrix(g, y.size, 30))), matrix(g, 30, 4)
    ),
    "products of products": lambda g, y: g.matmul(
        g.matmul(g.view(y, 0, (2, 1), (3, 3)), g.view(y, 1, (1, 2), (3, 3))),
        g.view(y, 0, (1, 1), (3, 3)),
    ),
    "mean taken off": lambda g, y: g.elementwise(
        "multiply", y, g.elementwise("subtract", y, g.reduce("sum", nonlinear(g, y), (0,)))
    ),
    "all pairs": lambda g, y: g.reduce(
        "sum",
        nonlinear(
            g,
            g.elementwise(
                "subtract",
                g.view(y, 0, (0, 1), (y.size, y.size)),
                g.view(y, 0, (1, 0), (y.size, y.size)),
            ),
        ),
        (1,),
    ),
    "sparse @ vector": lambda g, y: g.spmv(g.const(np.arange(1.0, 8.0)), y, *entries_of(y)),
    "sparse @ matrix": lambda g, y: g.spmv(
        g.const(np.arange(1.0, 8.0)), g.view(y, 0, (1, 1), (y.size - 1, 2)), *entries_of(y)
    ),
    "sparse matrix of the state": lambda g, y: g.spmv(
        g.view(y, 1, (1,), (8,)), nonlinear(g, y), *entries_of(y)
    ),
    "sparse @ what is spread": lambda g, y: g.spmv(
        g.const(np.arange(1.0, 8.0)),
        g.broadcast(g.reduce("sum", y, (0,)), (y.size,)),
        *entries_of(y),
    ),
    "gather": lambda g, y: g.gather(y, places_of(g, y)),
    "gather of what is spread": lambda g, y: g.gather(
        g.broadcast(g.reduce("sum", y, (0,)), (4,)), places_of(g, y)
    ),
    "gather of one": lambda g, y: g.gather(
        g.elementwise("square", y), g.reduce("sum", places_of(g, y), (0,))
    ),
    "turned": lambda g, y: axes_moved(g, g.view(y, 0, (2, 1, 1), (2, 3, 2)), (2, 0, 1)),
}


def places_of(graph, y):
    """Indices that depend on the time, one of them out of range."""
    k = graph.cast(graph.elementwise("multiply", graph.time(), graph.const(4.0)), INT)
    return graph.elementwise("add", graph.const(np.array([0, 3, -1, 1])), k)


def entries_of(y):
    """(start, column, place) of a matrix with an empty row, one longer than the others and a repetition."""
    return (
        np.array([0, 1, 1, 4, 7]),
        np.array([2, 0, 5, 3, 1, 1, 4]),
        np.array([6, 0, 1, 2, 4, 3, 5]),
    )


def matrix(graph, rows, columns):
    return graph.const(np.random.default_rng(rows).standard_normal((rows, columns)))


CASES = [(name, FLOAT) for name in STRUCTURES] + [
    (name, COMPLEX) for name in STRUCTURES if not name.startswith(("amax", "amin"))
]  # complex numbers have no order


@pytest.mark.parametrize("n", [9, 70])
@pytest.mark.parametrize("name, dtype", CASES)
def test_structure(name, dtype, n):
    """Short and long stacks, of linear and nonlinear elements, used linearly and not."""
    rng = np.random.default_rng(n)
    y = rng.permutation(np.linspace(0.2, 1.0, n))
    y = y + 1j * rng.uniform(-1.0, 1.0, n) / n if dtype == COMPLEX else y
    make = STRUCTURES[name]
    agree(program_of(make, n, dtype), y, 1e-7)
    agree(program_of(lambda g, y: nonlinear(g, make(g, nonlinear(g, y))), n, dtype), y, 1e-6)


def test_one_element():
    """y @ y of one component: everything is of rank 0 or one element long."""
    agree(program_of(lambda g, y: g.matmul(y, y), 1), np.array([0.7]))
    agree(program_of(lambda g, y: g.take(nonlinear(g, y), np.array(0)), 1), np.array([0.7]))
    square = program_of(lambda g, y: g.update(g.matmul(y, y), g.time(), 0, (), ()), 1)
    assert not exact(square, 0.5, np.array([0.7])).any()


def test_only_the_first_of_equal_extrema_counts():
    program = program_of(lambda g, y: g.reduce("amax", y, (0,)), 3)
    np.testing.assert_array_equal(exact(program, 0.0, np.ones(3)), [[1.0, 0.0, 0.0]])


def test_products_with_zeros():
    program = program_of(lambda g, y: g.reduce("prod", y, (0,)), 3)
    np.testing.assert_array_equal(exact(program, 0.0, np.array([0.0, 2.0, 3.0])), [[6.0, 0.0, 0.0]])


@pytest.mark.parametrize("dtype", [BOOL, INT], ids=str)
def test_integers_are_constant(dtype):
    program = program_of(lambda g, y: g.cast(g.cast(y, dtype), FLOAT), 3)
    assert not exact(program, 0.0, np.array([0.4, 1.6, 2.4])).any()


def test_scalar_style_with_many_sums_stays_short():
    """Forty sums of sums of all components: their terms are added up, not collected."""

    def make(graph, y):
        for _ in range(40):
            total = graph.reduce("sum", nonlinear(graph, y), (0,))
            y = graph.elementwise("add", y, graph.elementwise("multiply", total, y))
            y = graph.elementwise("multiply", y, graph.const(0.02))
        return y

    program = program_of(make, 30)
    agree(program, np.linspace(0.1, 1.0, 30))
