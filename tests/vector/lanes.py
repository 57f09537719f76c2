"""Calls kernels for several lanes: compiled by LLVM, and C text compiled by gcc."""

from __future__ import annotations

import ctypes
import pathlib
import platform
import shutil
import subprocess

import numpy as np

import diffsol
from diffsol._compile.vector.emit import compile_lanes, emit_c
from diffsol._graph.build import Graph
from diffsol._graph.node import Program
from diffsol._graph.ops import ELEMENTWISE, FLOAT

SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * 5)
INCLUDE = pathlib.Path(diffsol.__file__).parent / "_native" / "include"
GCC = shutil.which("gcc")
X86 = platform.machine().lower() in ("x86_64", "amd64")
WIDTHS = (1, 2, 4, 8)
AT_ONCE = 32  # applications of an operator in one kernel


def rows(array, width):
    """A copy of (rows, width) doubles that lies where vectors must."""
    array = np.asarray(array, float).reshape(-1, width)
    raw = np.empty(array.size + 8)
    start = -raw.ctypes.data % 64 // 8
    aligned = raw[start : start + array.size].reshape(array.shape)
    aligned[...] = array
    return aligned


class LaneKernel:
    """A kernel as a function of (t, y, params, q): arrays whose last axis is the lanes."""

    def __init__(self, address, width, out_size, keep):
        self._function, self._keep = SIGNATURE(address), keep
        self.width, self.out_size = width, out_size

    def __call__(self, t, y, params=(), q=()):
        t, y, q = (rows(x, self.width) for x in (t, y, q))
        out = rows(np.full((self.out_size, self.width), np.nan), self.width)
        params = np.array(params, float)
        mask = self._function(*(x.ctypes.data for x in (t, y, out, params, q)))
        return np.array(out), mask


def by_llvm(program, width, n=None):
    n = int(np.prod(program.state_shape)) if n is None else n
    kernel = compile_lanes(program, width, n)
    return LaneKernel(kernel.address, width, program.output.size, kernel)


WRAPPER = """
#define DS_LANES {width}
{text}
ds_int entry(const V *t, const V *y, V *out, const R *p, const V *q)
{{
    const M trap = kernel(t, y, out, p, q);
    ds_int mask = 0;
    int lane;
    for (lane = 0; lane < DS_LANES; ++lane) mask |= (ds_int)(DS_LANE(trap, lane) != 0) << lane;
    return mask;
}}
"""


def by_gcc(program, width, folder, n=None, options=("-march=native",)):
    n = int(np.prod(program.state_shape)) if n is None else n
    source = folder / f"kernel{width}.c"
    source.write_text(WRAPPER.format(width=width, text=emit_c({"kernel": program}, n)))
    library = folder / f"kernel{width}.so"
    subprocess.run(
        [GCC, "-O1", "-std=gnu11", "-Wall", "-Werror", "-Wno-psabi", "-Wno-unused"]
        + [
            "-ffp-contract=off",
            *options,
            f"-I{INCLUDE}",
            "-shared",
            "-fPIC",
            source,
            "-o",
            library,
            "-lm",
        ],
        check=True,
    )
    loaded = ctypes.CDLL(library)
    address = ctypes.cast(loaded.entry, ctypes.c_void_p).value
    return LaneKernel(address, width, program.output.size, loaded)


def operator_program(name, dtypes=None, count=1):
    """The operator on rows 0, 1, ... of the state (each `count` long), cast to its operands' dtypes."""
    graph = Graph()
    arity = ELEMENTWISE[name].arity
    state = graph.state((arity * count,), FLOAT)
    operands = [graph.view(state, i * count, (1,), (count,)) for i in range(arity)]
    operands = [graph.cast(x, d) for x, d in zip(operands, dtypes or [FLOAT] * arity, strict=True)]
    return Program(graph.elementwise(name, *operands), None, (arity * count,), FLOAT, 0)


class Function:
    """A unary or binary operator in lanes, as a function of arrays of any length."""

    def __init__(self, name, width):
        self.arity = ELEMENTWISE[name].arity
        self.kernel = by_llvm(operator_program(name, count=AT_ONCE), width)

    def __call__(self, *operands):
        operands = np.broadcast_arrays(*operands)
        size, chunk = operands[0].size, AT_ONCE * self.kernel.width
        padded = [np.resize(x.ravel(), -(-size // chunk) * chunk) for x in operands]
        results = []
        for start in range(0, padded[0].size, chunk):
            y = np.array([x[start : start + chunk] for x in padded])
            results.append(self.kernel(np.zeros(self.kernel.width), y)[0].ravel())
        return np.concatenate(results)[:size]
