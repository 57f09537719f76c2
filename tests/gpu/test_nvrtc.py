"""NVIDIA's compiler takes the texts, for the architectures that there are, and makes of them what threads have
room for. No GPU is needed; benchmarks/gpu.py compiles all combinations."""

import pytest

from diffsol._ensemble.cuda.nvrtc import CompileError, options_of

from . import cubin, texts
from .problems import PAIRS
from .wheel import WheelCompiler, library

pytestmark = pytest.mark.skipif(library() is None, reason="needs the wheel nvidia-cuda-nvrtc")

OTHERS = ("sm_75", "sm_80", "sm_100")
# Registers and bytes of stack of a launch's kernel on sm_90: what it takes now, and a tenth more. Stack where
# registers do not suffice costs time, and is none for three to eight components of the explicit methods of order 5.
BUDGETS = [
    # method, components, type, with output times -> registers, stack
    ("RK23", 3, "float64", False, 86, 0),
    ("RK45", 3, "float64", False, 96, 0),
    ("DOP853", 3, "float64", False, 150, 0),
    ("Rodas5P", 3, "float64", False, 128, 0),
    ("RK23", 8, "float64", False, 154, 0),
    ("RK45", 8, "float64", False, 182, 0),
    ("DOP853", 8, "float64", False, 255, 176),
    ("Rodas5P", 6, "float64", False, 255, 0),
    ("Rodas5P", 8, "float64", False, 255, 112),
    ("RK45", 3, "float64", True, 166, 0),
    ("Rodas5P", 3, "float64", True, 168, 0),
    ("RK45", 8, "float32", False, 110, 0),
    ("Rodas5P", 8, "float32", False, 200, 0),
]


@pytest.fixture(scope="module")
def nvrtc():
    return WheelCompiler()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("method, name", PAIRS)
def test_compiles(nvrtc, method, name, dtype):
    code = nvrtc.compile(
        texts.text_of_problem(name, method, dtype, True), options_of("sm_90", False)
    )
    assert set(cubin.usage(code)) >= {"ds_begin", "ds_advance"}
    assert "warning" not in nvrtc.log


@pytest.mark.parametrize("method, name", PAIRS[::2])
@pytest.mark.parametrize("arch", OTHERS)
def test_compiles_for_other_architectures(nvrtc, arch, method, name):
    code = nvrtc.compile(texts.text_of_problem(name, method), options_of(arch, False))
    assert cubin.usage(code)["ds_advance"].stack == 0


@pytest.mark.parametrize("method, n, dtype, saves, registers, stack", BUDGETS)
def test_budget(nvrtc, method, n, dtype, saves, registers, stack):
    code = nvrtc.compile(texts.text_of_chain(n, method, dtype, saves), options_of("sm_90", False))
    used = cubin.usage(code)["ds_advance"]
    assert used.registers <= registers
    assert used.stack <= stack


def test_a_log_is_told(nvrtc):
    with pytest.raises(CompileError, match=r"error: identifier .x. is undefined[\s\S]*int y = x;"):
        nvrtc.compile("int z = 1;\nint y = x;\n", options_of("sm_90", False))
