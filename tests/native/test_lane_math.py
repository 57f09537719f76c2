"""The arithmetic of lanes: roots without a library, instructions, and the LU of each lane."""

import ctypes
import platform

import numpy as np
import pytest

from .test_headers import compile_c

ROOTS = """
#include "ds_root.h"
#define CASE(k) case k: r = ds_root(v, k); break; case -(k): r = ds_root(v, -(k)); break;
void roots(long count, const double *x, int k, double *out) {
    for (long i = 0; i + DS_LANES <= count; i += DS_LANES) {
        V v, r;
        for (int l = 0; l < DS_LANES; ++l) DS_LANE(v, l) = x[i + l];
        switch (k) { CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(8) default: r = v; }
        for (int l = 0; l < DS_LANES; ++l) out[i + l] = DS_LANE(r, l);
    }
}
"""
LU = """
#include "lu_lanes.h"
void solve(long n, double *a, double *pivots, double *b) {
    ds_lane_factor(n, (V *)a, (V *)pivots);
    ds_lane_solve(n, (const V *)a, (const V *)pivots, (V *)b);
}
"""
ODD = [0.0, 5e-324, 1e-310, 2.2250738585072014e-308, 1.0, 1.7976931348623157e308, np.inf, np.nan]


def library(folder, text, lanes):
    path = compile_c(
        folder, "gcc", text, "-std=gnu11", f"-DDS_LANES={lanes}", "-shared", "-fPIC", "-lm",
        name=f"lanes{lanes}",
    )  # fmt: skip
    return ctypes.CDLL(str(path))


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def aligned(values):
    """A copy at a multiple of 64 bytes."""
    values = np.ascontiguousarray(values, float)
    room = np.empty(values.size + 8)
    start = -room.ctypes.data % 64 // 8
    result = room[start : start + values.size].reshape(values.shape)
    result[...] = values
    return result


def test_roots(tmp_path):
    """Within two units of the last place of the true root, and the same bits in lanes."""
    rng = np.random.default_rng(0)
    x = np.concatenate([ODD, np.exp(rng.uniform(-744, 709, 20000)), rng.uniform(0, 20, 20000)])
    libraries = [library(tmp_path, ROOTS, lanes) for lanes in (1, 2, 4, 8)]
    for k in (2, 3, 4, 5, 6, 8, -2, -3, -4, -5, -6, -8):
        results = []
        for lib in libraries:
            results.append(np.empty_like(x))
            lib.roots(ctypes.c_long(len(x)), pointer(x), k, pointer(results[-1]))
            np.testing.assert_array_equal(results[0], results[-1])
        with np.errstate(divide="ignore"):
            exact = np.power(x.astype(np.longdouble), np.longdouble(1) / k)
        rounded = exact.astype(float)
        odd = ~np.isfinite(rounded) | (rounded == 0)
        np.testing.assert_array_equal(results[0][odd], rounded[odd])
        error = np.abs(results[0][~odd] - exact[~odd]) / np.spacing(rounded[~odd])
        assert error.max() < 2.2


@pytest.mark.parametrize("lanes, flags, instruction", [
    (2, [], "sqrtpd"), (4, ["-mavx2"], "vsqrtpd"), (8, ["-mavx512f", "-mavx512dq"], "vsqrtpd"),
])  # fmt: skip
def test_one_instruction(tmp_path, lanes, flags, instruction):
    """The square root of all lanes; and a mask's bits without a loop."""
    if platform.machine() != "x86_64":
        pytest.skip("x86")
    text = """
    #include "ds_lane.h"
    void root(V *x) { *x = ds_sqrt(*x); }
    int mask(V *x) { return ds_mask(*x > DS_C(1)); }
    """
    unit = compile_c(tmp_path, "gcc", text, "-std=gnu11", f"-DDS_LANES={lanes}", *flags, "-S")
    lines = [line.split() for line in unit.read_text().splitlines() if line.startswith("\t")]
    names = [words[0] for words in lines if not words[0].startswith(".")]
    assert [name for name in names if "sqrt" in name] == [instruction]
    assert len(names) < 25


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 16])
def test_lu(tmp_path, n):
    """Against NumPy in each lane; the same bits for one lane at a time. Some need pivots, others not."""
    rng = np.random.default_rng(n)
    matrices, b = rng.normal(size=(8, n, n)), rng.normal(size=(8, n))
    matrices[::2] += 3 * n * np.eye(n)
    matrices[1, 0, 0] = 0 if n > 1 else 1
    solutions = {}
    for lanes in (1, 4, 8):
        lib = library(tmp_path, LU, lanes)
        parts = []
        for first in range(0, 8, lanes):
            a = aligned(np.moveaxis(matrices[first : first + lanes], 0, -1))
            x = aligned(np.moveaxis(b[first : first + lanes], 0, -1))
            lib.solve(
                ctypes.c_long(n), pointer(a), pointer(aligned(np.empty((n, lanes)))), pointer(x)
            )
            parts.append(x.T)
        solutions[lanes] = np.concatenate(parts)
    expected = np.linalg.solve(matrices, b[:, :, None])[:, :, 0]
    np.testing.assert_allclose(solutions[1], expected, rtol=1e-9, atol=1e-10)
    np.testing.assert_array_equal(solutions[1], solutions[4])
    np.testing.assert_array_equal(solutions[1], solutions[8])
