"""Straight-line text in the making, and values in it with arithmetic, so that formulas read as formulas.

`Text` is what `llvm_text.py` and `c_text.py` have in common. A function of `math` takes and returns `Value`s
and is written into either text by the operators of these.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from diffsol._compile.vector.math import FUNCTIONS
from diffsol._compile.vector.primitives import PRIMITIVES

INLINED = 100  # lines of a function of `math` up to which a call of it is not worth while


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


class Text(ABC):
    """Lines of one function, and what its module shares with others: functions and tables.

    What is written for an operation, and where arrays lie, say `llvm_text.py` and `c_text.py`.
    """

    def __init__(self, module):
        self.module = module
        self.lines: list = []
        self._count = 0

    @abstractmethod
    def constant(self, x, kind) -> Value:
        """The value of a number."""

    @abstractmethod
    def write(self, row, operands) -> Value:
        """The value of a primitive applied to values."""

    @abstractmethod
    def define(self, name, body, arity):
        """A function of `math` as a part of the module."""

    @abstractmethod
    def called(self, name, arguments) -> Value:
        """The value of a call of such a function."""

    @abstractmethod
    def rarely(self, condition, name, arguments, otherwise) -> Value:
        """The function's value where the condition holds; it is computed if that holds in any lane."""

    @abstractmethod
    def each_lane(self, name, *arguments) -> Value:
        """An external function of doubles, called for one lane after the other."""

    @abstractmethod
    def special(self, name, *arguments) -> Value:
        """The same of a function of scipy.special."""

    @abstractmethod
    def registered(self, name, *arguments) -> Value:
        """The same of an operator that the user has registered."""

    @abstractmethod
    def argument(self, name) -> str:
        """One of the kernel's arguments t, y, out, p, q."""

    @abstractmethod
    def load_row(self, base, row) -> Value:
        """A value of memory: a row of one number for each lane."""

    @abstractmethod
    def store_row(self, x, base, row) -> None:
        """The value into memory."""

    @abstractmethod
    def load_shared(self, base, place) -> Value:
        """A number of memory, the same in all lanes."""

    @abstractmethod
    def address(self, base, place) -> str:
        """Where a number of memory lies."""

    @abstractmethod
    def table(self, array) -> str:
        """Where a constant array lies."""

    @abstractmethod
    def rows(self, values) -> str:
        """Where values lie, one behind the other, to be looked up in."""

    @abstractmethod
    def lookup(self, table, index, kind) -> Value:
        """The elements of an array that all lanes share, at indices in range."""

    @abstractmethod
    def lookup_row(self, rows, index, kind) -> Value:
        """The same of rows, where each lane has an array of its own."""

    @abstractmethod
    def search(self, side, table, start, stride, count, x, by_row) -> Value:
        """numpy.searchsorted of x in `count` elements of an array or of rows."""

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
        values = [self.value(x, kind) for x, kind in zip(operands, row.operands, strict=True)]
        assert all(x.kind == kind for x, kind in zip(values, row.operands, strict=True)), name
        return self.write(row, values)

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
        if name not in self.module.functions:
            function = self.define(name, FUNCTIONS[name], len(arguments))
            self.module.functions[name] = function  # its place is behind those that it calls
        return self.called(name, [self.real(x) for x in arguments])
