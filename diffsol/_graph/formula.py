"""Nodes with arithmetic, so that tables of formulas read as formulas."""

from __future__ import annotations

from diffsol._graph.ops import ELEMENTWISE


class Formula:
    """A node and the graph it grows in. Products with the constants 1 and -1 make no product."""

    __slots__ = ("graph", "node")

    def __init__(self, graph, node):
        self.graph, self.node = graph, node

    def apply(self, name, *others) -> Formula:
        """The operator of that name applied to this formula and others (or numbers)."""
        others = [self.number(x).node for x in others]
        return Formula(self.graph, self.graph.elementwise(name, self.node, *others))

    def number(self, x) -> Formula:
        """A number (or a formula) as a formula of the same graph."""
        return x if isinstance(x, Formula) else Formula(self.graph, self.graph.const(x))

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        """NumPy's functions of formulas."""
        if method != "__call__" or options or ufunc.__name__ not in ELEMENTWISE:
            return NotImplemented
        first, *others = (self.number(x) for x in inputs)
        return first.apply(ufunc.__name__, *others)

    def _unit(self):
        """1 or -1 if this is that constant, else None."""
        node = self.node
        return node.value if node.shape == () and node.value in (1, -1) else None

    def __add__(self, other):
        return self.apply("add", other)

    def __sub__(self, other):
        return self.apply("subtract", other)

    def __mul__(self, other):
        other = self.number(other)
        for factor, rest in ((self, other), (other, self)):
            unit = factor._unit()
            if unit is not None:
                return rest if unit == 1 else -rest
        return self.apply("multiply", other)

    def __truediv__(self, other):
        return self.apply("divide", other)

    def __neg__(self):
        if self.node.op == "negative":
            return Formula(self.graph, self.node.inputs[0])
        return self.apply("negative")

    def __pow__(self, other):
        return self.apply("power", other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other):
        return self.number(other) - self

    def __rtruediv__(self, other):
        return self.number(other) / self
