"""Arrays on a GPU, with a CuPy that is none: its device is the CPU."""

import ctypes
import gc
import sys

import numpy as np
import pytest

from diffsol.dlpack import device_of, framework_of, from_dlpack
from dlpack.producers import BFLOAT16, CUDA, KINDS, READ_ONLY, Made, Modern, Old, doubles, use_up
from gpu import fake


def take(x):
    """What `cupy.from_dlpack` does: a capsule is used up, then looked at, its deleter called when the array goes."""
    kind, _ = x.__dlpack_device__()
    if kind not in (2, 13):
        raise TypeError("CPU arrays cannot be directly imported to CuPy.")
    try:
        capsule = x.__dlpack__(stream=1, max_version=(1, 0), copy=None)
    except TypeError:
        capsule = x.__dlpack__(stream=1)
    managed = use_up(capsule)
    tensor = managed.tensor
    owner = Owner(ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(managed.deleter), managed)
    if tensor.device.type not in (2, 13):
        raise RuntimeError("CuPy is built against CUDA")
    if tensor.dtype.lanes != 1:
        raise ValueError("vector dtypes are not supported")
    if tensor.dtype.code == 4:
        raise NotImplementedError("CuPy does not support bfloat16 yet")
    if tensor.dtype.code != 2:
        raise TypeError("Unsupported dtype")
    shape = list(tensor.shape[: tensor.ndim])
    memory = (ctypes.c_double * int(np.prod(shape))).from_address(tensor.data)
    memory.owner = owner
    return fake._wrapped(np.frombuffer(memory))


class Owner:
    def __init__(self, delete, managed):
        self.delete, self.managed = delete, managed

    def __del__(self):
        self.delete(ctypes.addressof(self.managed))


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
def test_read_only_is_copied(cupy, given, copy):
    array = doubles(3)
    made = Made(array, True, flags=READ_ONLY, device=CUDA)
    found = from_dlpack(given(made), copy=copy)
    found[0] = 7.0
    assert array[0] == 1.0
    assert made.deleted == 1


def test_read_only_is_not_shared(cupy, given):
    made = Made(doubles(3), True, flags=READ_ONLY, device=CUDA)
    with pytest.raises(BufferError, match="written"):
        from_dlpack(given(made), copy=False)
    gc.collect()
    assert made.deleted == 1


@KINDS
@pytest.mark.parametrize("dtype", [BFLOAT16, (2, 64, 2), (0, 4, 1)])
def test_what_cupy_refuses(cupy, versioned, given, dtype):
    made = Made(doubles(3), versioned, device=CUDA, dtype=dtype)
    with pytest.raises(BufferError, match="cannot be taken"):
        from_dlpack(given(made))
    gc.collect()
    assert made.deleted == 1


def test_an_object_that_is_elsewhere_than_it_says(cupy):
    """The capsule tells where its memory is: neither is read on the wrong device."""
    made = Made(doubles(3), device=CUDA)
    assert type(from_dlpack(Modern(made))) is cupy.ndarray
    assert made.deleted == 1
    made = Made(doubles(3))
    with pytest.raises(BufferError, match="CUDA"):
        from_dlpack(Modern(made, device=CUDA))
    gc.collect()
    assert made.deleted == 1


@pytest.mark.parametrize("error", [RuntimeError("mine"), TypeError("mine"), ValueError("mine")])
def test_a_producers_own_errors(cupy, error):
    class Raises(Modern):
        def __dlpack__(self, **wishes):
            raise error

    with pytest.raises(type(error), match="mine") as caught:
        from_dlpack(Raises(None, device=CUDA))
    assert caught.value is error


def test_a_used_capsule(cupy):
    capsule = Made(doubles(3), device=CUDA).capsule
    from_dlpack(capsule)
    with pytest.raises(ValueError, match="has been used"):
        from_dlpack(capsule)


def test_what_it_is(cupy):
    found = from_dlpack(Made(doubles(3), device=CUDA).capsule)
    assert framework_of(found) == "cupy"
    assert device_of(Made(doubles(3), device=(2, 1)).capsule) == ("cuda", 1)
