"""What comes over: numbers, types, shapes, strides, and whether it may be written to."""

import numpy as np
import pytest

from diffsol.dlpack import from_dlpack, to_dlpack
from dlpack.producers import (
    IS_COPIED,
    KINDS,
    READ_ONLY,
    Made,
    Modern,
    Old,
    doubles,
    managed_of,
    name_of,
)

DTYPES = "?bhilqBHILQefdFD"
NO_DTYPES = {
    "swapped": np.arange(3.0).astype(">f8"),
    "longdouble": np.zeros(3, np.longdouble),
    "clongdouble": np.zeros(3, np.clongdouble),
    "datetime": np.zeros(3, "M8[s]"),
    "timedelta": np.zeros(3, "m8[s]"),
    "object": np.array([1, None]),
    "text": np.array(["a", "b"]),
    "bytes": np.array([b"a"]),
    "struct": np.zeros(3, [("a", "f8"), ("b", "i4")]),
    "odd-stride": np.zeros(3, [("a", "f8"), ("b", "i4")])["a"],
}


def shares(a, b):
    return a.__array_interface__["data"][0] == b.__array_interface__["data"][0]


# --- types ------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("code", DTYPES)
def test_types_of_capsules(versioned, code):
    array = np.arange(6).astype(code).reshape(2, 3)
    view = from_dlpack(Made(array, versioned).capsule)
    assert view.dtype == array.dtype
    assert shares(view, array)
    np.testing.assert_array_equal(view, array)


@pytest.mark.parametrize("max_version", [None, (1, 0)])
@pytest.mark.parametrize("code", DTYPES)
def test_types_there_and_back(max_version, code):
    array = np.arange(6).astype(code)
    view = from_dlpack(to_dlpack(array, max_version=max_version))
    assert view.dtype == array.dtype
    assert shares(view, array)
    np.testing.assert_array_equal(view, array)


@pytest.mark.parametrize("name", NO_DTYPES)
@pytest.mark.parametrize("hand_on", [to_dlpack, from_dlpack])
def test_types_that_dlpack_has_not(hand_on, name):
    with pytest.raises(BufferError):
        hand_on(NO_DTYPES[name])


# --- shapes and strides -----------------------------------------------------------------------------

LAYOUTS = {
    "C order": lambda: doubles(3, 4),
    "F order": lambda: np.asfortranarray(doubles(3, 4)),
    "transposed": lambda: doubles(3, 4).T,
    "every second": lambda: doubles(3, 4)[:, ::2],
    "a part": lambda: doubles(5, 6)[1:4, 2:5],
    "broadcast": lambda: np.broadcast_to(doubles(4), (3, 4)),
    "backward": lambda: doubles(5)[::-1],
    "backward inside": lambda: doubles(3, 4)[:, ::-1],
    "number": lambda: np.array(3.0),
    "empty": lambda: np.zeros((0,)),
    "empty inside": lambda: np.zeros((3, 0, 2)),
    "one": lambda: doubles(1),
    "seven axes": lambda: doubles(1, 2, 1, 3, 1, 2, 1),
    "not aligned": lambda: np.frombuffer(bytes(1) + doubles(4).tobytes(), "f8", 4, 1),
}


@KINDS
@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(versioned, given, name):
    array = LAYOUTS[name]()
    made = Made(array, versioned)
    view = from_dlpack(given(made))
    assert view.shape == array.shape
    np.testing.assert_array_equal(view, array)
    if array.size:
        assert shares(view, array)
        axes = [k for k in range(array.ndim) if array.shape[k] > 1]
        assert [view.strides[k] for k in axes] == [array.strides[k] for k in axes]
    del view
    assert made.deleted == 1


@pytest.mark.parametrize("max_version", [None, (1, 0)])
@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_there_and_back(max_version, name):
    array = LAYOUTS[name]()
    if not array.flags.writeable:
        array = array.copy()
    capsule = to_dlpack(array, max_version=max_version)
    strides = managed_of(capsule).tensor.strides
    assert not strides or all(strides[k] >= 0 for k in range(array.ndim))
    view = from_dlpack(capsule)
    np.testing.assert_array_equal(view, array)
    if array.size:
        assert shares(view, array) is ("backward" not in name)


@KINDS
@pytest.mark.parametrize("shape", [(), (4,), (3, 4), (2, 3, 4)])
def test_no_strides_mean_c_order(versioned, given, shape):
    array = doubles(*shape)
    view = from_dlpack(given(Made(array, versioned, strides=None)))
    np.testing.assert_array_equal(view, array)


@KINDS
@pytest.mark.parametrize("offset", [0, 8, 24])
def test_byte_offset(versioned, given, offset):
    array = doubles(8)
    made = Made(array, versioned, byte_offset=offset, shape=(4,))
    np.testing.assert_array_equal(from_dlpack(given(made)), array[offset // 8 :][:4])


@KINDS
@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 5, 2)])
def test_no_elements_and_no_memory(versioned, given, shape):
    made = Made(np.zeros(shape), versioned, data=None)
    view = from_dlpack(given(made))
    assert view.shape == shape
    del view
    assert made.deleted == 1


def test_backward_arrays_are_refused_where_nothing_may_be_copied():
    array = doubles(5)
    with pytest.raises(BufferError, match="negative strides"):
        to_dlpack(array[::-1], copy=False)


@pytest.mark.new_kind
def test_a_copy_says_so():
    """The flag by which a consumer knows that nobody else has the memory."""
    for array in (doubles(5), doubles(5)[::-1]):
        capsule = to_dlpack(array, max_version=(1, 0), copy=True)
        assert managed_of(capsule).flags & IS_COPIED
        assert managed_of(capsule).tensor.strides[0] == 1
        np.testing.assert_array_equal(from_dlpack(capsule), array)


# --- writing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "versioned, flags, writeable", [(False, 0, False), (True, 0, True), (True, READ_ONLY, False)]
)
def test_who_may_write(versioned, flags, writeable, given):
    """A "dltensor" cannot say that its array must not be written to, so nobody writes."""
    array = doubles(4)
    view = from_dlpack(given(Made(array, versioned, flags=flags)))
    assert view.flags.writeable is writeable
    if writeable:
        view[0] = 7.0
        assert array[0] == 7.0
    else:
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 7.0
        with pytest.raises(ValueError, match="WRITEABLE"):
            view.flags.writeable = True


@pytest.mark.new_kind
@pytest.mark.parametrize("copy", [None, True, False])
def test_read_only_arrays_of_numpy(copy):
    array = doubles(4)
    array.flags.writeable = False
    view = from_dlpack(array, copy=copy)
    assert view.flags.writeable is (copy is True)
    with pytest.raises(BufferError):
        to_dlpack(array)
    assert not from_dlpack(to_dlpack(array, max_version=(1, 0))).flags.writeable


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("kind", [np.matrix, np.ma.masked_array])
def test_subclasses_give_what_they_give_numpy(kind):
    array = kind(doubles(2, 2))
    if kind is np.ma.masked_array:
        array[0, 0] = np.ma.masked
    found, theirs = from_dlpack(array), np.from_dlpack(array)
    assert type(found) is type(theirs) is np.ndarray
    assert shares(found, theirs)
    np.testing.assert_array_equal(found, theirs)


# --- copies -----------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("copy", [None, False, True])
def test_copies(versioned, given, copy):
    array = doubles(3, 4)
    found = from_dlpack(given(Made(array, versioned)), copy=copy)
    assert shares(found, array) is (copy is not True)
    np.testing.assert_array_equal(found, array)


@pytest.mark.new_kind
@pytest.mark.parametrize("copy", [None, False, True])
def test_copies_of_numpys(copy):
    array = doubles(3)
    assert shares(from_dlpack(array, copy=copy), array) is (copy is not True)
    assert shares(from_dlpack(to_dlpack(array, copy=copy)), array) is (copy is not True)


@pytest.mark.parametrize("device", [None, "cpu"])
def test_devices(device, given):
    assert from_dlpack(given(Made(doubles(3))), device=device).sum() == 6.0


# --- asking -----------------------------------------------------------------------------------------


@pytest.mark.new_kind
def test_modern_producers_are_asked_for_the_version():
    producer = Modern(Made(doubles(3), True))
    from_dlpack(producer)
    (asked,) = producer._asked
    assert asked[0] is None
    assert asked[1] >= (1, 0)


def test_wishes_reach_the_producer():
    producer = Modern(Made(doubles(3), True))
    capsule = to_dlpack(producer, stream=None, max_version=(1, 1), dl_device=(1, 0), copy=True)
    assert producer._asked == [(None, (1, 1), (1, 0), True)]
    assert name_of(capsule) == "dltensor_versioned"


def test_an_old_producer_gives_what_it_can():
    assert name_of(to_dlpack(Old(Made(doubles(3))), max_version=(1, 0))) == "dltensor"
    with pytest.raises(TypeError):
        to_dlpack(Old(Made(doubles(3))), copy=True)


@pytest.mark.parametrize("max_version", [None, (0, 8), (1, 0), (1, 3), (2, 0)])
def test_names(max_version):
    capsule = to_dlpack(doubles(3), max_version=max_version)
    expected = "dltensor" if max_version is None or max_version < (1, 0) else "dltensor_versioned"
    assert name_of(capsule) == expected
