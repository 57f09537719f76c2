"""A GPU as `solver.py` sees it: CuPy's arrays, and the kernels of an ensemble compiled for it."""

from __future__ import annotations

import threading
from collections import OrderedDict

from diffsol._ensemble.cuda import nvrtc
from diffsol.errors import DeviceError

BLOCK = 128  # threads; they share nothing, and small blocks leave no place empty
MOST_LOADED = 64
INSTEAD = (
    "Install `diffsol[cuda12]` or `diffsol[cuda13]`, whichever CUDA the driver is for; "
    "device='cpu' needs neither."
)

_loaded: OrderedDict = OrderedDict()  # (device, text, fmad) -> Kernels
_lock = threading.Lock()


def array_module():
    """CuPy, able to compute. Raises DeviceError."""
    try:
        import cupy
    except ImportError as error:
        raise DeviceError(
            f"device='cuda' needs CuPy, which is missing ({error}). {INSTEAD}"
        ) from None
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise DeviceError(
            f"device='cuda': CuPy finds no usable driver ({error}). {INSTEAD}"
        ) from None
    if not count:
        raise DeviceError("device='cuda': there is no GPU; device='cpu' needs none.")
    return cupy


class Device:
    """GPU `number`, which is CuPy's current one inside a `with` statement."""

    def __init__(self, xp, number):
        self.xp, self.number = xp, number
        self._cuda = xp.cuda.Device(number)
        self.arch = f"sm_{self._cuda.compute_capability}"

    def __enter__(self):
        self._cuda.__enter__()
        return self

    def __exit__(self, *error):
        self._cuda.__exit__(*error)

    def kernels(self, text, fmad) -> Kernels:
        """Compiled, or from one of the caches."""
        key = self.number, text, fmad
        with _lock:
            found = _loaded.get(key)
            if found is None:
                code = nvrtc.cubin(nvrtc.CupyCompiler(), text, self.arch, fmad)
                found = _loaded[key] = Kernels(self.xp, code)
                while len(_loaded) > MOST_LOADED:
                    _loaded.popitem(last=False)
            _loaded.move_to_end(key)
        return found


class Kernels:
    """The kernels of a cubin on the current device."""

    def __init__(self, xp, code):
        self._module = xp.cuda.function.Module()
        self._module.load(code)
        self._begin = self._module.get_function("ds_begin")
        self._advance = self._module.get_function("ds_advance")

    def begin(self, arguments, count):
        self._launch(self._begin, arguments, count)

    def advance(self, arguments, count):
        self._launch(self._advance, arguments, count)

    def _launch(self, kernel, arguments, count):
        arguments.set(count=count)
        kernel((-(-count // BLOCK),), (BLOCK,), (arguments.by_value,))


def devices_of(numbers) -> list[Device]:
    """The devices that `devices` names: None, the current one; a number; or several. Raises DeviceError, ValueError."""
    xp = array_module()
    count = xp.cuda.runtime.getDeviceCount()
    if numbers is None:
        numbers = [xp.cuda.runtime.getDevice()]
    numbers = [numbers] if isinstance(numbers, int) else list(numbers)
    if not numbers or not all(isinstance(k, int) and 0 <= k < count for k in numbers):
        raise ValueError(
            f"`devices` must be numbers of GPUs, of which there are {count}, not {numbers!r}."
        )
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"`devices` names one twice: {numbers!r}.")
    return [Device(xp, k) for k in numbers]
