"""Several things as the content of one file, and back: those that cannot be kept, or read, are left out."""

from __future__ import annotations

import struct

from diffsol._cache.blobs import Blobs, framed, opened
from diffsol._cache.constants import NotHere
from diffsol._cache.contents import Unstable

# what reading something malformed may raise
MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, struct.error)


def pack(things, write) -> bytes:
    """write(thing, blobs) gives what JSON can hold, or raises Unstable. b"": nothing can be kept."""
    blobs, header = Blobs(), []
    for thing in things:
        try:
            header.append(write(thing, blobs))
        except Unstable:
            continue
    return framed(header, blobs) if header else b""


def unpack(content, read) -> list:
    """read(written, data) gives a thing."""
    try:
        header, data = opened(content)
    except MALFORMED:
        return []
    found = []
    for written in header:
        try:
            found.append(read(written, data))
        except (NotHere, OSError, *MALFORMED):
            continue
    return found
