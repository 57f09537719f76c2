"""Speed of diffsol's solvers next to SciPy's, interleaved in one run.

    python benchmarks/solve.py [--stiff] [--quick] [--seconds S] [--json FILE]

Each case is a reference problem, a method and a tolerance; warm calls only.  Ratios are SciPy's time
over ours (higher is better).

Non-stiff problems, promised: geometric mean 100 or more, no case under 20, a tiny solve in 30 us, one
Lorenz RK45 trial step in 150 ns, and a first call that is not slower.
Stiff problems (--stiff), promised: geometric mean of BDF and Radau 80 or more, none under 30; LSODA
and odeint 25 or more.
"""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import scipy.integrate

import diffsol
import diffsol.integrate

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))
import problems

METHODS = ("RK23", "RK45", "DOP853")
STIFF_METHODS = ("BDF", "Radau", "LSODA", "odeint")
STIFF_PROBLEMS = ("robertson", "van_der_pol", "hires", "oregonator", "pollution")
TOLERANCES = (1e-3, 1e-6, 1e-9)
# Solves before the clock counts (LSODA compiles the Jacobian of 20 states or more on its way).
WARM_UP = 2


def seconds_of(solve, call):
    """The result of one call and the seconds it took."""
    start = time.perf_counter()
    result = solve(**call)
    return result, time.perf_counter() - start


def compare(solver, call, budget):
    """Best times of both, alternating for about `budget` seconds, and whether steps agree."""
    mine, scipys = getattr(diffsol.integrate, solver), getattr(scipy.integrate, solver)
    ours, theirs = [], []
    for _ in range(WARM_UP):
        mine(**call)
    end = time.perf_counter() + budget
    while not theirs or time.perf_counter() < end:
        theirs.append(seconds_of(scipys, call)[1])
        ours += [seconds_of(mine, call)[1] for _ in range(10)]
    nfev, steps = counts(solver, mine, call)
    return {
        "scipy": min(theirs),
        "diffsol": min(ours),
        "ratio": min(theirs) / min(ours),
        "nfev": nfev,
        "same_counts": (nfev, steps) == counts(solver, scipys, call),
    }


def counts(solver, solve, call):
    """(evaluations, steps) of a solve."""
    if solver == "odeint":
        info = solve(**call, full_output=True)[1]
        return int(info["nfe"][-1]), int(info["nst"][-1])
    result = solve(**call)
    return result.nfev, len(result.t)


def cases(stiff, quick):
    """(problem, method, rtol) of all cases; with `quick` the middle tolerance only."""
    names = STIFF_PROBLEMS if stiff else problems.names("nonstiff")
    for name in names:
        for method in STIFF_METHODS if stiff else METHODS:
            for rtol in TOLERANCES:
                if not quick or rtol == 1e-6:
                    yield name, method, rtol


def problem_call(name, method, rtol):
    """(name of the function in scipy.integrate, its arguments) for one case, the kernel compiled."""
    p = problems.load(name)
    # Warm: the kernel is there, whether or not a single solve would have been worth compiling for.
    solver = "LSODA" if method == "odeint" else method
    diffsol.explain(p.fun, p.t_span, p.y0, p.params, method=solver)
    tolerance = {"rtol": rtol, "atol": p.atol(rtol)}
    if method == "odeint":
        times = p.output_times()
        odeint_only = {"tfirst": True, "mxstep": 100_000}
        call = {"func": p.fun, "y0": p.y0, "t": times, "args": p.params}
        return "odeint", call | odeint_only | tolerance
    call = {"fun": p.fun, "t_span": p.t_span, "y0": p.y0, "args": p.params, "method": method}
    return "solve_ivp", call | tolerance


def decay(t, y):
    return -0.5 * y


def lorenz(t, y):
    a, b, c = y
    return [10.0 * (b - a), a * (28.0 - c) - b, a * b - 8.0 / 3.0 * c]


def tiny_solve(repeats=2000):
    """Seconds of the smallest sensible solve, the whole call: three decaying states."""
    call = {"fun": decay, "t_span": (0, 10), "y0": [2.0, 4.0, 8.0]}
    times = [seconds_of(diffsol.integrate.solve_ivp, call)[1] for _ in range(repeats)]
    return statistics.median(times[repeats // 2 :])


def lorenz_trial(repeats=5):
    """Seconds of one RK45 trial step of the Lorenz system in a long solve."""
    call = {"fun": lorenz, "t_span": (0, 2000), "y0": [1.0, 1.0, 1.0], "t_eval": [2000.0]}
    call |= {"rtol": 1e-6, "atol": 1e-9}
    diffsol.integrate.solve_ivp(**call)
    best = math.inf
    for _ in range(repeats):
        result, seconds = seconds_of(diffsol.integrate.solve_ivp, call)
        # Two evaluations for the start, then six for each trial.
        best = min(best, seconds / ((result.nfev - 2) / 6))
    return best


FIRST_CALL = """
import sys, time
import numpy as np
module = sys.argv[1]
start = time.perf_counter()
solve_ivp = __import__(module + ".integrate", fromlist=["solve_ivp"]).solve_ivp
imported = time.perf_counter()
def fun(t, y):
    return [y[1], -np.sin(y[0])]
solve_ivp(fun, (0, 10), [1.0, 0.0])
print(imported - start, time.perf_counter() - imported)
"""


def first_call(module, repeats=5):
    """Median seconds of (import, first solve) in fresh processes."""
    pairs = []
    for _ in range(repeats):
        run = [sys.executable, "-c", FIRST_CALL, module]
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(run, capture_output=True, text=True, check=True, cwd=folder)
        pairs.append(tuple(map(float, done.stdout.split())))
    return [statistics.median(column) for column in zip(*pairs, strict=True)]


def compare_all(stiff, quick, budget):
    """One row for each case, printed as they come."""
    rows = []
    print(
        f"{'problem':16s} {'method':7s} {'rtol':>6s} {'nfev':>8s} "
        f"{'SciPy':>11s} {'diffsol':>11s} {'ratio':>7s}"
    )
    for name, method, rtol in cases(stiff, quick):
        row = {"problem": name, "method": method, "rtol": rtol}
        row |= compare(*problem_call(name, method, rtol), budget)
        rows.append(row)
        print(
            f"{name:16s} {method:7s} {rtol:6.0e} {row['nfev']:8d} "
            f"{row['scipy'] * 1e3:8.2f} ms {row['diffsol'] * 1e6:8.1f} us {row['ratio']:7.1f}"
            f"{'' if row['same_counts'] else '  other counts'}",
            flush=True,
        )
    return rows


def summary(rows):
    """Geometric mean and lowest of the ratios: for each method, and (unnamed) for all."""
    groups = {method: [r for r in rows if r["method"] == method] for method in methods_of(rows)}
    return {
        method: (statistics.geometric_mean(ratios), min(ratios))
        for method, group in ({"": rows} | groups).items()
        if (ratios := [row["ratio"] for row in group])
    }


def methods_of(rows):
    return dict.fromkeys(row["method"] for row in rows)


def small_figures():
    """What only non-stiff solves are promised: printed and returned."""
    figures = {
        "tiny_solve": tiny_solve(),
        "lorenz_trial": lorenz_trial(),
        "first_call": {module: first_call(module) for module in ("scipy", "diffsol")},
    }
    print(
        f"tiny solve {figures['tiny_solve'] * 1e6:.1f} us, "
        f"Lorenz RK45 trial {figures['lorenz_trial'] * 1e9:.0f} ns"
    )
    for module, (imported, solved) in figures["first_call"].items():
        print(
            f"first call, {module:8s} import {imported * 1e3:6.1f} ms, solve {solved * 1e3:6.2f} ms"
        )
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--stiff", action="store_true", help="stiff problems and their methods")
    parser.add_argument("--quick", action="store_true", help="one tolerance only")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each case, at least")
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    rows = compare_all(options.stiff, options.quick, options.seconds)
    result = {"cases": rows, "ratios": summary(rows)}
    for method, (mean, lowest) in result["ratios"].items():
        print(f"{method or 'all':7s} geometric mean {mean:.1f}, lowest {lowest:.1f}")
    if not options.stiff:
        result |= small_figures()
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
