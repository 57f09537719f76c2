"""Capsules that `to_dlpack` hands out: they keep their array until a consumer lets it go."""

import ctypes
import gc
import sys
import weakref

import pytest

from diffsol.dlpack import from_dlpack, to_dlpack
from dlpack.producers import Made, Old, doubles, managed_of, use_up

VERSIONS = pytest.mark.parametrize("max_version", [None, (1, 0)], ids=["legacy", "versioned"])


@VERSIONS
def test_a_capsule_keeps_its_array(max_version):
    array = doubles(5)
    gone = weakref.ref(array)
    capsule = to_dlpack(array, max_version=max_version)
    del array
    gc.collect()
    assert gone() is not None
    view = from_dlpack(capsule)
    del capsule
    assert view.sum() == 15.0
    del view
    assert gone() is None


@VERSIONS
def test_an_unused_capsule_lets_it_go(max_version):
    array = doubles(5)
    gone = weakref.ref(array)
    capsule = to_dlpack(array, max_version=max_version)
    del array, capsule
    assert gone() is None


@VERSIONS
def test_a_consumer_deletes_it(max_version):
    array = doubles(5)
    gone = weakref.ref(array)
    capsule = to_dlpack(array, max_version=max_version)
    managed = use_up(capsule)
    del array, capsule
    assert gone() is not None
    ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(managed.deleter)(ctypes.addressof(managed))
    assert gone() is None


@VERSIONS
@pytest.mark.skipif(sys.platform == "win32", reason="pthreads")
def test_a_consumer_deletes_it_on_a_thread_of_its_own(max_version):
    """One that Python has never seen, and without the interpreter's lock."""
    array = doubles(5)
    gone = weakref.ref(array)
    capsule = to_dlpack(array, max_version=max_version)
    managed = use_up(capsule)
    del array, capsule
    process, thread = ctypes.CDLL(None), ctypes.c_void_p()
    run = process["pthread_create"]
    run.argtypes = [ctypes.c_void_p] * 4
    at = ctypes.addressof(managed)
    assert run(ctypes.addressof(thread), None, managed.deleter, at) == 0
    join = process["pthread_join"]
    join.argtypes = [ctypes.c_void_p] * 2
    assert join(thread, None) == 0
    assert gone() is None


def test_a_refused_capsule_is_dropped_once():
    """An object whose capsule runs backward: it is not handed on, and its deleter called."""
    made = Made(doubles(4), data=doubles(4).ctypes.data, strides=(-1,))
    with pytest.raises(BufferError, match="negative strides"):
        to_dlpack(Old(made))
    gc.collect()
    assert made.deleted == 1


def test_the_struct_of_ours():
    array = doubles(2, 3)
    capsule = to_dlpack(array)
    managed = managed_of(capsule)
    assert managed.tensor.data + managed.tensor.byte_offset == array.ctypes.data
    assert list(managed.tensor.shape[:2]) == [2, 3]
    if managed.tensor.strides:  # NumPy 2.0 leaves out what C order says
        assert list(managed.tensor.strides[:2]) == [3, 1]
