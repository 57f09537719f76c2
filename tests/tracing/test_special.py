"""scipy.special: SciPy's values to the last bit, its error handling, and nothing imported early."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.special

from diffsol._graph.special import TABLE
from diffsol._native.special import address
from graph.test_diff import points
from tracing.agreement import agree, refusal, traced

ODD = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e300, -2.0, 700.0, 1e-310]


def of_one(name):
    function = getattr(scipy.special, name)
    return lambda t, y: function(y)


def of_two(name):
    function = getattr(scipy.special, name)
    return lambda t, y: [function(y[0], y[1]), function(0.5, y[1]), function(y[0], t)]


@pytest.mark.parametrize("name", TABLE)
def test_values(name):
    """No flag is left by ordinary arguments, and of odd ones SciPy's value comes or Python is asked."""
    if TABLE[name].arity == 1:
        fun, n, odd = of_one(name), 5, np.resize(ODD, (3, 5))
    else:
        fun, n, odd = of_two(name), 3, [[a, b, 0.0] for a in ODD for b in ODD]
    agree(fun, n, states=points(f"special_{name}", 10 * n).reshape(10, n), times=(0.7,), rtol=0)
    agree(fun, n, states=odd, times=(0.7,), rtol=0, plain=False)


@pytest.mark.parametrize("name", TABLE)
def test_symbol_is_of_doubles(name):
    import ctypes

    count = TABLE[name].arity
    type = ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_double] * count, ctypes.c_int)
    x = [float(v) for v in points(f"special_{name}", count)]
    assert type(address(TABLE[name].symbol))(*x, 0) == getattr(scipy.special, name)(*x)


def test_integers_and_names():
    from scipy.special import digamma, jv

    agree(lambda t, y: [jv(2, 3.0 + y[0]), digamma(2.0 + y[1] * y[1])], 2, rtol=0)


def test_errors_that_scipy_raises_are_left_to_python():
    def fun(t, y):
        return scipy.special.gammaln(y)

    result, block = traced(fun, 2)
    with scipy.special.errstate(singular="raise"):
        assert not result.check(fun, (), block)
        with pytest.raises(scipy.special.SpecialFunctionError):
            fun(0.0, np.array([-1.0, 2.0]))
    assert result.check(fun, (), block)


def test_refused():
    expit = scipy.special.expit
    assert refusal(lambda t, y: expit(1j * y).real, 2) == "unknown-call"
    assert refusal(lambda t, y: expit(y > 0) * y, 2) == "unknown-call"
    assert refusal(lambda t, y: expit(y, out=y), 2) == "unknown-call"
    assert refusal(lambda t, y: scipy.special.bdtr(y, 2, 0.5), 2) == "unknown-call"


def test_nothing_of_scipy_is_imported_for_it():
    code = (
        "import sys; import diffsol.integrate, diffsol._trace.trace, diffsol._compile.cpu; "
        "assert 'scipy.special' not in sys.modules and 'scipy.interpolate' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
