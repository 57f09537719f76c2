"""On a GPU, where there is one; with a CuPy that finds none, what is said."""

import pytest

from diffsol.errors import DeviceError

from .problems import PAIRS
from .test_bits import assert_same, outputs, solved

cupy = pytest.importorskip("cupy")
THERE = cupy.cuda.is_available()


@pytest.mark.skipif(not THERE, reason="needs a GPU")
@pytest.mark.parametrize("method, name", PAIRS)
def test_bits(method, name):
    more = {"size": 1000, **outputs(name)}
    assert_same(solved(name, method, **more), solved(name, method, "cpu", **more))


@pytest.mark.skipif(THERE, reason="there is a GPU")
def test_none_is_there():
    with pytest.raises(DeviceError, match=r"CuPy finds no usable driver|there is no GPU"):
        solved("lorenz", "RK45")
