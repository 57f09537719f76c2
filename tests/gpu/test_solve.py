"""`solve_ensemble` on a GPU as its user meets it, over a CuPy that is not there."""

import sys

import numpy as np
import pytest

from diffsol import solve_ensemble
from diffsol._cache import files
from diffsol._ensemble.cuda import device, solver
from diffsol.errors import DeviceError, NotCompiledError

from . import fake
from .problems import PROBLEMS, chain, lorenz
from .test_bits import assert_same, solved


def decay(t, y, r):
    return -r * y


def test_results_stay_on_the_device(gpu):
    result = solved("lorenz", "RK45", t_eval=[1.0, 2.0], events=PROBLEMS["lorenz"].watched())
    for values in (
        result.y,
        result.y_final,
        result.t_final,
        result.status,
        result.success,
        result.nfev,
    ):
        assert isinstance(values, fake.DeviceArray)
    assert all(
        isinstance(values, fake.DeviceArray) for values in (*result.t_events, *result.y_events)
    )
    assert result.y.shape == (40, 3, 2)
    assert result.stats["tier"] == "cuda"
    assert "40 trajectories" in repr(result)
    np.testing.assert_array_equal(result[3].y.get(), result.y[3].get()[:, : result[3].y.shape[1]])


def test_parts_of_a_result_stay_there_too(gpu):
    result = solved("lorenz", "RK45", t_eval=[1.0, 2.0], events=PROBLEMS["lorenz"].watched())
    late = result.t_final > 1.0
    for which, rows in ((slice(3, 9), slice(3, 9)), (late, late.get()), ([5, 2], [5, 2])):
        part = result[which]
        assert isinstance(part.y, fake.DeviceArray)
        np.testing.assert_array_equal(part.y.get(), result.y.get()[rows])
        np.testing.assert_array_equal(part.t_events[0].get(), result.t_events[0].get()[rows])


def test_until_an_event(gpu):
    def half(t, y, r):
        return y[0] - 0.5

    half.terminal = True
    options = {"args_axes": 0, "events": half}
    given = decay, (0, np.inf), [1.0], (np.linspace(1.0, 2.0, 5),)
    result = solve_ensemble(*given, device="cuda", **options)
    assert_same(result, solve_ensemble(*given, **options))
    assert (result.status.get() == 1).all()


def test_statistics_of_none_that_succeeded(gpu):
    found = solve_ensemble(
        lambda t, y, r: r * y**2, (0, 1), [1.0], (np.array([3.0, 4.0]),), args_axes=0, device="cuda",
        reduce=("mean", "var", "min", "max", "quantiles"),
    )  # fmt: skip
    assert found.count == 0
    for values in (found.mean, found.var, found.min, found.max, found.quantiles(0.5)):
        assert values.shape == (1,)
        assert np.isnan(values).all()


def test_arrays_on_the_device_are_not_copied(gpu, monkeypatch):
    pointers = []
    point = solver.Arguments.point
    monkeypatch.setattr(
        solver.Arguments,
        "point",
        lambda self, name, array: (pointers.append((name, array)), point(self, name, array)),
    )
    y0, rate = gpu.asarray(np.ones((7, 2))), gpu.asarray(np.linspace(1.0, 2.0, 7))
    result = solve_ensemble(decay, (0, 1), y0, (rate,), args_axes=0, device="cuda")
    given = dict(pointers)
    assert given["y0"].data.ptr == y0.data.ptr
    assert given["q"].data.ptr == rate.data.ptr
    wanted = solve_ensemble(decay, (0, 1), y0.get(), (rate.get(),), args_axes=0)
    assert_same(result, wanted)


def test_arrays_of_others(gpu):
    """What says by DLPack that it is on a GPU; a shared argument there is read as any other; times too."""

    class Foreign:
        def __init__(self, values):
            self.values = values

        def __dlpack_device__(self):
            return 2, 0

    def fun(t, y, r, shared):
        return -r * y * shared.sum()

    y0, rate, shared = np.ones((5, 2)), np.linspace(1.0, 2.0, 5), np.array([0.5, 0.25])
    times = np.array([0.5, 1.0])
    wanted = solve_ensemble(fun, (0, 1), y0, (rate, shared), args_axes=(0, None), t_eval=times)
    args = (Foreign(rate), gpu.asarray(shared))
    more = {"args_axes": (0, None), "t_eval": gpu.asarray(times), "device": "cuda"}
    assert_same(solve_ensemble(fun, (0, 1), Foreign(y0), args, **more), wanted)


def test_finished_ones_are_left_out(gpu, slices, monkeypatch):
    """Launches are of fewer trajectories once many are done; the bits do not change."""
    counts = []
    advance = device.Kernels.advance
    monkeypatch.setattr(
        device.Kernels,
        "advance",
        lambda self, a, count: (counts.append(count), advance(self, a, count)),
    )
    slices(3)
    given = (decay, (0.0, 10.0), [1.0], (np.geomspace(1e-3, 50.0, 64),))
    assert_same(*(solve_ensemble(*given, args_axes=0, device=d) for d in ("cuda", "cpu")))
    assert counts[0] == 64
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < 20


def test_short_launches_become_longer(gpu, monkeypatch):
    lengths = []
    monkeypatch.setattr(solver, "ATTEMPTS", 3)
    monkeypatch.setattr(solver, "LEAST_SECONDS", 10.0)
    monkeypatch.setattr(solver, "MOST_ATTEMPTS", 20)
    advance = solver.Solver._advance
    monkeypatch.setattr(
        solver.Solver,
        "_advance",
        lambda self, *given: (lengths.append(given[1]), advance(self, *given))[1],
    )
    assert_same(solved("lorenz", "RK45"), solved("lorenz", "RK45", "cpu"))
    assert lengths[:5] == [3, 6, 12, 20, 20]


def test_several_devices_and_chunks(gpu):
    """Chunk after chunk on two devices; the result is the same, and lies on the first."""
    given = (decay, (0.0, 3.0), [1.0, 2.0], (np.linspace(0.1, 5.0, 10_000),))
    wanted = solve_ensemble(*given, args_axes=0)
    found = solve_ensemble(*given, args_axes=0, device="cuda", devices=[0, 1], chunk=4096)
    assert_same(found, wanted)


def test_reductions_agree_with_the_cpu(gpu):
    given = (decay, (0.0, 3.0), [1.0, 2.0], (np.linspace(0.1, 5.0, 10_000),))
    what = ("mean", "var", "min", "max", "quantiles", lambda result: len(result))
    more = {"args_axes": 0, "reduce": what, "t_eval": [1.0, 2.0], "chunk": 4096}
    found, wanted = (solve_ensemble(*given, device=d, **more) for d in ("cuda", "cpu"))
    for name in ("mean", "var", "min", "max"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-12)
    np.testing.assert_array_equal(found.quantiles(0.3), wanted.quantiles(0.3))
    assert (found.count, found.status, found.results) == (
        wanted.count,
        wanted.status,
        wanted.results,
    )


def test_what_a_kernel_gives_up_is_solved_in_python(gpu):
    """Integer division by zero asks for Python, which raises or warns as it does for SciPy."""

    def fun(t, y, k):
        return -y * (6 // k)

    rates = np.array([1, 2, 3])
    assert_same(
        *(
            solve_ensemble(fun, (0, 1), [1.0], (rates,), args_axes=0, device=d)
            for d in ("cuda", "cpu")
        )
    )


def test_trapped_trajectories_are_redone(gpu):
    def fun(t, y, k):
        m = np.array([[k, 1.0], [1.0, k]])
        return np.linalg.solve(m, y)

    given = (fun, (0.0, 0.1), [1.0, 0.5], (np.array([2.0, 3.0]),))
    assert_same(*(solve_ensemble(*given, args_axes=0, device=d) for d in ("cuda", "cpu")))
    with pytest.raises(np.linalg.LinAlgError):
        solve_ensemble(*given[:3], (np.array([2.0, 1.0]),), args_axes=0, device="cuda")


def test_progress_and_interrupt_between_launches(gpu, slices, monkeypatch):
    slices(5)
    monkeypatch.setattr("diffsol._ensemble.solve.PROGRESS_EVERY", 0.0)
    seen = []
    solved("lorenz", "RK45", progress=seen.append)
    assert [p.n_done for p in seen] == sorted(p.n_done for p in seen)
    assert seen[-1].over
    assert 0 < seen[len(seen) // 2].n_done < 40 or len({p.n_done for p in seen}) > 2

    def interrupt(progress):
        raise KeyboardInterrupt

    for devices in (None, [0, 1]):
        with pytest.raises(KeyboardInterrupt):
            solved("lorenz", "RK45", progress=interrupt, devices=devices)


def test_a_cubin_is_compiled_once_and_kept_on_disk(gpu, compiler, monkeypatch, tmp_path):
    monkeypatch.setenv("DIFFSOL_CACHE", "1")
    monkeypatch.setenv("DIFFSOL_CACHE_DIR", str(tmp_path / "cache"))
    before = len(compiler.calls)
    for _ in range(2):
        solved("lorenz", "RK45")  # compiled, then from memory
        device._loaded.clear()
        solved("lorenz", "RK45")  # from disk
    assert len(compiler.calls) == before + 1
    assert len(files.listed(files.folder())) == 1
    solved("lorenz", "RK45", fmad=True)
    assert len(compiler.calls) == before + 2
    assert "--fmad=true" in compiler.calls[-1]
    assert "--fmad=false" in compiler.calls[-2]
    assert "--gpu-architecture=sm_90" in compiler.calls[-1]


# --- what is refused ------------------------------------------------------------------------------


def test_no_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(
        DeviceError, match=r"needs CuPy, which is missing.*diffsol\[cuda12\].*device='cpu'"
    ):
        solved("lorenz", "RK45")


def test_no_driver(gpu, monkeypatch):
    def fails():
        raise fake.CUDARuntimeError(
            "cudaErrorInsufficientDriver: CUDA driver version is insufficient"
        )

    monkeypatch.setattr(gpu.cuda.runtime, "getDeviceCount", fails)
    with pytest.raises(
        DeviceError, match=r"cudaErrorInsufficientDriver.*diffsol\[cuda12\].*device='cpu'"
    ):
        solved("lorenz", "RK45")


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA"])
def test_methods_of_many_orders(gpu, method):
    with pytest.raises(ValueError, match="use 'Rodas5P'"):
        solved("lorenz", method)


@pytest.mark.parametrize(
    "method, n, dtype",
    [("RK45", 17, "float64"), ("Rodas5P", 9, "float64"), ("RK45", 33, "float32")],
)
def test_too_many_components(gpu, method, n, dtype):
    with pytest.raises(ValueError, match=f"at most {n - 1} components of {dtype}.*device='cpu'"):
        solve_ensemble(
            chain, (0, 1), np.ones((2, n)), (1.0,), method=method, device="cuda", dtype=dtype
        )


def test_a_function_that_is_not_compiled(gpu):
    def fun(t, y):
        print(t)
        return -y

    with pytest.raises(NotCompiledError, match=r"device='cuda'.*'.*fun'.*prints.*device='cpu'"):
        solve_ensemble(fun, (0, 1), np.ones((3, 1)), device="cuda")


def test_a_kernel_that_disagrees_with_its_function(gpu, monkeypatch):
    monkeypatch.setattr("diffsol._ensemble.cuda.plan.agrees", lambda plan, batch: False)
    with pytest.raises(NotCompiledError, match=r"disagreed with the Python function.*device='cpu'"):
        solved("lorenz", "RK45")


@pytest.mark.parametrize(
    "more, told",
    [
        ({"device": "gpu"}, "`device` must be"),
        ({"device": "cpu", "dtype": "float32"}, "are for device='cuda'"),
        ({"device": "cpu", "devices": [0]}, "are for device='cuda'"),
        ({"devices": [2]}, "of which there are 2"),
        ({"devices": [0, 0]}, "twice"),
        ({"devices": []}, "numbers of GPUs"),
        ({"dtype": "float16"}, "`dtype` must be one of"),
        ({"executor": object()}, "`executor` is for"),
    ],
)
def test_arguments(gpu, more, told):
    with pytest.raises(ValueError, match=told):
        solve_ensemble(lorenz, (0, 1), np.ones((2, 3)), (1.0,), **({"device": "cuda"} | more))


def test_complex_states(gpu):
    with pytest.raises(ValueError, match="Complex states"):
        solve_ensemble(decay, (0, 1), np.ones((2, 1)) * 1j, (1.0,), device="cuda")


def test_nothing_of_it_is_imported_for_the_cpu():
    import subprocess

    text = (
        "import sys, diffsol; diffsol.solve_ensemble(lambda t, y: -y, (0, 1), [[1.0], [2.0]]);"
        "assert not {'cupy', 'diffsol._ensemble.cuda'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", text], check=True)
