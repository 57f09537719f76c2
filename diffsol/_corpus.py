"""``python -m diffsol corpus``: which right-hand sides of a corpus compile, and what that gains.

A corpus is a package whose ``cases()`` lists objects of which is used here: name, family, pure, y0, t_span;
fresh() -> (function, observer); function(fun) -> Function; solve(namespace, fun).
"""

from __future__ import annotations

import contextlib
import importlib
import io
import math
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.integrate

import diffsol.integrate
from diffsol._engine.function import Bound, Function
from diffsol._native._core import ffi, lib
from diffsol._timing import least_seconds
from diffsol._trace.reasons import Refused

SECONDS = 0.05  # for each figure, so that 200 cases are done in about a minute
MOST = 100  # measurements of one figure
DEFAULT = ("tests", "corpus")


class Row(NamedTuple):
    """One line of the table; times and ratios are nan where there are none."""

    case: Any
    refusal: Refused | None
    trace_ms: float = math.nan
    compile_ms: float = math.nan
    fun_ratio: float = math.nan
    solve_ratio: float = math.nan


def load(folder: str | None) -> list[Any]:
    """The cases of the corpus in `folder`, or of a checkout's. FileNotFoundError tells the way out."""
    checkouts = Path.cwd(), Path(diffsol.__file__).parents[1]
    places = [Path(folder)] if folder else [Path(place, *DEFAULT) for place in checkouts]
    for place in places:
        if (place / "__init__.py").is_file():
            sys.path.insert(0, str(place.resolve().parent))
            return importlib.import_module(place.resolve().name).cases()
    raise FileNotFoundError(
        f"no corpus in {' or '.join(map(str, places))}: go to a checkout of diffsol, or name the folder "
        "of a package that has cases() (python -m diffsol corpus FOLDER). The corpus is part of diffsol's "
        "source, not of what pip installs"
    )


def table(cases: list[Any]):
    """The lines of the table, each as soon as it is known."""
    yield f"{'':42}{'':45}{'trace':>8}{'compile':>9}{'times SciPy':>18}"
    yield f"{'case':42}{'outcome':45}{'ms':>8}{'ms':>9}{'fun':>9}{'solve':>9}"
    rows = []
    for case in cases:
        rows.append(row_of(case))
        yield _line(rows[-1])
    yield ""
    yield from _totals(rows)


def row_of(case: Any) -> Row:
    fun, _ = case.fresh()
    function = case.function(fun)
    try:
        bound = function.compile()
    except Refused as refusal:
        return Row(case, refusal, solve_ratio=_solve_ratio(case))
    return Row(
        case,
        None,
        bound.variant.trace_ms,
        bound.variant.kernel.compile_ms,
        _fun_ratio(case, function, bound),
        _solve_ratio(case),
    )


def _fun_ratio(case, function: Function, bound: Bound) -> float:
    """Seconds of one call of the function, as SciPy makes it, over those of its kernel (from Python)."""
    y = np.atleast_1d(np.asarray(case.y0, dtype=complex if function.is_complex else float))
    t = np.float64(case.t_span[0])
    numbers = ffi.from_buffer("double[]", y), ffi.new("double[]", 2 * y.size)

    def kernel():
        lib.ds_kernel_call(bound.pointer, bound.params, 0.0, *numbers)

    with _silence():
        return _best(lambda: function.python(t, y), 100) / _best(kernel, 100)


def _solve_ratio(case) -> float:
    """Seconds of SciPy's solve over those of ours, warm, each time with a fresh function."""
    ours, theirs = (_best_solve(case, m) for m in (diffsol.integrate, scipy.integrate))
    return theirs / ours


def _best_solve(case, namespace) -> float:
    def solve():
        # many end by an exception, which is theirs to raise
        with contextlib.suppress(Exception):
            case.solve(namespace, fresh.pop())

    fresh = [case.fresh()[0] for _ in range(MOST)]
    with _silence():
        solve()
        return _best(solve, 1)


def _best(call, repeats: int) -> float:
    return least_seconds(call, SECONDS, MOST - 1, repeats)


@contextlib.contextmanager
def _silence():
    """What a function writes or warns of is not our subject."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(action="ignore"),
    ):
        yield


def _line(row: Row) -> str:
    name = f"{row.case.family}.{row.case.name}"
    numbers = (
        f"{_number(row.trace_ms, 8)}{_number(row.compile_ms, 9)}"
        f"{_number(row.fun_ratio, 9)}{_number(row.solve_ratio, 9)}"
    )
    return f"{name[:41]:42}{_outcome(row.refusal)[:44]:45}{numbers}"


def _number(value: float, width: int) -> str:
    return f"{'':{width}}" if math.isnan(value) else f"{value:{width}.1f}"


def _outcome(refusal: Refused | None) -> str:
    if refusal is None:
        return "compiles"
    line = f" (line {refusal.where[1]})" if refusal.where else ""
    return f"Python{line}: {refusal.reason.code}, {refusal.detail}"


def _totals(rows: list[Row]):
    pure = [row for row in rows if row.case.pure]
    compiled = [row for row in rows if row.refusal is None]
    good = [row for row in pure if row.refusal is None]
    yield f"{len(rows)} functions, {len(compiled)} compile"
    yield f"{len(good)} of {len(pure)} pure functions compile: {len(good) / max(len(pure), 1):.0%}"
    for name, group in (("compiled", compiled), ("Python", [r for r in rows if r.refusal])):
        ratios = [row.solve_ratio for row in group if row.solve_ratio > 0]
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            yield f"{name}: solves {mean:.1f} times as fast as SciPy's (geometric mean)"
