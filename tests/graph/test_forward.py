"""[f, dS/dt] as one program: right, and of few operations however the function was written."""

import numpy as np
import pytest

from diffsol._graph import interpret
from diffsol._graph.check import check
from diffsol._graph.forward import forward_program
from diffsol._graph.ops import FLOAT
from diffsol._trace import trace

RNG = np.random.default_rng(11)


def by_scalars(n):
    """Lotka and Volterra's equations of n species, with n**2 parameters, one by one."""

    def fun(t, x):
        y, p = list(x[:n]), list(x[n:])
        return [y[i] * (1 - sum(p[n * i + j] * y[j] for j in range(n))) for i in range(n)]

    return fun


def by_arrays(n):
    return lambda t, x: x[:n] * (1 - x[n:].reshape(n, n) @ x[:n])


def slopes(n, y, p, columns):
    """dS/dt, (m, n), of both."""
    matrix = p.reshape(n, n)
    by_state = np.diag(1 - matrix @ y) - y[:, np.newaxis] * matrix
    by_params = np.zeros((n, n, n))  # component, i, j
    by_params[range(n), range(n)] = -y[:, np.newaxis] * y
    rows = np.concatenate([by_params.reshape(n, n * n).T, np.zeros((n, n))])
    return columns @ by_state.T + rows


@pytest.mark.parametrize("write, n, most", [(by_scalars, 20, 60), (by_arrays, 12, 60)])
def test_few_operations(write, n, most):
    fun = write(n)
    traced = trace.trace_function(fun, (), (n + n * n,), FLOAT, (n,), FLOAT)
    block = np.empty(traced.n_params + n * n)
    assert traced.check(fun, (), block)
    program = forward_program(traced.program, n, (*range(n * n), *[-1] * n))
    check(program)
    assert len(program.nodes) < most
    y, p = RNG.uniform(0.5, 1, n), RNG.uniform(-1, 1, n * n)
    columns = RNG.normal(size=(n * n + n, n))
    block[traced.n_params :] = p
    found, _ = interpret.run(program, 0.3, np.concatenate([y, columns.ravel()]), block)
    np.testing.assert_allclose(found[:n], fun(0.3, np.concatenate([y, p])), rtol=1e-13)
    np.testing.assert_allclose(
        found[n:].reshape(columns.shape), slopes(n, y, p, columns), rtol=1e-12, atol=1e-12
    )
