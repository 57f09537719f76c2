"""PyTorch, JAX, TensorFlow and pyarrow themselves, where they are installed (the extra `test-frameworks`)."""

import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest
import scipy.integrate

from diffsol import fit, sensitivity, solve_ensemble
from diffsol.dlpack import device_of, framework_of, from_dlpack, is_dlpack, to_dlpack
from diffsol.integrate import odeint, solve_ivp
from dlpack.producers import doubles

T = np.linspace(0.0, 2.0, 6)
RATES = np.array([0.5, 1.0, 2.0])


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def jax():
    """JAX with double precision, which it has not by default."""
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield jax
    jax.config.update("jax_enable_x64", before)


def decay(t, y):
    return -RATES * y


def decay_at(t, y, rates):
    return -rates * y


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


def test_to_jax(jax):
    array = solve_ivp(decay, (0, 2), doubles(3), t_eval=T).y
    found = jax.dlpack.from_dlpack(array)
    assert found.unsafe_buffer_pointer() == array.ctypes.data
    np.testing.assert_array_equal(np.asarray(found), array)


def assert_shared(torch, jax, array):
    """Both see the array's own memory."""
    assert array.dtype == float
    tensor, shared = torch.from_dlpack(array), jax.dlpack.from_dlpack(array)
    assert tensor.data_ptr() == array.ctypes.data
    assert shared.unsafe_buffer_pointer() == array.ctypes.data
    np.testing.assert_array_equal(tensor.numpy(), array)
    np.testing.assert_array_equal(np.asarray(shared), array)


# --- results ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("t_eval", [None, T, np.linspace(0, 2, 1001)])
@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("method", ["RK45", "BDF", "LSODA"])
def test_results_are_shared(torch, jax, method, n, t_eval):
    sol = solve_ivp(lambda t, y: -y, (0, 2), doubles(n), method, t_eval)
    for array in (sol.t, sol.y):
        assert_shared(torch, jax, array)
        assert torch.from_dlpack(array).is_contiguous()


@pytest.mark.parametrize("t_eval", [None, T])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_ensembles_are_shared(torch, jax, size, t_eval):
    sol = solve_ensemble(decay, (0, 2), doubles(size, 3), t_eval=t_eval)
    for array in (sol.y, sol.y_final, sol.t_final, *([] if t_eval is None else [sol.t])):
        assert_shared(torch, jax, array)


def test_a_shared_result_outlives_the_solution(torch, jax):
    sol = solve_ivp(decay, (0, 2), doubles(3), t_eval=T)
    expected = sol.y.copy()
    tensor, shared = torch.from_dlpack(sol.y), jax.dlpack.from_dlpack(sol.y)
    del sol
    gc.collect()
    np.testing.assert_array_equal(tensor.numpy(), expected)
    np.testing.assert_array_equal(np.asarray(shared), expected)


# --- arguments --------------------------------------------------------------------------------------


@pytest.fixture(params=["torch", "jax"])
def made(request):
    """How the framework makes an array of NumPy's."""
    if request.param == "torch":
        return request.getfixturevalue("torch").tensor
    return request.getfixturevalue("jax").numpy.asarray


def test_solve_ivp_takes_arrays(tier, made):
    theirs = scipy.integrate.solve_ivp(decay, (0, 2), made(doubles(3)), t_eval=made(T))
    ours = solve_ivp(decay, (0, 2), made(doubles(3)), t_eval=made(T))
    np.testing.assert_array_equal(ours.t, T)
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-12)
    np.testing.assert_array_equal(ours.y, solve_ivp(decay, (0, 2), doubles(3), t_eval=T).y)


def test_odeint_takes_arrays(tier, made):
    func = lambda y, t: -RATES * y  # noqa: E731
    found = odeint(func, made(doubles(3)), made(T))
    np.testing.assert_array_equal(found, odeint(func, doubles(3), T))


def test_fits_take_arrays(made):
    """A tensor among `args` is no variable: it is said."""
    data, p = np.ones((3, 6)), 1.1 * RATES
    expected = fit.residual(decay_at, doubles(3), T, data, args=(RATES,))
    found = fit.residual(decay_at, made(doubles(3)), made(T), made(data), args=(RATES,))
    np.testing.assert_array_equal(found(made(p)), expected(p))
    np.testing.assert_array_equal(found.jac(made(p)), expected.jac(p))
    with pytest.warns(UserWarning, match="'rates' of `args` .* is not fitted"):
        fit.residual(
            lambda t, y, k, rates: -k * y,
            doubles(3),
            T,
            data,
            args=(1.0, made(RATES)),
        )


def test_sensitivities_take_arrays(made):
    expected = sensitivity.solve_ivp(decay_at, (0, 2), doubles(3), t_eval=T, args=(RATES,))
    y0, t_eval = made(doubles(3)), made(T)
    found = sensitivity.solve_ivp(decay_at, (0, 2), y0, t_eval=t_eval, args=(RATES,))
    np.testing.assert_array_equal(found.sens, expected.sens)


@pytest.mark.parametrize("args_axes", [None, 0])
def test_ensembles_take_arrays(made, args_axes):
    rates = RATES if args_axes is None else np.tile(RATES, (4, 1))
    options = dict(args_axes=args_axes, rtol=1e-6)
    y0 = doubles(4, 3)
    rhs = (lambda t, y, r: -y) if args_axes is None else decay_at
    found = solve_ensemble(rhs, (0, 2), made(y0), (made(rates),), t_eval=made(T), **options)
    expected = solve_ensemble(rhs, (0, 2), y0, (rates,), t_eval=T, **options)
    np.testing.assert_allclose(found.y, expected.y, rtol=1e-12)


def test_functions_get_the_very_object(tier, made):
    """Arithmetic of a framework is not NumPy's: the function is called with what was given, as by SciPy."""
    rates, seen = made(RATES), []

    def watched(t, y, rates):
        seen.append(rates)
        return -np.asarray(rates) * y

    theirs = scipy.integrate.solve_ivp(watched, (0, 2), doubles(3), args=(rates,))
    ours = solve_ivp(watched, (0, 2), doubles(3), args=(rates,))
    assert all(found is rates for found in seen)
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:__array_wrap__")  # NumPy's, of PyTorch
def test_torchs_own_arithmetic(tier, torch):
    rates = torch.tensor(RATES)
    theirs = scipy.integrate.solve_ivp(decay_at, (0, 2), doubles(3), args=(rates,))
    ours = solve_ivp(decay_at, (0, 2), doubles(3), args=(rates,))
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-9)
    for solve in (scipy.integrate.solve_ivp, solve_ivp):
        with pytest.raises(TypeError, match="unsupported operand"):
            solve(lambda t, y, r: y * r, (0, 2), doubles(3), args=(rates,))


def test_jaxs_own_arithmetic(tier):
    """Without double precision a product with NumPy's float64 is float32, here as there."""
    jax = pytest.importorskip("jax")
    rates = jax.numpy.asarray(np.float32(RATES))
    theirs = scipy.integrate.solve_ivp(decay_at, (0, 2), doubles(3), args=(rates,))
    ours = solve_ivp(decay_at, (0, 2), doubles(3), args=(rates,))
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-5)  # rounding of float32
    assert ours.nfev == theirs.nfev


def test_a_gradients_tensor_is_refused_as_by_scipy(torch):
    y0 = torch.ones(3, dtype=torch.float64, requires_grad=True)
    for solve in (scipy.integrate.solve_ivp, solve_ivp):
        with pytest.raises(RuntimeError, match="requires grad"):
            solve(decay, (0, 2), y0)


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
