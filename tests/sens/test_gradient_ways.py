"""Forward and backward: the same derivatives."""

import numpy as np
import pytest

from diffsol.errors import CompilationWarning
from diffsol.integrate import solve_ivp
from diffsol.sensitivity import gradient
from diffsol.sensitivity import solve_ivp as sensitivities

from .losses import by_differences, exact_decay, half_square_at_end
from .models import LOTKA_VOLTERRA, decay, logistic

# --- forward, and what cannot go backward ------------------------------------------------------------------


@pytest.mark.parametrize("method", ["RK45", "BDF"])
def test_forward_and_backward_agree(method):
    problem = logistic, (0, 2), [0.5], (1.2, 10.0)
    options = {
        "loss": half_square_at_end,
        "integrand": lambda t, y, r, K: t * y[0] / K,
        "t_eval": [0.5, 1.7],
        "method": method,
        "rtol": 1e-9,
        "atol": 1e-12,
    }
    back, forth = (gradient(*problem, sens=sens, **options) for sens in ("adjoint", "forward"))
    np.testing.assert_allclose(forth.value, back.value, rtol=1e-7)
    np.testing.assert_allclose(forth.flat, back.flat, rtol=1e-6)
    np.testing.assert_allclose(forth.dt0, back.dt0, rtol=1e-6)
    assert forth.names == back.names


def rotation(t, y, w):
    z = (y[0] + 1j * y[1]) * np.exp(1j * w)
    return np.array([-z.imag, z.real])


def test_complex_numbers_on_the_way_go_forward():
    options = {"loss": half_square_at_end, "rtol": 1e-8, "atol": 1e-10}
    with pytest.warns(CompilationWarning, match="adjoint equation cannot be derived.*complex"):
        found = gradient(rotation, (0, 1), [1.0, 0.5], (0.1,), **options)
    wanted = by_differences(
        lambda p: half_square_at_end(
            0,
            solve_ivp(
                rotation, (0, 1), [1.0, 0.5], "DOP853", args=tuple(p), rtol=1e-12, atol=1e-14
            ).y,
        ),
        (0.1,),
        0,
    )
    np.testing.assert_allclose(found.dargs[0], wanted, rtol=1e-5)


def test_a_function_that_cannot_be_traced():
    calls = []

    def fun(t, y, k):
        calls.append(t)
        return -k * y

    with pytest.warns(CompilationWarning):
        found = gradient(
            *(fun, (0, 1), [2.0], (0.5,)), loss=half_square_at_end, rtol=1e-8, atol=1e-10
        )
    exact = exact_decay(0.5, 2.0, 1)[1]
    np.testing.assert_allclose([found.value, *found.flat], exact, rtol=1e-6)


def test_an_integrand_that_cannot_be_traced():
    calls = []

    def integrand(t, y, k):
        calls.append(t)
        return y[0] ** 2

    with pytest.warns(CompilationWarning):
        found = gradient(
            *(decay, (0, 1), [2.0], (0.5,)),
            loss=half_square_at_end,
            integrand=integrand,
            rtol=1e-8,
            atol=1e-10,
        )
    np.testing.assert_allclose([found.value, *found.flat], exact_decay(0.5, 2.0, 1)[0], rtol=1e-6)


# --- solve_ivp(sens="adjoint") -------------------------------------------------------------------------------


@pytest.mark.parametrize("t_eval", [None, [0.3, 1.9]])
@pytest.mark.parametrize("method", ["DOP853", "Radau"])
def test_sensitivities_by_the_adjoint(method, t_eval):
    fun, y0, _, args = LOTKA_VOLTERRA
    options = {"args": args, "rtol": 1e-9, "atol": 1e-12, "max_step": 1.0}
    problem = fun, (0, 2), y0, method, t_eval
    back, forth = (sensitivities(*problem, sens=s, **options) for s in ("adjoint", "discrete"))
    np.testing.assert_array_equal(back.t, forth.t)
    np.testing.assert_allclose(back.y, forth.y, rtol=1e-12)
    np.testing.assert_allclose(back.sens, forth.sens, rtol=1e-6, atol=1e-7)
    assert back.sens_names == forth.sens_names
    np.testing.assert_array_equal(back.sens_y0, back.sens[..., 4:])


def test_another_beginning_goes_back_too():
    options = {"args": (0.7,), "rtol": 1e-9, "atol": 1e-12, "dy0": [[1.0, 0.5]], "dt0": [0.3, 0.1]}
    back, forth = (
        sensitivities(decay, (0, 2), [2.0], "DOP853", [1.0, 2.0], sens=s, **options)
        for s in ("adjoint", "forward")
    )
    np.testing.assert_allclose(back.sens, forth.sens, rtol=1e-7)


def test_the_adjoint_knows_no_events():
    with pytest.raises(ValueError, match=r"adjoint.*events"):
        sensitivities(decay, (0, 1), [1.0], args=(1.0,), sens="adjoint", events=decay)
