"""Any function that is compiled gives what the Python function gives, or asks Python."""

import math

import numpy as np
import pytest
from diffsol._native._core import ffi, lib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diffsol._engine.function import Function
from diffsol._trace.reasons import Refused
from tracing.random_functions import functions

FINE = {
    "raises",
    "too-many-branches",
    "dynamic-index",
    "concrete-value",
    "result",
    "complex-to-real",
    "numpy-call",
    "unknown-call",
    "too-long",
}
VALUES = st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, -0.3, 1e-3, 3.7])


def kernel_value(bound, t, y):
    out = np.empty_like(y)
    asked = lib.ds_kernel_call(
        bound.pointer,
        bound.params,
        t,
        ffi.from_buffer("double[]", y),
        ffi.from_buffer("double[]", out),
    )
    return None if asked else out


def compiled(function):
    """(kernel or None, reason why not)"""
    try:
        return function.compile(), None
    except Refused as refusal:
        return None, refusal.reason.code


@pytest.mark.slow
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(functions(), VALUES, st.lists(VALUES, min_size=4, max_size=4), VALUES, VALUES)
def test_compiled_function_gives_what_python_gives(function, t, state, k, g):
    source, size = function
    scope = {
        "np": np,
        "math": math,
        "g": g,
        "box": {"a": k},
        "row": [g, 1.5, k],
        "w": np.array([1.0, k, -0.5, 2.0])[:size],
    }
    exec(source, scope)
    f, y = scope["f"], np.array(state[:size])
    bound, reason = compiled(Function(f, (k,), y))
    if bound is None:
        assert reason in FINE, source
        return
    got = kernel_value(bound, t, y.copy())
    if got is None:
        return
    with np.errstate(all="ignore"):
        wanted = np.asarray(f(np.float64(t), y.copy(), k), dtype=float)
    scale = np.max(np.abs(wanted), initial=1.0)
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12 * scale, err_msg=source)
