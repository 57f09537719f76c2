"""Build `diffsol._native._core` (cffi, API mode): setup.py names `ffibuilder`."""

from __future__ import annotations

import sys
from pathlib import Path

import cffi
import numpy

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SOURCES = (
    "ivp.c",
    "events.c",
    "outputs.c",
    "dense.c",
    "call.c",
    "python/call.c",
    "python/arguments.c",
    "python/result.c",
    "hairer.c",
    "root.c",
    "jacobian.c",
    "apart.c",
    "differences.c",
    "odeint.c",
    "vode.c",
    "mathlib.c",
    "code.c",
    "cpu.c",
    "c_function.c",
    "inst_erk_columns.c",
    "inst_bdf_columns.c",
    "adjoint.c",
    "adjoint_integrals.c",
    "inst_rk23.c",
    "inst_rk45.c",
    "inst_dop853.c",
    "inst_radau.c",
    "inst_bdf.c",
    "inst_lsoda.c",
    "linear.c",
    "lu_dense.c",
    "lu_banded.c",
    "lu_sparse.c",
    "lu_iterative.c",
    "gmres.c",
    "ilu.c",
    "fronts_new.c",
    "fronts_factor.c",
    "fronts_solve.c",
    "pivoting.c",
    "order_graph.c",
    "order_rcm.c",
    "order_amd.c",
    "ens.c",
    *(
        f"ens_{m}_{lanes}.c"
        for m in ("rk23", "rk45", "dop853", "rodas5p")
        for lanes in (1, 2, 4, 8)
    ),
)
PUBLIC = (
    "linear.h",
    "api.h",
    "odeint.h",
    "hairer.h",
    "vode.h",
    "mathlib.h",
    "code.h",
    "cpu.h",
    "ens.h",
    "adjoint.h",
    "python/call.h",
)  # what Python may call
HEADERS = ("*.h", "include/*.h", "tables/*.h", "python/*.h")

# SciPy's results need every product rounded: no fused multiply-add behind our back. No errno:
# sqrt is then one instruction. Nothing else that changes values (no -ffast-math).
GCC_FLAGS = ["-O3", "-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-fvisibility=hidden"]
MSVC_FLAGS = ["/O2", "/std:c11", "/fp:precise"]


def declarations() -> str:
    """The public headers for cffi: no preprocessor lines, nothing that only C may see."""
    texts = [(HERE / name).read_text().partition("#ifndef DS_CFFI")[0] for name in PUBLIC]
    lines = "".join(texts).splitlines(True)
    return "".join(line for line in lines if not line.startswith("#"))


def make_ffibuilder() -> cffi.FFI:
    builder = cffi.FFI()
    builder.cdef(declarations())
    native = HERE.relative_to(ROOT)
    builder.set_source(
        "diffsol._native._core",
        "".join(f'#include "{name}"\n' for name in PUBLIC),
        # Paths are relative to the root of the project, as setuptools wants them.
        sources=[str(native / name) for name in SOURCES],
        include_dirs=[str(native), numpy.get_include()],
        depends=[
            str(p.relative_to(ROOT)) for pattern in HEADERS for p in sorted(HERE.glob(pattern))
        ],
        extra_compile_args=MSVC_FLAGS if sys.platform == "win32" else GCC_FLAGS,
        libraries=[] if sys.platform == "win32" else ["m"],
    )
    return builder


ffibuilder = make_ffibuilder()
