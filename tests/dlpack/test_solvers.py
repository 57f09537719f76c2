"""Arrays of others as arguments of the solvers: objects with `__dlpack__` and nothing else."""

import numpy as np
import pytest
import scipy.integrate

from diffsol import solve_ensemble
from diffsol.integrate import odeint, solve_ivp
from dlpack.producers import READ_ONLY, Made, Modern, Old, doubles

METHODS = ["RK45", "DOP853", "Radau", "BDF", "LSODA", scipy.integrate.RK23]
T = np.linspace(0.0, 2.0, 5)


def decay(t, y, rates):
    return -rates * y


def decay_first(y, t, rates):
    return -rates * y


def bare(array, versioned=True):
    return (Modern if versioned else Old)(Made(np.array(array), versioned))


RATES = np.array([0.5, 1.0, 2.0])


@pytest.mark.parametrize("versioned", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_solve_ivp(tier, method, versioned):
    expected = solve_ivp(decay, (0, 2), doubles(3), method, T, args=(RATES,))
    y0, t_eval, rates = (bare(x, versioned) for x in (doubles(3), T, RATES))
    found = solve_ivp(decay, (0, 2), y0, method, t_eval, args=(rates,))
    np.testing.assert_array_equal(found.t, expected.t)
    np.testing.assert_array_equal(found.y, expected.y)


@pytest.mark.parametrize("versioned", [False, True])
def test_odeint(tier, versioned):
    expected = odeint(decay_first, doubles(3), T, (RATES,))
    found = odeint(
        decay_first, *(bare(x, versioned) for x in (doubles(3), T)), (bare(RATES, versioned),)
    )
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("versioned", [False, True])
@pytest.mark.parametrize("args_axes", [None, 0])
def test_ensembles(versioned, args_axes):
    y0, rates = doubles(4, 3), RATES if args_axes is None else np.tile(RATES, (4, 1))
    options = dict(args_axes=args_axes, rtol=1e-6)
    expected = solve_ensemble(decay, (0, 2), y0, (rates,), t_eval=T, **options)
    y0, rates, times = (bare(x, versioned) for x in (y0, rates, T))
    found = solve_ensemble(decay, (0, 2), y0, (rates,), t_eval=times, **options)
    np.testing.assert_array_equal(found.y, expected.y)


@pytest.mark.new_kind
def test_args_in_a_list():
    expected = solve_ivp(decay, (0, 2), doubles(3), args=(RATES,))
    found = solve_ivp(decay, (0, 2), doubles(3), args=[bare(RATES)])
    np.testing.assert_array_equal(found.y, expected.y)


@pytest.mark.new_kind
def test_a_capsule_is_a_state():
    found = solve_ivp(decay, (0, 2), Made(doubles(3), True).capsule, args=(RATES,))
    np.testing.assert_array_equal(found.y, solve_ivp(decay, (0, 2), doubles(3), args=(RATES,)).y)


@pytest.mark.new_kind
def test_other_types_are_converted_as_numpys():
    y0 = np.float32([0.1, 0.2, 0.3])
    expected = solve_ivp(decay, (0, 2), y0, args=(RATES,))
    np.testing.assert_array_equal(solve_ivp(decay, (0, 2), bare(y0), args=(RATES,)).y, expected.y)


@pytest.mark.new_kind
def test_deleters_of_arguments():
    """Nothing keeps an array longer than the call."""
    mades = [Made(x, True) for x in (doubles(3), T, RATES)]
    y0, t_eval, rates = map(Modern, mades)
    solve_ivp(decay, (0, 2), y0, t_eval=t_eval, args=(rates,))
    assert [made.deleted for made in mades] == [1, 1, 1]


@pytest.mark.new_kind
def test_states_are_not_written_to():
    array = doubles(3)

    def clamps(t, y):
        y[0] = 0.0
        return -y

    with pytest.raises(ValueError, match="read-only"):
        solve_ivp(clamps, (0, 1), Modern(Made(array, True, flags=READ_ONLY)))
    assert array[0] == 1.0


class Parameters(Modern):
    """More than an array: a function may use what it has."""

    scale = 2.0


class Vector(Modern):
    """With an arithmetic of its own."""

    def __rmul__(self, other):
        return 3.0 * other

    __array_ufunc__ = None


@pytest.mark.parametrize(
    "x, function",
    [
        (Parameters(Made(RATES)), lambda t, y, p: -p.scale * y),
        (Vector(Made(RATES)), lambda t, y, p: -(y * p)),
    ],
)
def test_objects_that_are_more_are_handed_over(tier, x, function):
    seen = []

    def watched(t, y, p):
        seen.append(p)
        return function(t, y, p)

    theirs = scipy.integrate.solve_ivp(watched, (0, 1), [1.0], args=(x,))
    ours = solve_ivp(watched, (0, 1), [1.0], args=(x,))
    assert all(p is x for p in seen)
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-12)


def test_an_argument_is_not_asked_for_names_that_it_makes_up(tier):
    class Proxy:
        def __getattr__(self, name):
            asked.append(name)
            raise AttributeError(name)

    asked: list = []
    solve_ivp(lambda t, y, p: -y, (0, 1), [1.0], args=(Proxy(),))
    assert "__dlpack__" not in asked


def test_a_class_is_no_array():
    """It has `__dlpack__` for its instances."""
    seen = []

    def fun(t, y, kind):
        seen.append(kind)
        return -y

    solve_ivp(fun, (0, 1), [1.0], args=(Modern,))
    assert all(kind is Modern for kind in seen)


# --- what comes back --------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 9])
@pytest.mark.parametrize("t_eval", [None, [0.0], T, np.linspace(0, 2, 1001), []])
@pytest.mark.parametrize("method", METHODS[:5])
def test_results_lie_as_others_want_them(tier, method, t_eval, n):
    for k in (1.0, 1.0 + 0.5j) if method in ("RK45", "DOP853", "BDF") else (1.0,):
        found = solve_ivp(lambda t, y: -y, (0, 2), k * doubles(n), method, t_eval)
        if t_eval is not None and not len(t_eval):
            assert found.t == found.y == []
            continue
        for array in (found.t, found.y):
            assert array.flags.c_contiguous
            assert array.flags.aligned
            assert array.ctypes.data % 64 == 0
        assert found.y.shape == (n, len(found.t))
        theirs = scipy.integrate.solve_ivp(lambda t, y: -y, (0, 2), k * doubles(n), method, t_eval)
        if theirs.y.shape == found.y.shape:
            np.testing.assert_allclose(found.y, theirs.y, rtol=1e-2)


@pytest.mark.filterwarnings("ignore:.*is not compiled")  # complex states
@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("k", [1.0, 1.0 + 0.5j])
@pytest.mark.parametrize("t_eval", [None, T])
def test_ensembles_lie_as_others_want_them(size, k, t_eval):
    found = solve_ensemble(lambda t, y: -y, (0, 2), k * doubles(size, 3), t_eval=t_eval)
    for array in (found.y, found.y_final, found.t_final, *([] if t_eval is None else [found.t])):
        assert array.ctypes.data % 64 == 0
        assert array.dtype == (type(k) if array.ndim > 1 else float)
        in_order = array if array is not found.y or t_eval is None else array.swapaxes(1, 2)
        assert in_order.flags.c_contiguous


def test_backward_in_time():
    found = solve_ivp(lambda t, y: -y, (2, 0), doubles(2), t_eval=T[::-1])
    assert all(step > 0 for step in (*found.t.strides, *found.y.strides))


@pytest.mark.parametrize("times", [5, 5000])
def test_odeint_lies_as_others_want_it(tier, times):
    """A small one is copied sooner than such a place is found. The second solve goes another way than the first."""
    for _ in range(2):
        found = odeint(lambda y, t: -y, doubles(3), np.linspace(0, 2, times))
        assert found.flags.c_contiguous
        assert found.dtype == float
        assert times < 1000 or found.ctypes.data % 64 == 0
