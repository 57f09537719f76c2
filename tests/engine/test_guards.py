"""A kernel stands for a call only while everything that the function read from outside is as it was."""

import functools

import numpy as np
import pytest
from diffsol._native._core import ffi, lib

from diffsol._engine import kernels
from diffsol._engine.function import Function

STATE = np.array([1.0, 2.0])


@pytest.fixture(autouse=True)
def _fresh():
    kernels.clear()


def value(bound, t=0.5, y=STATE):
    out = np.empty(2)
    y = np.ascontiguousarray(y, dtype=float)
    asked = lib.ds_kernel_call(
        bound.pointer,
        bound.params,
        t,
        ffi.from_buffer("double[]", y),
        ffi.from_buffer("double[]", out),
    )
    assert not asked
    return out


def make(source, **scope):
    """A function with globals of its own."""
    scope = {"np": np, **scope}
    exec(source, scope)
    return scope["f"], scope


def variants(fun, args=()):
    return len(Function(fun, args, STATE).record.variants)


def check_reuse(fun, change, args=(), new_args=None, reuse=True):
    """Compile, change the world, bind again: right values, and no second compilation if `reuse`."""
    first = Function(fun, args, STATE).compile()
    np.testing.assert_allclose(value(first), fun(0.5, STATE.copy(), *args), rtol=1e-15)
    change()
    args = args if new_args is None else new_args
    function = Function(fun, args, STATE)
    bound = function.bind()
    assert (bound is not None) == reuse
    bound = bound or function.compile()
    np.testing.assert_allclose(value(bound), fun(0.5, STATE.copy(), *args), rtol=1e-15)


def test_changed_global_number_needs_no_new_kernel():
    f, scope = make("k = 2.0\ndef f(t, y): return -k * y")
    check_reuse(f, lambda: scope.update(k=3.0))


def test_changed_global_int_next_to_floats_needs_no_new_kernel():
    f, scope = make("k = 2\ndef f(t, y): return -k * y + (3 - 2 * k) * t")
    check_reuse(f, lambda: scope.update(k=7))


def test_global_of_another_type_needs_a_new_kernel():
    f, scope = make("k = 2.0\ndef f(t, y): return k * y")
    check_reuse(f, lambda: scope.update(k=np.array([1.0, 2.0])), reuse=False)


def test_global_that_hides_a_builtin():
    f, scope = make("def f(t, y): return [abs(y[0]), y[1]]")
    check_reuse(f, lambda: scope.update(abs=lambda x: x * 3), reuse=False)


def test_global_that_disappears():
    f, scope = make("k = 2.0\ndef f(t, y): return k * y")
    Function(f, (), STATE).compile()
    del scope["k"]
    assert Function(f, (), STATE).bind() is None


def test_changed_string_and_bool_need_a_new_kernel():
    f, scope = make("mode, on = 'a', True\ndef f(t, y): return y if mode == 'a' and on else -y")
    check_reuse(f, lambda: scope.update(mode="b"), reuse=False)
    check_reuse(f, lambda: scope.update(mode="a", on=False), reuse=False)


def test_helper_replaced():
    f, scope = make("def g(x): return 2 * x\ndef f(t, y): return g(y)")
    check_reuse(f, lambda: scope.update(g=lambda x: 3 * x), reuse=False)


def test_closure_cells():
    def outer(k, table):
        def f(t, y):
            return [k * y[0], table[0] * y[1]]

        return f

    Function(outer(2.0, [1.0]), (), STATE).compile()
    other = outer(5.0, [7.0])
    bound = Function(other, (), STATE).bind()  # the same code: no second compilation
    np.testing.assert_allclose(value(bound), [5.0, 14.0])


def test_attributes_and_methods():
    class Model:
        k = 2.0

        def rhs(self, t, y):
            return -self.k * y + self.offset

    model = Model()
    model.offset = 1.0
    check_reuse(model.rhs, lambda: setattr(model, "offset", 4.0))
    check_reuse(model.rhs, lambda: setattr(Model, "k", 9.0))
    check_reuse(model.rhs, lambda: setattr(model, "k", 1.5))
    check_reuse(model.rhs, lambda: setattr(Model, "rhs", lambda self, t, y: y))


def test_method_of_a_class_replaced():
    class Model:
        def force(self, y):
            return -y

        def rhs(self, t, y):
            return self.force(y)

    model = Model()
    check_reuse(model.rhs, lambda: setattr(Model, "force", lambda self, y: 3 * y), reuse=False)


def test_another_class_with_the_same_method():
    class Base:
        def rhs(self, t, y):
            return self.k * y

    class First(Base):
        k = 2.0

    class Second(Base):
        @property
        def k(self):
            return 3.0

    Function(First().rhs, (), STATE).compile()
    assert Function(Second().rhs, (), STATE).bind() is None


def test_list_contents_and_length():
    f, scope = make("p = [1.0, 2.0]\ndef f(t, y): return [p[0] * y[0], sum(p) * y[1]]")
    check_reuse(f, lambda: scope["p"].__setitem__(0, 5.0))
    check_reuse(f, lambda: scope["p"].append(1.0), reuse=False)


def test_dict_contents_and_keys():
    f, scope = make(
        "p = {'a': 1.0}\ndef f(t, y): return sum(p.values()) * y if 'b' not in p else p['b'] * y"
    )
    check_reuse(f, lambda: scope["p"].update(a=3.0))
    check_reuse(f, lambda: scope["p"].update(b=4.0), reuse=False)


def test_array_contents_shape_and_dtype():
    f, scope = make("w = np.array([1.0, 2.0])\ndef f(t, y): return w * y")
    check_reuse(f, lambda: scope["w"].__setitem__(0, 8.0))
    check_reuse(f, lambda: scope.update(w=np.array([[1.0, 2.0], [3.0, 4.0]])[::, 0]))
    check_reuse(f, lambda: scope.update(w=np.array(3.0)), reuse=False)
    check_reuse(f, lambda: scope.update(w=np.array([1, 2])), reuse=False)


def test_integer_array_used_as_index():
    f, scope = make("i = np.array([1, 0])\ndef f(t, y): return y[i]")
    check_reuse(f, lambda: scope["i"].__setitem__(slice(None), [0, 0]), reuse=False)


def test_arguments():
    def f(t, y, k, n):
        return [k * y[0] ** n, y[1]]

    check_reuse(f, lambda: None, (1.0, 2), (4.0, 2))
    check_reuse(f, lambda: None, (1.0, 2), (4.0, 3), reuse=False)
    check_reuse(f, lambda: None, (1.0, 2), (np.float64(4.0), 2), reuse=False)


def test_default_arguments_and_partial():
    def f(t, y, k=2.0):
        return k * y

    check_reuse(f, lambda: setattr(f, "__defaults__", (5.0,)))
    first, second = functools.partial(f, k=3.0), functools.partial(f, k=4.0)
    Function(first, (), STATE).compile()
    np.testing.assert_allclose(value(Function(second, (), STATE).bind()), 4.0 * STATE)


def test_number_that_was_needed_as_a_number():
    f, scope = make("x = 2.0\ndef f(t, y): return y * len(range(int(x)))")
    check_reuse(f, lambda: scope.update(x=3.0), reuse=False)


def test_branch_on_a_parameter_serves_both_sides():
    f, scope = make("k = 2.0\ndef f(t, y): return y if k > 1 else -y")
    check_reuse(f, lambda: scope.update(k=0.0))


def test_size_and_dtype_of_the_state_have_kernels_of_their_own():
    def f(t, y):
        return -y

    Function(f, (), STATE).compile()
    assert Function(f, (), np.ones(3)).bind() is None
    assert Function(f, (), STATE + 0j).bind() is None


def test_variants_are_bounded():
    def f(t, y, n):
        return y[: int(n)].sum() * y

    for n in range(kernels.MAX_VARIANTS + 5):
        Function(f, (n,), STATE).compile()
    assert variants(f) == kernels.MAX_VARIANTS


def test_kernels_are_bounded(monkeypatch):
    monkeypatch.setattr(kernels, "MAX_KERNELS", 5)
    made = []
    for i in range(8):
        f, _ = make(f"def f(t, y): return y * {i}")
        made.append(Function(f, (), STATE))
        made[-1].compile()
        Function(made[0].fun, (), STATE)  # in use all the time
    kept = [f.bind() is not None for f in made]
    assert sum(kept) <= 5
    assert kept[0]
    assert kept[-1]


def test_records_are_bounded(monkeypatch):
    monkeypatch.setattr(kernels, "MAX_RECORDS", 10)
    for i in range(20):
        f, _ = make(f"def f(t, y): return y * {i}")
        Function(f, (), STATE)
    assert len(kernels.records()) == 10
