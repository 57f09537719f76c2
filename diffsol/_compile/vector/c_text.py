"""C text in the vocabulary of `include/ds_lane.h` and `include/ds_text.h`: C, C++, and CUDA's."""

from __future__ import annotations

import math
import struct

import numpy as np

from diffsol._compile.vector.rows import Refused
from diffsol._compile.vector.values import INLINED, Text, Value


class CModule:
    """What the functions of one text share."""

    def __init__(self):
        self.functions: dict = {}  # name -> its definition
        self.tables: dict = {}  # bytes of an array -> (name, definition)

    def table(self, array) -> str:
        array = np.ascontiguousarray(array).reshape(-1)
        name = f"ds_table{len(self.tables)}"
        type, write = ("R", _double) if array.dtype.kind == "f" else ("ds_int", _integer)
        elements = ", ".join(map(write, array.tolist()))
        definition = f"DS_TABLE {type} {name}[] = {{{elements}}};"
        return self.tables.setdefault((type, array.tobytes()), (name, definition))[0]

    def assembled(self, bodies) -> str:
        """The whole text. bodies: head -> lines of each kernel."""
        return "\n".join(
            [
                '#include "ds_text.h"',
                "",
                *(definition for _, definition in self.tables.values()),
                *self.functions.values(),
                *("\n".join([f"{head}\n{{", *lines, "}\n"]) for head, lines in bodies.items()),
            ]
        )


class CText(Text):
    def line(self, text) -> None:
        self.lines.append(f"    {text};")

    def named(self, kind, expression) -> Value:
        name = self.fresh()
        self.line(f"const {kind} {name} = {expression}")
        return Value(self, kind, name)

    def constant(self, x, kind):
        if kind == "M":
            return Value(self, kind, f"DS_M({int(x)})")
        if kind == "I":
            return Value(self, kind, f"DS_I({_integer(int(x))})")
        if math.isfinite(x):
            return Value(self, kind, f"DS_C({_double(x)})")
        (bits,) = struct.unpack("<q", struct.pack("<d", x))
        return Value(self, kind, f"ds_from_bits(DS_I({_integer(bits)}))")

    def write(self, row, operands):
        return self.named(row.result, row.c.format(*(x.name for x in operands)))

    # --- functions --------------------------------------------------------------------------

    def define(self, name, body, arity):
        inner = CText(self.module)
        result = body(inner, *(Value(inner, "V", f"x{i}") for i in range(arity)))
        inner.line(f"return {result.name}")
        arguments = ", ".join(f"V x{i}" for i in range(arity))
        kind = "DS_FN" if len(inner.lines) <= INLINED else "DS_CALLED"
        return "\n".join([f"{kind} V ds_math_{name}({arguments})\n{{", *inner.lines, "}\n"])

    def called(self, name, arguments):
        return self.named("V", f"ds_math_{name}({', '.join(x.name for x in arguments)})")

    def rarely(self, condition, name, arguments, otherwise):
        result = self.fresh()
        self.line(f"V {result} = {otherwise.name}")
        self.lines.append(f"    if (ds_any({condition.name})) {{")
        slow = self.call(name, *arguments)
        self.line(f"{result} = {self.select(condition, slow, Value(self, 'V', result)).name}")
        self.lines.append("    }")
        return Value(self, "V", result)

    def each_lane(self, name, *arguments):
        return self.named("V", f"{name}({', '.join(x.name for x in arguments)})")

    def special(self, name, *arguments):
        raise Refused(f"scipy.special.{name.removeprefix('special_')}, which has no source text")

    def registered(self, name, *arguments):
        raise Refused("a function made known by register_op, which has no source text in C")

    # --- memory -----------------------------------------------------------------------------

    def argument(self, name):
        return name

    def load_row(self, base, row):
        return self.named("V", f"{base}[{row}]")

    def store_row(self, x, base, row) -> None:
        self.line(f"{base}[{row}] = {x.name}")

    def load_shared(self, base, place):
        return self.named("V", f"DS_C({base}[{place}])")

    def address(self, base, place):
        return f"({base} + {place})"

    def table(self, array):
        return self.module.table(array)

    def rows(self, values):
        name = self.fresh("rows")
        self.line(f"const {values[0].kind} {name}[] = {{{', '.join(x.name for x in values)}}}")
        return name

    def lookup(self, table, index, kind):
        return self.named(kind, f"ds_lookup_{kind}({table}, {index.name})")

    def lookup_row(self, rows, index, kind):
        return self.named(kind, f"ds_lookup_row_{kind}({rows}, {index.name})")

    def search(self, side, table, start, stride, count, x, by_row):
        of = "rows" if by_row else "table"
        given = f"{table} + {start}, {count}, {stride}, {x.name}, {int(side == 'right')}"
        return self.named("I", f"ds_search_{of}({given})")


def _double(x) -> str:
    """A literal, also in a table."""
    if math.isfinite(x):
        return repr(float(x))
    return "DS_NAN" if x != x else f"{'-' if x < 0 else ''}DS_INFINITY"


def _integer(x) -> str:
    """A literal; C has none for the least integer."""
    return f"({x + 1}LL - 1)" if x == -(1 << 63) else f"{x}LL"
