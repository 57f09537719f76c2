"""Random programs in lanes: the interpreter's numbers, and the same bits in LLVM's and C's code of any width."""

import pathlib
import tempfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_programs import EXACT, arrays, numbers, programs

from diffsol._graph import interpret
from diffsol._graph.ops import BOOL, FLOAT, INT

from .lanes import GCC, WIDTHS, by_gcc, by_llvm

LANES = max(WIDTHS)
REAL = [name for name in EXACT if name not in ("make_complex", "imag", "real", "conjugate")]
often = settings(
    deadline=None, suppress_health_check=list(HealthCheck), max_examples=60, derandomize=True
)
seldom = settings(often, max_examples=25)


@st.composite
def cases(draw, operators, steps=12):
    """(program, t, y, parameters): t and y for eight lanes each, in columns."""
    program, _, _, params = draw(programs(operators, steps=steps, dtypes=(BOOL, INT, FLOAT)))
    size = int(np.prod(program.state_shape))
    t = draw(st.lists(numbers(False), min_size=LANES, max_size=LANES))
    y = draw(arrays((size, LANES), FLOAT))
    return program, np.array(t), y, params


def same(a, b):
    """Bit for bit, but for the bits of NaNs, which no processor promises."""
    return (a.view(np.int64) == b.view(np.int64)) | (np.isnan(a) & np.isnan(b))


def in_parts(kernel, t, y, params):
    """The kernel on eight lanes, as many at a time as it takes: (outputs, mask)."""
    width, outputs, mask = kernel.width, [], 0
    for start in range(0, LANES, width):
        part = slice(start, start + width)
        out, bits = kernel(t[part], y[:, part], params)
        outputs.append(out)
        mask |= bits << start
    return np.concatenate(outputs, axis=1), mask


def expected(program, t, y, params):
    with np.errstate(all="ignore"):
        lanes = [interpret.run(program, t[i], y[:, i], params) for i in range(LANES)]
    out = np.array([value.astype(float).reshape(-1) for value, _ in lanes]).T
    return out, sum(trap << i for i, (_, trap) in enumerate(lanes))


def agree(case, tolerance):
    out, mask = in_parts(by_llvm(case[0], LANES), *case[1:])
    reference, traps = expected(*case)
    assert mask == traps
    wrong = ~((out == reference) | (np.isnan(out) & np.isnan(reference)))
    if wrong.any():
        scale = np.max(np.abs(reference[np.isfinite(reference)]), initial=1.0)
        np.testing.assert_allclose(out, reference, rtol=tolerance, atol=tolerance * scale)


@often
@given(case=cases(REAL))
def test_arithmetic(case):
    agree(case, 1e-13)


@often
@given(case=cases([*REAL, "power", "exp", "log1p", "sin", "arctan2", "tanh", "erfc", "cbrt"]))
def test_functions(case):
    agree(case, 1e-9)


@seldom
@given(case=cases([*REAL, "power", "exp", "cos", "arcsin", "erf", "sinh"]))
def test_bits_are_the_same_in_any_width(case):
    wide, mask = in_parts(by_llvm(case[0], LANES), *case[1:])
    for width in (1, 2, 4):
        out, bits = in_parts(by_llvm(case[0], width), *case[1:])
        assert same(out, wide).all()
        assert bits == mask


@pytest.mark.skipif(GCC is None, reason="no gcc")
@seldom
@given(
    case=cases([*REAL, "power", "exp", "cos", "arcsin", "erf", "sinh"]),
    width=st.sampled_from((1, 4)),
)
def test_c_text_has_the_bits_of_llvm(case, width):
    wide, mask = in_parts(by_llvm(case[0], LANES), *case[1:])
    with tempfile.TemporaryDirectory() as folder:
        out, bits = in_parts(by_gcc(case[0], width, pathlib.Path(folder)), *case[1:])
    assert same(out, wide).all()
    assert bits == mask
