"""The object file of a module, linked to an image.

ELF of 64 bits (System V ABI), for x86-64 and AArch64: the relocations of position-independent code in the
small code model, which is all that kernels are made of. Names are those of the processor supplements of the
ABI; S, A and P are the symbol, the addend and the place.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from diffsol._compile.image import Image

ALLOCATED, EXECUTABLE = 2, 4  # section flags
SYMTAB, RELA, NOBITS = 2, 4, 8  # section types
UNDEFINED = 0  # section of a symbol from outside
X86_64, AARCH64 = 62, 183
PAGE = 4096


class LinkError(Exception):
    """An object that is none of a kernel."""


class Section(NamedTuple):
    name: str
    kind: int
    flags: int
    data: bytes
    info: int  # of relocations: the section that they change
    align: int


class Symbol(NamedTuple):
    name: str
    section: int
    value: int


def link(obj, name) -> Image:
    """The image of a relocatable object whose kernel is called `name`. Raises LinkError."""
    machine, sections, symbols = _read(obj)
    if machine not in MACHINES:
        raise LinkError(f"machine code of kind {machine}")
    relocate, stub = MACHINES[machine]
    layout = _Layout(sections, stub)
    for section in sections:
        if section.kind == RELA and section.info in layout.starts:
            for offset, info, addend in struct.iter_unpack("<QQq", section.data):
                place = layout.starts[section.info] + offset
                relocate(layout, info & 0xFFFFFFFF, place, symbols[info >> 32], addend)
    entry = next(s for s in symbols if s.name == name)
    return Image(bytes(layout.code), layout.starts[entry.section] + entry.value, layout.slots())


def _read(obj):
    """(machine, sections, symbols) of an object file."""
    if obj[:6] != b"\x7fELF\x02\x01":
        raise LinkError("no little-endian ELF of 64 bits")
    (machine,) = struct.unpack_from("<H", obj, 18)
    (table,) = struct.unpack_from("<Q", obj, 40)
    count, names = struct.unpack_from("<HH", obj, 60)
    rows = [struct.unpack_from("<IIQQQQIIQQ", obj, table + 64 * i) for i in range(count)]

    def data(row):
        return bytes(row[5]) if row[1] == NOBITS else obj[row[4] : row[4] + row[5]]

    def text(row, start):
        strings = data(rows[row])
        return strings[start : strings.index(0, start)].decode()

    sections = [Section(text(names, r[0]), r[1], r[2], data(r), r[7], r[8]) for r in rows]
    symbols = [
        Symbol(text(row[6], start), section, value)
        for row in rows
        if row[1] == SYMTAB
        for start, _, _, section, value, _ in struct.iter_unpack("<IBBHQQ", data(row))
    ]
    return machine, sections, symbols


class _Layout:
    """The image in the making: sections one after the other, then stubs, then slots."""

    def __init__(self, sections, stub):
        self.code, self.starts = bytearray(), {}
        self._stub, self._slots, self._stubs = stub, {}, {}
        wanted = [
            (number, s)
            for number, s in enumerate(sections)
            if s.flags & ALLOCATED and s.kind != RELA and not s.name.startswith(".eh_frame")
        ]
        for number, section in sorted(wanted, key=lambda w: not w[1].flags & EXECUTABLE):
            self._align(max(section.align, 1))
            self.starts[number] = len(self.code)
            self.code += section.data

    def _align(self, to):
        self.code += bytes(-len(self.code) % to)

    def slot(self, symbol) -> int:
        """Where the address of a symbol from outside will stand."""
        if symbol not in self._slots:
            self._align(8)
            self._slots[symbol] = len(self.code)
            self.code += bytes(8)
        return self._slots[symbol]

    def target(self, symbol) -> int:
        """Where a call of the symbol goes."""
        if symbol.section != UNDEFINED:
            return self.starts[symbol.section] + symbol.value
        if symbol.name not in self._stubs:
            slot = self.slot(symbol.name)
            self._align(8)
            self._stubs[symbol.name] = here = len(self.code)
            self.code += self._stub(slot - here)
        return self._stubs[symbol.name]

    def address(self, symbol) -> int:
        """Where data of the image itself stand."""
        if symbol.section not in self.starts:
            raise LinkError(f"the address of {symbol.name or 'a section'}")
        return self.starts[symbol.section] + symbol.value

    def slots(self):
        return tuple((offset, symbol) for symbol, offset in self._slots.items())


# --- x86-64 ----------------------------------------------------------------------------------------

R_X86_64_PC32, R_X86_64_PLT32 = 2, 4
R_X86_64_GOT = (9, 41, 42)  # GOTPCREL, GOTPCRELX, REX_GOTPCRELX


def _relocate_x86_64(layout, kind, place, symbol, addend):
    if kind == R_X86_64_PC32:
        to = layout.address(symbol)
    elif kind == R_X86_64_PLT32:
        to = layout.target(symbol)
    elif kind in R_X86_64_GOT:
        to = layout.slot(symbol.name)
    else:
        raise LinkError(f"relocation {kind}")
    struct.pack_into("<i", layout.code, place, to + addend - place)  # S + A - P


def _stub_x86_64(distance):
    return b"\xff\x25" + struct.pack("<i", distance - 6)  # jmp *distance(%rip)


# --- AArch64 ---------------------------------------------------------------------------------------

R_AARCH64_CALLS = (282, 283)  # JUMP26, CALL26
R_AARCH64_ADR_PREL_PG_HI21, R_AARCH64_ADR_GOT_PAGE = 275, 311
# Low 12 bits of an address, by relocation: how far they are shifted (the size of what is loaded).
R_AARCH64_LO12 = {277: 0, 278: 0, 284: 1, 285: 2, 286: 3, 299: 4}
R_AARCH64_LD64_GOT_LO12 = 312


def _relocate_aarch64(layout, kind, place, symbol, addend):
    (word,) = struct.unpack_from("<I", layout.code, place)
    if kind in R_AARCH64_CALLS:
        word |= ((layout.target(symbol) + addend - place) >> 2) & 0x3FFFFFF
    elif kind in (R_AARCH64_ADR_PREL_PG_HI21, R_AARCH64_ADR_GOT_PAGE):
        to = layout.slot(symbol.name) if kind == R_AARCH64_ADR_GOT_PAGE else layout.address(symbol)
        pages = (to + addend) // PAGE - place // PAGE
        word |= (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5
    elif kind in R_AARCH64_LO12:
        low = (layout.address(symbol) + addend) % PAGE >> R_AARCH64_LO12[kind]
        word |= low << 10
    elif kind == R_AARCH64_LD64_GOT_LO12:
        word |= (layout.slot(symbol.name) % PAGE >> 3) << 10
    else:
        raise LinkError(f"relocation {kind}")
    struct.pack_into("<I", layout.code, place, word)


def _stub_aarch64(distance):
    load = 0x58000010 | (distance >> 2 & 0x7FFFF) << 5  # ldr x16, distance
    return struct.pack("<II", load, 0xD61F0200)  # br x16


MACHINES = {
    X86_64: (_relocate_x86_64, _stub_x86_64),
    AARCH64: (_relocate_aarch64, _stub_aarch64),
}
