"""Operators on a way that may not be taken: they compute with harmless numbers where it is not.

Compiled code follows both ways from a jump. Where `if x > 0` is false, the square root behind it would be
that of a negative number, raise a floating-point flag that Python never raises, and give a derivative
that is not finite; so it becomes sqrt(shield(path, x, 1)), where shield is a select.
"""

from __future__ import annotations

from diffsol._graph.ops import ELEMENTWISE

# operator -> (which input, the number in its place), where NumPy warns of nothing
HARMLESS = {
    **dict.fromkeys(("divide", "floor_divide", "remainder", "fmod"), (1, 1)),
    **dict.fromkeys(("reciprocal", "sqrt", "log", "log2", "log10", "power"), (0, 1)),
    "arccosh": (0, 2),
    **dict.fromkeys(("exp", "exp2", "expm1", "log1p", "sinh", "cosh", "tan"), (0, 0)),
    **dict.fromkeys(("arcsin", "arccos", "arctanh"), (0, 0)),
    # in the domain of every function of scipy.special that we have
    **{name: (None, 0.5) for name in ELEMENTWISE if name.startswith("special_")},
}


def shielded(graph, name, inputs) -> list:
    """The inputs of an operator that is built on `graph.path`."""
    which, number = HARMLESS[name]
    return [
        _on_path(graph, x, number) if which in (None, i) and _may_harm(x, i) else x
        for i, x in enumerate(inputs)
    ]


def _may_harm(x, place) -> bool:
    """A constant is as good or bad as anywhere, but no divisor of zero."""
    return x.value is None or place == 1 and not x.value.all()


def _on_path(graph, x, number):
    return graph.elementwise("shield", graph.path, x, graph.const(x.dtype.type(number)))
