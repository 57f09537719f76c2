"""Straight-line text in the making, and values in it with arithmetic, so that formulas read as formulas.

`Text` is what `llvm_text.py` and `c_text.py` have in common. A function of `math` takes and returns `Value`s
and is written into either text by the operators of these.
"""

from __future__ import annotations

from diffsol._compile.vector.math import FUNCTIONS
from diffsol._compile.vector.primitives import PRIMITIVES


class Value:
    """A name in a text (or a constant), and its kind: "V", "M" or "I"."""

    __slots__ = ("kind", "name", "text")

    def __init__(self, text, kind, name):
        self.text, self.kind, self.name = text, kind, name

    def _with(self, plain, other, swapped=False):
        other = self.text.value(other, self.kind)
        name = plain if self.kind == "V" else f"i{plain}"
        return self.text.op(name, *((other, self) if swapped else (self, other)))

    def __add__(self, other):
        return self._with("add", other)

    def __sub__(self, other):
        return self._with("sub", other)

    def __mul__(self, other):
        return self._with("mul", other)

    def __truediv__(self, other):
        return self._with("div", other)

    def __radd__(self, other):
        return self._with("add", other, swapped=True)

    def __rsub__(self, other):
        return self._with("sub", other, swapped=True)

    def __rmul__(self, other):
        return self._with("mul", other, swapped=True)

    def __rtruediv__(self, other):
        return self._with("div", other, swapped=True)

    def __neg__(self):
        return self.text.op("neg", self) if self.kind == "V" else 0 - self

    def __lt__(self, other):
        return self._with("lt", other)

    def __le__(self, other):
        return self._with("le", other)

    def __gt__(self, other):
        return self._with("gt", other)

    def __ge__(self, other):
        return self._with("ge", other)

    def equals(self, other):
        return self._with("eq", other)

    def differs(self, other):
        return self._with("ne", other)

    def __and__(self, other):
        return self.text.op("and", self, other) if self.kind == "M" else self._with("and", other)

    def __or__(self, other):
        return self.text.op("or", self, other) if self.kind == "M" else self._with("or", other)

    def __xor__(self, other):
        return self.text.op("xor", self, other) if self.kind == "M" else self._with("xor", other)

    def __invert__(self):
        return self ^ self.text.truth(True)

    def __lshift__(self, places):
        return self._with("shl", places)

    def __rshift__(self, places):
        """A logical shift: zeros come in from above."""
        return self._with("shr", places)

    def is_nan(self):
        return self.differs(self)


class Text:
    """Lines of one function, and the functions and tables that it calls for.

    Subclasses give

    constant(number, kind)       the value of a number
    write(primitive, operands)   the value of an expression
    define(name, body, arity)    a function of `math` as a part of the module
    called(name, arguments)      the value of a call of one
    rarely(condition, name, arguments, otherwise)
                                 the function's value where the condition holds, computed if it holds anywhere
    each_lane(name, *arguments)  an external function of doubles, called for one lane after the other
    special(name, *arguments)    the same of a function of scipy.special
    argument(name)               one of the kernel's arguments t, y, out, p, q
    load_row(base, row), store_row(value, base, row), load_shared(base, place)
    table(array)                 where a constant array lies, for
    lookup(table, index, kind)   its element at an index in range
    rows(values)                 where values lie, one behind the other, as an array to look up in
    lookup_row(rows, index, kind)
    search(side, table, start, stride, count, x, by_row)
                                 numpy.searchsorted of x in count elements of a table or of rows
    """

    def __init__(self, module):
        self.module = module  # what its functions share
        self.lines: list = []
        self._count = 0

    def fresh(self, prefix="v") -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def value(self, x, kind):
        """A number as a value of a kind; a value as it is."""
        return x if isinstance(x, Value) else self.constant(x, kind)

    def real(self, x):
        return self.value(x, "V")

    def integer(self, x):
        return self.value(x, "I")

    def truth(self, x):
        return self.value(x, "M")

    def op(self, name, *operands) -> Value:
        """A primitive applied to values (or to numbers)."""
        row = PRIMITIVES[name]
        operands = [self.value(x, kind) for x, kind in zip(operands, row.operands, strict=True)]
        assert all(x.kind == kind for x, kind in zip(operands, row.operands, strict=True)), name
        return self.write(row, operands)

    def select(self, condition, a, b):
        """a where the condition holds, else b; of whatever kind they have."""
        kind = next(x.kind for x in (a, b, self.real(0.0)) if isinstance(x, Value))
        a, b = self.value(a, kind), self.value(b, kind)
        if kind == "M":
            return (condition & a) | (~condition & b)
        return self.op("select" if kind == "V" else "iselect", condition, a, b)

    def fma(self, a, b, c):
        """a * b + c, rounded once."""
        return self.op("fma", a, b, c)

    def abs(self, x):
        return self.op("abs", x)

    def sqrt(self, x):
        return self.op("sqrt", x)

    def bits(self, x):
        return self.op("bits", x)

    def from_bits(self, i):
        return self.op("from_bits", i)

    def call(self, name, *arguments) -> Value:
        """A function of `math`, which is written into the module when it is first called for."""
        arguments = [self.real(x) for x in arguments]
        if name not in self.module.functions:
            function = self.define(name, FUNCTIONS[name], len(arguments))
            self.module.functions[name] = function  # its place is behind those that it calls
        return self.called(name, arguments)
