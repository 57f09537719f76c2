"""Constants, programs and code, written and read again."""

import fractions
import json
import types

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compile.random_programs import programs as random_programs
from diffsol._cache import constants, contents, programs
from diffsol._cache.blobs import Blobs
from diffsol._cache.contents import Unstable
from diffsol._graph import interpret

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(),
    st.binary(),
    st.just(Ellipsis),
    st.integers(-(2**63), 2**63 - 1).map(np.int64),
    st.builds(range, st.integers(-9, 9), st.integers(-9, 9)),
    st.sampled_from([float, np.ndarray, types.FunctionType, np.sin, np.linalg.norm, np, len]),
    st.sampled_from([np.dtype(float), np.dtype("c16"), slice(1, None, -1)]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
    ),
    max_leaves=12,
)


def same(a, b):
    if type(a) is not type(b):
        return False
    if type(a) in (list, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if type(a) is dict:
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return repr(a) == repr(b)


@given(VALUES)
def test_constants(value):
    assert same(constants.read(json.loads(json.dumps(constants.write(value)))), value)


class Here:
    pass


@pytest.mark.parametrize(
    "value", [object(), fractions.Fraction(1, 2), lambda: 0, np.array([object()]), Here.__init__]
)
def test_not_kept(value):
    with pytest.raises(Unstable):
        constants.write(value)


def test_a_class_that_hides_behind_a_name():
    shadow = type("Here", (), {"__module__": __name__})
    with pytest.raises(Unstable, match="not to be found by its name"):
        constants.write(shadow)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(random_programs())
def test_programs(case):
    program, t, y, params = case
    blobs = Blobs()
    written = programs.write(program, blobs)
    again = programs.read(written, memoryview(bytes(blobs.data)))
    assert [(n.op, n.shape, n.dtype) for n in again.nodes] == [
        (n.op, n.shape, n.dtype) for n in program.nodes
    ]
    with np.errstate(all="ignore"):
        for got, wanted in zip(
            interpret.run(again, t, y, params), interpret.run(program, t, y, params), strict=True
        ):
            np.testing.assert_array_equal(got, wanted)


def compiled(text):
    return compile(text, "<here>", "exec").co_consts[0]


def test_code_by_content():
    """Neither the file nor the lines, but every constant and its type."""
    one = contents.of_code(compiled("def f(y): return y * 2"))
    assert one == contents.of_code(compiled("\n\ndef f(y): return y * 2"))
    others = ["y * 2.0", "y * 3", "y * True", "y * -2", "y + 2", "y * (2, )", "z * 2"]
    digests = {contents.of_code(compiled(f"def f(y): return {other}")) for other in others}
    assert len({one, *digests}) == len(others) + 1
    zeros = {contents.of_code(compiled(f"def f(y): return y * {z}")) for z in ("0.0", "-0.0")}
    assert len(zeros) == 2
