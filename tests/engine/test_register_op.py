"""Operators that users bring: text or an address, derivatives, and mistakes."""

import ctypes
import ctypes.util
import math
import pathlib
import re

import numpy as np
import pytest
import scipy.integrate

import diffsol
from diffsol._compile import llvm_ops
from diffsol._engine import kernels
from diffsol._graph import derivatives, ops
from diffsol._trace.registered import REGISTERED
from diffsol.errors import MismatchWarning
from diffsol.integrate import solve_ivp

CUBE = """
define double @cube(double %x) {
  %s = fmul double %x, %x
  %c = fmul double %s, %x
  ret double %c
}
"""


@pytest.fixture(autouse=True)
def _clean():
    kernels.clear()
    yield
    for _, name in REGISTERED.values():
        del ops.ELEMENTWISE[name], derivatives.DERIVATIVES[name], llvm_ops.ROWS[name]
    REGISTERED.clear()
    kernels.clear()


def opaque(function):
    """The function as something that the tracer cannot follow."""
    return np.vectorize(function, [float])


def cubic():
    hidden = opaque(lambda x: x * x * x)

    def cube(x):
        return float(hidden(x))

    def rates(t, y):
        return [y[1], -cube(y[0]) - 0.1 * y[1]]

    return cube, rates


def test_not_compiled_before_and_compiled_after():
    cube, rates = cubic()
    assert not diffsol.explain(rates, (0, 1), [1.0, 0.0]).compiled
    diffsol.register_op(cube, llvm=CUBE, derivatives=[lambda z, x: 3 * x**2])
    assert diffsol.explain(rates, (0, 1), [1.0, 0.0]).compiled


@pytest.mark.parametrize("method", ["RK45", "BDF", "LSODA"])
def test_solves_as_scipy_does(monkeypatch, method):
    cube, rates = cubic()
    diffsol.register_op(cube, llvm=CUBE, derivatives=[lambda z, x: 3 * x**2])
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    options = {"method": method, "rtol": 1e-8, "atol": 1e-10, "t_eval": [1.0, 3.0]}
    ours = solve_ivp(rates, (0, 3), [1.0, 0.0], **options)
    theirs = scipy.integrate.solve_ivp(rates, (0, 3), [1.0, 0.0], **options)
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-6)


def test_the_jacobian_is_exact():
    cube, rates = cubic()
    diffsol.register_op(cube, llvm=CUBE, derivatives=[lambda z, x: 3 * x**2])
    diffsol.explain(rates, (0, 1), [1.0, 0.0], method="BDF")
    assert kernels.records()[0].variants[0].jacobian.made


def test_without_derivatives_differences_are_taken():
    cube, rates = cubic()
    diffsol.register_op(cube, llvm=CUBE)
    assert diffsol.explain(rates, (0, 1), [1.0, 0.0], method="BDF").compiled
    assert not kernels.records()[0].variants[0].jacobian.made
    sol = solve_ivp(rates, (0, 3), [1.0, 0.0], method="BDF", rtol=1e-7, atol=1e-9)
    other = scipy.integrate.solve_ivp(rates, (0, 3), [1.0, 0.0], method="BDF", rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(sol.y[:, -1], other.y[:, -1], rtol=1e-5)


def test_by_address():
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    library.hypot.restype, library.hypot.argtypes = ctypes.c_double, [ctypes.c_double] * 2
    address = ctypes.cast(library.hypot, ctypes.c_void_p).value
    diffsol.register_op(
        library.hypot, address=address, derivatives=[lambda z, a, b: a / z, lambda z, a, b: b / z]
    )

    def rates(t, y):
        return [y[1], -library.hypot(y[0], 1.0)]

    told = diffsol.explain(rates, (0, 1), [1.0, 0.0], method="Radau")
    assert told.compiled
    assert kernels.records()[0].variants[0].jacobian.made
    ours = solve_ivp(rates, (0, 1), [1.0, 0.0], rtol=1e-9)
    theirs = scipy.integrate.solve_ivp(rates, (0, 1), [1.0, 0.0], rtol=1e-9)
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-12)


def test_a_ufunc_works_on_arrays():
    cube = np.frompyfunc(lambda x: x * x * x, 1, 1)
    diffsol.register_op(cube, llvm=CUBE, derivatives=[lambda z, x: 3 * x**2])

    def rates(t, y):
        return -cube(y).astype(float)

    assert diffsol.explain(rates, (0, 1), np.linspace(0, 1, 5)).compiled


def test_arrays_for_a_function_of_numbers_are_refused():
    cube, _ = cubic()
    diffsol.register_op(cube, llvm=CUBE)
    told = diffsol.explain(lambda t, y: cube(y), (0, 1), [1.0, 2.0])
    assert not told.compiled
    assert "registered for numbers" in told.detail


def test_a_wrong_text_is_noticed(monkeypatch):
    cube, rates = cubic()
    diffsol.register_op(cube, llvm=CUBE.replace("fmul double %s, %x", "fadd double %s, %x"))
    assert diffsol.explain(rates, (0, 1), [1.0, 0.0]).reason == "mismatch"
    kernels.clear()
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    with pytest.warns(MismatchWarning):
        sol = solve_ivp(rates, (0, 3), [1.0, 0.0], rtol=1e-9)
    other = scipy.integrate.solve_ivp(rates, (0, 3), [1.0, 0.0], rtol=1e-9)
    np.testing.assert_allclose(sol.y, other.y, rtol=1e-6, atol=1e-6)


def test_another_function_of_the_same_name_is_another():
    cube, rates = cubic()
    diffsol.register_op(cube, llvm=CUBE)
    assert diffsol.explain(rates, (0, 1), [1.0, 0.0]).compiled
    _, others = cubic()
    assert not diffsol.explain(others, (0, 1), [1.0, 0.0]).compiled


def test_text_that_shares_declarations_with_the_kernel():
    """exp is declared by the text, and by the kernel for its own use."""
    text = """
declare double @llvm.sqrt.f64(double)
define double @root(double %x) {
  %r = call double @llvm.sqrt.f64(double %x)
  ret double %r
}
"""
    hidden = opaque(math.sqrt)

    def root(x):
        return float(hidden(x))

    diffsol.register_op(root, llvm=text, derivatives=[lambda z, x: 0.5 / z])
    told = diffsol.explain(lambda t, y: [-root(y[0]) - np.sqrt(y[0])], (0, 1), [4.0], method="BDF")
    assert told.compiled


@pytest.mark.parametrize(
    "arguments, error, text",
    [
        ({}, TypeError, "either `llvm` or `address`"),
        ({"llvm": CUBE, "address": 1}, TypeError, "either `llvm` or `address`"),
        ({"llvm": "define void @f() {}"}, ValueError, "define one function"),
        ({"llvm": CUBE + CUBE.replace("@cube", "@other")}, ValueError, "define one function"),
        ({"llvm": CUBE.replace("(double %x)", "(i64 %x)")}, ValueError, "must take doubles"),
        ({"llvm": CUBE.replace("ret double %c", "ret double %d")}, ValueError, "cannot be parsed"),
        ({"llvm": CUBE, "derivatives": []}, ValueError, "1 entries"),
        ({"llvm": CUBE, "derivatives": [lambda x: 1.0]}, ValueError, "`derivatives[0]` fails"),
        ({"llvm": CUBE, "derivatives": [lambda z, x: "x"]}, ValueError, "must give a formula"),
        ({"llvm": "declare double @nosuch(double)\n" + CUBE}, ValueError, "@nosuch"),
        ({"llvm": "@state = global double 0.0\n" + CUBE}, ValueError, "no global variables"),
        ({"address": 0, "derivatives": [None]}, ValueError, "null"),
    ],
)
def test_bad_arguments(arguments, error, text):
    with pytest.raises(error, match=re.escape(text)):
        diffsol.register_op(lambda x: x, **arguments)


def test_what_cannot_be_called():
    with pytest.raises(TypeError, match="callable"):
        diffsol.register_op(3.0, llvm=CUBE)


def test_the_page_runs():
    """docs/register_op.md, as a reader would type it."""
    page = pathlib.Path(__file__).parents[2] / "docs" / "register_op.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    scope: dict = {"__name__": "page"}
    for block in blocks:
        exec(compile(block, str(page), "exec"), scope)
    assert scope["sol"].success
