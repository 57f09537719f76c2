"""What accuracy costs in an ensemble: the methods of `solve_ensemble` next to heyoka's Taylor series.

    pip install heyoka
    python benchmarks/ensemble_accuracy.py [--repeats N] [--json FILE]

Step sizes of different methods follow the same tolerance to different errors, so each runs with several. The error is
that of the end of a trajectory, relative to 1 + |y|, against SciPy's DOP853 at rtol = 1e-13; figures are trajectories
per second of one processor, on one thread. "at 1e-6": read off the line between the two neighbours, both logarithmic.
"""

import argparse
import json
import pathlib
import time

import numpy as np
import scipy.integrate

import diffsol
from ensemble import END, PROBLEMS, heyoka, parameters

DIFFERENT, REPEATED = 100, 40  # trajectories with a reference, and how often they are solved
TOLERANCES = tuple(10.0**-k for k in range(3, 12))
AIMS = (1e-5, 1e-6, 1e-7, 1e-8)


def reference(name, values):
    fun, start, _ = PROBLEMS[name]
    solve = lambda value: scipy.integrate.solve_ivp(  # noqa: E731
        fun, (0.0, END), start, "DOP853", args=(value,), rtol=1e-13, atol=1e-15
    )
    return np.stack([solve(value).y[:, -1] for value in values], axis=1)


def by_diffsol(method):
    def solve(name, values, rtol):
        fun, start, _ = PROBLEMS[name]
        call = lambda: diffsol.solve_ensemble(  # noqa: E731
            fun, (0.0, END), start, (values,), args_axes=0, method=method, rtol=rtol, atol=1e-3 * rtol, threads=1
        )  # fmt: skip
        call()
        begun = time.process_time()
        sol = call()
        return (time.process_time() - begun) / len(values), sol.y.T

    return solve


WAYS = {
    "solve_ensemble, RK45": by_diffsol("RK45"),
    "solve_ensemble, DOP853": by_diffsol("DOP853"),
    "heyoka": heyoka,
}


def measured(name, repeats):
    """{way: (errors, trajectories a second) by TOLERANCES}"""
    values = parameters(name, DIFFERENT)
    exact, many = reference(name, values), np.tile(values, REPEATED)
    best = {way: np.full(len(TOLERANCES), np.inf) for way in WAYS}
    errors = {way: np.empty(len(TOLERANCES)) for way in WAYS}
    for _ in range(repeats):
        for k, tol in enumerate(TOLERANCES):
            for way, solve in WAYS.items():
                seconds, ends = solve(name, many, tol)
                best[way][k] = min(best[way][k], seconds)
                off = np.abs(ends[:, :DIFFERENT] - exact) / (1 + np.abs(exact))
                errors[way][k] = np.median(off.max(axis=0))
    return {way: (errors[way], 1 / best[way]) for way in WAYS}


def rate_at(aim, errors, rates):
    """Trajectories a second at this error; nan beyond what was measured."""
    order = np.argsort(errors)
    logs = np.log(errors[order]), np.log(rates[order])
    return np.exp(np.interp(np.log(aim), *logs, left=np.nan, right=np.nan))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    result = {}
    for name in PROBLEMS:
        found = result[name] = measured(name, options.repeats)
        print(f"{name:26s}" + "".join(f"   at {aim:.0e}" for aim in AIMS))
        for way, (errors, rates) in found.items():
            row = (rate_at(aim, errors, rates) for aim in AIMS)
            print(f"  {way:24s}" + "".join(f"{rate:11.0f}" for rate in row))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1, default=list))


if __name__ == "__main__":
    main()
