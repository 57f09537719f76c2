"""LLVM text for W lanes: every name is a `<W x double>`, `<W x i1>` or `<W x i64>` (W = 1: their scalars)."""

from __future__ import annotations

import numpy as np

from diffsol._compile import llvm_ops
from diffsol._compile.lookups import BEFORE, SEARCH
from diffsol._compile.vector.values import INLINED, Text, Value
from diffsol._compile.writer import literal
from diffsol._graph.ops import BOOL, FLOAT, INT

SCALARS = {"V": "double", "M": "i1", "I": "i64"}
MEMORY = {"V": "double", "I": "i64"}
DTYPES = {"V": FLOAT, "M": BOOL, "I": INT}
MOST_INLINED = (
    400  # lines of a function in all the places where it is called, beyond which calls stay calls
)


class LlvmModule:
    """What the functions of one module share."""

    def __init__(self, width):
        self.width = width
        vector = {k: s if width == 1 else f"<{width} x {s}>" for k, s in SCALARS.items()}
        short = "" if width == 1 else f"v{width}"
        self.names = {**vector, "v": f"{short}f64", "i": f"{short}i64"}
        self.functions: dict = {}  # name -> (arity, lines)
        self.declarations: dict = {}
        self.globals: dict = {}
        self.externals: set = set()
        self.calls: dict = {}  # name of a function -> in how many places it is called
        self._tables: dict = {}

    def table(self, array) -> str:
        array = np.ascontiguousarray(array)
        name = self._tables.setdefault(array.tobytes(), f"@table{len(self._tables)}")
        if name not in self.globals:
            data = "".join(f"\\{byte:02X}" for byte in array.tobytes())
            self.globals[name] = (
                f'{name} = private unnamed_addr constant [{array.nbytes} x i8] c"{data}", align 64'
            )
        return name

    def assembled(self, head, lines) -> str:
        """The module whose entry is a function with this head."""
        definitions = [self._definition(name, *f) for name, f in self.functions.items()]
        # LLVM halves vectors of 512 bits unless it is told to use them
        attributes = 'nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512"'
        return "\n".join(
            [
                *self.declarations.values(),
                *self.globals.values(),
                *definitions,
                f"{head} #0 {{",
                "entry:",
                *lines,
                "}",
                f"attributes #0 = {{ {attributes} }}",
                f"attributes #1 = {{ {attributes} alwaysinline }}",
                "",
            ]
        )

    def _definition(self, name, arity, lines):
        type = self.names["V"]
        arguments = ", ".join(f"{type} %x{i}" for i in range(arity))
        inlined = len(lines) <= INLINED and len(lines) * self.calls[name] <= MOST_INLINED
        head = f"define internal {type} @ds_math_{name}({arguments}) #{int(inlined)} {{"
        return "\n".join([head, "entry:", *lines, "}"])


class _OneLane:
    """What the row of an operator in `llvm_ops` needs of a `Writer` to compute it for one lane."""

    def __init__(self, text):
        self.value = text.named
        self.globals, self.declarations = text.module.globals, text.module.declarations


class LlvmText(Text):
    def __init__(self, module):
        super().__init__(module)
        self.names, self.width = module.names, module.width
        self.block = "entry"

    def line(self, text) -> None:
        self.lines.append("  " + text)

    def named(self, expression) -> str:
        """The name of an instruction's result."""
        name = f"%{self.fresh()}"
        self.line(f"{name} = {expression}")
        return name

    def constant(self, x, kind):
        scalar = literal(x, DTYPES[kind])
        text = scalar if self.width == 1 else f"splat ({SCALARS[kind]} {scalar})"
        return Value(self, kind, text)

    def write(self, row, operands):
        expression = row.llvm.format(*(x.name for x in operands), **self.names)
        if expression.startswith("call "):
            self._declare(expression, row)
        return Value(self, row.result, self.named(expression))

    def _declare(self, expression, row):
        name = expression.split("@")[1].split("(")[0]
        types = ", ".join(self.names[kind] for kind in row.operands)
        self.module.declarations[name.removeprefix("llvm.")] = (
            f"declare {self.names[row.result]} @{name}({types})"
        )

    # --- functions --------------------------------------------------------------------------

    def define(self, name, body, arity):
        inner = LlvmText(self.module)
        result = body(inner, *(Value(inner, "V", f"%x{i}") for i in range(arity)))
        inner.line(f"ret {self.names['V']} {result.name}")
        return arity, inner.lines

    def called(self, name, arguments):
        self.module.calls[name] = self.module.calls.get(name, 0) + 1
        given = ", ".join(f"{self.names['V']} {x.name}" for x in arguments)
        return Value(self, "V", self.named(f"call {self.names['V']} @ds_math_{name}({given})"))

    def any(self, condition) -> str:
        """An i1: does the condition hold in any lane?"""
        if self.width == 1:
            return condition.name
        return self.named(f"icmp ne i{self.width} {self.bit_mask(condition)}, 0")

    def bit_mask(self, condition) -> str:
        return self.named(f"bitcast {self.names['M']} {condition.name} to i{self.width}")

    def rarely(self, condition, name, arguments, otherwise):
        number, usual = self.fresh("case"), self.block
        rare, after = f"rare{number}", f"after{number}"
        self.line(f"br i1 {self.any(condition)}, label %{rare}, label %{after}")
        self._begin(rare)
        picked = self.select(condition, self.call(name, *arguments), otherwise)
        self.line(f"br label %{after}")
        self._begin(after)
        choices = f"[ {otherwise.name}, %{usual} ], [ {picked.name}, %{rare} ]"
        return Value(self, "V", self.named(f"phi {self.names['V']} {choices}"))

    def _begin(self, block):
        self.lines.append(f"{block}:")
        self.block = block

    # --- lanes one by one -------------------------------------------------------------------

    def lane(self, x, lane) -> str:
        """One lane of a value, a scalar."""
        if self.width == 1:
            return x.name
        return self.named(f"extractelement {self.names[x.kind]} {x.name}, i32 {lane}")

    def joined(self, scalars, kind):
        """The value whose lanes are these scalars."""
        if self.width == 1:
            return Value(self, kind, scalars[0])
        whole = "poison"
        for lane, scalar in enumerate(scalars):
            whole = self.named(
                f"insertelement {self.names[kind]} {whole}, {SCALARS[kind]} {scalar}, i32 {lane}"
            )
        return Value(self, kind, whole)

    def each_lane(self, name, *arguments, trailing=""):
        self.module.externals.add(name)
        types = ", ".join(["double"] * len(arguments))
        after = f", {trailing.split()[0]}" if trailing else ""
        self.module.declarations[name] = (
            f"declare double @{name}({types}{after}) nounwind willreturn memory(none)"
        )
        results = []
        for lane in range(self.width):
            given = ", ".join(f"double {self.lane(x, lane)}" for x in arguments)
            given += f", {trailing}" if trailing else ""
            results.append(self.named(f"call double @{name}({given})"))
        return self.joined(results, "V")

    def special(self, name, *arguments):
        """A function of scipy.special; Cython's functions take an int more, which is 0."""
        return self.each_lane(name, *arguments, trailing="i32 0")

    def registered(self, name, *arguments):
        row = llvm_ops.ROWS[name][FLOAT]
        lanes = ([self.lane(x, lane) for x in arguments] for lane in range(self.width))
        return self.joined([row(_OneLane(self), *operands) for operands in lanes], "V")

    # --- memory -----------------------------------------------------------------------------

    def argument(self, name):
        """One of the kernel's arguments."""
        return f"%{name}"

    def load_row(self, base, row):
        """The value in a row of W doubles."""
        address = self.address(base, row * self.width)
        return Value(
            self, "V", self.named(f"load {self.names['V']}, ptr {address}, align {8 * self.width}")
        )

    def store_row(self, x, base, row) -> None:
        address = self.address(base, row * self.width)
        self.line(f"store {self.names[x.kind]} {x.name}, ptr {address}, align {8 * self.width}")

    def load_shared(self, base, place):
        """A double of memory in all lanes."""
        scalar = self.named(f"load double, ptr {self.address(base, place)}, align 8")
        if self.width == 1:
            return Value(self, "V", scalar)
        vector, count = self.names["V"], self.width
        first = self.named(f"insertelement {vector} poison, double {scalar}, i32 0")
        return Value(
            self,
            "V",
            self.named(
                f"shufflevector {vector} {first}, {vector} poison, <{count} x i32> zeroinitializer"
            ),
        )

    def address(self, base, place) -> str:
        """Pointer to an element (a number, or an SSA name) of 64 bits."""
        if place == 0:
            return base
        return self.named(f"getelementptr inbounds double, ptr {base}, i64 {place}")

    def table(self, array):
        return self.module.table(array)

    def rows(self, values):
        slot = f"%{self.fresh('slot')}"
        align = 8 * self.width
        self.lines.insert(0, f"  {slot} = alloca [{len(values) * align} x i8], align {align}")
        for row, x in enumerate(values):
            self.store_row(x, slot, row)
        return slot

    def lookup(self, table, index, kind):
        places = [self.lane(index, lane) for lane in range(self.width)]
        return self._loaded([self.address(table, place) for place in places], kind)

    def lookup_row(self, rows, index, kind):
        by_row = index * self.width
        places = [self.lane(by_row, lane) for lane in range(self.width)]
        bases = [self.address(rows, lane) for lane in range(self.width)]
        return self._loaded(list(map(self.address, bases, places)), kind)

    def _loaded(self, addresses, kind):
        return self.joined([self.named(f"load {MEMORY[kind]}, ptr {a}") for a in addresses], kind)

    def search(self, side, table, start, stride, count, x, by_row):
        name = f"search_{side}"
        self.module.globals[name] = SEARCH.format(side=side, before=BEFORE[side])
        step = self.width if by_row else 1
        found = []
        for lane in range(self.width):
            first = self.address(table, start * step + (lane if by_row else 0))
            given = f"ptr {first}, i64 {count}, i64 {stride * step}, double {self.lane(x, lane)}"
            found.append(self.named(f"call i64 @{name}({given})"))
        return self.joined(found, "I")
