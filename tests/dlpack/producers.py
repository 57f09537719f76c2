"""Capsules of both kinds, made by hand, whose deleters count; and objects that give them."""

import ctypes

import numpy as np
import pytest

from dlpack import counting

READS_VERSIONED = np.lib.NumpyVersion(np.__version__) >= "2.1.0"
KINDS = pytest.mark.parametrize("versioned", [False, True], ids=["legacy", "versioned"])
CPU, CUDA = (1, 0), (2, 0)
READ_ONLY, IS_COPIED = 1, 2
CODES = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}
BFLOAT16 = (4, 16, 1)


class Device(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int32), ("id", ctypes.c_int32))


class DataType(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16))


class Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", Device),
        ("ndim", ctypes.c_int32),
        ("dtype", DataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class Legacy(ctypes.Structure):
    _fields_ = (("tensor", Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


class Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    )


def api(restype, name, *argtypes):
    """A function of Python's C API by a prototype of our own: others may have set that of ctypes.pythonapi."""
    return ctypes.PYFUNCTYPE(restype, *argtypes)((name, ctypes.pythonapi))


_void = ctypes.c_void_p
_name = api(ctypes.c_char_p, "PyCapsule_GetName", ctypes.py_object)
_pointer = api(_void, "PyCapsule_GetPointer", ctypes.py_object, ctypes.c_char_p)
# A capsule keeps no copy of its name: by address, so that the text is there for good.
_new_at = api(ctypes.py_object, "PyCapsule_New", _void, _void, _void)
_rename_at = api(ctypes.c_int, "PyCapsule_SetName", ctypes.py_object, _void)
NAMES = {
    False: ctypes.create_string_buffer(b"dltensor"),
    True: ctypes.create_string_buffer(b"dltensor_versioned"),
    "used": ctypes.create_string_buffer(b"used_dltensor"),
    "used_versioned": ctypes.create_string_buffer(b"used_dltensor_versioned"),
    "other": ctypes.create_string_buffer(b"some.module._API"),
}

_kept: list = []  # for good: what a capsule points at must be there whenever its deleter runs


def _address(buffer):
    return ctypes.addressof(buffer)


class Made:
    """A capsule over the memory of an array, and how often its deleter was called.

    versioned    of which kind
    options      fields of the structs in place of the array's: device, dtype (code, bits, lanes), shape, strides (None:
                 NULL), data, byte_offset, ndim; flags, major, minor; deleter=False: NULL; counter: a c_int64
    """

    def __init__(
        self,
        array,
        versioned=False,
        flags=0,
        major=1,
        minor=0,
        deleter=True,
        counter=None,
        **options,
    ):
        self.counter = ctypes.c_int64(0) if counter is None else counter
        self.versioned = versioned
        managed = (Versioned if versioned else Legacy)()
        _fill(managed.tensor, array, options)
        managed.context = ctypes.addressof(self.counter)
        if deleter:
            managed.deleter = counting.DELETE_VERSIONED if versioned else counting.DELETE_LEGACY
        if versioned:
            managed.major, managed.minor, managed.flags = major, minor, flags
        self.managed = managed
        _kept.append((array, self.counter, managed))
        drop = counting.DROP_VERSIONED if versioned else counting.DROP_LEGACY
        self._capsule = _new_at(ctypes.addressof(managed), _address(NAMES[versioned]), drop)

    @property
    def capsule(self):
        """The capsule; the caller has it alone from now on."""
        capsule, self._capsule = self._capsule, None
        return capsule

    @property
    def deleted(self) -> int:
        return self.counter.value


def _fill(tensor, array, options):
    shape = options.get("shape", array.shape)
    strides = options.get("strides", tuple(step // array.itemsize for step in array.strides))
    tensor.data = options.get("data", array.ctypes.data)
    tensor.device = Device(*options.get("device", CPU))
    tensor.ndim = options.get("ndim", len(shape))
    dtype = array.dtype
    tensor.dtype = DataType(
        *options.get("dtype", (CODES.get(dtype.kind, 2), 8 * dtype.itemsize, 1))
    )
    tensor.shape = (ctypes.c_int64 * len(shape))(*shape)
    if strides is not None:
        tensor.strides = (ctypes.c_int64 * len(strides))(*strides)
    tensor.byte_offset = options.get("byte_offset", 0)


def name_of(capsule) -> str:
    return _name(capsule).decode()


def other_capsule():
    """One that has nothing to do with DLPack."""
    return _new_at(ctypes.addressof(_other), _address(NAMES["other"]), None)


_other = ctypes.c_int64(0)


def managed_of(capsule):
    """The struct of an unused capsule."""
    if _name(capsule) == b"dltensor":
        return Legacy.from_address(_pointer(capsule, b"dltensor"))
    return Versioned.from_address(_pointer(capsule, b"dltensor_versioned"))


def use_up(capsule):
    """What a consumer does first: the struct, which is the caller's from now on."""
    managed = managed_of(capsule)
    used = "used" if type(managed) is Legacy else "used_versioned"
    _rename_at(capsule, _address(NAMES[used]))
    return managed


class Modern:
    """An object with `__dlpack__` of today's standard, and nothing else."""

    def __init__(self, made, device=CPU):
        self._made, self._device, self._asked = made, device, []

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        self._asked.append((stream, max_version, dl_device, copy))
        return self._made.capsule

    def __dlpack_device__(self):
        return self._device


class Old:
    """One of the standard before 2023: no `max_version`, and only the "dltensor"."""

    def __init__(self, made, device=CPU):
        self._made, self._device = made, device

    def __dlpack__(self, stream=None):
        return self._made.capsule

    def __dlpack_device__(self):
        return self._device


def doubles(*shape):
    return np.arange(1.0, 1 + int(np.prod(shape))).reshape(shape)
