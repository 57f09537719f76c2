"""Solvers with arrays of PyTorch and JAX: as arguments, and over the results."""

import gc
import re

import numpy as np
import pytest
import scipy.integrate

from diffsol import fit, sensitivity, solve_ensemble
from diffsol.integrate import odeint, solve_ivp
from dlpack.producers import doubles

T = np.linspace(0.0, 2.0, 6)
RATES = np.array([0.5, 1.0, 2.0])


def decay(t, y):
    return -RATES * y


def decay_at(t, y, rates):
    return -rates * y


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


def test_long_results_of_odeint_are_shared(torch, jax):
    for _ in range(2):
        assert_shared(torch, jax, odeint(lambda y, t: -y, doubles(3), np.linspace(0, 2, 5000)))


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


TENSORS = {
    "float32": lambda torch: torch.ones(2),
    "float16": lambda torch: torch.ones(2, dtype=torch.float16),
    "integers": lambda torch: torch.ones(2, dtype=torch.int64),
    "bool": lambda torch: torch.ones(2, dtype=torch.bool),
    "complex64": lambda torch: torch.ones(2, dtype=torch.complex64),
    "steps": lambda torch: torch.ones(4)[::2],
    "bfloat16": lambda torch: torch.ones(2, dtype=torch.bfloat16),
    "conjugate": lambda torch: torch.ones(2, dtype=torch.complex128).conj(),
    "number": lambda torch: torch.tensor(1.0),
    "rows": lambda torch: torch.ones(2, 2),
    "sparse": lambda torch: torch.ones(2).to_sparse(),
    "elsewhere": lambda torch: torch.ones(2, device="meta"),
}


@pytest.mark.parametrize("name", TENSORS)
def test_states_of_any_kind_are_read_or_refused_as_by_scipy(torch, name):
    y0 = TENSORS[name](torch)
    try:
        theirs = scipy.integrate.solve_ivp(lambda t, y: -y, (0, 2), y0)
    except Exception as error:
        with pytest.raises(type(error), match=re.escape(str(error))):
            solve_ivp(lambda t, y: -y, (0, 2), y0)
        return
    ours = solve_ivp(lambda t, y: -y, (0, 2), y0)
    assert ours.y.dtype == theirs.y.dtype
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-9)


@pytest.mark.parametrize("solve", [sensitivity.solve_ivp, sensitivity.gradient])
def test_a_tensor_among_the_arguments_is_no_variable(torch, solve):
    options = {} if solve is sensitivity.solve_ivp else {"loss": lambda t, y: (y * y).sum()}

    def fun(t, y, rates):
        return -rates.numpy() * y

    with pytest.warns(UserWarning, match="'rates' of `args` is a Tensor and no variable") as told:
        solve(fun, (0, 2), doubles(3), args=(torch.tensor(RATES),), **options)
    assert any("Tensor" in str(w.message) and w.filename == __file__ for w in told)
