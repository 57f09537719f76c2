"""What one process has traced and compiled for an ensemble, the next one finds."""

import numpy as np
import pytest

from cache.processes import run

# They start processes: one after the other.
pytestmark = pytest.mark.xdist_group("machine")

SWEEP = """
import numpy as np
import diffsol
rate = {rate}
def fun(t, y, k):
    return [-k * {factor} * y[0], np.exp(-y[1]) * rate + t]
def event(t, y, k):
    return y[0] - 0.5
k = np.linspace(0.5, 2, 11)
sol = diffsol.solve_ensemble(
    fun, (0, 1), [1.0, 0.0], (k,), args_axes=0, events=event, t_eval=[0.5, 1.0], **{options}
)
from diffsol._ensemble import native
if {large}:  # the kernel of all stages, too
    native.STEPS_EXPECTED = 1e9
    sol = diffsol.solve_ensemble(fun, (0, 1), [1.0, 0.0], (k,), args_axes=0, t_eval=[0.5, 1.0])
tell(y=sol.y.tolist(), tier=sol.stats["tier"], counts=sol.n_steps.tolist())
"""


def sweep(folder, rate=1.5, factor=1, large=False, environment=(), **options):
    script = SWEEP.format(rate=rate, factor=factor, large=large, options=options)
    return run(folder, script, **dict(environment))


@pytest.mark.parametrize("method", ["RK45", "DOP853", "Rodas5P"])
def test_second_process_loads_neither_tracer_nor_compiler(tmp_path, method):
    first = sweep(tmp_path, method=method)
    second = sweep(tmp_path, method=method)
    assert len(first["loaded"]) == 3
    assert second["loaded"] == []
    assert second["tier"] == "lanes"
    assert (second["y"], second["counts"]) == (first["y"], first["counts"])


def test_the_kernel_of_all_stages(tmp_path):
    first = sweep(tmp_path, large=True)
    second = sweep(tmp_path, large=True)
    assert "llvmlite" not in second["loaded"]
    assert second["y"] == first["y"]


def test_what_is_read_from_outside_is_a_parameter(tmp_path):
    sweep(tmp_path)
    other = sweep(tmp_path, rate=2.5)
    assert other["loaded"] == []
    assert other["y"] == sweep(tmp_path / "new", rate=2.5)["y"]


def test_another_function_is_another(tmp_path):
    sweep(tmp_path)
    other = sweep(tmp_path, factor=3)
    assert "llvmlite" in other["loaded"]
    assert other["y"] == sweep(tmp_path / "new", factor=3)["y"]


def test_derivatives_of_a_kept_trace(tmp_path):
    sweep(tmp_path)
    stiff = sweep(tmp_path, method="Rodas5P")
    assert "diffsol._trace.trace" not in stiff["loaded"]
    assert stiff["y"] == sweep(tmp_path / "new", method="Rodas5P")["y"]
    assert sweep(tmp_path, method="Rodas5P")["loaded"] == []


def test_switched_off(tmp_path):
    sweep(tmp_path, environment={"DIFFSOL_CACHE": "0"})
    assert list(tmp_path.iterdir()) == []


def test_spoilt_files_are_passed_over(tmp_path):
    first = sweep(tmp_path)
    for path in tmp_path.iterdir():
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    second = sweep(tmp_path)
    assert "llvmlite" in second["loaded"]
    assert second["y"] == first["y"]


DISAGREES = """
import os
import warnings
import numpy as np
import diffsol
def fun(t, y, k):
    return [-k * y[0]]
given = fun, (0, 1), [1.0], (np.linspace(0.5, 2, 5),)
diffsol.solve_ensemble(*given, args_axes=0)
before = len(os.listdir({folder!r}))
from diffsol._ensemble import plan
agrees, plan.agrees = plan.agrees, lambda *given: False
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    diffsol.solve_ensemble(*given, args_axes=0)
plan.agrees = agrees
tell(before=before, after=len(os.listdir({folder!r})), told=caught[0].category.__name__)
"""


def test_a_trace_that_was_wrong_is_not_kept(tmp_path):
    told = run(tmp_path, DISAGREES.format(folder=str(tmp_path)))
    assert told["told"] == "MismatchWarning"
    assert told["after"] == told["before"] - 1


def test_content_is_that_of_the_program_read_again():
    """A kernel is found under the program's content, whether that was traced or read."""
    from diffsol._cache import traces
    from diffsol._cache.programs import content_of
    from diffsol._ensemble import programs
    from diffsol._ensemble import traced as kept_traces
    from diffsol._ensemble.batch import batch_of

    table = np.arange(12.0).reshape(3, 4)

    def fun(t, y, k):
        z = np.concatenate([y[::-1], np.cumsum(y)])[[0, 2, 1]]
        return z * np.interp(t, [0.0, 1.0], [k, 2.0]) + (table @ np.ones(4))[:3].sum()

    batch = batch_of((0, 1), [1.0, 2.0, 3.0], (np.ones(3),), 0)
    programs.programs_of(fun, (), batch, True)
    (record,) = (r for key, r in kept_traces._known.items() if key[0] is fun.__code__)
    (traced,) = record.variants
    kept = traces.KeptTrace(traced.guards, traced.n_params, traced.program, traced.derived)
    (again,) = traces.unpack(traces.pack([kept]))
    for one, other in zip(
        (traced.program, *traced.derived), (again.program, *again.derived), strict=True
    ):
        assert (one is None) == (other is None)
        if one is not None:
            assert content_of(one) == content_of(other)
