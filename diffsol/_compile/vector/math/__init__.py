"""ds_math: the elementary functions, each once, for every text (LLVM's, C's, CUDA's) and any number of lanes.

A function takes the text that it is written into and its operands, and returns its result; nothing branches but
on "is any lane such a rare case". They call no library, and use no operation that is not rounded as IEEE 754
says, so they give the same bits everywhere. Errors are at most 2 units in the last place (measured: docs/math.md),
special values those of C99.
"""

from __future__ import annotations

from diffsol._compile.vector.math import (
    error_function,
    exponential,
    hyperbolic,
    inverse,
    logarithm,
    power,
    roots,
    trigonometric,
)

FUNCTIONS = {
    name: getattr(module, name)
    for module, names in (
        (exponential, ("exp", "exp2", "expm1")),
        (logarithm, ("log", "log2", "log10", "log1p")),
        (power, ("pow",)),
        (trigonometric, ("sin", "cos", "tan", "sin_far", "cos_far", "tan_far")),
        (inverse, ("arcsin", "arccos", "arctan", "arctan2")),
        (hyperbolic, ("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh")),
        (roots, ("cbrt", "hypot")),
        (error_function, ("erf", "erfc")),
    )
    for name in names
}
