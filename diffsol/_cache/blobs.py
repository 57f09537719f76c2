"""Bytes and arrays behind the header of a file, found by their offsets."""

from __future__ import annotations

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
