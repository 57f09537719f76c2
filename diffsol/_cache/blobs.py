"""Bytes and arrays behind the header of a file, found by their offsets."""

from __future__ import annotations

import json
import struct

import numpy as np

ALIGN = 64


class Blobs:
    """The bytes in the making."""

    def __init__(self):
        self.data = bytearray()

    def add(self, raw):
        """[offset, size]"""
        self.data += bytes(-len(self.data) % ALIGN)
        at = len(self.data)
        self.data += raw
        return [at, len(raw)]

    def add_array(self, array):
        """[dtype, shape, offset, size]"""
        array = np.ascontiguousarray(array).reshape(array.shape)
        return [array.dtype.str, array.shape, *self.add(array.tobytes())]


def read_array(written, data):
    """The array (read-only), or None for None."""
    if written is None:
        return None
    dtype, shape, at, size = written
    return np.frombuffer(data[at : at + size], dtype=np.dtype(dtype)).reshape(shape)


def framed(header, blobs) -> bytes:
    """The content of a file: the header as JSON after its length in 8 bytes, then the blobs."""
    text = json.dumps(header).encode()
    start = struct.pack("<Q", len(text)) + text
    return start + bytes(-len(start) % ALIGN) + bytes(blobs.data)


def opened(content):
    """(header, data) of what `framed` wrote. Raises ValueError or struct.error."""
    content = memoryview(content)
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(bytes(content[8 : 8 + length]))
    return header, content[8 + length + -(8 + length) % ALIGN :]
