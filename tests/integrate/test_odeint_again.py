"""odeint called again with the same function: the checks that are not repeated are not missed."""

import gc
import threading
import warnings
import weakref

import numpy as np
import pytest
import scipy.integrate

from diffsol._engine import kernels
from diffsol.integrate import odeint

rate = 1.0


def decay(y, t):
    return [-rate * y[0], y[0] - 0.5 * rate * y[1]]


def scaled(y, t, k):
    return [-k * y[0], k * y[0] - 0.1 * y[1]]


def root(y, t):
    return [np.sqrt(1.0 - t) - 0.1 * y[0], -y[1]]


TIMES = np.linspace(0, 2, 9)
Y0 = [1.0, 0.5]


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    """Kernels from the first step on."""
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    kernels.clear()


def idle(fun):
    """Solvers that wait for the next solve of this function."""
    return [warm for r in kernels.records() if r.name == fun.__qualname__ for warm in r.idle]


def warm_up(fun, *args, **options):
    """Solve until the next solve begins where this one's checks ended."""
    for _ in range(4):
        odeint(fun, Y0, TIMES, args, **options)
    assert idle(fun)


def agree(fun, y0=Y0, t=TIMES, args=(), **options):
    """Ours and SciPy's: the same to what rounding allows, all outputs alike."""
    theirs = scipy.integrate.odeint(fun, y0, t, args, **options)
    ours = odeint(fun, y0, t, args, **options)
    if options.get("full_output"):
        for name, column in theirs[1].items():
            if name in ("nst", "nfe", "nje", "nqu", "mused", "imxer", "lenrw", "leniw"):
                np.testing.assert_array_equal(ours[1][name], column, err_msg=name)
        assert ours[1].keys() == theirs[1].keys()
        assert ours[1]["message"] == theirs[1]["message"]
        ours, theirs = ours[0], theirs[0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_a_global_changed_between_two_calls_is_seen(monkeypatch):
    warm_up(decay)
    for value in (2.0, 0.25, 3, np.float64(0.5)):
        monkeypatch.setitem(globals(), "rate", value)
        agree(decay)


def test_a_nan_is_what_it_is_to_scipy():
    """The C code goes on with it and succeeds, Fortran fails."""
    warm_up(scaled, 1.0, full_output=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = (
            solve(scaled, Y0, TIMES, (np.nan,), full_output=True)[1]["message"]
            for solve in (odeint, scipy.integrate.odeint)
        )
    assert ours == theirs


def test_other_arguments_are_seen():
    warm_up(scaled, 1.0)
    for k in (2.0, 3, True, np.float64(0.5), 1.0):
        agree(scaled, args=(k,))
    with pytest.raises(TypeError):
        odeint(scaled, Y0, TIMES, ())


def test_a_new_function_of_the_same_code_is_seen():
    def make(k):
        return lambda y, t: [-k * y[0], -y[1]]

    for k in (1.0, 2.0, 3.0, 1.0):
        agree(make(k))


@pytest.mark.parametrize(
    "given", [list, tuple, np.array, np.float32, lambda v: np.array(v)[::-1][::-1]]
)
def test_states_and_times_of_all_kinds(given):
    warm_up(decay)
    agree(decay, given(Y0), given([0.0, 0.5, 1.0]))
    agree(decay, [1, 2], [0, 1, 2])
    agree(decay, Y0, [0.0, 0.0, 1.0, 1.0, 0.5][:4])
    agree(decay, Y0, [2.0, 1.0, 0.0])
    agree(decay, np.array([9.0, 1.0, 9.0, 0.5])[1::2], np.linspace(0, 2, 9)[::2])


def test_times_out_of_order():
    warm_up(decay)
    with pytest.raises(ValueError, match="monotonically increasing"):
        odeint(decay, Y0, [0.0, 1.0, 0.5])
    agree(decay)


@pytest.mark.parametrize(
    "options",
    [{"rtol": 1e-5}, {"atol": 1e-4, "rtol": 1e-4}, {"hmax": 0.01}, {"mxordn": 2}, {"mxstep": 5000},
     {"full_output": True}, {"full_output": 1, "h0": 1e-3}, {"rtol": np.array([1e-5, 1e-7])},
     {"tcrit": [0.77]}, {"ml": 1, "mu": 0}],
    ids=str,
)  # fmt: skip
def test_other_options_are_seen(options):
    warm_up(decay)
    for _ in range(4):
        agree(decay, **options)
        agree(decay)


@pytest.mark.parametrize("names", [["rtol"], ["atol"], ["rtol", "atol"]], ids=str)
def test_tolerances_that_are_arrays_are_read_each_time(names):
    def arrays(*values):
        return {name: np.array(values) for name in names}

    warm_up(decay, **arrays(1e-5, 1e-7))
    kept = arrays(1e-5, 1e-7)
    for _ in range(3):
        agree(decay, full_output=True, **arrays(1e-3, 1e-9))
        agree(decay, full_output=True, **arrays(1e-8, 1e-6))
        agree(decay, full_output=True, **kept)
        for array in kept.values():
            array *= 0.1
    agree(decay, **{name: np.array([1e-5, 1e-7, 0.0])[:2] for name in names})
    agree(decay, **{name: np.float32([1e-5, 1e-7]) for name in names})
    with pytest.raises(Exception, match="same length"):
        odeint(decay, Y0, TIMES, **arrays(1e-5, 1e-6, 1e-7))


def test_an_option_of_another_type_is_refused():
    warm_up(decay, mxstep=0, col_deriv=0)
    for wrong in ({"mxstep": 0.0}, {"col_deriv": 0.0}):
        with pytest.raises(TypeError):
            odeint(decay, Y0, TIMES, **wrong)
    with pytest.raises(Exception, match="must be in a tuple"):
        odeint(decay, Y0, TIMES, [1.0])


def test_a_failure_is_told_again():
    warm_up(decay, mxstep=1000)
    few = 3
    for _ in range(4):
        with pytest.warns(scipy.integrate.ODEintWarning, match="Excess work") as caught:
            y = odeint(decay, Y0, TIMES, mxstep=few)
        assert caught[0].filename == __file__
        assert np.isnan(y[-1]).all()
        assert np.array_equal(y[0], Y0)


@pytest.mark.filterwarnings("ignore::scipy.integrate.ODEintWarning")
def test_where_the_kernel_asks_for_python_numpy_warns():
    for _ in range(4):
        odeint(root, Y0, [0.0, 0.5])
    assert idle(root)
    with pytest.warns(RuntimeWarning, match="sqrt"):
        odeint(root, Y0, [0.0, 1.5])
    agree(root, t=[0.0, 0.5])


def test_switches_are_seen(monkeypatch):
    warm_up(decay)
    record = next(r for r in kernels.records() if r.name == "decay")
    uses = record.variants[0].uses
    monkeypatch.setenv("DIFFSOL_JIT", "0")
    odeint(decay, Y0, TIMES)
    monkeypatch.delenv("DIFFSOL_JIT")
    with np.errstate(under="raise"):
        odeint(decay, Y0, TIMES)
    assert record.variants[0].uses == uses
    odeint(decay, Y0, TIMES)
    odeint(decay, Y0, TIMES)
    assert record.variants[0].uses == uses + 2


def test_kernels_that_are_forgotten_are_not_used():
    warm_up(decay)
    warm = idle(decay)[0]
    record = next(r for r in kernels.records() if r.name == "decay")
    record.forget()
    assert not record.idle
    assert not warm.fits(record, decay, ())


def test_kernels_are_still_compared_with_the_function():
    for _ in range(40):
        odeint(decay, Y0, TIMES)
    variant = next(r for r in kernels.records() if r.name == "decay").variants[0]
    assert variant.uses >= 39
    assert 39 < variant.verify_at < 80


def test_arguments_are_let_go():
    def fun(y, t, block):
        return [-block[0] * y[0], -y[1]]

    warm_up(fun, np.array([1.0]))
    block = np.array([2.0])
    alive = weakref.ref(block)
    gc.disable()
    try:
        odeint(fun, Y0, TIMES, (block,))
        del block
        assert alive() is None
    finally:
        gc.enable()


def test_results_are_not_shared():
    first = odeint(decay, Y0, TIMES, full_output=True)
    copies = first[0].copy(), first[1]["hu"].copy()
    for start in ([3.0, 4.0], [5.0, 6.0]):
        odeint(decay, start, TIMES, full_output=True)
    np.testing.assert_array_equal(first[0], copies[0])
    np.testing.assert_array_equal(first[1]["hu"], copies[1])


def test_nested_and_in_threads(monkeypatch):
    def outer(y, t):
        return odeint(scaled, Y0, [0.0, 0.25], (1.0 + t,))[1] * y

    warm_up(scaled, 1.0)
    monkeypatch.setenv("DIFFSOL_JIT", "1")
    wanted = scipy.integrate.odeint(outer, Y0, TIMES)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(odeint(outer, Y0, TIMES))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    for y in results:
        np.testing.assert_allclose(y, wanted, rtol=1e-7)
