"""One row per elementwise operator and operand dtype: its LLVM text.

A row is either one instruction with places for the operands, or a function (writer, *operands)
for what needs several. Values are those of the NumPy ufunc; where NumPy raises one of the flags
divide-by-zero, invalid or overflow, the text raises it as well (the C core then asks Python).
A test holds this table against `ops.ELEMENTWISE`.
"""

from __future__ import annotations

from diffsol._compile.writer import LLVM_TYPE, float_literal
from diffsol._graph.ops import BOOL, COMPLEX, FLOAT, INT
from diffsol._graph.special import TABLE as SPECIAL

ZERO, ONE, INFINITY = (float_literal(x) for x in (0.0, 1.0, float("inf")))


# --- makers of rows -----------------------------------------------------------------------


def _libm(name):
    return lambda w, *operands: w.libm(name, *operands)


def _special(name):
    return lambda w, *operands: w.special(name, *operands)


def _libm_int(name):
    return lambda w, *operands: w.libm(name, *operands, type="i64")


def _libm_complex(name):
    return lambda w, *operands: w.libm_complex(name, *(part for x in operands for part in x))


def _intrinsic(name, type="double", *flags):
    return lambda w, *operands: w.intrinsic(name, type, *(f"{type} {x}" for x in operands), *flags)


def _pairwise(text):
    """The instruction on the real parts and on the imaginary parts."""
    return lambda w, *operands: tuple(
        w.value(text.format(*parts)) for parts in zip(*operands, strict=True)
    )


# --- real rows of several instructions ------------------------------------------------------


def _extremum(comparison):
    def emit(w, a, b):
        """NumPy: a if a beats b or a is a NaN, else b (which also hands on b's NaN)."""
        beats = w.value(f"fcmp {comparison} double {a}, {b}")
        invalid = w.value(f"fcmp uno double {a}, {a}")
        first = w.value(f"or i1 {beats}, {invalid}")
        return w.value(f"select i1 {first}, double {a}, double {b}")

    return emit


def _sign(w, x):
    up = w.value(f"fcmp ogt double {x}, {ZERO}")
    down = w.value(f"fcmp olt double {x}, {ZERO}")
    low = w.value(f"select i1 {down}, double {float_literal(-1.0)}, double {ZERO}")
    step = w.value(f"select i1 {up}, double {ONE}, double {low}")
    return _nan_or(w, x, step)


def _heaviside(w, x, middle):
    up = w.value(f"fcmp ogt double {x}, {ZERO}")
    at = w.value(f"fcmp oeq double {x}, {ZERO}")
    step = w.value(f"select i1 {up}, double {ONE}, double {ZERO}")
    step = w.value(f"select i1 {at}, double {middle}, double {step}")
    return _nan_or(w, x, step)


def _nan_or(w, x, otherwise):
    invalid = w.value(f"fcmp uno double {x}, {x}")
    return w.value(f"select i1 {invalid}, double {x}, double {otherwise}")


def _sign_int(w, x):
    up = w.value(f"icmp sgt i64 {x}, 0")
    down = w.value(f"icmp slt i64 {x}, 0")
    return w.value(
        f"sub i64 {w.value(f'zext i1 {up} to i64')}, {w.value(f'zext i1 {down} to i64')}"
    )


def _isinf(w, x):
    size = w.intrinsic("fabs.f64", "double", f"double {x}")
    return w.value(f"fcmp oeq double {size}, {INFINITY}")


def _isfinite(w, x):
    size = w.intrinsic("fabs.f64", "double", f"double {x}")
    return w.value(f"fcmp one double {size}, {INFINITY}")


# --- complex rows -----------------------------------------------------------------------------


def _complex_multiply(w, a, b):
    re = w.value(f"fsub double {_product(w, a[0], b[0])}, {_product(w, a[1], b[1])}")
    im = w.value(f"fadd double {_product(w, a[0], b[1])}, {_product(w, a[1], b[0])}")
    return re, im


def _product(w, x, y):
    return w.value(f"fmul double {x}, {y}")


def _complex_divide(w, a, b):
    """Smith's algorithm, scaled by the larger part of the divisor, as NumPy does it."""
    if {*b} <= {ZERO, float_literal(-0.0)}:  # LLVM would fold the ratio 0/0 and raise no flag
        return tuple(w.value(f"fdiv double {x}, {ZERO}") for x in a)
    swap = w.value(f"fcmp olt double {_fabs(w, b[0])}, {_fabs(w, b[1])}")
    large, small = _ordered(w, swap, b)
    ratio = w.value(f"fdiv double {small}, {large}")
    scale = w.value(
        f"fdiv double {ONE}, {w.value(f'fadd double {large}, {_product(w, small, ratio)}')}"
    )
    first, second = _ordered(w, swap, a)
    re = w.value(f"fadd double {first}, {_product(w, second, ratio)}")
    im = w.value(f"fsub double {second}, {_product(w, first, ratio)}")
    mirrored = w.value(f"fsub double {_product(w, first, ratio)}, {second}")
    im = w.value(f"select i1 {swap}, double {mirrored}, double {im}")
    return _product(w, re, scale), _product(w, im, scale)


def _fabs(w, x):
    return w.intrinsic("fabs.f64", "double", f"double {x}")


def _ordered(w, swap, pair):
    return (
        w.value(f"select i1 {swap}, double {pair[1]}, double {pair[0]}"),
        w.value(f"select i1 {swap}, double {pair[0]}, double {pair[1]}"),
    )


def _complex_reciprocal(w, x):
    """NumPy's: the same scaling as in the division, with its own order of operations."""
    swap = w.value(f"fcmp olt double {_fabs(w, x[0])}, {_fabs(w, x[1])}")
    large, small = _ordered(w, swap, x)
    ratio = w.value(f"fdiv double {small}, {large}")
    divisor = w.value(f"fadd double {large}, {_product(w, small, ratio)}")
    whole, part = (w.value(f"fdiv double {x}, {divisor}") for x in (ONE, ratio))
    re = w.value(f"select i1 {swap}, double {part}, double {whole}")
    im = w.value(f"select i1 {swap}, double {whole}, double {part}")
    return re, w.value(f"fneg double {im}")


def _complex_test(test, join):
    def emit(w, x):
        return w.value(
            f"{join} i1 {emit_row(w, test, FLOAT, x[0])}, {emit_row(w, test, FLOAT, x[1])}"
        )

    return emit


def _complex_compare(comparison, join):
    def emit(w, a, b):
        parts = [w.value(f"fcmp {comparison} double {x}, {y}") for x, y in zip(a, b, strict=True)]
        return w.value(f"{join} i1 {parts[0]}, {parts[1]}")

    return emit


def _complex_select(w, condition, a, b):
    return tuple(
        w.value(f"select i1 {condition}, double {x}, double {y}") for x, y in zip(a, b, strict=True)
    )


def _select(dtype):
    type = LLVM_TYPE[dtype]
    return f"select i1 {{0}}, {type} {{1}}, {type} {{2}}"


def _shield(dtype):
    def emit(w, condition, a, b):
        """A select of which the compiler knows neither the condition nor the number in its place.

        Else it would compute sqrt(x) whatever c is, where select(c, sqrt(select(c, x, 1)), 0) is asked
        for: as a select of two roots, or without the select within another by the same condition.
        """
        condition = w.value(f"and i1 {condition}, {w.hidden('true', BOOL)}")
        if dtype == COMPLEX:
            return _complex_select(w, condition, a, tuple(w.hidden(x, FLOAT) for x in b))
        return w.value(_select(dtype).format(condition, a, w.hidden(b, dtype)))

    return emit


def _same(w, x):
    return x


# --- the table ----------------------------------------------------------------------------------

ROWS = {
    "add": {
        FLOAT: "fadd double {}, {}",
        INT: "add i64 {}, {}",
        COMPLEX: _pairwise("fadd double {}, {}"),
    },
    "subtract": {
        FLOAT: "fsub double {}, {}",
        INT: "sub i64 {}, {}",
        COMPLEX: _pairwise("fsub double {}, {}"),
    },
    "multiply": {FLOAT: "fmul double {}, {}", INT: "mul i64 {}, {}", COMPLEX: _complex_multiply},
    "divide": {FLOAT: "fdiv double {}, {}", COMPLEX: _complex_divide},
    "power": {FLOAT: _libm("ds_pow"), COMPLEX: _libm_complex("ds_cpow")},
    "floor_divide": {FLOAT: _libm("ds_floor_divide"), INT: _libm_int("ds_int_floor_divide")},
    "remainder": {FLOAT: _libm("ds_remainder"), INT: _libm_int("ds_int_remainder")},
    "fmod": {FLOAT: _libm("ds_fmod")},
    "maximum": {FLOAT: _extremum("oge"), INT: _intrinsic("smax.i64", "i64")},
    "minimum": {FLOAT: _extremum("ole"), INT: _intrinsic("smin.i64", "i64")},
    "fmax": {FLOAT: _intrinsic("maxnum.f64")},
    "fmin": {FLOAT: _intrinsic("minnum.f64")},
    "arctan2": {FLOAT: _libm("ds_atan2")},
    "hypot": {FLOAT: _libm("ds_hypot")},
    "copysign": {FLOAT: _intrinsic("copysign.f64")},
    "heaviside": {FLOAT: _heaviside},
    "logaddexp": {FLOAT: _libm("ds_logaddexp")},
    "negative": {
        FLOAT: "fneg double {}",
        INT: "sub i64 0, {}",
        COMPLEX: _pairwise("fneg double {}"),
    },
    "absolute": {
        FLOAT: _fabs,
        INT: _intrinsic("abs.i64", "i64", "i1 false"),
        COMPLEX: lambda w, x: w.libm("ds_hypot", *x),
    },
    "sign": {FLOAT: _sign, INT: _sign_int},
    "square": {
        FLOAT: "fmul double {0}, {0}",
        INT: "mul i64 {0}, {0}",
        COMPLEX: lambda w, x: _complex_multiply(w, x, x),
    },
    "reciprocal": {FLOAT: f"fdiv double {ONE}, {{}}", COMPLEX: _complex_reciprocal},
    "sqrt": {FLOAT: _intrinsic("sqrt.f64"), COMPLEX: _libm_complex("ds_csqrt")},
    "cbrt": {FLOAT: _libm("ds_cbrt")},
    "exp": {FLOAT: _libm("ds_exp"), COMPLEX: _libm_complex("ds_cexp")},
    "exp2": {FLOAT: _libm("ds_exp2")},
    "expm1": {FLOAT: _libm("ds_expm1")},
    "log": {FLOAT: _libm("ds_log"), COMPLEX: _libm_complex("ds_clog")},
    "log2": {FLOAT: _libm("ds_log2")},
    "log10": {FLOAT: _libm("ds_log10")},
    "log1p": {FLOAT: _libm("ds_log1p")},
    "sin": {FLOAT: _libm("ds_sin"), COMPLEX: _libm_complex("ds_csin")},
    "cos": {FLOAT: _libm("ds_cos"), COMPLEX: _libm_complex("ds_ccos")},
    "tan": {FLOAT: _libm("ds_tan"), COMPLEX: _libm_complex("ds_ctan")},
    "arcsin": {FLOAT: _libm("ds_asin")},
    "arccos": {FLOAT: _libm("ds_acos")},
    "arctan": {FLOAT: _libm("ds_atan")},
    "sinh": {FLOAT: _libm("ds_sinh"), COMPLEX: _libm_complex("ds_csinh")},
    "cosh": {FLOAT: _libm("ds_cosh"), COMPLEX: _libm_complex("ds_ccosh")},
    "tanh": {FLOAT: _libm("ds_tanh"), COMPLEX: _libm_complex("ds_ctanh")},
    "arcsinh": {FLOAT: _libm("ds_asinh")},
    "arccosh": {FLOAT: _libm("ds_acosh")},
    "arctanh": {FLOAT: _libm("ds_atanh")},
    "floor": {FLOAT: _intrinsic("floor.f64")},
    "ceil": {FLOAT: _intrinsic("ceil.f64")},
    "trunc": {FLOAT: _intrinsic("trunc.f64")},
    "rint": {FLOAT: _intrinsic("rint.f64")},
    "erf": {FLOAT: _libm("ds_erf")},
    "erfc": {FLOAT: _libm("ds_erfc")},
    "conjugate": {
        FLOAT: _same,
        INT: _same,
        COMPLEX: lambda w, x: (x[0], w.value(f"fneg double {x[1]}")),
    },
    "real": {FLOAT: _same, COMPLEX: lambda w, x: x[0]},
    "imag": {FLOAT: lambda w, x: ZERO, COMPLEX: lambda w, x: x[1]},
    "make_complex": {FLOAT: lambda w, re, im: (re, im)},
    "less": {FLOAT: "fcmp olt double {}, {}", INT: "icmp slt i64 {}, {}"},
    "less_equal": {FLOAT: "fcmp ole double {}, {}", INT: "icmp sle i64 {}, {}"},
    "greater": {FLOAT: "fcmp ogt double {}, {}", INT: "icmp sgt i64 {}, {}"},
    "greater_equal": {FLOAT: "fcmp oge double {}, {}", INT: "icmp sge i64 {}, {}"},
    "equal": {
        BOOL: "icmp eq i1 {}, {}",
        INT: "icmp eq i64 {}, {}",
        FLOAT: "fcmp oeq double {}, {}",
        COMPLEX: _complex_compare("oeq", "and"),
    },
    "not_equal": {
        BOOL: "icmp ne i1 {}, {}",
        INT: "icmp ne i64 {}, {}",
        FLOAT: "fcmp une double {}, {}",
        COMPLEX: _complex_compare("une", "or"),
    },
    "isnan": {FLOAT: "fcmp uno double {0}, {0}", COMPLEX: _complex_test("isnan", "or")},
    "isinf": {FLOAT: _isinf, COMPLEX: _complex_test("isinf", "or")},
    "isfinite": {FLOAT: _isfinite, COMPLEX: _complex_test("isfinite", "and")},
    "logical_and": {BOOL: "and i1 {}, {}"},
    "logical_or": {BOOL: "or i1 {}, {}"},
    "logical_xor": {BOOL: "xor i1 {}, {}"},
    "logical_not": {BOOL: "xor i1 {}, true"},
    "select": {
        BOOL: _select(BOOL),
        INT: _select(INT),
        FLOAT: _select(FLOAT),
        COMPLEX: _complex_select,
    },
    "shield": {dtype: _shield(dtype) for dtype in (BOOL, INT, FLOAT, COMPLEX)},
}

ROWS.update({f"special_{name}": {FLOAT: _special(name)} for name in SPECIAL})

CASTS = {  # (from, to); to BOOL is `!= 0`, FLOAT to INT truncates
    (BOOL, INT): "zext i1 {} to i64",
    (BOOL, FLOAT): "uitofp i1 {} to double",
    (INT, BOOL): "icmp ne i64 {}, 0",
    (INT, FLOAT): "sitofp i64 {} to double",
    (FLOAT, BOOL): f"fcmp une double {{}}, {ZERO}",
    (FLOAT, INT): "fptosi double {} to i64",
}


def emit_row(w, name, dtype, *operands):
    """The scalar of operator `name` on operands of one dtype (of a select: its branches')."""
    row = ROWS[name][dtype]
    return w.value(row.format(*operands)) if isinstance(row, str) else row(w, *operands)


def emit_cast(w, scalar, source, target):
    """The scalar in another dtype."""
    if source == target:
        return scalar
    if target == COMPLEX:
        return emit_cast(w, scalar, source, FLOAT), ZERO
    if source == COMPLEX:
        return emit_row(w, "not_equal", COMPLEX, scalar, (ZERO, ZERO))
    return w.value(CASTS[source, target].format(scalar))


def operand_dtype(node):
    """The dtype that chooses the row of an elementwise node."""
    return node.inputs[-1].dtype
