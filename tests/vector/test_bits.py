"""Every function of ds_math has the same bits in LLVM's code and C's, of any width, with and without FMA."""

import numpy as np
import pytest

from diffsol._graph.build import Graph
from diffsol._graph.node import Program
from diffsol._graph.ops import FLOAT

from .lanes import GCC, X86, by_gcc, by_llvm
from .ulps import BINARY, SPECIAL, UNARY, points, with_signs

NAMES = (*UNARY, *BINARY, "logaddexp", "remainder", "floor_divide")
LANES = 8


def all_functions():
    """Every function of the state's two numbers, one after the other."""
    graph = Graph()
    state = graph.state((2,), FLOAT)
    x, y = (graph.view(state, i, (1,), (1,)) for i in range(2))
    results = [graph.elementwise(name, *((x,) if name in UNARY else (x, y))) for name in NAMES]
    return Program(graph.concat(results, 0), None, (2,), FLOAT, 0)


def numbers():
    """Pairs of numbers in two rows: special ones, and those on which the functions are measured."""
    rng = np.random.default_rng(3)
    special = np.array(np.meshgrid(with_signs(SPECIAL), with_signs(SPECIAL))).reshape(2, -1)
    some = np.concatenate([points(name, rng, 60)[0] for name in (*UNARY, *BINARY)])
    pairs = np.concatenate([special, [some, rng.permutation(some)]], axis=1)
    return pairs[:, : pairs.shape[1] // LANES * LANES]


def bits_of(kernel, pairs):
    width = kernel.width
    t = np.zeros(width)
    parts = [kernel(t, pairs[:, i : i + width])[0] for i in range(0, pairs.shape[1], width)]
    results = np.concatenate(parts, axis=1)
    results[np.isnan(results)] = np.nan  # no processor promises the bits of a NaN
    return results.view(np.int64)


@pytest.fixture(scope="module")
def widest():
    pairs = numbers()
    return pairs, bits_of(by_llvm(all_functions(), LANES), pairs)


def agree(kernel, widest):
    pairs, expected = widest
    same = bits_of(kernel, pairs) == expected
    assert same.all(), [name for name, row in zip(NAMES, same, strict=True) if not row.all()]


@pytest.mark.parametrize("width", [1, 2, 4])
def test_llvm(width, widest):
    agree(by_llvm(all_functions(), width), widest)


@pytest.mark.skipif(GCC is None, reason="no gcc")
@pytest.mark.parametrize("width", [1, 4])
def test_c(width, widest, tmp_path):
    agree(by_gcc(all_functions(), width, tmp_path), widest)


@pytest.mark.skipif(GCC is None or not X86, reason="no gcc for x86")
def test_c_without_fma_instructions(widest, tmp_path):
    agree(by_gcc(all_functions(), 1, tmp_path, options=("-march=x86-64",)), widest)
