"""Who calls the deleter, and how often: once, on every way that an array can take."""

import gc
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from diffsol.dlpack import device_of, from_dlpack, is_dlpack
from dlpack.producers import CUDA, KINDS, Made, Modern, doubles, name_of


@KINDS
def test_a_view_calls_it_when_it_goes(versioned, given):
    made = Made(doubles(4), versioned)
    view = from_dlpack(given(made))
    np.testing.assert_array_equal(view, doubles(4))
    assert made.deleted == 0
    del view
    assert made.deleted == 1


@KINDS
def test_a_taken_capsule_is_renamed(versioned):
    capsule = Made(doubles(4), versioned).capsule
    view = from_dlpack(capsule)
    assert name_of(capsule) == ("used_dltensor_versioned" if versioned else "used_dltensor")
    del view


@KINDS
def test_capsule_gone_before_the_view(versioned):
    made = Made(doubles(3), versioned)
    capsule = made.capsule
    view = from_dlpack(capsule)
    del capsule
    assert made.deleted == 0
    assert view.sum() == 6.0
    del view
    assert made.deleted == 1


@KINDS
def test_capsule_gone_after_the_view(versioned):
    made = Made(doubles(3), versioned)
    capsule = made.capsule
    view = from_dlpack(capsule)
    del view
    assert made.deleted == 1
    del capsule
    assert made.deleted == 1


@KINDS
def test_unused_capsule_calls_it_itself(versioned):
    made = Made(doubles(3), versioned)
    capsule = made.capsule
    assert is_dlpack(capsule)
    assert device_of(capsule) == ("cpu", 0)
    assert made.deleted == 0
    del capsule
    assert made.deleted == 1


@KINDS
def test_views_of_views_keep_it(versioned, given):
    made = Made(doubles(3, 4), versioned)
    part = from_dlpack(given(made))[1:, ::2].T
    gc.collect()
    assert made.deleted == 0
    np.testing.assert_array_equal(part, doubles(3, 4)[1:, ::2].T)
    del part
    assert made.deleted == 1


@KINDS
def test_a_copy_needs_the_memory_no_longer(versioned, given):
    made = Made(doubles(5), versioned)
    copied = from_dlpack(given(made), copy=True)
    assert made.deleted == 1
    assert copied.flags.writeable
    np.testing.assert_array_equal(copied, doubles(5))


@KINDS
def test_used_twice(versioned):
    made = Made(doubles(3), versioned)
    capsule = made.capsule
    view = from_dlpack(capsule)
    assert not is_dlpack(capsule)
    for refused in (from_dlpack, device_of):
        with pytest.raises(ValueError, match="has been used"):
            refused(capsule)
    assert made.deleted == 0
    del view, capsule
    assert made.deleted == 1


@KINDS
def test_two_arrays_of_one_object(versioned):
    """Each call of `__dlpack__` gives a capsule with a deleter of its own."""
    first, second = Made(doubles(3), versioned), Made(doubles(3), versioned)
    views = [from_dlpack(Modern(made)) for made in (first, second)]
    views.pop()
    assert (first.deleted, second.deleted) == (0, 1)
    views.pop()
    assert (first.deleted, second.deleted) == (1, 1)


@KINDS
def test_no_deleter(versioned, given):
    made = Made(doubles(3), versioned, deleter=False)
    view = from_dlpack(given(made))
    assert view.sum() == 6.0
    del view
    made = Made(doubles(3), versioned, deleter=False)
    capsule = made.capsule
    del capsule
    assert made.deleted == 0


REFUSED = {
    "bfloat16": dict(dtype=(4, 16, 1)),
    "lanes": dict(dtype=(2, 64, 2)),
    "float128": dict(dtype=(2, 128, 1)),
    "int7": dict(dtype=(0, 7, 1)),
    "no-such-code": dict(dtype=(99, 64, 1)),
    "fp8": dict(dtype=(7, 8, 1)),
    "too-many-axes": dict(shape=(1,) * 70, strides=(1,) * 70),
    "axes-beyond-memory": dict(shape=(1,), ndim=2**31 - 1),
    "minus-one-axes": dict(shape=(1,), ndim=-1),
    "negative-axes": dict(shape=(-2,), strides=(1,)),
    "too-much-of-no-memory": dict(shape=(2**45,), strides=(1,), data=None),
}


@KINDS
@pytest.mark.parametrize("name", REFUSED)
def test_refused_arrays(versioned, given, name):
    """BufferError; the capsule stays its owner's, whose destructor calls the deleter."""
    made = Made(doubles(3), versioned, **REFUSED[name])
    with pytest.raises(BufferError):
        from_dlpack(given(made))
    gc.collect()
    assert made.deleted == 1


@KINDS
@pytest.mark.parametrize("ndim", [-1, 70, 2**31 - 1])
def test_where_a_refused_array_is(versioned, ndim):
    assert device_of(Made(doubles(3), versioned, ndim=ndim).capsule) == ("cpu", 0)


@KINDS
def test_no_memory_for_elements(versioned, given):
    made = Made(doubles(3), versioned, data=None)
    with pytest.raises(BufferError, match="no memory"):
        from_dlpack(given(made))
    gc.collect()
    assert made.deleted == 1


@pytest.mark.parametrize("major", [2, 3, 255])
def test_newer_major_version(given, major):
    made = Made(doubles(3), True, major=major)
    with pytest.raises(BufferError, match="version"):
        from_dlpack(given(made))
    gc.collect()
    assert made.deleted == 1


@pytest.mark.new_kind
@pytest.mark.parametrize("minor", [0, 1, 3, 99])
def test_newer_minor_version(given, minor):
    made = Made(doubles(3), True, minor=minor)
    assert from_dlpack(given(made)).sum() == 6.0
    assert made.deleted == 1


@KINDS
@pytest.mark.parametrize("device", [4, 7, 8, 10, 12, 14, 15, 99])
def test_other_devices(versioned, given, device):
    made = Made(doubles(3), versioned, device=(device, 0))
    with pytest.raises(NotImplementedError, match="device"):
        from_dlpack(given(made))
    gc.collect()
    assert made.deleted == 1


@KINDS
def test_a_gpu_without_cupy(versioned, given, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    made = Made(doubles(3), versioned, device=CUDA)
    with pytest.raises(NotImplementedError, match=r"diffsol\[cuda12\]"):
        from_dlpack(given(made))
    gc.collect()
    assert made.deleted == 1


@KINDS
def test_an_object_on_another_device_is_not_asked(versioned):
    made = Made(doubles(3), versioned)
    producer = Modern(made, device=(8, 0))
    with pytest.raises(NotImplementedError, match="metal"):
        from_dlpack(producer)
    assert producer._asked == []


@KINDS
def test_dropped_on_another_thread(versioned, given):
    made = Made(doubles(3), versioned)
    held = [from_dlpack(given(made))]
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
    assert made.deleted == 1


@KINDS
def test_taken_on_many_threads(versioned):
    mades = [Made(doubles(8), versioned) for _ in range(64)]

    def take(part):
        for made in part:
            assert from_dlpack(made.capsule).sum() == 36.0

    threads = [threading.Thread(target=take, args=(mades[k::4],)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [made.deleted for made in mades] == [1] * 64


@KINDS
def test_in_a_cycle(versioned, given):
    made = Made(doubles(3), versioned)
    cycle = [from_dlpack(given(made))]
    cycle.append(cycle)
    del cycle
    gc.collect()
    assert made.deleted == 1


EXIT = """
import ctypes, mmap, sys
sys.path.insert(0, {tests!r})
import numpy as np
from diffsol.dlpack import from_dlpack
from dlpack.producers import Made, Modern, doubles
file = open({path!r}, "r+b")
memory = mmap.mmap(file.fileno(), 16)
counters = [ctypes.c_int64.from_buffer(memory, at) for at in (0, 8)]
for counter in counters:  # the memory is there to the very end
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(counter))
view = from_dlpack(Made(doubles(3), {versioned}, counter=counters[0]).capsule)
unused = Made(doubles(3), {versioned}, counter=counters[1]).capsule
"""


@KINDS
def test_at_the_interpreters_end(versioned, tmp_path):
    path = tmp_path / "counters"
    path.write_bytes(bytes(16))
    tests = str(Path(__file__).parents[1])
    script = EXIT.format(tests=tests, path=str(path), versioned=versioned)
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
    assert np.frombuffer(path.read_bytes(), np.int64).tolist() == [1, 1]
