"""A CuPy whose device is the CPU: NumPy's arrays behind a wall, and kernels compiled by g++ through shim.h.

What CuPy refuses is refused here: to mix with NumPy's arrays in an operation, and to become one unasked.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import types
from pathlib import Path

import numpy as np

SHIM = Path(__file__).with_name("shim.h")
GXX = shutil.which("g++")
FLAGS = ("-O1", "-std=c++17", "-ffp-contract=off", "-fno-math-errno", "-w", "-shared", "-fPIC")


REDUCED = (np.add, np.logical_and, np.logical_or, np.minimum, np.maximum)


class DeviceArray(np.ndarray):
    """An array of the device."""

    def get(self):
        return np.array(self.view(np.ndarray))

    @property
    def data(self):
        return types.SimpleNamespace(ptr=self.ctypes.data, device_id=0)

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __getitem__(self, key):
        return _wrapped(
            self.view(np.ndarray)[_bare_key(key)]
        )  # never a scalar, as NumPy's would be

    def __iter__(self):
        return (self[k] for k in range(len(self)))

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        by_method = method == "reduce" and ufunc in REDUCED  # NumPy's own array methods come here
        if method != "__call__" and not by_method:
            raise NotImplementedError(f"{ufunc.__name__}.{method}")
        if out is not None:
            kwargs["out"] = tuple(map(_bare, out))
        return _wrapped(getattr(ufunc, method)(*map(_bare_operand, inputs), **kwargs))

    def __array_function__(self, func, types, args, kwargs):
        return _wrapped(func(*_bare_all(args), **_bare_all(kwargs)))


def _bare(x):
    return x.view(np.ndarray) if isinstance(x, DeviceArray) else x


def _bare_key(key):
    return tuple(map(_bare, key)) if isinstance(key, tuple) else _bare(key)


def _bare_operand(x):
    if type(x) is np.ndarray and x.ndim:
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    return _bare(x)


def _bare_all(x):
    if isinstance(x, dict):
        return {key: _bare_all(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(map(_bare_all, x))
    return _bare_operand(x)


def _wrapped(x):
    if isinstance(x, (np.ndarray, np.generic)):
        return np.asarray(x).view(DeviceArray)
    if isinstance(x, tuple):
        return tuple(map(_wrapped, x))
    return x


def _function(name):
    function = getattr(np, name)
    return lambda *args, **kwargs: _wrapped(function(*map(_bare, args), **kwargs))


def _asarray(values, dtype=None):
    return _wrapped(np.asarray(_bare(values), dtype))


class Kernel:
    def __init__(self, library, name):
        self._launch = getattr(library, f"launch_{name}")
        self._launch.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
        self._size = getattr(library, f"size_of_arguments_{name}")()
        self.launches = []

    def __call__(self, grid, block, arguments):
        (struct,) = arguments
        assert isinstance(struct, np.ndarray)
        assert struct.size == 1
        assert struct.itemsize == self._size
        self.launches.append((int(struct["count"]), grid, block))
        self._launch(struct.ctypes.data, *grid, *block)


class Module:
    """A "cubin" is the path of a library."""

    def load(self, code):
        self._library = ctypes.CDLL(code.rstrip(b"\0").decode())

    def get_function(self, name):
        return Kernel(self._library, name)


class Gpu:
    """`cupy.cuda.Device`."""

    compute_capability = "90"

    def __init__(self, number=0):
        self.number = number

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class CUDARuntimeError(RuntimeError):
    pass


class Compiler:
    """In place of `nvrtc.CupyCompiler`."""

    version = "g++"

    def __init__(self, folder, flags=FLAGS):
        self.folder, self.flags = Path(folder), flags
        self.calls: list = []
        self._libraries: dict = {}

    def compile(self, text, options) -> bytes:
        self.calls.append(options)
        if text not in self._libraries:
            name = f"kernels{len(self._libraries)}"
            self._libraries[text] = compiled(self.folder, name, text, self.flags)
        return str(self._libraries[text]).encode() + b"\0"


LAUNCHES = "\nSHIM_LAUNCH(ds_begin)\nSHIM_LAUNCH(ds_advance)\n"


def compiled(folder, name, text, flags=FLAGS, more="") -> Path:
    """The library of a text."""
    source, library = folder / f"{name}.cpp", folder / f"{name}.so"
    source.write_text(text + LAUNCHES + more)
    command = [GXX, *flags, "-include", str(SHIM), str(source), "-o", str(library)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:4000]
    return library


def cupy(count=1) -> types.ModuleType:
    """The module, with so many devices."""
    module = types.ModuleType("cupy")
    names = (
        "empty",
        "full",
        "zeros",
        "isfinite",
        "atleast_1d",
        "atleast_2d",
        "count_nonzero",
        "flatnonzero",
    )
    for name in (*names, "ascontiguousarray", "isnan", "where", "square", "maximum", "concatenate"):
        setattr(module, name, _function(name))
    module.ndarray = DeviceArray
    module.from_dlpack = lambda x: _wrapped(x.values)
    module.asarray, module.inf, module.nan = _asarray, np.inf, np.nan
    module.cuda = types.SimpleNamespace(
        Device=Gpu,
        get_current_stream=lambda: types.SimpleNamespace(synchronize=lambda: None),
        function=types.SimpleNamespace(Module=Module),
        runtime=types.SimpleNamespace(
            getDeviceCount=lambda: count, getDevice=lambda: 0, CUDARuntimeError=CUDARuntimeError
        ),
    )
    return module
