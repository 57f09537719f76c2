"""The tracer follows what people write, and refuses what it must not compile."""

import numpy as np
import pytest

from diffsol._graph.interpret import run
from diffsol._graph.ops import FLOAT
from diffsol._trace.reasons import Refused
from diffsol._trace.trace import trace_function
from tracing.idioms import COMPILED, REFUSED

TIMES = (0.0, 0.37, 0.55, 1.2)


def name_of(case):
    return getattr(case, "__name__", type(case).__name__)


def traced(fun, n, args):
    return trace_function(fun, args, (n,), FLOAT, (n,), FLOAT)


@pytest.mark.parametrize("fun, n, args", COMPILED, ids=[name_of(c[0]) for c in COMPILED])
def test_traced_function_means_the_same(fun, n, args):
    result = traced(fun, n, args)
    block = np.empty(result.n_params)
    assert result.check(fun, args, block)
    rng = np.random.default_rng(0)
    for t in TIMES:
        for _ in range(5):
            y = rng.uniform(-1, 1, n)
            wanted = np.asarray(fun(t, y.copy(), *args), dtype=float)
            got, trap = run(result.program, t, y, block)
            assert not trap
            np.testing.assert_allclose(got, np.broadcast_to(wanted, (n,)), rtol=1e-14, atol=1e-15)


CASES = [(reason, *case) for reason, cases in REFUSED.items() for case in cases]


@pytest.mark.parametrize(
    "reason, fun, n, args", CASES, ids=[f"{c[0]}-{name_of(c[1])}" for c in CASES]
)
def test_refused_with_the_reason_and_the_line(reason, fun, n, args):
    with pytest.raises(Refused) as caught:
        traced(fun, n, args)
    assert caught.value.reason.code == reason, caught.value.args
    if reason not in ("result", "complex-to-real"):
        file, line, _ = caught.value.where
        assert file == fun.__code__.co_filename
        assert line >= fun.__code__.co_firstlineno
