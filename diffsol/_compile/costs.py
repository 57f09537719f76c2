"""What operators cost, in additions."""

from __future__ import annotations

COSTS = {
    "divide": 4,
    "reciprocal": 4,
    "sqrt": 4,
    "remainder": 20,
    "floor_divide": 20,
    "fmod": 20,
    "power": 30,
    "arctan2": 30,
    "hypot": 12,
    "gather": 2,
    "searchsorted": 40,
}
FUNCTIONS = {
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sin",
    "cos",
    "tan",
    "cbrt",
    "arcsin",
    "arccos",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "arccosh",
    "arctanh",
    "erf",
    "erfc",
    "logaddexp",
}


def cost_of(op) -> int:
    """An elementwise operator, or a lookup."""
    if op in FUNCTIONS or op.startswith(("special_", "registered_")):
        return 20
    return COSTS.get(op, 1)
