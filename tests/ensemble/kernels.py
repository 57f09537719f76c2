"""Small C functions in the form that ensembles take, for any number of lanes."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

import diffsol._native

NATIVE = Path(diffsol._native.__file__).parent
FLAGS = [
    "-O2",
    "-std=gnu11",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-Wno-psabi",
    "-shared",
    "-fPIC",
]
ISA = {1: [], 2: [], 4: ["-mavx2"], 8: []}  # 8: in pieces, where there is no AVX-512

HEAD = """
#include "include/ds_lane.h"
#define KERNEL(name) long long name(const double *time, const double *ys, double *outs, \\
                                    const double *p, const double *qs)
#define ROWS V t = *(const V *)time; const V *y = (const V *)ys, *q = (const V *)qs; \\
             V *out = (V *)outs; (void)t, (void)y, (void)q, (void)p
"""


def build(folder: Path, name: str, *arguments: str) -> Path:
    """A shared library made by gcc."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    target = folder / f"{name}.so"
    command = ["gcc", *FLAGS, f"-I{NATIVE}", *arguments, "-o", str(target), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


class Kernels:
    """Functions of one C text, compiled when a number of lanes is asked for."""

    def __init__(self, folder: Path, text: str):
        self.folder, self.text = folder, text
        self.libraries: dict[int, ctypes.CDLL] = {}

    def address(self, name: str, lanes: int) -> int:
        if lanes not in self.libraries:
            source = self.folder / f"kernels_{lanes}.c"
            source.write_text(HEAD + self.text)
            path = build(
                self.folder, f"kernels_{lanes}", f"-DDS_LANES={lanes}", *ISA[lanes], str(source)
            )
            self.libraries[lanes] = ctypes.CDLL(str(path))
        return ctypes.cast(getattr(self.libraries[lanes], name), ctypes.c_void_p).value
