"""Functions that raise: to abort, by assertion, by mistake; and those that catch."""

import numpy as np

from corpus.registry import compiles, stays_python


class Diverged(Exception):
    pass


@compiles([1.0], 10.0)
def raises_when_it_diverges(t, y):
    if y[0] > 50.0:
        raise Diverged("left the domain")
    return y


@compiles([1.0], 10.0)
def raises_with_the_state_in_the_text(t, y):
    if y[0] > 50.0:
        raise ValueError(f"y = {y[0]:.2f} at t = {t:.3f}")
    return y


@compiles([1.0], 2.0)
def asserts_what_holds(t, y):
    assert y.shape == (1,), "one state"
    assert y[0] > 0, "negative"
    return -y


@compiles([1.0], 10.0, call="odeint")
def asserts_what_fails(y, t):
    assert y[0] < 20.0, "too large"
    return y


@compiles([1.0, 0.0], 10.0, "cubic")
def not_implemented_branch(t, y, law):
    if law == "linear":
        return [y[1], -y[0]]
    elif law == "cubic":
        return [y[1], -(y[0] ** 3)]
    else:
        raise NotImplementedError(law)


@compiles([1.0], 3.0)
def divides_by_a_python_zero(t, y):
    """A Python float: ZeroDivisionError, not inf."""
    k = 0.0
    if t > 1.0:
        return [1.0 / k]
    return [-y[0]]


@compiles([1.0, 0.0], 1.0)
def divides_by_a_numpy_zero(t, y):
    """A NumPy float warns and gives inf, which ends in nan."""
    return [y[0] / y[1] if t > 0.5 else 0.0, 0.0]


@compiles([0.5], 3.0)
def root_of_a_negative(t, y):
    return [-1.0 + 0.0 * np.sqrt(y[0])]


@compiles([0.5], 3.0)
def math_domain_error(t, y):
    import math

    return [-1.0 + 0.0 * math.sqrt(y[0])]


@compiles([1.0], 20.0)
def overflows(t, y):
    return y**2


@stays_python("raises", [1.0, 2.0], 1.0)
def wrong_index(t, y):
    return [y[1], y[2]]


@stays_python("raises", [1.0], 1.0)
def misspelt_name(t, y):
    return -yy  # noqa: F821


@stays_python("raises", [1.0, 2.0], 1.0)
def too_many_to_unpack(t, y):
    (a,) = y
    return [a, a]


@stays_python("result", [1.0, 2.0], 1.0, call="odeint")
def forgot_to_return(y, t):
    dydt = -y


@compiles([1.0, 2.0], 1.0)
def one_derivative_too_few(t, y):
    """SciPy takes it for both."""
    return [-y[0]]


@stays_python("raises", [1.0, 2.0], 1.0)
def arguments_in_odeints_order(y, t):
    a, b = y
    return [b, -a]


@stays_python("complex-to-real", [1.0], 1.0)
def complex_by_accident(t, y):
    return [(-1.0) ** 0.5 * y[0]]


@compiles([1.0], 3.0)
def catches_a_zero_division(t, y):
    try:
        k = 1.0 / float(t)
    except ZeroDivisionError:
        k = 1.0
    return [-min(k, 1.0) * y[0]]


@stays_python("try-except", [1.0], 3.0, {"k": 0.5}, why="a handler depends on what the world holds")
def catches_a_missing_key(t, y, p):
    try:
        n = p["n"]
    except KeyError:
        n = 1.0
    return [-p["k"] * y[0] ** n]


@compiles([1.0], 3.0, {"k": 0.5, "n": 1.5})
def try_that_never_fails(t, y, p):
    try:
        n = p["n"]
    except KeyError:
        n = 1.0
    return [-p["k"] * abs(y[0]) ** n]


@compiles([1.0], 3.0, made=True)
def finally_and_with():
    class Frozen:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            return False

    def rhs(t, y):
        with np.errstate(all="ignore"):
            k = np.log1p(y[0])
        try:
            out = -k * y
        finally:
            k = None
        return out

    return rhs


@stays_python("side-effect", [1.0], 1.2, made=True, call="odeint")
def aborts_by_a_flag():
    stop = {"now": False}

    def rhs(y, t):
        if stop["now"]:
            return 0.0 * y
        if t > 1.0:
            stop["now"] = True
        return -y

    return rhs, lambda: stop
