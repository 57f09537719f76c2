"""The world that a function reads from changes: between solves, and while one is going on."""

import functools
import itertools
import math
import threading
import types
import weakref

import numpy as np
import pytest

from soundness.sides import assert_same, attacks

attack, CASES = attacks()


@pytest.mark.parametrize("make", CASES, ids=lambda f: f.__name__)
def test_like_scipy(make, monkeypatch):
    assert_same(make, monkeypatch)


def made(source, **scope):
    """The functions of a module of their own."""
    scope |= {"np": np, "math": math}
    exec(source, scope)
    return types.SimpleNamespace(**{k: v for k, v in scope.items() if k[:1] != "_"}), scope


# --- changed by an event function, during the solve ------------------------------------------------------


@attack
def global_rebound_by_an_event():
    m, scope = made("k = 1.0\ndef f(t, y): return -k * y")

    def event(t, y):
        scope["k"] = 1.0 if t < 1 else 5.0
        return 1.0

    return m.f, {"events": event, "max_step": 0.1}


@attack
def global_becomes_another_type_by_an_event():
    m, scope = made("k = 1.0\ndef f(t, y): return -k * y")

    def event(t, y):
        if t > 1:
            scope["k"] = np.array([1.0, 3.0])
        return 1.0

    return m.f, {"events": event, "max_step": 0.1}


@attack
def list_of_a_closure_grows():
    gains = [1.0]

    def f(t, y):
        return -sum(gains) * y

    def event(t, y):
        if t > 0.5 and len(gains) < 4:
            gains.append(t)
        return y[0] - 0.3

    return f, {"events": event, "max_step": 0.2}, lambda: list(gains)


@attack
def array_changed_in_place_by_an_event():
    w = np.array([1.0, 2.0])

    def f(t, y):
        return -w * y

    def event(t, y):
        if t > 1:
            w[:] = w[::-1] * 1.1
        return 1.0

    return f, {"events": event, "max_step": 0.1}, lambda: w.tolist()


@attack
def one_event_changes_what_another_reads():
    level = [0.9]

    def f(t, y):
        return -y

    def second(t, y):
        return y[0] - level[0]

    def first(t, y):
        level[0] *= 0.99
        return 1.0

    return f, {"events": [first, second], "max_step": 0.1}, lambda: level


@attack
def attribute_changed_by_a_property():
    class M:
        k = 1.0

        @property
        def level(self):
            self.k += 0.1
            return 0.5

        def rhs(self, t, y):
            return -self.k * y

        def event(self, t, y):
            return y[0] - self.level

    m = M()
    return m.rhs, {"events": m.event, "max_step": 0.1}, lambda: m.k


@attack
def argument_changed_by_an_event():
    p = {"k": 1.0, "on": True}

    def f(t, y, p):
        return -p["k"] * y if p["on"] else y * 0.0

    def event(t, y, p):
        p["k"] *= 1.1
        p["on"] = t < 1.5
        return 1.0

    return f, {"events": event, "args": (p,), "max_step": 0.1}, lambda: p


@attack
def code_swapped_by_an_event():
    def f(t, y):
        return -y

    def other(t, y):
        return 2 * y

    def event(t, y):
        if t > 1:
            f.__code__ = other.__code__
        return 1.0

    return f, {"events": event, "max_step": 0.1}


@attack
def helper_swapped_by_an_event():
    def g(y, k=1.0, *, c=0.5):
        return -k * c * y

    def f(t, y):
        return g(y)

    def event(t, y):
        if t > 1.5:
            g.__kwdefaults__ = {"c": 2.0}
        elif t > 1:
            g.__defaults__ = (3.0,)
        return 1.0

    return f, {"events": event, "max_step": 0.1}


@attack
def method_replaced_on_the_class_by_an_event():
    class M:
        def force(self, y):
            return -y

        def rhs(self, t, y):
            return self.force(y)

    def event(t, y):
        if t > 1:
            M.force = lambda self, y: 2 * y
        return 1.0

    return M().rhs, {"events": event, "max_step": 0.1}


@attack
def method_replaced_on_the_instance_by_an_event():
    class M:
        def force(self, y):
            return -y

        def rhs(self, t, y):
            return self.force(y)

    m = M()

    def event(t, y):
        if t > 1:
            m.force = types.MethodType(lambda self, y: 2 * y, m)
        return 1.0

    return m.rhs, {"events": event, "max_step": 0.1}


@attack
def function_of_math_replaced_by_an_event():
    m, scope = made("from math import sin\ndef f(t, y): return -sin(t) * y")

    def event(t, y):
        if t > 1:
            scope["sin"] = math.cos
        return 1.0

    return m.f, {"events": event, "max_step": 0.1}


@attack
def name_hides_a_builtin_from_an_event():
    m, scope = made("def f(t, y): return [abs(y[0]), -y[1]]")

    def event(t, y):
        if t > 1:
            scope["abs"] = math.sqrt
        return 1.0

    return m.f, {"events": event, "max_step": 0.1}


@attack
def errors_become_exceptions_in_an_event():
    settings = np.geterr()

    def f(t, y):
        return y / np.maximum(1.0 - t, 0.0)

    def event(t, y):
        np.seterr(divide="raise")
        return 1.0

    def observe():
        np.seterr(**settings)

    return f, {"events": event, "max_step": 0.1}, observe


@attack
def y0_is_the_array_of_a_global():
    start = np.array([1.0, 0.5])

    def f(t, y):
        return start - y

    def event(t, y):
        if t > 0:  # before, the array is SciPy's own state (docs/gaps.md)
            start[0] += 0.1
        return 1.0

    return f, {"events": event, "y0": start, "max_step": 0.1}, lambda: start.round(9).tolist()


# --- changed by another function of the solve ------------------------------------------------------------


def changed_by_jac(method):
    def make():
        p = [1.0]

        def f(t, y):
            return -p[0] * y

        def jac(t, y):
            p[0] = 2.0
            return -p[0] * np.eye(2)

        return f, {"jac": jac, "method": method}, lambda: p

    make.__name__ = f"list_changed_by_jac_{method}"
    return make


@pytest.mark.parametrize("method", ["BDF", "Radau", "LSODA"])
def test_list_changed_by_jac(method, monkeypatch):
    # the exact Jacobian is ours only where the user gives none: here the steps are SciPy's
    assert_same(changed_by_jac(method), monkeypatch)


@attack
def changed_by_another_thread_before_the_end():
    """The event waits until the thread has done it, so that the time is the same on both sides."""
    p = {"k": 1.0}

    def f(t, y):
        return -p["k"] * y

    def event(t, y):
        if t > 1 and p["k"] == 1.0:
            thread = threading.Thread(target=p.update, args=({"k": 4.0},))
            thread.start()
            thread.join()
        return 1.0

    return f, {"events": event, "max_step": 0.1}


# --- effects of reading ----------------------------------------------------------------------------------


@attack
def descriptor_that_counts():
    class Counted:
        reads = 0

        def __set_name__(self, owner, name):
            self.name = name

        def __get__(self, obj, cls=None):
            Counted.reads += 1
            return obj.__dict__[self.name]

        def __set__(self, obj, value):
            obj.__dict__[self.name] = value

    class M:
        k = Counted()

        def __init__(self):
            self.k = 0.5

        def rhs(self, t, y):
            return -self.k * y

    return M().rhs, {}, lambda: Counted.reads


@attack
def descriptor_without_storage():
    class Clock:
        calls = 0

        def __get__(self, obj, cls=None):
            Clock.calls += 1
            return 0.1 * Clock.calls

    class M:
        k = Clock()

        def rhs(self, t, y):
            return -self.k * y

    return M().rhs, {}, lambda: Clock.calls


@attack
def property_that_counts():
    class M:
        reads = 0

        @property
        def k(self):
            self.reads += 1
            return 1.0

        def rhs(self, t, y):
            return -self.k * y

    m = M()
    return m.rhs, {}, lambda: m.reads


@attack
def hasattr_of_a_property_that_counts():
    class M:
        reads = 0

        @property
        def k(self):
            self.reads += 1
            return 1.0

        def rhs(self, t, y):
            return -y if hasattr(self, "k") else y

    m = M()
    return m.rhs, {}, lambda: m.reads


@attack
def getattr_that_counts():
    reads = []

    class M:
        def __getattr__(self, name):
            reads.append(name)
            return 0.5

        def rhs(self, t, y):
            return -self.k * y

    m = M()
    return m.rhs, {}, lambda: len(reads)


@attack
def getattribute_that_is_no_function():
    class Read:
        def __init__(self):
            self.names = []

        def __call__(self, name):
            self.names.append(name)
            return 0.5

    read = Read()

    class M:
        __getattribute__ = read

    m = M()

    def f(t, y):
        return -m.k * y

    return f, {}, lambda: read.names.count("k")


@attack
def length_that_counts():
    class Items(list):
        asked = 0

        def __len__(self):
            Items.asked += 1
            return 2

    items = Items()

    def f(t, y):
        return -y * len(items)

    return f, {}, lambda: Items.asked


@attack
def truth_by_a_length_that_counts():
    class Items(dict):
        asked = 0

        def __len__(self):
            Items.asked += 1
            return Items.asked % 3

    items = Items()

    def f(t, y):
        return -y if items else y

    return f, {}, lambda: Items.asked


@attack
def check_of_instances_that_counts():
    class Meta(type):
        asked = 0

        def __instancecheck__(cls, value):
            Meta.asked += 1
            return Meta.asked % 2 == 0

    class Number(metaclass=Meta):
        pass

    def f(t, y):
        return -y if isinstance(t, Number) else -2 * y

    return f, {}, lambda: Meta.asked


@attack
def exception_whose_making_is_seen():
    made_ones = []

    class Out(Exception):
        def __init__(self, text):
            made_ones.append(text)
            super().__init__(text)

    def f(t, y):
        if y[0] > 3:
            raise Out("left")
        return y

    return f, {}, lambda: made_ones


@attack
def class_called_through_its_metaclass():
    calls = []

    class Meta(type):
        def __call__(cls, *args):
            calls.append(args)
            return 2.0

    class Factor(metaclass=Meta):
        pass

    def f(t, y):
        return -Factor() * y

    return f, {}, lambda: len(calls)


# --- helpers that pretend --------------------------------------------------------------------------------


@attack
def wrapper_named_like_a_function_of_math():
    calls = []

    @functools.wraps(math.sqrt)
    def root(x):
        calls.append(x)
        return math.sqrt(x)

    def f(t, y):
        return -root(4.0) * y

    return f, {}, lambda: len(calls)


@attack
def wrapper_named_like_a_function_of_numpy():
    calls = []

    @functools.wraps(np.sum)
    def total(x):
        calls.append(x)
        return np.sum(x) * len(calls)

    def f(t, y):
        return -total([0.1, 0.2]) * y

    return f, {}, lambda: len(calls)


@attack
def ufunc_of_the_user():
    p = {"k": 1.0}
    scale = np.frompyfunc(lambda x: p["k"] * x, 1, 1)

    def f(t, y):
        return -scale(3.0) * y

    def event(t, y):
        p["k"] *= 1.01
        return 1.0

    return f, {"events": event, "max_step": 0.1}


@attack
def ufunc_of_the_user_that_counts():
    calls = []
    scale = np.frompyfunc(lambda x: calls.append(x) or x, 1, 1)

    def f(t, y):
        return -scale(3.0) * y

    return f, {}, lambda: len(calls)


@attack
def helper_with_a_cache():
    calls = []

    @functools.cache
    def helper(k):
        calls.append(k)
        return k * len(calls)

    def f(t, y):
        return -helper(1.0) * y

    return f, {}, lambda: calls


@attack
def key_function_that_prints():
    def f(t, y):
        return -max([1.0, 2.0], key=print) * y

    return f, {}


@attack
def operator_call():
    import operator

    def f(t, y):
        operator.call(print, "called")
        return -y

    return f, {}


@attack
def builtins_of_its_own():
    m, _ = made("def f(t, y): return -abs(y)", __builtins__={"abs": lambda x: 3 * x})
    return m.f, {}


# --- what is kept between calls --------------------------------------------------------------------------


@attack
def default_that_is_kept():
    def f(t, y, seen=[]):  # noqa: B006
        seen.append(t)
        return -y * len(seen) * 0.01

    return f, {}, lambda: len(f.__defaults__[0])


@attack
def outer_list_through_a_local_list():
    history = []

    def f(t, y):
        logs = []
        logs.append(history)
        logs[0].append(1)
        return -y

    return f, {}, lambda: len(history)


@attack
def outer_list_through_dict():
    history = []

    def f(t, y):
        logs = dict(h=history)
        logs["h"].append(1)
        return -y

    return f, {}, lambda: len(history)


@attack
def outer_list_through_setdefault():
    history = []

    def f(t, y):
        logs = {}
        logs.setdefault("h", history).append(1)
        return -y

    return f, {}, lambda: len(history)


@attack
def outer_list_through_insert():
    history = [0.0]

    def f(t, y):
        logs = [1]
        logs.insert(0, history)
        logs[0][0] += 1.0
        return -y

    return f, {}, lambda: history


@attack
def outer_tuple_in_a_local_list():
    pair = (1.0, 2.0)

    def f(t, y):
        seen = []
        seen.append(pair)
        return -y if isinstance(seen[0], tuple) else y

    return f, {}


@attack
def outer_list_through_a_tuple_and_a_star():
    history = []

    def f(t, y):
        first, *_ = (history, 1, 2)
        first.append(1)
        return -y

    return f, {}, lambda: len(history)


@attack
def outer_list_through_a_comprehension():
    logs = [[], []]

    def f(t, y):
        [log.append(t) for log in logs]
        return -y

    return f, {}, lambda: [len(log) for log in logs]


@attack
def outer_array_through_asarray():
    w = np.zeros(2)

    def f(t, y):
        v = np.asarray(w)
        v += 1.0
        return -y

    return f, {}, lambda: w.tolist()


@attack
def outer_array_through_a_view():
    w = np.zeros((2, 2))

    def f(t, y):
        v = w.T.reshape(-1)[:3]
        v[0] = v[0] + 1.0
        return -y

    return f, {}, lambda: w.tolist()


@attack
def outer_array_given_as_out():
    w = np.zeros(2)

    def f(t, y):
        return -np.multiply(y, 1.0, out=w)

    return f, {}, lambda: w.round(9).tolist()


@attack
def same_buffer_each_time():
    """SciPy's stages share it; we copy (docs/gaps.md). Only what it does to the buffer is compared."""
    w = np.zeros(2)

    def f(t, y):
        w[:] = -y
        return w.copy()

    return f, {}, lambda: w.round(9).tolist()


@attack
def iterator_of_the_world():
    steps = itertools.count(1)

    def f(t, y):
        return -y / next(steps)

    return f, {}, lambda: next(steps)


@attack
def generator_of_the_world_in_a_loop():
    feed = (0.01 * i for i in range(10_000))

    def f(t, y):
        for u in feed:
            return u - y
        return y

    return f, {}, lambda: next(feed)


@attack
def iterator_unpacked():
    feed = iter([0.01 * i for i in range(10_000)])

    def f(t, y):
        a, *_rest = zip(feed, y, strict=False)
        return -y * (a[0] + 1)

    return f, {}, lambda: next(feed)


@attack
def weak_reference():
    class M:
        k = 1.0

    m = M()
    ref = weakref.ref(m)

    def f(t, y):
        return -ref().k * y

    def event(t, y):
        m.k *= 1.1
        return 1.0

    return f, {"events": event, "max_step": 0.1}


@attack
def random_state_of_the_world():
    rng = np.random.RandomState(1)

    def f(t, y):
        return -y + rng.rand() * 0.01

    return f, {}, lambda: rng.rand()


@attack
def locals_and_globals():
    def f(t, y):
        k = 2.0
        return -locals()["k"] * y * (1.0 if "np" in globals() else 2.0)

    return f, {}


@attack
def eval_and_exec():
    p = {"k": 1.0}

    def f(t, y):
        p["k"] = eval("0.99 * k", p)
        return -p["k"] * y

    return f, {}, lambda: p["k"]


@attack
def class_inside():
    def f(t, y):
        class P:
            k = 2.0

        return -P.k * y

    return f, {}


@attack
def nonlocal_through_a_helper():
    calls = 0

    def count():
        nonlocal calls
        calls += 1
        return 1.0

    def f(t, y):
        return -count() * y

    return f, {}, lambda: calls


@attack
def manager_that_counts():
    class Timer:
        entered = 0

        def __enter__(self):
            self.entered += 1

        def __exit__(self, *error):
            return False

    timer = Timer()

    def f(t, y):
        with timer:
            return -y

    return f, {}, lambda: timer.entered


def test_function_of_numpy_replaced(monkeypatch):
    """Between two solves, in the module itself."""

    def f(t, y):
        return -np.cbrt(y)

    import diffsol

    diffsol.explain(f, (0, 2), [1.0, 0.5])
    monkeypatch.setattr(np, "cbrt", lambda x: 3 * x)
    replaced_like_scipy(f)


def test_function_of_math_replaced(monkeypatch):
    def f(t, y):
        return -math.atan(t) * y

    import diffsol

    diffsol.explain(f, (0, 2), [1.0, 0.5])
    monkeypatch.setattr(math, "atan", lambda x: 3 * x)
    replaced_like_scipy(f)


def test_builtin_replaced(monkeypatch):
    import builtins

    def f(t, y):
        return -pow(y, 2)

    import diffsol

    diffsol.explain(f, (0, 2), [1.0, 0.5])
    monkeypatch.setattr(builtins, "pow", lambda x, n: n * x)
    replaced_like_scipy(f)


def test_number_kept_in_a_module_of_the_library(monkeypatch):
    def f(t, y):
        return -math.gravity * y

    import diffsol

    monkeypatch.setattr(math, "gravity", 1.0, raising=False)
    diffsol.explain(f, (0, 2), [1.0, 0.5])
    monkeypatch.setattr(math, "gravity", 2.0)
    replaced_like_scipy(f)


def replaced_like_scipy(f):
    import scipy.integrate

    import diffsol.integrate

    ours, theirs = (
        module.solve_ivp(f, (0, 2), [1.0, 0.5]) for module in (diffsol.integrate, scipy.integrate)
    )
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-10)
