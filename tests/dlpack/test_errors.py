"""What is refused, with which error; and what an object is."""

import importlib.util
import sys

import numpy as np
import pytest

import diffsol
from diffsol.dlpack import device_of, framework_of, from_dlpack, is_dlpack, to_dlpack
from dlpack.producers import (
    KINDS,
    Made,
    Modern,
    doubles,
    other_capsule,
)


class Raises:
    def __init__(self, error):
        self.error, self.calls = error, 0

    def __dlpack__(self, **wishes):
        self.calls += 1
        raise self.error

    def __dlpack_device__(self):
        return 1, 0


@pytest.mark.parametrize(
    "error", [RuntimeError("mine"), KeyError("mine"), BufferError("mine"), TypeError("mine")]
)
def test_a_producers_own_errors(error):
    for hand_on in (from_dlpack, to_dlpack):
        producer = Raises(error)
        with pytest.raises(type(error), match="mine") as caught:
            hand_on(producer)
        assert caught.value is error
        assert producer.calls == 1


@pytest.mark.parametrize("x", [1.0, [1.0], None, "text", np.ndarray, np.float64(1.0), object()])
def test_no_arrays(x):
    assert not is_dlpack(x)
    for refused in (from_dlpack, to_dlpack, device_of):
        with pytest.raises(TypeError, match="no DLPack array"):
            refused(x)


def test_no_device():
    class Half:
        def __dlpack__(self):
            raise AssertionError

    with pytest.raises(TypeError, match="__dlpack_device__"):
        from_dlpack(Half())


def test_no_capsule():
    class Wrong:
        def __dlpack__(self, **wishes):
            return 5

        def __dlpack_device__(self):
            return 1, 0

    for hand_on in (from_dlpack, to_dlpack):
        with pytest.raises(TypeError, match="no capsule"):
            hand_on(Wrong())


def test_a_capsule_of_something_else():
    capsule = other_capsule()
    assert not is_dlpack(capsule)
    for refused in (from_dlpack, device_of):
        with pytest.raises(ValueError, match=r"some\.module\._API"):
            refused(capsule)
    with pytest.raises(TypeError):
        to_dlpack(capsule)


@pytest.mark.parametrize("options", [{"device": "gpu"}, {"device": 1}, {"copy": 2}, {"copy": "no"}])
def test_options_that_are_none(options):
    with pytest.raises(ValueError, match="must be"):
        from_dlpack(doubles(3), **options)


# --- what it is -------------------------------------------------------------------------------------


@KINDS
def test_it_is_dlpack(versioned, given):
    x = given(Made(doubles(3), versioned))
    assert is_dlpack(x)
    assert device_of(x) == ("cpu", 0)
    assert framework_of(x) is None


def test_devices_have_names():
    assert device_of(doubles(3)) == ("cpu", 0)
    assert device_of(Made(doubles(1), device=(2, 3)).capsule) == ("cuda", 3)
    assert device_of(Modern(None, device=(10, 1))) == ("rocm", 1)
    assert device_of(Modern(None, device=(18, 0))) == ("trn", 0)  # the last one of DLPack 1.3
    with pytest.raises(NotImplementedError, match="77"):
        device_of(Modern(None, device=(77, 0)))


def test_frameworks_are_not_imported():
    assert framework_of(doubles(3)) == "numpy"
    assert framework_of(np.float64(1.0)) == "numpy"
    assert framework_of([1.0]) is None
    before = set(sys.modules)
    framework_of(object())
    assert set(sys.modules) == before


def test_a_framework_without_its_class(monkeypatch):
    """A module half imported, or one that is hidden."""
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "tensorflow", type(sys)("tensorflow"))
    assert framework_of(object()) is None


def test_a_framework_that_waits_to_be_imported(tmp_path, monkeypatch):
    """By importlib's LazyLoader: it is there, but a look at any of its names would import it."""
    (tmp_path / "cupy.py").write_text("raise AssertionError('imported')")
    spec = importlib.util.spec_from_file_location("cupy", tmp_path / "cupy.py")
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "cupy", module)
    assert framework_of(object()) is None


def test_the_packages_names():
    assert diffsol.from_dlpack is from_dlpack
    assert diffsol.to_dlpack is to_dlpack
    assert diffsol.dlpack.from_dlpack is from_dlpack
