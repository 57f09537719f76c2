"""Reverse accumulation of problems, of what people write, and of random programs."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import corpus
import problems
from compile import sample_programs
from compile.kernels import call
from compile.random_programs import programs
from diffsol._compile.cpu import compile_program
from diffsol._graph import interpret
from diffsol._graph.check import check
from diffsol._graph.ops import ELEMENTWISE, FLOAT
from diffsol._graph.reverse import vjp_program
from diffsol._graph.roll import rolled
from diffsol._graph.special import TABLE as SPECIAL
from diffsol._graph.terms import TooLarge
from diffsol._trace.trace import trace_function
from graph.jacobians import exact
from graph.test_jacobian import parameters, state_of, traced
from graph.test_reverse import agree, reverse
from tracing.idioms import COMPILED
from tracing.test_idioms import name_of

# --- what there is to be differentiated -----------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in problems.names() if problems.load(n).n <= 200])
def test_problems(name):
    p = problems.load(name)
    if np.iscomplexobj(p.y0):
        pytest.skip("complex")
    result, y = traced(p), state_of(p)
    block = parameters(p, result)
    with np.errstate(all="ignore"):
        jac = exact(result.program, 0.3, y, block)
        weights = np.random.default_rng(1).standard_normal(p.n)
        got = reverse(result.program, 0.3, y, weights, block)
    scale = (np.abs(weights) @ np.abs(jac)).max()
    np.testing.assert_allclose(got, weights @ jac, rtol=1e-10, atol=1e-12 * scale)


@pytest.mark.parametrize("fun, n, args", COMPILED, ids=[name_of(c[0]) for c in COMPILED])
def test_idioms(fun, n, args):
    result = trace_function(fun, args, (n,), FLOAT, (n,), FLOAT)
    block = np.empty(result.n_params)
    assert result.check(fun, args, block)
    y = np.random.default_rng(1).uniform(0.2, 0.9, n)
    try:
        found = vjp_program(result.program)
    except TooLarge as refusal:
        assert "complex" in str(refusal)
        return
    check(found)
    with np.errstate(all="ignore"):
        jac = exact(result.program, 0.37, y, block)
        weights = np.random.default_rng(1).standard_normal(n)
        got, _ = interpret.run(found, 0.37, np.concatenate([weights, y]), block)
    scale = (np.abs(weights) @ np.abs(jac)).max()
    np.testing.assert_allclose(got, weights @ jac, rtol=1e-10, atol=1e-12 * scale)


SAMPLES = {"lorenz": 3, "hodgkin_huxley": 4, "pleiades": 28, "many_statements": 200, "grid": 100}


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_programs(name):
    n = SAMPLES[name]
    program = sample_programs.program(getattr(sample_programs, name), n)
    y = np.random.default_rng(2).uniform(0.5, 2.0, n)
    agree(program, 0.3, y, rtol=1e-11)
    kernel = compile_program(rolled(vjp_program(program)))
    weights = np.random.default_rng(3).standard_normal(program.output.size)
    got, asked, _ = call(kernel, 0.3, np.concatenate([weights, y]), np.empty(0))
    assert not asked
    wanted = weights @ exact(program, 0.3, y)
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-10 * np.abs(wanted).max())


KNOWN = tuple(
    name
    for name in ELEMENTWISE
    if None not in getattr(SPECIAL.get(name.removeprefix("special_")), "partials", ())
)


@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(case=programs(KNOWN, wild=False), unrolled=st.booleans())
def test_random_programs(case, unrolled):
    """Where no slope is infinite: weights times the Jacobian."""
    program, t, y, params = case
    assume(program.output.dtype == FLOAT and program.output.size and y.dtype == FLOAT)
    try:
        found = vjp_program(program)
    except TooLarge as refusal:
        assume("complex" not in str(refusal))
        raise
    check(found)
    weights = np.random.default_rng(0).standard_normal(program.output.size)
    both = np.concatenate([weights, np.ravel(y)])
    with np.errstate(all="ignore"):
        jac = exact(program, t, y, params)
        got, _ = interpret.run(found, t, both, params)
    assume(np.isfinite(jac).all())
    scale = np.abs(weights) @ np.abs(jac)
    limit = 1e-9 * scale.max(initial=0.0) + 1e-300
    assume(math.isfinite(limit))
    np.testing.assert_array_less(np.abs(got - weights @ jac), 2 * limit)
    values, asked, _ = call(compile_program(found, unrolled=unrolled), t, both, params)
    if not asked:
        np.testing.assert_array_less(np.abs(values - got), 2 * limit)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [c for c in corpus.cases() if c.reason is None], ids=lambda c: f"{c.family}-{c.name}"
)
def test_corpus(case):
    """Everything in it that is real and compiles."""
    if np.iscomplexobj(case.y0) or case.missing:
        pytest.skip("complex, or not compiled yet")
    function = case.function(case.fresh()[0])
    bound = function.compile()
    program = bound.variant.program
    params = np.array([bound.params[i] for i in range(program.n_params)])
    y = np.asarray(case.y0, float).ravel() * 1.01 + 1e-3
    try:
        found = vjp_program(program)
    except TooLarge as refusal:
        pytest.skip(str(refusal))
    check(found)
    with np.errstate(all="ignore"):
        jac = exact(program, 0.3, y, params)
        weights = np.random.default_rng(1).standard_normal(program.output.size)
        got, _ = interpret.run(found, 0.3, np.concatenate([weights, y]), params)
    sure = np.isfinite(jac).all(axis=0)
    scale = (np.abs(weights) @ np.abs(jac))[sure].max(initial=1e-300)
    np.testing.assert_allclose(
        got[sure], (weights @ jac)[sure], rtol=1e-9, atol=1e-11 * scale + 1e-30
    )
