"""Arrays from any framework, and to any, without a copy.

NumPy's and CuPy's own code takes and makes the arrays. What is added here: capsules as such, where NumPy wants objects;
producers of an older standard; where an array is, and whose it is; and one set of errors:

    TypeError              it is no DLPack array
    ValueError             a capsule that has been used, or of something else; `copy=False` where a copy must be made
    BufferError            an array that cannot be handed on: its dtype, its strides, its version
    NotImplementedError    a device that nobody here can read

What a producer itself raises comes out unchanged.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np

from diffsol._dlpack import capsule as _capsule
from diffsol._dlpack import gpu as _gpu

__all__ = ["device_of", "framework_of", "from_dlpack", "is_dlpack", "to_dlpack"]

# NumPy takes "dltensor_versioned" from 2.1 on
_READS_VERSIONED = np.lib.NumpyVersion(np.__version__) >= "2.1.0"
_WISHES = {"max_version": (1, 3)} if _READS_VERSIONED else {}
# DLPack's numbers of devices, and what they are called here
_DEVICES = {
    1: "cpu",
    2: "cuda",
    3: "cuda_host",
    4: "opencl",
    7: "vulkan",
    8: "metal",
    9: "vpi",
    10: "rocm",
    11: "rocm_host",
    12: "ext_dev",
    13: "cuda_managed",
    14: "oneapi",
    15: "webgpu",
    16: "hexagon",
    17: "maia",
    18: "trn",
}
_IN_MEMORY = ("cpu", "cuda_host", "rocm_host")  # what NumPy reads
_ON_CUDA = ("cuda", "cuda_managed")  # what CuPy reads
# (module, classes) of the frameworks that are told apart
_FRAMEWORKS = {
    "cupy": ("ndarray",),
    "numpy": ("ndarray", "generic"),
    "torch": ("Tensor",),
    "jax": ("Array",),
    "tensorflow": ("Tensor", "Variable"),
}


_is_negative = (0).__gt__


class _Holder:
    """A capsule as the object that NumPy wants."""

    __slots__ = ("_capsule",)

    def __init__(self, capsule):
        self._capsule = capsule

    def __dlpack__(self, **_):
        return self._capsule

    def __dlpack_device__(self):
        return 1, 0


def is_dlpack(x: Any) -> bool:
    """Can `from_dlpack` take it: an object with `__dlpack__`, or a capsule that is unused?"""
    return _capsule.is_unused(x) if _capsule.is_capsule(x) else _is_producer(x)


def device_of(x: Any) -> tuple[str, int]:
    """Where an array is: ('cpu', 0), ('cuda', number of the GPU), ... of an object or a capsule.

    Raises TypeError, ValueError, BufferError; NotImplementedError for a device that DLPack does not name.
    """
    kind, number = _capsule.content_of(x).device if _capsule.is_capsule(x) else _device(x)
    return _device_name(kind), number


def framework_of(x: Any) -> str | None:
    """'numpy', 'torch', 'jax', 'cupy', 'tensorflow', or None. Nothing is imported for it."""
    for name, classes in _FRAMEWORKS.items():
        names = _names_of(sys.modules.get(name))
        for one in classes:
            found = names.get(one)
            if isinstance(found, type) and isinstance(x, found):
                return name
    return None


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """An array over the memory of another framework's.

    Parameters
    ----------
    x : object with ``__dlpack__``, or capsule
        An array of any framework; or a PyCapsule named "dltensor" or "dltensor_versioned", which is used up.
    device : 'cpu', 'cuda' or None
        Where it is wanted; None: where it is.
    copy : bool, optional
        True: always a copy, which may be written to. False: never one, but an error. None (default): only where there
        is no other way.

    Returns
    -------
    numpy.ndarray, or cupy.ndarray
        By the device. It cannot be written to where the producer says so, or is too old to say. (CuPy has no arrays
        that cannot be written to: what asks for one is copied, but not what is too old to say.)

    Raises
    ------
    TypeError, ValueError, BufferError, NotImplementedError
        See the module.
    """
    if device is not None and device not in ("cpu", "cuda"):
        raise ValueError(f"`device` must be 'cpu', 'cuda' or None, not {device!r}.")
    if copy is not None and copy is not True and copy is not False:
        raise ValueError(f"`copy` must be True, False or None, not {copy!r}.")
    if type(x) is np.ndarray:
        found, is_on_cuda = np.from_dlpack(x), False
    elif _capsule.is_capsule(x):
        found, is_on_cuda = _of_capsule(x, copy)
    else:
        found, is_on_cuda = _of_object(x, copy)
    if is_on_cuda and device == "cpu":
        return _gpu.to_cpu(found, copy)
    if device == "cuda" and not is_on_cuda:
        return _gpu.to_cuda(found, copy)
    return found.copy() if copy else found


def to_dlpack(
    array: Any,
    /,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """A capsule of an array, for a consumer that takes capsules.

    Parameters
    ----------
    array : object with ``__dlpack__``
        An array of NumPy or of any other framework.
    stream, max_version, dl_device, copy
        As of ``__dlpack__``: without `max_version` the capsule is a "dltensor", which every consumer knows but which
        cannot say that its array must not be written to; (1, 0) and higher give a "dltensor_versioned" where the
        producer can. An array that runs backward through memory is copied unless `copy` is False: consumers (PyTorch)
        abort the process at the sight of it.

    Returns
    -------
    PyCapsule

    Raises
    ------
    TypeError, ValueError, BufferError, NotImplementedError
        See the module.
    """
    if not _is_producer(array):
        raise TypeError(f"{type(array).__name__!r} is no DLPack array: it has no `__dlpack__`.")
    is_numpys = isinstance(array, np.ndarray)
    if is_numpys and copy is not True and any(map(_is_negative, array.strides)):
        if copy is False:
            raise BufferError(
                "The array has negative strides, which consumers do not take; with `copy=None` it is copied."
            )
        array = np.ascontiguousarray(array)
    wishes: dict[str, Any] = {}
    if stream is not None:
        wishes["stream"] = stream
    if max_version is not None:
        wishes["max_version"] = max_version
    if dl_device is not None:
        wishes["dl_device"] = dl_device
    if copy is not None:
        wishes["copy"] = copy
    capsule = _asked(array, wishes)
    if not is_numpys and any(map(_is_negative, _capsule.content_of(capsule).strides or ())):
        raise BufferError("The array has negative strides, which consumers do not take: copy it.")
    return capsule


def _names_of(module) -> dict:
    """The names in a module. Those of one that waits to be imported (importlib.util.LazyLoader) are not asked for."""
    return object.__getattribute__(module, "__dict__") if isinstance(module, ModuleType) else {}


# --- asking a producer ----------------------------------------------------------------------------------


def _is_producer(x):
    """Has it `__dlpack__`? A class has it for its instances."""
    return hasattr(x, "__dlpack__") and not isinstance(x, type)


def _device(x):
    """(type, id) of an object, DLPack's numbers."""
    if not _is_producer(x):
        raise TypeError(
            f"{type(x).__name__!r} is no DLPack array: it has no `__dlpack__` and is no capsule."
        )
    ask = getattr(x, "__dlpack_device__", None)
    if ask is None:
        raise TypeError(f"{type(x).__name__!r} has `__dlpack__`, but no `__dlpack_device__`.")
    kind, number = ask()
    return int(kind), int(number)


def _device_name(kind) -> str:
    name = _DEVICES.get(kind)
    if name is None:
        raise NotImplementedError(f"DLPack has no device of number {kind} that is known here.")
    return name


def _asked(x, wishes):
    """x.__dlpack__(**wishes), a capsule; once more without `max_version` where that is too new for it."""
    try:
        capsule = x.__dlpack__(**wishes)
    except TypeError as error:
        if "max_version" not in wishes or "argument" not in str(error):
            raise  # about something else
        capsule = x.__dlpack__(**{k: v for k, v in wishes.items() if k != "max_version"})
    return _capsule.checked(capsule)


# --- taking an array -------------------------------------------------------------------------------------
# Each gives the array, and whether it is CuPy's.


def _of_object(x, copy):
    device = _device(x)
    name = _device_name(device[0])
    if name in _ON_CUDA:
        return _gpu.taken(x.__dlpack__, device, copy), True
    if name not in _IN_MEMORY:
        raise _unreadable(name)
    return _of_capsule(_asked(x, _WISHES), copy)


def _of_capsule(capsule, copy):
    # NumPy first, without a look at the capsule: it refuses what it cannot read before it takes it.
    # (Memory that CUDA manages it reads: its producer has synchronized, as nobody could tell it a stream.)
    try:
        found = np.from_dlpack(_Holder(capsule))
    except (BufferError, MemoryError, RuntimeError, ValueError) as error:
        return _of_refused(capsule, copy, error)
    if found.flags.owndata and found.size:  # NumPy has made memory where there was none
        raise BufferError("The array has elements, but its capsule holds no memory.")
    return found, False


def _of_refused(capsule, copy, error):
    """Of a capsule that NumPy does not read for this reason."""
    content = _capsule.content_of(capsule)
    name = _device_name(content.device[0])
    if name in _IN_MEMORY:
        way_out = " Convert it to a dtype that NumPy has first." if "dtype" in str(error) else ""
        raise BufferError(f"The array cannot be taken: {error}{way_out}") from error
    if name not in _ON_CUDA:
        raise _unreadable(name) from error
    return _gpu.taken(lambda **_: capsule, content.device, copy), True


def _unreadable(device):
    return NotImplementedError(f"Arrays on the device {device!r} cannot be read here.")
