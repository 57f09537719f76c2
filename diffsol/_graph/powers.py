"""Powers that need no `pow`."""

from __future__ import annotations

from diffsol._graph.ops import COMPLEX


def constant_power(graph, x, exponent):
    """x**e for small e without `pow`, to within one rounding error of it.

    NumPy itself squares for 2 and takes the root for 0.5; x**1.5 = x sqrt(x) has at most one
    more rounding, and so have the products for 3 and 4.
    """
    if isinstance(exponent, complex) or x.dtype == COMPLEX and exponent not in (1, 2):
        return None
    if exponent == 1:
        return x
    if exponent == -0.5:  # of -0.0 it is inf, and sqrt(-0.0) is -0.0
        x = graph.elementwise("add", x, graph.const(0.0))
    if exponent < 0 and exponent in (-1.0, -2.0, -0.5, -1.5, -3.0):
        return graph.elementwise("divide", graph.const(1.0), constant_power(graph, x, -exponent))
    if exponent == 2:
        return graph.elementwise("square", x)
    if exponent == 0.5:
        # pow(-inf, 0.5) is inf and pow(-0.0, 0.5) is 0.0, unlike sqrt: NumPy takes the root too
        return graph.elementwise("sqrt", x)
    if exponent == 1.5:
        return graph.elementwise("multiply", x, graph.elementwise("sqrt", x))
    if exponent == 3:
        return graph.elementwise("multiply", graph.elementwise("square", x), x)
    if exponent == 4:
        return graph.elementwise("square", graph.elementwise("square", x))
    return None
