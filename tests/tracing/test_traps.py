"""Ways to fool a tracer: each function is either compiled right or called as Python."""

import builtins
import enum
import functools

import numpy as np
import pytest
import scipy.integrate

import diffsol
from diffsol._engine import kernels, verify
from diffsol._engine.function import Function
from diffsol._trace.reasons import Refused
from diffsol.errors import MismatchWarning
from diffsol.integrate import solve_ivp
from tracing.test_random_functions import kernel_value

FLAG = True
SENTINEL = object()


@pytest.fixture(autouse=True)
def _fresh():
    kernels.clear()


def right_or_python(fun, n=2, args=(), states=None):
    """Refused (its reason comes back), or equal to the function at many states (None comes back)."""
    rng = np.random.default_rng(0)
    state = np.ones(n)
    try:
        bound = Function(fun, args, state).compile()
    except Refused as refusal:
        return refusal.reason.code
    for t in (0.0, 0.5, 1.5, 2.5):
        for y in states or rng.normal(size=(10, n)):
            y = np.array(y, dtype=float)
            got = kernel_value(bound, t, y)
            if got is None:
                continue
            with np.errstate(all="ignore"):
                wanted = np.broadcast_to(
                    np.asarray(fun(np.float64(t), y.copy(), *args), float), (n,)
                )
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14)
    return None


# --- one function, many states -----------------------------------------------------------------------


def bool_index(t, y):
    return (y * 1.0)[FLAG].reshape(-1) * -2.0


def live_enumeration(t, y):
    z = y.copy()
    for i, x in enumerate(z[:-1]):
        z[i + 1] += x
    return z


def lazy_map(t, y):
    z = y.copy()
    doubled = map(lambda x: 2 * x, z)
    z[0] = 5.0
    return list(doubled)


def three_operand_hypot(t, y):
    import math

    return [math.hypot(y[0], y[1], 1.0), 0.0]


def string_keys(t, y, n=1):
    d = {"a1": 1.0}
    return [d.get(f"a{n}", 3.0) * y[0], (f"a{n}" in d) * y[1]]


def string_of_state(t, y):
    return [{"0": 1.0}.get(f"{y[0]:.0f}", 2.0), 0.0]


def in_place_matmul(t, y):
    a = np.outer(y, y)
    b = a
    a @= np.array([[0.0, 1.0], [1.0, 0.0]])
    return b[0]


def in_place_xor(t, y):
    a = y > 0
    b = a
    a ^= True
    return b * 1.0


def split_shares(t, y):
    z = np.zeros(2)
    first, _ = np.split(z, 2)
    first[0] = y[0]
    return z


def divides_by_an_extreme(t, y, g=0.0):
    g / min(abs(y[0]), g)
    return y


def type_of_an_extreme(t, y):
    return y * (2.0 if isinstance(max(0, y[0]), int) else 3.0)


def bool_extremes(t, y):
    m = y > 0
    return np.max(m) + np.max(~m) + np.maximum(m, m) * y


def bool_products(t, y):
    m = y > 0
    return (m @ m) * y


def averages(t, y):
    a = np.outer(y, [1.0, 2.0])
    return np.average(a, axis=0, weights=np.array([1.0, 3.0])) + np.average(
        a, axis=1, weights=[1.0, 5.0]
    )


def where_is_an_array(t, y):
    w = np.where(t > 0, y[0], y[1])
    v = w
    v += 1
    return [w, v]


def truths_of_time(t, y):
    return -y * ((t > 1) + (t > 2))


def big_integers(t, y):
    k = int(y[0] * 10) * 2**40
    return [float((k * 2**40) % 1000003), 0.0]


def read_only_views(t, y):
    d = np.broadcast_to(y * 1.0, (2, 2))
    d[0, 0] = 1.0
    return d[1]


def cast_out(t, y):
    out = np.zeros(2, dtype=int)
    np.multiply(y, 2, out=out)
    return out


def attribute_of_time(t, y):
    return y * getattr(t, "ndim", 1)


def identity_of_arrays(t, y):
    a = y
    return y * (2.0 if a is y else 3.0)


def tracer_only_failure(t, y):
    if t > 1:
        np.array([y[:1] * 0, np.zeros(3)], dtype=object)
    return -y


class Labels(list):
    def __contains__(self, label):
        return True


LABELS = Labels()


def own_container(t, y):
    return y if "x" in LABELS else -y


class Pair(tuple):
    def __mul__(self, other):
        return -7.0


PAIR = Pair((1.0, 2.0))


def own_operator(t, y):
    return y * (PAIR * 2)


def many_integers(t, y, n=2):
    a, b = n, n
    for _ in range(200):
        a, b = b, (a + b) % 1000
    return y * b


CASES = [
    value
    for value in list(globals().values())
    if getattr(value, "__code__", None) is not None
    and value.__code__.co_varnames[:2] == ("t", "y")
    and value.__module__ == __name__
]


@pytest.mark.parametrize("fun", CASES, ids=lambda f: f.__name__)
def test_right_or_called_as_python(fun):
    right_or_python(fun)


@pytest.mark.parametrize(
    "fun", [averages, live_enumeration, lazy_map, string_keys, where_is_an_array, in_place_xor]
)
def test_these_are_compiled(fun):
    assert right_or_python(fun) is None


def test_bool_index_of_a_large_array_does_not_crash():
    assert right_or_python(bool_index, 3000) == "numpy-call"


def test_state_changed_through_a_shared_array():
    def fun(t, y):
        z = np.array(y, copy=False)
        z[1] = 0.0
        return [-z[0] + z[1], 1.0]

    assert diffsol.explain(fun, (0, 1), [1.0, 0.0]).reason == "state-write"


# --- the world changes after compilation ----------------------------------------------------------------


class Mode(enum.Enum):
    A = 1
    B = 2


def agrees_after(fun, change, y0=(1.0,), args=()):
    """Compile, change something outside, and solve: SciPy's answer."""
    diffsol.explain(fun, (0, 1), list(y0), args)
    change()
    ours = solve_ivp(fun, (0, 1), list(y0), args=args)
    theirs = scipy.integrate.solve_ivp(fun, (0, 1), list(y0), args=args)
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-12)


def test_identity_is_guarded():
    class M:
        mode = Mode.A
        law = None

        def rhs(self, t, y):
            return -y if self.mode is Mode.A else y

        def rhs2(self, t, y):
            return -y if self.law is SENTINEL else y

    m = M()
    agrees_after(m.rhs, lambda: setattr(m, "mode", Mode.B))
    m.law = SENTINEL
    agrees_after(m.rhs2, lambda: setattr(m, "law", object()))


def test_attribute_of_an_object_hides_a_method():
    class M:
        def force(self, y):
            return -y

        def rhs(self, t, y):
            return self.force(y)

    m = M()
    agrees_after(m.rhs, lambda: setattr(m, "force", lambda y: 2 * y))


def test_class_read_through_type():
    class M:
        k = 1.0

        def rhs(self, t, y):
            return -type(self).k * y

    agrees_after(M().rhs, lambda: setattr(M, "k", 3.0))


def test_absent_attribute_appears():
    class M:
        def rhs(self, t, y):
            return -getattr(self, "q", 3.0) * y

    m = M()
    agrees_after(m.rhs, lambda: setattr(m, "q", 1.0))


def test_vectorized_helper_is_not_frozen():
    scope = {"k": 2.0}
    helper = np.vectorize(lambda x: scope["k"] * x)

    def fun(t, y):
        return -helper(3.0) * y

    agrees_after(fun, lambda: scope.update(k=1.0))


def test_names_put_into_builtins(monkeypatch):
    monkeypatch.setattr(builtins, "rate_of_decay", 2.0, raising=False)

    def fun(t, y):
        return -rate_of_decay * y  # noqa: F821

    agrees_after(fun, lambda: setattr(builtins, "rate_of_decay", 1.0))


def test_type_of_keys():
    d = {1: 2.0}

    def fun(t, y):
        return -y * sum(v if isinstance(k, int) else 10 * v for k, v in d.items())

    def change():
        d.clear()
        d[1.0] = 2.0

    agrees_after(fun, change)


def test_truth_of_an_object():
    class Switch:
        pass

    switch = Switch()

    def fun(t, y):
        return -y if switch else y

    agrees_after(fun, lambda: setattr(Switch, "__bool__", lambda self: False))


def test_a_kernel_is_compared_again_when_its_uses_double(monkeypatch):
    def fun(t, y):
        return -y

    diffsol.explain(fun, (0, 1), [1.0])
    compared = []
    original = verify.samples
    for use in range(1, 20):
        monkeypatch.setattr(
            verify, "samples", lambda t, y, use=use: compared.append(use) or original(t, y)
        )
        solve_ivp(fun, (0, 1), [1.0])
    assert compared == [1, 3, 7, 15]


def test_a_branch_that_is_wrong_is_found_out_later(monkeypatch):
    """A kernel that is right at first and wrong where a later solve goes."""

    def fun(t, y):
        return -y if t < 1 else -2 * y

    Function(fun, (), np.ones(1)).compile()
    fun.__code__ = (lambda t, y: -y if t < 1 else -3 * y).__code__
    function = Function(fun, (), np.ones(1))
    assert function.bind() is None  # other code is another function
    bound = Function(lambda t, y: -y, (), np.ones(1)).compile()
    monkeypatch.setattr(Function, "bind", lambda self: bound)
    bound.variant.uses = 1
    solve_ivp(fun, (0, 0.5), [1.0])
    bound.variant.uses = 5
    with pytest.warns(MismatchWarning):
        sol = solve_ivp(fun, (0, 2), [1.0], rtol=1e-6)
    np.testing.assert_allclose(sol.y[0, -1], np.exp(-4), rtol=1e-2)


def test_underflow_is_noticed():
    def fun(t, y):
        return y * 1e-300 * 1e-300 * y

    diffsol.explain(fun, (0, 1), [1e-5])
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        solve_ivp(fun, (0, 1), [1e-5])


def test_equal_code_made_again_is_one_function():
    made = []
    for _ in range(5):
        scope = {}
        exec("def f(t, y):\n    return -2 * y", scope)
        made.append(scope["f"])
    diffsol.explain(made[0], (0, 1), [1.0])
    assert Function(made[4], (), np.ones(1)).bind() is not None


def test_functions_that_serve_few_calls_are_compiled_less_and_less():
    def fun(t, y, mode):
        return -y if mode == "a" else -2 * y

    for i in range(60):
        solve_ivp(functools.partial(fun, mode=str(i)), (0, 1), [1.0])
    assert sum(len(r.variants) for r in kernels.records()) < 15  # without the rule nearly all 60
