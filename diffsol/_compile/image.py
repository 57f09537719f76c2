"""Machine code that runs wherever it is put: the image of a kernel, and what it needs from outside.

An image is one block of bytes, code and constants, in which everything is addressed relative to itself;
addresses from outside (functions of `mathlib.c`, large tables) stand in slots at its end. So an image can be
kept, by this process or on disk, and loading one takes microseconds and no compiler.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass

from diffsol._native._core import ffi, lib


@dataclass(frozen=True)
class Image:
    """code: the bytes; entry: where the kernel begins; slots: (offset, symbol) of each address wanted."""

    code: bytes
    entry: int
    slots: tuple[tuple[int, str], ...]


class LoadedCode:
    """An image in memory that can be executed, as long as this object lives.

    tables: arrays that symbols stand for, by symbol. Raises OSError where the system allows no such memory, KeyError
    for a symbol that nobody knows.
    """

    __slots__ = ("address", "image", "tables", "_memory")

    def __init__(self, image, tables):
        self._memory = ffi.NULL
        patched = bytearray(image.code)
        for offset, symbol in image.slots:
            table = tables.get(symbol)
            address = address_of(symbol) if table is None else table.ctypes.data
            struct.pack_into("<Q", patched, offset, address)
        self.image, self.tables = image, tables  # the code points to the tables
        self._memory = lib.ds_code_new(ffi.from_buffer(patched), len(patched))
        if self._memory == ffi.NULL:
            raise OSError("the system gives no memory for machine code")
        self.address = int(ffi.cast("uintptr_t", self._memory)) + image.entry

    def __del__(self, is_finalizing=sys.is_finalizing):
        # at the end of the process somebody may still be running in it, and this module may be gone
        if not is_finalizing() and self._memory != ffi.NULL:
            lib.ds_code_free(self._memory, len(self.image.code))


_addresses: dict[str, int] = {}


def address_of(symbol) -> int:
    """The address of a function that kernels may call, or LLVM for them (`exp`, say). Raises KeyError."""
    if not _addresses:
        for i in range(lib.ds_math_count()):
            name = ffi.string(lib.ds_math_name(i)).decode()
            _addresses[name] = int(ffi.cast("uintptr_t", lib.ds_math_address(i)))
    if symbol not in _addresses and symbol.startswith("special_"):
        from diffsol._graph.special import TABLE
        from diffsol._native import special

        _addresses[symbol] = special.address(TABLE[symbol.removeprefix("special_")].symbol)
    return _addresses.get(f"ds_{symbol}") or _addresses[symbol]
