"""Writes the text of one LLVM function: fresh names, constants, declarations, loops.

A *scalar* is what one element of an array is inside a function: the name of an SSA value (or a
literal), and for complex elements a pair of these, (real part, imaginary part).
"""

from __future__ import annotations

import struct
from contextlib import contextmanager

import numpy as np

from diffsol._graph.ops import BOOL, COMPLEX, FLOAT, INT

LLVM_TYPE = {BOOL: "i1", INT: "i64", FLOAT: "double"}  # of a scalar
MEMORY_TYPE = {BOOL: "i8", INT: "i64", FLOAT: "double"}  # of the same scalar in an array

LARGEST_TEXT = 1 << 12  # bytes of a constant that stands in the text
SHORTEST_VECTORISED = 16  # LLVM's own limit for its treatment of short loops


def float_literal(value) -> str:
    """The exact literal of a double (LLVM takes its bits in hexadecimal)."""
    return f"0x{struct.unpack('>Q', struct.pack('>d', value))[0]:016X}"


def literal(value, dtype):
    """The scalar of a Python or NumPy number."""
    if dtype == FLOAT:
        return float_literal(value)
    if dtype == COMPLEX:
        return float_literal(value.real), float_literal(value.imag)
    return ("true" if value else "false") if dtype == BOOL else str(int(value))


def parsed(scalar, dtype):
    """The NumPy number of a literal."""
    if dtype == FLOAT:
        return struct.unpack(">d", bytes.fromhex(scalar[2:]))[0]
    return dtype.type(scalar == "true" if dtype == BOOL else int(scalar))


class Writer:
    """The lines of one function body and what the module must declare for it."""

    def __init__(self):
        self.lines: list = []
        self.declarations: dict = {}  # function name -> its `declare` line
        self.globals: dict = {}  # name -> definition of a constant array or a helper
        self.externals: set = set()  # names of functions outside of the module
        self.metadata: list = []
        self.tables: dict = {}  # name -> array of a constant that is only declared
        self.slots: list = []  # allocas, which belong at the top of the function
        self._count = 0
        self._tables: dict = {}
        self._hidden: dict = {}  # constant -> its number

    # --- straight-line text ---------------------------------------------------------------

    def fresh(self, prefix="v") -> str:
        self._count += 1
        return f"%{prefix}{self._count}"

    def value(self, text) -> str:
        """Emit an instruction and return the name of its result."""
        self._count += 1
        name = f"%v{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def line(self, text) -> None:
        self.lines.append("  " + text)

    def intrinsic(self, name, result, *arguments) -> str:
        """Call `llvm.<name>`; arguments are "type value" texts."""
        types = ", ".join(a.split(" ", 1)[0] for a in arguments)
        self.declarations.setdefault(name, f"declare {result} @llvm.{name}({types})")
        return self.value(f"call {result} @llvm.{name}({', '.join(arguments)})")

    def libm(self, name, *arguments, type="double") -> str:
        """Call a pure function of our C library (`mathlib.c`) on scalars of one type."""
        self.externals.add(name)
        types = ", ".join([type] * len(arguments))
        self.declarations.setdefault(
            name, f"declare {type} @{name}({types}) nounwind willreturn memory(none)"
        )
        return self.value(f"call {type} @{name}({', '.join(f'{type} {a}' for a in arguments)})")

    def special(self, name, *arguments) -> str:
        """Call a function of scipy.special; Cython's functions take an int more, which is 0."""
        symbol = f"special_{name}"
        self.externals.add(symbol)
        types = "double, " * len(arguments)
        self.declarations.setdefault(
            symbol, f"declare double @{symbol}({types}i32) nounwind willreturn memory(none)"
        )
        given = "".join(f"double {a}, " for a in arguments)
        return self.value(f"call double @{symbol}({given}i32 0)")

    def libm_complex(self, name, *arguments) -> tuple:
        """Call `void name(double, ..., double *out)` of `mathlib.c`, which writes a pair."""
        self.externals.add(name)
        types = "double, " * len(arguments)
        self.declarations.setdefault(
            name, f"declare void @{name}({types}ptr) nounwind willreturn memory(argmem: write)"
        )
        slot = self.fresh("slot")
        self.slots.append(f"  {slot} = alloca [2 x double], align 16")
        given = "".join(f"double {a}, " for a in arguments)
        self.line(f"call void @{name}({given}ptr {slot})")
        return self.load(slot, 0, COMPLEX)

    def hidden(self, scalar, dtype) -> str:
        """A constant that the compiler cannot know: it is read from memory at the entry."""
        if scalar.startswith("%"):
            return scalar
        name = f"hidden{self._hidden.setdefault(scalar, len(self._hidden))}"
        if name not in self.globals:
            memory, type = MEMORY_TYPE[dtype], LLVM_TYPE[dtype]
            self.globals[name] = f"@{name} = external constant {memory}"
            self.tables[name] = pad(np.array([parsed(scalar, dtype)]))
            self.slots.append(f"  %{name}m = load {memory}, ptr @{name}")
            change = "trunc" if dtype == BOOL else "bitcast"
            self.slots.append(f"  %{name} = {change} {memory} %{name}m to {type}")
        return f"%{name}"

    # --- memory ---------------------------------------------------------------------------

    def address(self, base, index, type) -> str:
        """Pointer to element `index` (an SSA name or an int) of an array at `base`."""
        if index == 0:
            return base
        return self.value(f"getelementptr inbounds {type}, ptr {base}, i64 {index}")

    def load(self, base, index, dtype):
        if dtype == COMPLEX:
            pair = self.address(base, index, "[2 x double]")
            return self.value(f"load double, ptr {pair}"), self.value(
                f"load double, ptr {self.address(pair, 1, 'double')}"
            )
        type = MEMORY_TYPE[dtype]
        loaded = self.value(f"load {type}, ptr {self.address(base, index, type)}")
        return self.value(f"trunc i8 {loaded} to i1") if dtype == BOOL else loaded

    def store(self, scalar, base, index, dtype) -> None:
        if dtype == COMPLEX:
            pair = self.address(base, index, "[2 x double]")
            self.line(f"store double {scalar[0]}, ptr {pair}")
            self.line(f"store double {scalar[1]}, ptr {self.address(pair, 1, 'double')}")
            return
        if dtype == BOOL:
            scalar = self.value(f"zext i1 {scalar} to i8")
        type = MEMORY_TYPE[dtype]
        self.line(f"store {type} {scalar}, ptr {self.address(base, index, type)}")

    def table(self, array) -> str:
        """The name of a module constant that holds the array in C order; equal arrays share it.

        The text of a large one would take longer to parse than all the rest to compile: it is
        declared only, and kept in `tables` for the engine to point at.
        """
        array = np.ascontiguousarray(array)
        raw = array.tobytes()
        name = self._tables.setdefault(raw, f"table{len(self._tables)}")
        if name not in self.globals:
            kind = "private unnamed_addr"
            if len(raw) > LARGEST_TEXT:
                kind, self.tables[name], data = "external", array, ""
            else:
                data = ' c"' + "".join(f"\\{byte:02X}" for byte in raw) + '"'
            self.globals[name] = f"@{name} = {kind} constant [{len(raw)} x i8]{data}, align 8"
        return f"@{name}"

    # --- loops ----------------------------------------------------------------------------

    def loop_hint(self, rounds) -> str:
        """Metadata that keeps the vectoriser from masking: lanes past the end would raise flags.

        Short loops that do not fill the lanes are masked whatever is said, so those are not
        vectorised; they are unrolled, and vectorised then.
        """
        hint = "vectorize.predicate.enable" if rounds >= SHORTEST_VECTORISED else "vectorize.enable"
        number = 2 * len(self.metadata)
        self.metadata.append(
            f"!{number} = distinct !{{!{number}, !{number + 1}}}\n"
            f'!{number + 1} = !{{!"llvm.loop.{hint}", i1 false}}'
        )
        return f"!{number}"

    @contextmanager
    def loop(self, start, stop, carried=(), maybe_never=False):
        """`for index in range(start, stop)`, at least once, around the text of the with-block.

        carried: (type, initial value) of values handed from one round to the next. The block sets
        `loop.next` to the new values; after the block these are the final values.
        maybe_never: there may be no round at all, start and stop are names, and the final values
        are `loop.now`.
        """
        loop = (_Loop if not maybe_never else _MaybeNever)(self, start, stop, carried)
        loop.begin()
        yield loop
        loop.end()


class _Loop:
    """One counted loop; its latch is the only way out, so the body's values outlive it."""

    def __init__(self, writer, start, stop, carried):
        self.writer, self.start, self.stop, self.carried = writer, start, stop, carried
        self.index = writer.fresh("i")
        self.now = [writer.fresh("c") for _ in carried]  # values at the head of a round
        self.next = list(self.now)  # values at its end, set by the body
        number = self.index[2:]
        self.before, self.head, self.latch, self.after = (
            f"{part}{number}" for part in ("before", "head", "latch", "after")
        )

    def begin(self):
        self.writer.line(f"br label %{self.before}")
        self.writer.lines.append(f"{self.before}:")
        self.writer.line(f"br label %{self.head}")
        self.writer.lines.append(f"{self.head}:")
        self._head_line = len(self.writer.lines)  # phis go here, known at the end
        self.writer.lines.append("")

    def end(self):
        w = self.writer
        following = f"{self.index}n"
        w.line(f"br label %{self.latch}")
        w.lines.append(f"{self.latch}:")
        w.line(f"{following} = add nuw nsw i64 {self.index}, 1")
        self._go_on(following)
        w.lines.append(f"{self.after}:")
        phis = [self._phi(self.index, "i64", self.start, following)]
        phis += [
            self._phi(name, type, initial, update)
            for name, (type, initial), update in zip(self.now, self.carried, self.next, strict=True)
        ]
        w.lines[self._head_line] = "\n".join(phis)

    def _go_on(self, following):
        w = self.writer
        again = w.value(f"icmp ult i64 {following}, {self.stop}")
        w.line(
            f"br i1 {again}, label %{self.head}, label %{self.after}, "
            f"!llvm.loop {w.loop_hint(self.stop - self.start)}"
        )

    def _phi(self, name, type, initial, update):
        return f"  {name} = phi {type} [ {initial}, %{self.before} ], [ {update}, %{self.latch} ]"


class _MaybeNever(_Loop):
    """One whose head asks before each round."""

    def begin(self):
        super().begin()
        w, body = self.writer, f"round{self.index[2:]}"
        again = w.value(f"icmp slt i64 {self.index}, {self.stop}")
        w.line(f"br i1 {again}, label %{body}, label %{self.after}")
        w.lines.append(f"{body}:")

    def _go_on(self, following):
        self.writer.line(f"br label %{self.head}")


def pad(array) -> np.ndarray:
    """The array as it lies in memory: booleans as bytes, everything else as it is."""
    return array.astype(np.int8) if array.dtype == BOOL else array
