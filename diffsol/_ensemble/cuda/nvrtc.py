"""CUDA text to machine code (a cubin) for one architecture, by NVIDIA's run-time compiler through CuPy.

Always a cubin and never PTX: a driver may be older than the compiler and take the one but not the other.
"""

from __future__ import annotations

import re

from diffsol._cache import files
from diffsol._cache.digests import blake2b

# What CuPy cuts off: its getCUBIN takes the last byte for the end of a string, which it is not (CuPy 14.2).
LAST_BYTE = b"\0"


class CompileError(Exception):
    """The compiler refused a text that we have written: its log, and the line that it is about."""


def options_of(arch, fmad) -> tuple[str, ...]:
    """fmad False: products are rounded before they are added, as on a CPU, so that all bits are the same."""
    return (
        f"--gpu-architecture={arch}",
        f"--fmad={'true' if fmad else 'false'}",
        "--std=c++17",
        "--device-as-default-execution-space",  # small headers are read by C files as well
    )


class CupyCompiler:
    """CuPy's NVRTC."""

    def __init__(self):
        from cupy.cuda import nvrtc

        self._nvrtc = nvrtc
        self.version = "{}.{}".format(*nvrtc.getVersion())

    def compile(self, text, options) -> bytes:
        program = self._nvrtc.createProgram(text, "ensemble.cu", (), ())
        try:
            self._nvrtc.compileProgram(program, options)
            return self._nvrtc.getCUBIN(program) + LAST_BYTE
        except self._nvrtc.NVRTCError:
            raise CompileError(explained(self._nvrtc.getProgramLog(program), text)) from None
        finally:
            self._nvrtc.destroyProgram(program)


def explained(log, text) -> str:
    found = re.search(r"\((\d+)\): error", log)
    line = text.splitlines()[int(found[1]) - 1] if found else ""
    return f"{log.strip()}\n{line}"


def cubin(compiler, text, arch, fmad) -> bytes:
    """The machine code, from the cache on disk if it is there."""
    options = options_of(arch, fmad)
    content = "\0".join((text, compiler.version, *options)).encode()
    name = "cubin-" + blake2b(content, digest_size=20).hexdigest()
    kept = files.read(name)
    if kept is not None:
        return bytes(kept)
    code = compiler.compile(text, options)
    files.write(name, code)
    return code
