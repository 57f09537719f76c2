"""The operator table: every elementwise operator of the graph, once.

A row says what an operator is called, how many inputs it has, which dtype comes out, which NumPy
function *defines* its value (the interpreter calls it), and which NumPy and `math` callables the
tracer maps to it. Its derivative stands in `derivatives.py`, how it is printed as LLVM text in
`_compile/llvm_ops.py`, one row each; tests hold the tables together and all against NumPy.

dtypes are four: BOOL, INT (int64), FLOAT (float64), COMPLEX (complex128). Inputs of one operator
are brought to one dtype by `build.py`, so a printer sees monomorphic operators.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from diffsol._graph.special import TABLE as SPECIAL

BOOL, INT, FLOAT, COMPLEX = (np.dtype(x) for x in (np.bool_, np.int64, np.float64, np.complex128))
DTYPES = (BOOL, INT, FLOAT, COMPLEX)


@dataclass(frozen=True)
class Elementwise:
    """One elementwise operator.

    rule says the dtype that inputs are cast to and the dtype of the result:
      ``float``  bool and int inputs become float; the result has the inputs' dtype
      ``arith``  common dtype of the inputs (bool becomes int); the result has it too
      ``real``   like arith, but the result of complex inputs is float
      ``order``  like arith for the inputs (no complex), the result is bool
      ``equal``  common dtype of the inputs, the result is bool
      ``test``   inputs become at least float, the result is bool
      ``logic``  inputs and result are bool
    """

    name: str
    arity: int
    rule: str
    reference: Callable
    complex: bool = False  # is it defined for complex inputs?
    integer: bool = False  # may it stay in integers? (arith/real rules only)
    numpy: tuple = ()  # further NumPy callables that mean the same
    math: tuple = ()  # callables of `math` with the same value


def _erf(x):
    return np.vectorize(math.erf, otypes=[float])(x)


def _erfc(x):
    return np.vectorize(math.erfc, otypes=[float])(x)


def _make_complex(re, im):
    """re + i im, part by part: a product with 1j would turn an infinite part into a NaN."""
    result = np.empty(np.broadcast_shapes(np.shape(re), np.shape(im)), COMPLEX)
    result.real, result.imag = re, im
    return result


def _unary(name, rule="float", **more):
    math_name = more.pop("math_name", None)
    functions = (getattr(math, math_name),) if math_name else ()
    return Elementwise(name, 1, rule, getattr(np, name), math=functions, **more)


def _binary(name, rule, **more):
    return Elementwise(name, 2, rule, getattr(np, name), **more)


ELEMENTWISE = {
    row.name: row
    for row in (
        _binary("add", "arith", complex=True, integer=True),
        _binary("subtract", "arith", complex=True, integer=True),
        _binary("multiply", "arith", complex=True, integer=True),
        _binary("divide", "float", complex=True),
        _binary("power", "float", complex=True),
        _binary("floor_divide", "arith", integer=True),
        _binary("remainder", "arith", integer=True),
        _binary("fmod", "float", math=(math.fmod,)),
        _binary("maximum", "arith", integer=True),
        _binary("minimum", "arith", integer=True),
        _binary("fmax", "float"),
        _binary("fmin", "float"),
        _binary("arctan2", "float", math=(math.atan2,)),
        _binary("hypot", "float", math=(math.hypot,)),
        _binary("copysign", "float", math=(math.copysign,)),
        _binary("heaviside", "float"),
        _binary("logaddexp", "float"),
        _unary("negative", "arith", complex=True, integer=True),
        _unary("absolute", "real", complex=True, integer=True, numpy=(np.fabs,), math_name="fabs"),
        _unary("sign", "arith", integer=True),
        _unary("square", "arith", complex=True, integer=True),
        _unary("reciprocal", complex=True),
        _unary("sqrt", complex=True, math_name="sqrt"),
        _unary("cbrt", math_name="cbrt"),
        _unary("exp", complex=True, math_name="exp"),
        _unary("exp2", math_name="exp2"),
        _unary("expm1", math_name="expm1"),
        _unary("log", complex=True),
        _unary("log2", math_name="log2"),
        _unary("log10", math_name="log10"),
        _unary("log1p", math_name="log1p"),
        _unary("sin", complex=True, math_name="sin"),
        _unary("cos", complex=True, math_name="cos"),
        _unary("tan", complex=True, math_name="tan"),
        _unary("arcsin", math_name="asin"),
        _unary("arccos", math_name="acos"),
        _unary("arctan", math_name="atan"),
        _unary("sinh", complex=True, math_name="sinh"),
        _unary("cosh", complex=True, math_name="cosh"),
        _unary("tanh", complex=True, math_name="tanh"),
        _unary("arcsinh", math_name="asinh"),
        _unary("arccosh", math_name="acosh"),
        _unary("arctanh", math_name="atanh"),
        _unary("floor"),
        _unary("ceil"),
        _unary("trunc"),
        _unary("rint"),
        Elementwise("erf", 1, "float", _erf, math=(math.erf,)),
        Elementwise("erfc", 1, "float", _erfc, math=(math.erfc,)),
        _unary("conjugate", "arith", complex=True, integer=True),
        Elementwise("real", 1, "real", np.real, complex=True),
        Elementwise("imag", 1, "real", np.imag, complex=True),
        Elementwise("make_complex", 2, "make_complex", _make_complex),
        _binary("less", "order"),
        _binary("less_equal", "order"),
        _binary("greater", "order"),
        _binary("greater_equal", "order"),
        _binary("equal", "equal", complex=True),
        _binary("not_equal", "equal", complex=True),
        _unary("isnan", "test", complex=True, math_name="isnan"),
        _unary("isinf", "test", complex=True, math_name="isinf"),
        _unary("isfinite", "test", complex=True, math_name="isfinite"),
        _binary("logical_and", "logic"),
        _binary("logical_or", "logic"),
        _binary("logical_xor", "logic"),
        _unary("logical_not", "logic"),
        Elementwise("select", 3, "select", np.where, complex=True, integer=True),
        # a select that compilers must not see through (see shield.py)
        Elementwise("shield", 3, "select", np.where, complex=True, integer=True),
    )
}


class FromScipy:
    """A ufunc of scipy.special, looked up when it is called: whoever uses it has imported it."""

    __module__ = "scipy.special"

    def __init__(self, name):
        self.__name__ = name

    def __call__(self, *operands):
        import scipy.special

        return getattr(scipy.special, self.__name__)(*operands)


ELEMENTWISE.update(
    {
        f"special_{name}": Elementwise(f"special_{name}", row.arity, "float", FromScipy(name))
        for name, row in SPECIAL.items()
    }
)

# NumPy ufuncs that are another operator under a second name
ALIASES = {
    np.true_divide: "divide",
    np.fabs: "absolute",
    np.mod: "remainder",
    np.float_power: "power",
}


def result_dtype(row: Elementwise, dtypes: tuple[np.dtype, ...]) -> tuple[np.dtype, np.dtype]:
    """(dtype that the inputs are cast to, dtype of the result); TypeError where undefined."""
    common = max(dtypes, key=DTYPES.index)
    if row.rule == "logic":
        return BOOL, BOOL
    if row.rule == "make_complex":
        return FLOAT, COMPLEX
    if row.rule == "equal":
        return common, BOOL
    if common == COMPLEX and not row.complex:
        raise TypeError(f"`{row.name}` is not defined for complex values")
    if common == BOOL or (common == INT and not row.integer and row.rule != "order"):
        common = FLOAT if row.rule in ("float", "test") or not row.integer else INT
    if row.rule in ("order", "test"):
        return common, BOOL
    if row.rule == "real" and common == COMPLEX:
        return COMPLEX, FLOAT
    return common, common
