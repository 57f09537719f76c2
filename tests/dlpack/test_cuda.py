"""Arrays on a GPU, with a CuPy that is none: its device is the CPU."""

import ctypes
import gc
import sys

import numpy as np
import pytest

from diffsol.dlpack import device_of, framework_of, from_dlpack
from dlpack.producers import CUDA, READ_ONLY, Made, Modern, Old, doubles, managed_of, use_up
from gpu import fake

KINDS = pytest.mark.parametrize("versioned", [False, True], ids=["legacy", "versioned"])


def take(x):
    """What `cupy.from_dlpack` does: a capsule is used up, its deleter called when the array goes."""
    kind, _ = x.__dlpack_device__()
    if kind not in (2, 13):
        raise RuntimeError("CuPy reads arrays on a GPU only.")
    managed = managed_of(capsule := x.__dlpack__(stream=1))
    tensor = managed.tensor
    if tensor.dtype.code == 4:
        raise RuntimeError("bfloat16")
    use_up(capsule)
    memory = (ctypes.c_double * int(np.prod(list(tensor.shape[: tensor.ndim])))).from_address(
        tensor.data
    )
    delete = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(managed.deleter)
    memory.owner = Owner(delete, ctypes.addressof(managed))
    return fake._wrapped(np.frombuffer(memory))


class Owner:
    def __init__(self, delete, address):
        self.delete, self.address = delete, address

    def __del__(self):
        self.delete(self.address)


@pytest.fixture
def cupy(monkeypatch):
    module = fake.cupy()
    module.from_dlpack = take
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


@pytest.fixture(params=["capsule", "object"])
def given(request):
    return lambda made: made.capsule if request.param == "capsule" else Modern(made, device=CUDA)


@KINDS
def test_it_is_cupys(cupy, versioned, given):
    made = Made(doubles(3), versioned, device=CUDA)
    found = from_dlpack(given(made))
    assert type(found) is cupy.ndarray
    assert made.deleted == 0
    del found
    gc.collect()
    assert made.deleted == 1


def test_cupy_tells_the_producer_its_stream(cupy):
    producer = Modern(Made(doubles(3), True, device=CUDA), device=CUDA)
    from_dlpack(producer)
    assert [asked[0] for asked in producer._asked] == [1]


def test_an_old_producer(cupy):
    assert type(from_dlpack(Old(Made(doubles(3), device=CUDA), device=CUDA))) is cupy.ndarray


@KINDS
def test_to_the_processor(cupy, versioned, given):
    made = Made(doubles(3), versioned, device=CUDA)
    found = from_dlpack(given(made), device="cpu")
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, doubles(3))
    gc.collect()
    assert made.deleted == 1


@KINDS
def test_to_the_processor_is_a_copy(cupy, versioned, given):
    with pytest.raises(ValueError, match="copy"):
        from_dlpack(given(Made(doubles(3), versioned, device=CUDA)), device="cpu", copy=False)


@KINDS
def test_to_the_gpu(cupy, versioned):
    made = Made(doubles(3), versioned)
    assert type(from_dlpack(made.capsule, device="cuda")) is cupy.ndarray
    with pytest.raises(ValueError, match="copy"):
        from_dlpack(Made(doubles(3), versioned).capsule, device="cuda", copy=False)
    assert type(from_dlpack(doubles(3), device="cuda")) is cupy.ndarray


def test_to_the_gpu_without_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(NotImplementedError, match=r"diffsol\[cuda12\]"):
        from_dlpack(doubles(3), device="cuda")


@pytest.mark.parametrize("copy", [None, True])
def test_read_only_is_copied(cupy, copy):
    array = doubles(3)
    found = from_dlpack(Made(array, True, flags=READ_ONLY, device=CUDA).capsule, copy=copy)
    found[0] = 7.0
    assert array[0] == 1.0


def test_read_only_is_not_shared(cupy):
    made = Made(doubles(3), True, flags=READ_ONLY, device=CUDA)
    with pytest.raises(BufferError, match="written"):
        from_dlpack(made.capsule, copy=False)
    gc.collect()
    assert made.deleted == 1


def test_what_cupy_refuses(cupy):
    made = Made(doubles(3), device=CUDA, dtype=(4, 16, 1))
    with pytest.raises(BufferError, match="bfloat16"):
        from_dlpack(made.capsule)
    gc.collect()
    assert made.deleted == 1


def test_what_it_is(cupy):
    found = from_dlpack(Made(doubles(3), device=CUDA).capsule)
    assert framework_of(found) == "cupy"
    assert device_of(Made(doubles(3), device=(2, 1)).capsule) == ("cuda", 1)
