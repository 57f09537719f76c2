"""Holds a traced function, its two lowerings and its Jacobian against the function itself."""

from __future__ import annotations

import numpy as np

from compile.kernels import call
from diffsol._compile.cpu import compile_program
from diffsol._graph.check import check
from diffsol._graph.interpret import run
from diffsol._graph.jacobian import jacobian
from diffsol._graph.ops import FLOAT
from diffsol._trace.reasons import Refused
from diffsol._trace.trace import trace_function
from graph.jacobians import exact

TIMES = (0.0, 0.37, 0.55, 1.2)
WEIGHTS = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}  # of differences of order 8


def traced(fun, n, args=()):
    """(TraceResult, parameter block) of a function."""
    result = trace_function(fun, args, (n,), FLOAT, (n,), FLOAT)
    check(result.program)
    block = np.zeros(result.n_params)
    assert result.check(fun, args, block)
    return result, block


def random_states(n, count=5, seed=0):
    return list(np.random.default_rng(seed).uniform(-1, 1, (count, n)))


def agree(fun, n, args=(), states=None, times=TIMES, rtol=1e-14, atol=1e-15, plain=True):
    """Wherever NumPy gives a value without a warning, so does the kernel; else it asks Python.

    plain: and it does give one at all of these states.
    """
    result, block = traced(fun, n, args)
    kernels = [compile_program(result.program, unrolled=u) for u in (True, False)]
    for t in times:
        for y in random_states(n) if states is None else states:
            y = np.array(y, float)
            wanted = _called(fun, t, y, args)
            with np.errstate(all="ignore"):
                value, trap = run(result.program, t, y, block)
            found = [(value, int(trap), 0)] + [call(k, t, y, block) for k in kernels]
            for value, code, flags in found:
                where = f"{fun} at {t}, {y}: {code}, {flags}"
                assert not plain or wanted is not None and not code and not flags, where
                if not code and not flags and wanted is not None:
                    np.testing.assert_allclose(
                        value.reshape(-1), wanted, rtol=rtol, atol=atol, err_msg=where
                    )
            if wanted is None:
                assert all(code or flags for _, code, flags in found[1:]), (fun, t, y)
    return result


def _called(fun, t, y, args):
    """The function's value, or None where it raises."""
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(fun(np.float64(t), y.copy(), *args), float)
    except Exception:
        return None
    return np.broadcast_to(value, (y.size,))


def differentiates(fun, n, args=(), states=None, t=0.37, rtol=1e-7, h=1e-4):
    """The Jacobian of the graph is that of the function."""
    result, block = traced(fun, n, args)
    for y in random_states(n, 2) if states is None else states:
        y = np.array(y, float)
        wanted = np.array(
            [
                sum(
                    w
                    * (_called(fun, t, y + k * h * e, args) - _called(fun, t, y - k * h * e, args))
                    for k, w in WEIGHTS.items()
                )
                / h
                for e in np.eye(n)
            ]
        ).T
        got = exact(result.program, t, y, block)
        scale = max(np.abs(wanted).max(initial=0.0), 1.0)
        np.testing.assert_allclose(got, wanted, rtol=rtol, atol=rtol * scale, err_msg=str(fun))
    return jacobian(result.program)


def refusal(fun, n, args=()):
    """The code of the reason why a function is not compiled."""
    try:
        traced(fun, n, args)
    except Refused as refused:
        return refused.reason.code
    return None
