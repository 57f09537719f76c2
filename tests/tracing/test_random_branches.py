"""Functions full of branches give what Python gives, for numbers, infinities and NaNs, or ask Python."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diffsol._engine.function import Function
from tracing.random_branches import SIZE, functions
from tracing.test_random_functions import FINE, compiled, kernel_value

VALUES = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -0.3, 3.7, math.nan, math.inf])


def python_value(f, t, y, k):
    """The function's result; None where it raises."""
    try:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(f(np.float64(t), y.copy(), k), float), (SIZE,))
    except Exception:
        return None


@pytest.mark.slow
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    functions(),
    st.lists(
        st.tuples(VALUES, st.lists(VALUES, min_size=SIZE, max_size=SIZE)), min_size=4, max_size=4
    ),
    VALUES,
)
def test_branches_give_what_python_gives(source, places, k):
    scope = {"np": np, "math": math}
    exec(source, scope)
    f = scope["f"]
    bound, reason = compiled(Function(f, (k,), np.array(places[0][1])))
    if bound is None:
        assert reason in FINE, source
        return
    for t, state in places:
        y = np.array(state)
        got = kernel_value(bound, t, y.copy())
        if got is None:
            continue
        wanted = python_value(f, t, y, k)
        assert wanted is not None, f"{t}, {y}: Python raises\n{source}"
        np.testing.assert_allclose(
            got, wanted, rtol=1e-12, atol=1e-14, err_msg=f"{t}, {y}\n{source}"
        )
