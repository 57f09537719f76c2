"""NVIDIA's run-time compiler from its PyPI wheel, without CuPy, GPU or driver."""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path

from diffsol._ensemble.cuda.nvrtc import CompileError, explained


def library() -> Path | None:
    """libnvrtc of an installed wheel (nvidia-cuda-nvrtc, or nvidia-cuda-nvrtc-cu12), or None."""
    found = importlib.util.find_spec("nvidia")
    for folder in found.submodule_search_locations if found else ():
        for path in sorted(Path(folder).glob("*/lib/libnvrtc.so.*")):
            if "builtins" not in path.name and "alt" not in path.name:
                return path
    return None


class WheelCompiler:
    """As `nvrtc.CupyCompiler`."""

    def __init__(self):
        self._lib = ctypes.CDLL(str(library()))
        self._lib.nvrtcGetErrorString.restype = ctypes.c_char_p
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._call("nvrtcVersion", ctypes.byref(major), ctypes.byref(minor))
        self.version = f"{major.value}.{minor.value}"
        self.log = ""

    def compile(self, text, options) -> bytes:
        program = ctypes.c_void_p()
        self._call(
            "nvrtcCreateProgram",
            ctypes.byref(program),
            text.encode(),
            b"ensemble.cu",
            0,
            None,
            None,
        )
        try:
            given = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
            code = self._lib.nvrtcCompileProgram(program, len(options), given)
            self.log = self._text("nvrtcGetProgramLog", program)
            if code:
                raise CompileError(explained(self.log, text))
            return self._bytes("nvrtcGetCUBIN", program)
        finally:
            self._call("nvrtcDestroyProgram", ctypes.byref(program))

    def _text(self, getter, program):
        return self._bytes(getter, program).rstrip(b"\0").decode()

    def _bytes(self, getter, program) -> bytes:
        size = ctypes.c_size_t()
        self._call(getter + "Size", program, ctypes.byref(size))
        room = ctypes.create_string_buffer(size.value)
        self._call(getter, program, room)
        return room.raw

    def _call(self, name, *arguments):
        code = getattr(self._lib, name)(*arguments)
        if code:
            raise RuntimeError(f"{name}: {self._lib.nvrtcGetErrorString(code).decode()}")
