"""What a cubin says of its kernels: registers and stack, from the ELF sections that NVIDIA's tools read as well
(`cuobjdump -res-usage` gives the same numbers)."""

from __future__ import annotations

import struct
from typing import NamedTuple

SYMTAB = 2  # sh_type
REGISTERS, FRAME = 0x2F, 0x11  # EIATTR_REGCOUNT, EIATTR_FRAME_SIZE: (symbol, value)
BY_SIZE = 4  # EIFMT_SVAL: two bytes of length follow


class Usage(NamedTuple):
    registers: int
    stack: int


class _Section(NamedTuple):
    name: int
    type: int
    offset: int
    size: int
    link: int


def usage(code: bytes) -> dict[str, Usage]:
    """By the kernel's name."""
    sections, names = _sections(code)
    symbols = next(s for s in sections if s.type == SYMTAB)
    info = next(s for s in sections if _string(code, names, s.name) == ".nv.info")
    found: dict[str, dict] = {}
    for attribute, symbol, value in _attributes(code[info.offset : info.offset + info.size]):
        (name,) = struct.unpack_from("<I", code, symbols.offset + 24 * symbol)
        found.setdefault(_string(code, sections[symbols.link], name), {})[attribute] = value
    return {
        name: Usage(values[REGISTERS], values.get(FRAME, 0))
        for name, values in found.items()
        if REGISTERS in values
    }


def _sections(code):
    """(all sections, the one with their names)."""
    assert code[:4] == b"\x7fELF"
    (start,) = struct.unpack_from("<Q", code, 40)
    size, count, names = struct.unpack_from("<HHH", code, 58)
    sections = []
    for k in range(count):
        name, kind, _, _, offset, length, link = struct.unpack_from(
            "<IIQQQQI", code, start + k * size
        )
        sections.append(_Section(name, kind, offset, length, link))
    return sections, sections[names]


def _string(code, section, at):
    start = section.offset + at
    return code[start : code.index(b"\0", start)].decode()


def _attributes(info):
    """(attribute, symbol, value) of the attributes that are two numbers."""
    at = 0
    while at < len(info):
        form, attribute, length = struct.unpack_from("<BBH", info, at)
        at += 4
        if form == BY_SIZE:
            if attribute in (REGISTERS, FRAME):
                yield attribute, *struct.unpack_from("<II", info, at)
            at += length
