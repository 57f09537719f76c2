"""Products of a vector with a Jacobian, by reverse accumulation, against the Jacobian and its product."""

import numpy as np
import pytest

import problems
from compile.kernels import call
from diffsol._compile.cpu import compile_program
from diffsol._graph import interpret
from diffsol._graph.build import Graph
from diffsol._graph.check import check
from diffsol._graph.derivatives import STEPS
from diffsol._graph.node import Program
from diffsol._graph.ops import BOOL, COMPLEX, ELEMENTWISE, FLOAT, INT
from diffsol._graph.reverse import vjp_program
from diffsol._graph.special import TABLE as SPECIAL
from diffsol._graph.terms import TooLarge
from diffsol._trace.trace import trace_function
from graph.jacobians import exact, product
from graph.test_diff import PARTLY, SMOOTH, STRUCTURES, nonlinear, points, program_of
from graph.test_jacobian import traced


def reverse(program, t, y, weights, params=()):
    """weights^T J by reverse accumulation and the interpreter."""
    found = vjp_program(program)
    check(found)
    both = np.concatenate([np.ravel(weights), np.ravel(y)])
    return interpret.run(found, t, both, np.asarray(params, float))[0]


def agree(program, t, y, params=(), rtol=1e-12):
    """Weights times J, row by row and all together, and <w, J v> = <w J, v>."""
    jac = exact(program, t, y, params)
    rng = np.random.default_rng(3)
    weights = rng.standard_normal(program.output.size)
    got, size = reverse(program, t, y, weights, params), np.abs(weights) @ np.abs(jac)
    np.testing.assert_allclose(got, weights @ jac, rtol=rtol, atol=rtol * size.max(initial=1e-300))
    v = rng.standard_normal(y.size)
    scale = size @ np.abs(v) + 1e-300
    assert abs(got @ v - weights @ product(program, t, y, v, params)) <= 10 * rtol * scale
    return jac


REAL = [name for name in SMOOTH if name not in ("conjugate", "real", "imag")]


@pytest.mark.parametrize("scalar", [None, 0, 1])
@pytest.mark.parametrize("name", REAL)
def test_elementwise(name, scalar):
    """Of arrays, and of an array and a number."""
    arity = ELEMENTWISE[name].arity

    def make(graph, y):
        inputs = [graph.view(y, 5 * i, (1,), (5,)) for i in range(arity)]
        if name in ("select", "shield"):
            inputs[0] = graph.elementwise("greater", inputs[0], graph.const(0.0))
        if scalar is not None and scalar < arity:
            inputs[scalar] = graph.view(inputs[scalar], 2, (), ())
        return graph.elementwise(name, *inputs)

    jac = agree(program_of(make, 5 * arity), 0.5, points(name, 5 * arity))
    assert jac.any() or name == "imag"


@pytest.mark.parametrize("name", sorted(PARTLY))
def test_where_one_argument_has_a_derivative(name):
    partials = SPECIAL[name.removeprefix("special_")].partials
    for which, partial in enumerate(partials):

        def make(graph, y, which=which):
            inputs = [graph.const(0.7)] * len(partials)
            inputs[which] = y
            return graph.elementwise(name, *inputs)

        program = program_of(make, 5)
        if partial is None:
            with pytest.raises(TooLarge):
                vjp_program(program)
        else:
            agree(program, 0.5, points(name, 5))


@pytest.mark.parametrize("name", STEPS)
def test_steps_have_no_derivative(name):
    row = ELEMENTWISE[name]

    def make(graph, y):
        z = graph.elementwise(name, *[graph.view(y, 3 * i, (1,), (3,)) for i in range(row.arity)])
        return graph.cast(z, FLOAT)

    y = points(name, 3 * row.arity)
    assert not reverse(program_of(make, y.size), 0.0, y, np.ones(3)).any()


@pytest.mark.parametrize("n", [9, 70])
@pytest.mark.parametrize("name", [name for name in STRUCTURES if name != "cast"])
def test_structure(name, n):
    y = np.random.default_rng(n).permutation(np.linspace(0.2, 1.0, n))
    make = STRUCTURES[name]
    agree(program_of(make, n), 0.5, y)
    between = program_of(lambda g, y: nonlinear(g, make(g, nonlinear(g, y))), n)
    agree(between, 0.5, y)
    compiled(between, 0.5, y)


def compiled(program, t, y, params=()):
    """Compiled to lines and to loops, the product is what the interpreter says."""
    found = vjp_program(program)
    weights = np.linspace(-1.0, 1.0, program.output.size)
    both = np.concatenate([weights, y])
    wanted, _ = interpret.run(found, t, both, np.asarray(params, float))
    for unrolled in (True, False):
        kernel = compile_program(found, unrolled=unrolled)
        got, asked, _ = call(kernel, t, both, np.asarray(params, float))
        assert not asked
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-12 * np.abs(wanted).max())


SOLVES = {
    "solve": lambda g, y: g.solve(dominant(g, y), g.view(y, 1, (1,), (3,))),
    "solve for columns": lambda g, y: g.solve(dominant(g, y), g.view(y, 1, (1, 2), (3, 3))),
    "row @ matrix": lambda g, y: g.matmul(g.view(y, 0, (1,), (3,)), g.view(y, 1, (2, 1), (3, 3))),
    "number of one": lambda g, y: g.matmul(g.view(y, 0, (1,), (1,)), g.view(y, 1, (1,), (1,))),
}


def dominant(graph, y):
    """A matrix that is far from singular."""
    return graph.elementwise("add", graph.view(y, 0, (2, 1), (3, 3)), graph.const(5.0 * np.eye(3)))


@pytest.mark.parametrize("name", SOLVES)
def test_products_and_solutions(name):
    program = program_of(SOLVES[name], 9)
    y = np.linspace(0.2, 1.0, 9) ** 2
    agree(program, 0.5, y)
    compiled(program, 0.5, y)


# --- zeros that nothing reaches ---------------------------------------------------------------------


def row_by_row(program, y):
    """The Jacobian, a product for each row: every other weight is zero."""
    with np.errstate(all="ignore"):
        rows = [reverse(program, 0.0, y, e) for e in np.eye(program.output.size)]
        np.testing.assert_array_equal(rows, exact(program, 0.0, y))


def test_a_branch_that_is_not_taken_spoils_nothing():
    def make(graph, y):
        positive = graph.elementwise("greater", y, graph.const(0.0))
        return graph.elementwise("select", positive, graph.elementwise("sqrt", y), y)

    row_by_row(program_of(make, 2), np.array([0.0, 4.0]))


def test_an_extremum_takes_nothing_of_the_other():
    def make(graph, y):
        root = graph.elementwise("sqrt", graph.elementwise("square", y))
        return graph.elementwise("maximum", graph.elementwise("log", root), graph.const(-3.0))

    row_by_row(program_of(make, 2), np.array([0.0, 4.0]))


@pytest.mark.parametrize(
    "slice_of",
    [
        lambda g, x: g.view(x, 1, (1,), (2,)),
        lambda g, x: g.take(x, np.array([2, 1])),
        lambda g, x: g.take(x, np.array([2, 1, 1])),
        lambda g, x: g.update(x, g.const(7.0), 0, (), ()),
        lambda g, x: g.put(x, g.const(7.0), np.array([0])),
    ],
)
def test_what_is_left_out_spoils_nothing(slice_of):
    """sqrt has an infinite slope at 0, where nobody asks for it."""

    def make(graph, y):
        return slice_of(graph, graph.elementwise("sqrt", graph.elementwise("square", y)))

    program = program_of(make, 3)
    with np.errstate(all="ignore"):
        got = reverse(program, 0.0, np.array([0.0, 2.0, 3.0]), np.ones(program.output.size))
    assert np.isfinite(got).all()
    assert got[0] == 0


@pytest.mark.parametrize(
    "y", [[0.0, np.inf], [np.nan, 1.0], [np.inf, -np.inf], [0.0, 0.0]], ids=str
)
@pytest.mark.parametrize("name", ["multiply", "divide", "power", "hypot", "arctan2", "logaddexp"])
def test_odd_values_are_as_odd_as_forward(name, y):
    def make(graph, state):
        return graph.elementwise(name, graph.view(state, 0, (), ()), graph.view(state, 1, (), ()))

    program = program_of(make, 2)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(
            reverse(program, 0.0, np.array(y), np.ones(1)), exact(program, 0.0, np.array(y))[0]
        )


def test_only_the_first_of_equal_extrema_counts():
    program = program_of(lambda g, y: g.reduce("amax", y, (0,)), 3)
    np.testing.assert_array_equal(reverse(program, 0.0, np.ones(3), [2.0]), [2.0, 0.0, 0.0])


def test_products_with_zeros():
    program = program_of(lambda g, y: g.reduce("prod", y, (0,)), 3)
    row_by_row(program, np.array([0.0, 2.0, 3.0]))


# --- what is refused, and what has no derivative ----------------------------------------------------


def test_complex_numbers_are_refused():
    on_the_way = program_of(lambda g, y: g.elementwise("real", g.cast(y, COMPLEX)), 3)
    for program in (on_the_way, program_of(lambda g, y: y, 3, COMPLEX)):
        with pytest.raises(TooLarge, match="complex"):
            vjp_program(program)


def test_complex_constants_are_no_hindrance():
    def make(graph, y):
        z = graph.elementwise("exp", graph.cast(graph.time(), COMPLEX))
        return graph.elementwise("multiply", y, graph.elementwise("real", z))

    agree(program_of(make, 3), 0.5, np.ones(3))


@pytest.mark.parametrize("dtype", [BOOL, INT], ids=str)
def test_integers_are_constant(dtype):
    program = program_of(lambda g, y: g.cast(g.cast(y, dtype), FLOAT), 3)
    assert not reverse(program, 0.0, np.array([0.4, 1.6, 2.4]), np.ones(3)).any()


def test_columns_of_one():
    """An array with one more axis is still the state."""

    def make(graph, y):
        column = graph.reshape(y, (3, 1))
        return graph.elementwise("square", graph.reshape(column, (1, 3)))

    assert agree(program_of(make, 3), 0.5, np.ones(3)).any()
    assert agree(program_of(lambda g, y: g.reshape(y, ()), 1), 0.5, np.ones(1)).any()


def test_what_does_not_depend_on_the_state():
    program = program_of(lambda g, y: g.const(np.ones(4)), 3)
    assert not reverse(program, 0.0, np.ones(3), np.ones(4)).any()


def test_the_trap_is_kept():
    graph = Graph()
    y = graph.state((2,), FLOAT)
    trap = graph.elementwise("less", graph.view(y, 0, (), ()), graph.const(0.0))
    program = Program(graph.elementwise("square", y), trap, (2,), FLOAT, 0)
    kernel = compile_program(vjp_program(program))
    states = ([1.0, 1.0, 1.0, 2.0], [1.0, 1.0, -1.0, 2.0])
    assert [call(kernel, 0.0, np.array(y), np.empty(0))[1] for y in states] == [0, 1]


def test_a_deadline_is_kept():
    with pytest.raises(TooLarge, match="too long"):
        vjp_program(traced(problems.load("hires")).program, deadline=0.0)


# --- the form of what comes out -----------------------------------------------------------------------


def two_layers(t, x, k=20, n=30):
    y, v, w = x[:n], x[n : n + k * n].reshape(k, n), x[n + k * n :].reshape(n, k)
    return w @ np.tanh(v @ y)


def test_layers_are_reversed_as_layers():
    """Two products of matrices and vectors (and the one that f needs anyway), no loop of sums."""
    size = 30 + 2 * 600
    program = trace_function(two_layers, (), (size,), FLOAT, (30,), FLOAT).program
    found = vjp_program(program)
    names = [node.op for node in found.nodes]
    assert names.count("matmul") == 3
    assert not {"sum", "spmv", "take", "update", "put"} & set(names)
    y = np.random.default_rng(0).standard_normal(size) / 5
    agree(program, 0.0, y, rtol=1e-11)
    compiled(program, 0.0, y)


def stencil_in_a_loop(t, y):
    d = np.zeros(len(y))
    for i in range(1, len(y) - 1):
        d[i] = np.sin(y[i + 1]) - 2 * y[i] ** 2 + y[i - 1] * y[i]
    return d


def pulls_in_a_loop(t, y):
    rates = []
    for i in range(len(y)):
        pull = 0.0
        for j in range(len(y)):
            pull += np.sin(y[j] - y[i])
        rates.append(pull)
    return rates


@pytest.mark.parametrize("fun, n", [(stencil_in_a_loop, 400), (pulls_in_a_loop, 40)])
def test_loops_that_were_rolled_stay_rolled(fun, n):
    program = trace_function(fun, (), (n,), FLOAT, (n,), FLOAT).program
    found = vjp_program(program)
    assert len(found.nodes) < 100
    y = np.random.default_rng(0).standard_normal(n)
    agree(program, 0.0, y, rtol=1e-10)
    compiled(program, 0.0, y)


def test_stencils_on_arrays_need_no_tables():
    def heat(t, y):
        d = np.zeros_like(y)
        d[1:-1] = y[2:] * y[:-2] - 2 * y[1:-1]
        return d

    program = trace_function(heat, (), (300,), FLOAT, (300,), FLOAT).program
    assert not {"spmv", "take", "put"} & {node.op for node in vjp_program(program).nodes}
    agree(program, 0.0, np.linspace(0.0, 1.0, 300))
