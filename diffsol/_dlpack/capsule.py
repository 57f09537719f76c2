"""What a DLPack capsule says of itself, read without taking it.

The structs are those of dlpack.h, versions 0.x ("dltensor") and 1.x ("dltensor_versioned"). Nothing is
taken or freed here: a capsule that is refused is still its owner's, and calls the deleter when it goes.
"""

from __future__ import annotations

import ctypes
import datetime
import struct

LEGACY, VERSIONED = b"dltensor", b"dltensor_versioned"
USED = (b"used_dltensor", b"used_dltensor_versioned")
NEWEST_MAJOR = 1  # of versions whose struct is known
READ_ONLY = 1  # bit of the flags

# DLTensor: data, device (type, id), ndim, dtype (code, bits, lanes), shape, strides, byte_offset
_TENSOR = struct.Struct("@PiiiBBHPPQ")
# what stands before it in a DLManagedTensorVersioned: version (major, minor), context, deleter, flags
_HEADER = struct.Struct("@IIPPQ")


# Prototypes of our own: argtypes set on ctypes.pythonapi's functions are the whole process's.
_name_of = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(
    ("PyCapsule_GetName", ctypes.pythonapi)
)
_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_Capsule = type(datetime.datetime_CAPI)


class Content:
    """What an unused capsule says of its array.

    device         (type, id), in DLPack's numbers
    strides        in elements, or None: C order
    is_read_only   the array must not be written to; a "dltensor" cannot say so
    """

    def __init__(self, address, flags=0):
        tensor = _TENSOR.unpack_from((ctypes.c_char * _TENSOR.size).from_address(address))
        _, kind, number, self._ndim, _, _, _, _, self._strides_at, _ = tensor
        self.device = kind, number
        self.is_read_only = bool(flags & READ_ONLY)

    @property
    def strides(self):
        # On use: of an array that is refused for its number of axes, that many strides are not to be read.
        if not self._strides_at:
            return None
        return tuple((ctypes.c_int64 * self._ndim).from_address(self._strides_at))


def is_capsule(x) -> bool:
    return type(x) is _Capsule


def checked(answer):
    """What `__dlpack__` has answered, which must be a capsule."""
    if not is_capsule(answer):
        raise TypeError(f"`__dlpack__` gave {type(answer).__name__!r} and no capsule.")
    return answer


def name_of(capsule) -> bytes:
    return _name_of(capsule) or b""


def is_unused(capsule) -> bool:
    """Is it a DLPack capsule that nobody has taken?"""
    return name_of(capsule) in (LEGACY, VERSIONED)


def content_of(capsule) -> Content:
    """What a capsule holds that may be taken. Raises ValueError, BufferError."""
    name = name_of(capsule)
    if name == LEGACY:
        return Content(_pointer_of(capsule, LEGACY))
    if name == VERSIONED:
        address = _pointer_of(capsule, VERSIONED)
        header = (ctypes.c_char * _HEADER.size).from_address(address)
        major, minor, _, _, flags = _HEADER.unpack_from(header)
        if major > NEWEST_MAJOR:
            raise BufferError(
                f"The capsule follows version {major}.{minor} of DLPack; known is {NEWEST_MAJOR}."
            )
        return Content(address + _HEADER.size, flags)
    if name in USED:
        raise ValueError("The capsule has been used: it gives its array once.")
    raise ValueError(f"A capsule named {name.decode(errors='replace')!r} holds no DLPack array.")
