"""Trajectories a second of `solve_ensemble`, next to SciPy and to what other packages have for many solves.

    python benchmarks/ensemble.py [--repeats N] [--size N] [--prototypes FOLDER] [--json FILE]

All solve the same trajectories, by Dormand and Prince's method (RK45) unless it says otherwise, to the same
tolerances, parameters shuffled, on one thread, or two where it says so (whose figure is by the clock on the
wall); figures are per second of one processor, the best of interleaved rounds. Packages that are not installed are
left out. --prototypes: the folder of the hand-written lanes in C, which gcc compiles.
"""

import argparse
import ctypes
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import types

import numpy as np
import scipy.integrate

import diffsol
import diffsol.integrate
from diffsol._ensemble import native

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))
from gpu.problems import hodgkin_huxley, lorenz

RTOL, ATOL, END = 1e-6, 1e-9, 10.0


PROBLEMS = {
    "lorenz": (lorenz, [1.0, 1.0, 1.0], (0.0, 21.0)),
    "hodgkin_huxley": (hodgkin_huxley, [-65.0, 0.05, 0.6, 0.32], (0.0, 20.0)),
}


def parameters(name, size):
    low, high = PROBLEMS[name][2]
    return np.random.default_rng(0).permutation(np.linspace(low, high, size))


def ours(name, size, width=None, threads=1):
    fun, start, _ = PROBLEMS[name]
    values = parameters(name, size)
    widest = native.lanes
    if width is not None:
        native.lanes = lambda: width
    try:
        call = lambda: diffsol.solve_ensemble(  # noqa: E731
            fun, (0.0, END), start, (values,), args_axes=0, rtol=RTOL, atol=ATOL, threads=threads
        )
        clock = time.process_time if threads == 1 else time.perf_counter
        begun = clock()
        sol = call()
        seconds = clock() - begun
    finally:
        native.lanes = widest
    return seconds / size, sol


def one_by_one(name, size, most, solve):
    """Seconds of one of at most so many calls solve(start, value), after one that is not counted."""
    start, values = PROBLEMS[name][1], parameters(name, size)[:: max(1, size // most)]
    solve(start, values[0])
    begun = time.process_time()
    for value in values:
        solve(start, value)
    return (time.process_time() - begun) / len(values)


def loop_by(solve_ivp, name, size, most):
    def solve(start, value):
        solve_ivp(PROBLEMS[name][0], (0.0, END), start, args=(value,), rtol=RTOL, atol=ATOL)

    return one_by_one(name, size, most, solve)


def cyrk(name, size):
    from CyRK import nbsolve_ivp
    from numba import njit

    inner = njit(PROBLEMS[name][0])
    fun = njit(lambda t, y, value: np.array(inner(t, y, value)))
    options = {"rtol": RTOL, "atol": ATOL, "warnings": False}

    def solve(start, value):
        nbsolve_ivp(fun, (0.0, END), np.array(start), args=(value,), **options)

    return one_by_one(name, size, 500, solve)


def numbalsoda(name, size):
    import numba
    from numbalsoda import dop853, lsoda_sig

    fun, start, _ = PROBLEMS[name]
    inner, n = numba.njit(fun), len(start)

    @numba.cfunc(lsoda_sig)
    def rhs(t, u, du, p):
        values = inner(t, numba.carray(u, (n,)), p[0])
        for i in range(n):
            du[i] = values[i]

    times = np.array([0.0, END])

    def solve(start, value):
        dop853(rhs.address, np.array(start), times, np.array([value]), rtol=RTOL, atol=ATOL)

    return one_by_one(name, size, 2000, solve)


def heyoka(name, values, tol=RTOL):
    """(seconds of one trajectory, where they ended) by Taylor series of as many at once as suit the processor."""
    import heyoka as hy

    fun, start, _ = PROBLEMS[name]
    width = hy.recommended_simd_size()
    symbols = hy.make_vars(*(f"y{i}" for i in range(len(start))))
    scope = {**fun.__globals__, "np": types.SimpleNamespace(exp=hy.exp)}
    equations = types.FunctionType(fun.__code__, scope)(hy.time, symbols, hy.par[0])
    solver = hy.taylor_adaptive_batch(
        list(zip(symbols, equations, strict=True)),
        np.ones((len(start), width)),
        pars=np.ones((1, width)),
        tol=tol,
    )
    first = np.array(start)[:, None]

    def solve(values):
        solver.set_time(0.0)
        solver.state[:], solver.pars[0] = first, values
        solver.propagate_until(END)
        return solver.state.copy()

    groups = values[: len(values) // width * width].reshape(-1, width)
    solve(groups[0])
    begun = time.process_time()
    ends = [solve(group) for group in groups]
    return (time.process_time() - begun) / groups.size, np.concatenate(ends, axis=1)


class HandWritten:
    """The prototypes' lanes: Lorenz with everything inlined by gcc."""

    def __init__(self, folder, width):
        build = pathlib.Path(tempfile.mkdtemp())
        name = build / "lanes.so"
        subprocess.run(
            [
                *("gcc", "-O3", "-march=native", "-ffp-contract=off", f"-DDS_LANES={width}", "-shared", "-fPIC"),
                *('-DRHSH="rhs_lorenz.h"', "cpu.c", "-o", str(name), "-lm"),
            ],
            cwd=folder,
            check=True,
        )  # fmt: skip
        self._solve = ctypes.CDLL(str(name)).solve
        self._solve.restype = ctypes.c_long

    def __call__(self, name, size):
        y0 = np.ones((3, size))
        p = np.stack([np.full(size, 10.0), parameters(name, size), np.full(size, 8.0 / 3.0)])
        y, steps, rejected = np.empty((3, size)), np.empty(size, np.int32), np.empty(size, np.int32)
        numbers = map(ctypes.c_double, (0.0, END, RTOL, ATOL))
        begun = time.process_time()
        self._solve(
            ctypes.c_long(size),
            *map(_pointer, (y0, p)),
            *numbers,
            *map(_pointer, (y, steps, rejected)),
        )
        return (time.process_time() - begun) / size


def _pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def solvers(name, prototypes):
    """{name: function of the number of trajectories that gives seconds of one}."""
    widest = native.lanes()
    found = {f"solve_ensemble, {w} lanes": _of_width(name, w) for w in (1, 2, 4, 8) if w <= widest}
    found["solve_ensemble, 2 threads"] = lambda size: ours(name, size, threads=2)[0]
    if prototypes and name == "lorenz":
        for width in (1, widest):
            lanes = HandWritten(prototypes, width)
            found[f"hand-written C, {width} lanes"] = lambda size, lanes=lanes: lanes(name, size)
    return found | {
        "diffsol.integrate, loop": lambda size: loop_by(
            diffsol.integrate.solve_ivp, name, size, 2000
        ),
        "CyRK": lambda size: cyrk(name, size),
        "heyoka (Taylor, batches)": lambda size: heyoka(name, parameters(name, size)[:2000])[0],
        "numbalsoda (DOP853)": lambda size: numbalsoda(name, size),
        "SciPy": lambda size: loop_by(scipy.integrate.solve_ivp, name, size, 40),
    }


def _of_width(name, width):
    return lambda size: ours(name, size, width)[0]


def measure(name, size, repeats, prototypes):
    running, best = solvers(name, prototypes), {}
    for _ in range(repeats + 1):  # the first warms up, and compiles
        for label, solve in list(running.items()):
            try:
                seconds = solve(size)
            except ImportError as error:
                print(f"{label}: not installed ({error.name})")
                del running[label]
                continue
            best[label] = min(best.get(label, seconds), seconds)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--prototypes", help="folder of the hand-written lanes")
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    result = {}
    for name in PROBLEMS:
        best = result[name] = measure(name, options.size, options.repeats, options.prototypes)
        attempts = np.mean([ours(name, 1000)[1].n_steps + ours(name, 1000)[1].n_rejected])
        print(f"{name}: trajectories a second, ns for one trial step, times SciPy, ours as fast")
        ours_best = min(best[label] for label in best if "lanes" in label and "ensemble" in label)
        for label, seconds in best.items():
            print(
                f"  {label:28s}{1 / seconds:12.0f}{seconds / attempts * 1e9:10.1f}"
                f"{best['SciPy'] / seconds:9.1f}{seconds / ours_best:9.1f}"
            )
        print(
            f"  occupancy of lanes, shuffled: {ours(name, options.size)[1].stats['occupancy']:.4f}"
        )
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
