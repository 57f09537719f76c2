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
from typing import Any

import numpy as np

from diffsol._dlpack import capsule as _capsule

__all__ = ["device_of", "framework_of", "from_dlpack", "is_dlpack", "to_dlpack"]

MAX_VERSION = (1, 3)
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
}
_IN_MEMORY = ("cpu", "cuda_host", "rocm_host")  # what NumPy reads
_ON_CUDA = ("cuda", "cuda_managed")  # what CuPy reads
_CPU = (1, 0)
# (module, classes) of the frameworks that are told apart
_FRAMEWORKS = {
    "numpy": ("ndarray", "generic"),
    "torch": ("Tensor",),
    "jax": ("Array",),
    "cupy": ("ndarray",),
    "tensorflow": ("Tensor", "Variable"),
}


class _Holder:
    """A capsule as the object that NumPy and CuPy want."""

    def __init__(self, capsule, device):
        self._capsule, self._device = capsule, device

    def __dlpack__(self, **_):
        return self._capsule

    def __dlpack_device__(self):
        return self._device


def is_dlpack(x: Any) -> bool:
    """Can `from_dlpack` take it: an object with `__dlpack__`, or a capsule that is unused?"""
    return _capsule.is_unused(x) if _capsule.is_capsule(x) else hasattr(type(x), "__dlpack__")


def device_of(x: Any) -> tuple[str, int]:
    """Where an array is: ('cpu', 0), ('cuda', number of the GPU), ... of an object or a capsule.

    Raises TypeError, ValueError, BufferError; NotImplementedError for a device that DLPack does not name.
    """
    kind, number = _device(x)
    return _device_name(kind), number


def framework_of(x: Any) -> str | None:
    """'numpy', 'torch', 'jax', 'cupy', 'tensorflow', or None. Nothing is imported for it."""
    for name, classes in _FRAMEWORKS.items():
        module = sys.modules.get(name)
        for one in classes if module is not None else ():
            found = getattr(module, one, None)
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
        By the device. It cannot be written to where the producer says so, or is too old to say.

    Raises
    ------
    TypeError, ValueError, BufferError, NotImplementedError
        See the module.
    """
    if device not in (None, "cpu", "cuda"):
        raise ValueError(f"`device` must be 'cpu', 'cuda' or None, not {device!r}.")
    if copy not in (None, True, False):
        raise ValueError(f"`copy` must be True, False or None, not {copy!r}.")
    where = _device(x)
    name = _device_name(where[0])
    if name in _IN_MEMORY:
        found = _to_numpy(x, where)
        if device == "cuda":
            return _moved_to_cuda(found, copy)
    elif name in _ON_CUDA:
        found = _to_cupy(x, where)
        if device == "cpu":
            return _moved_to_cpu(found, copy)
    else:
        raise NotImplementedError(f"Arrays on the device {name!r} cannot be read here.")
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
        As of ``__dlpack__``: without `max_version` the capsule is a "dltensor", which every consumer knows but which cannot
        say that its array must not be written to; (1, 0) and higher give a "dltensor_versioned" where the
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
    if not hasattr(type(array), "__dlpack__"):
        raise TypeError(f"{type(array).__name__!r} is no DLPack array: it has no `__dlpack__`.")
    if isinstance(array, np.ndarray) and any(step < 0 for step in array.strides):
        if copy is False:
            raise BufferError(
                "The array has negative strides, which consumers do not take; with `copy=None` it is copied."
            )
        array, copy = np.ascontiguousarray(array), None
    wishes = {
        "stream": stream,
        "max_version": max_version,
        "dl_device": dl_device,
        "copy": copy,
    }
    given = {name: value for name, value in wishes.items() if value is not None}
    found = _asked(array, given, optional=("max_version",))
    if _capsule.has_negative_strides(found):
        raise BufferError("The array has negative strides, which consumers do not take: copy it.")
    return found


# --- asking a producer ----------------------------------------------------------------------------------


def _device(x):
    """(type, id), DLPack's numbers."""
    if _capsule.is_capsule(x):
        return _capsule.device_of(x)
    if not hasattr(type(x), "__dlpack__"):
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


def _asked(x, wishes, optional=()):
    """x.__dlpack__(**wishes); once more without the optional ones where they are too new for the producer."""
    try:
        return x.__dlpack__(**wishes)
    except TypeError:
        fewer = {name: value for name, value in wishes.items() if name not in optional}
        if len(fewer) == len(wishes):
            raise
        return x.__dlpack__(**fewer)


def _to_numpy(x, where):
    if not _capsule.is_capsule(x):
        x = _asked(x, {"max_version": MAX_VERSION}, optional=("max_version",))
        if not _capsule.is_capsule(x):
            raise TypeError(f"`__dlpack__` gave {type(x).__name__!r} and no capsule.")
    _capsule.device_of(x)  # is it one that may be taken?
    return _taken(np.from_dlpack, x, where)


def _to_cupy(x, where):
    try:
        import cupy
    except ImportError as error:
        raise NotImplementedError(
            "The array is on a GPU, which takes CuPy: pip install 'diffsol[cuda12]' (or cuda13)."
        ) from error
    if _capsule.is_capsule(x):
        return _taken(cupy.from_dlpack, x, where)
    return cupy.from_dlpack(x)  # CuPy tells the producer its stream


def _taken(take, capsule, where):
    try:
        return take(_Holder(capsule, where))
    except RuntimeError as error:
        raise BufferError(f"The array cannot be taken: {error}") from error


# --- from device to device ------------------------------------------------------------------------------


def _moved_to_cuda(array, copy):
    if copy is False:
        raise ValueError("The array is in the processor's memory: on a GPU it is a copy.")
    try:
        import cupy
    except ImportError as error:
        raise NotImplementedError(
            "A GPU takes CuPy: pip install 'diffsol[cuda12]' (or cuda13)."
        ) from error
    return cupy.asarray(array)


def _moved_to_cpu(array, copy):
    if copy is False:
        raise ValueError("The array is on a GPU: in the processor's memory it is a copy.")
    return array.get()
