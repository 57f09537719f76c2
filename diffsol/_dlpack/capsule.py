"""What a DLPack capsule says of itself, read without taking it.

The structs are those of dlpack.h, versions 0.x ("dltensor") and 1.x ("dltensor_versioned").
"""

from __future__ import annotations

import ctypes
import datetime

LEGACY, VERSIONED = b"dltensor", b"dltensor_versioned"
USED = (b"used_dltensor", b"used_dltensor_versioned")
NEWEST_MAJOR = 1  # of versions whose struct is known


class _Device(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int32), ("id", ctypes.c_int32))


class _DataType(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16))


class _Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("ndim", ctypes.c_int32),
        ("dtype", _DataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class _Legacy(ctypes.Structure):
    _fields_ = (("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


class _Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _Tensor),
    )


# Prototypes of our own: argtypes set on ctypes.pythonapi's functions are the whole process's.
_name_of = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(
    ("PyCapsule_GetName", ctypes.pythonapi)
)
_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_Capsule = type(datetime.datetime_CAPI)


def is_capsule(x) -> bool:
    return type(x) is _Capsule


def name_of(capsule) -> bytes:
    return _name_of(capsule) or b""


def is_unused(capsule) -> bool:
    """Is it a DLPack capsule that nobody has taken?"""
    return name_of(capsule) in (LEGACY, VERSIONED)


def device_of(capsule) -> tuple[int, int]:
    """(type, id) of the device, in DLPack's numbers. Raises ValueError, BufferError."""
    tensor = _tensor_of(capsule)
    return tensor.device.type, tensor.device.id


def has_negative_strides(capsule) -> bool:
    """Does it run backward through memory along an axis? Raises ValueError, BufferError."""
    tensor = _tensor_of(capsule)
    return bool(tensor.strides) and any(tensor.strides[k] < 0 for k in range(tensor.ndim))


def _tensor_of(capsule) -> _Tensor:
    name = name_of(capsule)
    if name in USED:
        raise ValueError("The capsule has been used: it gives its array once.")
    if name == LEGACY:
        return _Legacy.from_address(_pointer_of(capsule, LEGACY)).tensor
    if name != VERSIONED:
        raise ValueError(
            f"A capsule named {name.decode(errors='replace')!r} holds no DLPack array."
        )
    managed = _Versioned.from_address(_pointer_of(capsule, VERSIONED))
    if managed.major > NEWEST_MAJOR:
        raise BufferError(
            f"The capsule follows version {managed.major}.{managed.minor} of DLPack; known is {NEWEST_MAJOR}."
        )
    return managed.tensor
