"""PyTorch, JAX, TensorFlow and pyarrow themselves, where they are installed (the extra `test-frameworks`)."""

import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest

from diffsol.dlpack import device_of, framework_of, from_dlpack, is_dlpack, to_dlpack
from diffsol.integrate import solve_ivp
from dlpack.producers import doubles

T = np.linspace(0.0, 2.0, 6)
RATES = np.array([0.5, 1.0, 2.0])


def decay(t, y):
    return -RATES * y


# --- PyTorch ----------------------------------------------------------------------------------------

TORCH_TYPES = [
    *("float64", "float32", "float16", "complex64", "complex128"),
    *("int64", "int32", "int16", "int8", "uint8", "bool"),
]


@pytest.mark.parametrize("name", TORCH_TYPES)
@pytest.mark.parametrize("as_capsule", [False, True])
def test_from_torch(torch, name, as_capsule):
    tensor = torch.arange(6).reshape(2, 3).to(getattr(torch, name))
    view = from_dlpack(tensor.__dlpack__() if as_capsule else tensor)
    assert view.ctypes.data == tensor.data_ptr()
    np.testing.assert_array_equal(view, tensor.numpy())
    # the capsule of the old kind does not say whether it may be written to
    assert view.flags.writeable is not as_capsule


@pytest.mark.parametrize("name", TORCH_TYPES)
@pytest.mark.parametrize("max_version", [None, (1, 0)])
def test_to_torch(torch, name, max_version):
    array = np.arange(6).reshape(2, 3).astype(name)
    tensor = torch.from_dlpack(to_dlpack(array, max_version=max_version))
    assert tensor.data_ptr() == array.ctypes.data
    np.testing.assert_array_equal(tensor.numpy(), array)


def test_writing_is_seen_on_both_sides(torch):
    tensor = torch.zeros(3, dtype=torch.float64)
    from_dlpack(tensor)[0] = 7.0
    assert tensor[0] == 7.0


def test_a_tensor_lets_go(torch):
    array = doubles(4)
    gone = weakref.ref(array)
    tensor = torch.from_dlpack(to_dlpack(array))
    del array
    gc.collect()
    assert gone() is not None
    del tensor
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("part", ["[::2]", "[:, 1]", ".T", "[0]", "[1:1]", "[0, 0]"])
def test_parts_of_tensors(torch, part):
    tensor = torch.arange(12.0, dtype=torch.float64).reshape(4, 3)
    tensor = eval(f"tensor{part}")
    view = from_dlpack(tensor)
    assert view.shape == tuple(tensor.shape)
    np.testing.assert_array_equal(view, tensor.numpy())


def test_tensors_that_torch_keeps(torch):
    with pytest.raises(BufferError):
        from_dlpack(torch.zeros(3, requires_grad=True))
    with pytest.raises(BufferError):
        from_dlpack(torch.zeros(3, dtype=torch.bfloat16))
    with pytest.raises(BufferError):
        from_dlpack(torch.zeros(3, dtype=torch.complex64).conj())


def test_what_a_tensor_is(torch):
    tensor = torch.zeros(3)
    assert is_dlpack(tensor)
    assert device_of(tensor) == ("cpu", 0)
    assert framework_of(tensor) == "torch"
    with pytest.raises(ValueError, match="meta"):  # PyTorch's own
        from_dlpack(torch.zeros(3, device="meta"))


BACKWARD = """
import numpy as np, torch
from diffsol import to_dlpack
from diffsol.integrate import solve_ivp
array = np.arange(6.0).reshape(2, 3)
for part in (array[::-1], array[:, ::-1], array[::-1, ::-1], array.T[::-1]):
    for version in (None, (1, 0)):
        tensor = torch.from_dlpack(to_dlpack(part, max_version=version))
        assert np.array_equal(tensor.numpy(), part)
    try:
        to_dlpack(part, copy=False)
    except BufferError:
        continue
    raise AssertionError
back = solve_ivp(lambda t, y: -y, (2, 0), [1.0, 2.0], t_eval=np.linspace(0, 2, 5)[::-1])
torch.from_dlpack(to_dlpack(back.y)), torch.from_dlpack(back.t)
print("alive")
"""


def test_torch_never_sees_negative_strides(torch):
    """It would abort the process."""
    done = subprocess.run(
        [sys.executable, "-c", BACKWARD], capture_output=True, text=True, timeout=300
    )
    assert done.stdout.strip() == "alive", done.stderr


# --- JAX --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["float64", "float32", "int32", "int64", "complex128", "bool"])
@pytest.mark.parametrize("as_capsule", [False, True])
def test_from_jax(jax, name, as_capsule):
    array = jax.numpy.arange(6).reshape(2, 3).astype(name)
    view = from_dlpack(array.__dlpack__() if as_capsule else array)
    assert view.ctypes.data == array.unsafe_buffer_pointer()
    assert not view.flags.writeable
    np.testing.assert_array_equal(view, np.asarray(array))


def test_jax_arrays_never_change(jax):
    array = jax.numpy.zeros(3)
    copied = from_dlpack(array, copy=True)
    copied[0] = 7.0
    assert array[0] == 0.0
    with pytest.raises(ValueError, match="WRITEABLE"):
        from_dlpack(array).flags.writeable = True


def test_what_a_jax_array_is(jax):
    array = jax.numpy.zeros(3)
    assert is_dlpack(array)
    assert device_of(array) == ("cpu", 0)
    assert framework_of(array) == "jax"
    with pytest.raises(BufferError):
        from_dlpack(jax.numpy.zeros(3, "bfloat16"))


# --- others -----------------------------------------------------------------------------------------


def test_tensorflow():
    tf = pytest.importorskip("tensorflow")
    tensor = tf.constant([1.0, 2.0, 3.0], tf.float64)
    view = from_dlpack(tf.experimental.dlpack.to_dlpack(tensor))
    np.testing.assert_array_equal(view, [1.0, 2.0, 3.0])
    assert not view.flags.writeable
    assert framework_of(tensor) == "tensorflow"
    array = solve_ivp(decay, (0, 2), doubles(3), t_eval=T).y
    found = tf.experimental.dlpack.from_dlpack(to_dlpack(array))
    np.testing.assert_array_equal(found.numpy(), array)


def test_pyarrow():
    pa = pytest.importorskip("pyarrow")
    column = pa.array([1.0, 2.0, 3.0])
    view = from_dlpack(column)
    assert view.ctypes.data == column.buffers()[1].address
    assert not view.flags.writeable
    np.testing.assert_array_equal(view, [1.0, 2.0, 3.0])
    with pytest.raises(Exception, match="null"):
        from_dlpack(pa.array([1.0, None]))
    found = solve_ivp(decay, (0, 2), column, t_eval=T)
    np.testing.assert_array_equal(found.y, solve_ivp(decay, (0, 2), [1.0, 2.0, 3.0], t_eval=T).y)
