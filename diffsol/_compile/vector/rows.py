"""One row per elementwise operator of the graph and operand dtype: how it is computed lane by lane.

A row is a primitive's name, a `Math` function, or a function of (text, *values). Values are those of the NumPy
ufunc; which floating-point flags are raised does not matter here. A test holds this table against
`ops.ELEMENTWISE`.
"""

from __future__ import annotations

from diffsol._compile.vector.math.parts import INFINITY
from diffsol._graph.ops import BOOL, COMPLEX, FLOAT, INT

KINDS = {FLOAT: "V", INT: "I", BOOL: "M"}
LEAST_INT = -(1 << 63)


class Refused(Exception):
    """A program that has no kernel for several trajectories; its text says why, for users."""


def _primitive(name):
    return lambda text, *operands: text.op(name, *operands)


def _math(name):
    return lambda text, *operands: text.call(name, *operands)


def _extremum(comparison):
    def emit(text, a, b):
        """NumPy: a if a beats b or a is a NaN, else b (which also hands on b's NaN)."""
        return text.select(text.op(comparison, a, b) | a.is_nan(), a, b)

    return emit


def _ignoring_nan(comparison):
    """C's fmax and fmin."""
    return lambda text, a, b: text.select(text.op(comparison, a, b) | b.is_nan(), a, b)


def _chosen_int(comparison):
    return lambda text, a, b: text.select(text.op(comparison, a, b), a, b)


def _sign(text, x):
    step = text.select(x < 0.0, -1.0, 0.0)
    step = text.select(x > 0.0, 1.0, step)
    return text.select(x.is_nan(), x, step)


def _heaviside(text, x, middle):
    step = text.select(x > 0.0, 1.0, 0.0)
    step = text.select(x.equals(0.0), middle, step)
    return text.select(x.is_nan(), x, step)


def _sign_int(text, x):
    up, down = (text.select(c, text.integer(1), 0) for c in (x > 0, x < 0))
    return up - down


def _absolute_int(text, x):
    return text.select(x < 0, 0 - x, x)


# --- remainders: C's fmod, moved to the divisor's sign (NumPy's and Python's rule) ---------------


def _fmod(text, a, b):
    return text.each_lane("ds_fmod", a, b)


def _remainder(text, a, b):
    rest = _fmod(text, a, b)
    moved = text.select((b < 0.0) ^ (rest < 0.0), rest + b, rest)
    moved = text.select(rest.equals(0.0), text.op("copysign", 0.0, b), moved)
    return text.select(b.equals(0.0), rest, moved)


def _floor_divide(text, a, b):
    rest = _fmod(text, a, b)
    ratio = (a - rest) / b  # an integer but for rounding
    wrong_side = rest.differs(0.0) & ((b < 0.0) ^ (rest < 0.0))
    ratio = text.select(wrong_side, ratio - 1.0, ratio)
    whole = text.op("floor", ratio)
    whole = text.select(ratio - whole > 0.5, whole + 1.0, whole)
    whole = text.select(ratio.equals(0.0), text.op("copysign", 0.0, a / b), whole)
    return text.select(b.equals(0.0), a / b, whole)


def _whole_quotient(text, a, b):
    """(quotient towards zero, remainder, those of 0 where b is 0) of integers; -1 is left to `_by_minus_one`."""
    divisor = text.select(b.equals(0) | b.equals(-1), 1, b)
    quotient = text.op("idiv", a, divisor)
    return quotient, a - quotient * divisor


def _floor_divide_int(text, a, b):
    quotient, rest = _whole_quotient(text, a, b)
    down = rest.differs(0) & ((b < 0) ^ (rest < 0))
    result = text.select(down, quotient - 1, quotient)
    result = text.select(b.equals(-1), 0 - a, result)
    return text.select(b.equals(0), 0, result)


def _remainder_int(text, a, b):
    _, rest = _whole_quotient(text, a, b)
    moved = text.select(rest.differs(0) & ((b < 0) ^ (rest < 0)), rest + b, rest)
    return text.select(b.equals(-1) | b.equals(0), 0, moved)


def _logaddexp(text, x, y):
    """log(exp(x) + exp(y)) without overflow."""
    apart = x - y
    larger = text.select(apart > 0.0, x, y)
    correction = text.call("log1p", text.call("exp", -text.abs(apart)))
    result = text.select(x.equals(y), x + 0.6931471805599453, larger + correction)
    return text.select(x.is_nan() | y.is_nan(), apart, result)


def _select(text, condition, a, b):
    return text.select(condition, a, b)


def _same(text, x):
    return x


def _is_infinite(text, x):
    return text.abs(x).equals(INFINITY)


def _is_finite(text, x):
    return text.abs(x) < INFINITY


ROWS = {
    "add": {FLOAT: _primitive("add"), INT: _primitive("iadd")},
    "subtract": {FLOAT: _primitive("sub"), INT: _primitive("isub")},
    "multiply": {FLOAT: _primitive("mul"), INT: _primitive("imul")},
    "divide": {FLOAT: _primitive("div")},
    "power": {FLOAT: _math("pow")},
    "floor_divide": {FLOAT: _floor_divide, INT: _floor_divide_int},
    "remainder": {FLOAT: _remainder, INT: _remainder_int},
    "fmod": {FLOAT: _fmod},
    "maximum": {FLOAT: _extremum("ge"), INT: _chosen_int("ige")},
    "minimum": {FLOAT: _extremum("le"), INT: _chosen_int("ile")},
    "fmax": {FLOAT: _ignoring_nan("ge")},
    "fmin": {FLOAT: _ignoring_nan("le")},
    "copysign": {FLOAT: _primitive("copysign")},
    "heaviside": {FLOAT: _heaviside},
    "logaddexp": {FLOAT: _logaddexp},
    "negative": {FLOAT: _primitive("neg"), INT: lambda text, x: 0 - x},
    "absolute": {FLOAT: _primitive("abs"), INT: _absolute_int},
    "sign": {FLOAT: _sign, INT: _sign_int},
    "square": {FLOAT: lambda text, x: x * x, INT: lambda text, x: x * x},
    "reciprocal": {FLOAT: lambda text, x: 1.0 / x},
    "conjugate": {FLOAT: _same, INT: _same},
    "real": {FLOAT: _same},
    "imag": {FLOAT: lambda text, x: text.real(0.0)},
    "less": {FLOAT: _primitive("lt"), INT: _primitive("ilt")},
    "less_equal": {FLOAT: _primitive("le"), INT: _primitive("ile")},
    "greater": {FLOAT: _primitive("gt"), INT: _primitive("igt")},
    "greater_equal": {FLOAT: _primitive("ge"), INT: _primitive("ige")},
    "equal": {
        FLOAT: _primitive("eq"),
        INT: _primitive("ieq"),
        BOOL: lambda text, a, b: ~(a ^ b),
    },
    "not_equal": {FLOAT: _primitive("ne"), INT: _primitive("ine"), BOOL: _primitive("xor")},
    "isnan": {FLOAT: lambda text, x: x.is_nan()},
    "isinf": {FLOAT: _is_infinite},
    "isfinite": {FLOAT: _is_finite},
    "logical_and": {BOOL: _primitive("and")},
    "logical_or": {BOOL: _primitive("or")},
    "logical_xor": {BOOL: _primitive("xor")},
    "logical_not": {BOOL: lambda text, x: ~x},
    "select": dict.fromkeys((BOOL, INT, FLOAT), _select),
    "shield": dict.fromkeys((BOOL, INT, FLOAT), _select),
}
ROWS.update(
    {name: {FLOAT: _primitive(name)} for name in ("sqrt", "floor", "ceil", "trunc", "rint")}
)
ROWS.update(
    {
        name: {FLOAT: _math(name)}
        for name in (
            *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan"),
            *("arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh"),
            *("arcsinh", "arccosh", "arctanh", "cbrt", "hypot", "erf", "erfc"),
        )
    }
)


def compute(text, name, dtype, *operands):
    """Operator `name` of values of one dtype (of a select: its branches')."""
    if dtype == COMPLEX:
        raise Refused("complex numbers")
    if name.startswith("special_"):
        return text.special(name, *operands)
    if name not in ROWS:
        return text.registered(name, *operands)
    return ROWS[name][dtype](text, *operands)


def _to_int(text, x):
    """Towards zero; what has no such integer becomes the least one, as x86's instruction has it."""
    inside = (x >= -(2.0**63)) & (x < 2.0**63)
    return text.select(inside, text.op("to_int", text.select(inside, x, 0.0)), LEAST_INT)


CASTS = {
    (BOOL, INT): lambda text, x: text.select(x, text.integer(1), 0),
    (BOOL, FLOAT): lambda text, x: text.select(x, 1.0, 0.0),
    (INT, BOOL): lambda text, x: x.differs(0),
    (INT, FLOAT): lambda text, x: text.op("to_real", x),
    (FLOAT, BOOL): lambda text, x: x.differs(0.0),
    (FLOAT, INT): _to_int,
}


def cast(text, x, source, target):
    """The value in another dtype."""
    if COMPLEX in (source, target):
        raise Refused("complex numbers")
    return x if source == target else CASTS[source, target](text, x)
