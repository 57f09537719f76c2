"""Fits by `scipy.optimize.least_squares`: exact derivatives of one solve, next to SciPy's differences of many.

    pip install pydiffsol casadi diffrax                       # what of these installs
    python benchmarks/least_squares.py [--repeats N] [--json FILE]

The same data, start, tolerances and optimiser. Each way runs until the optimiser is content, and must come to the
same cost; times are the best of interleaved rounds, all warm.
"""

import argparse
import contextlib
import json
import time
import warnings

import numpy as np
import scipy.integrate
from scipy.optimize import least_squares

from diffsol import fit
from diffsol.errors import CompilationWarning

RTOL, ATOL = 1e-8, 1e-10
ENOUGH = 0.3  # seconds


def lotka_volterra(t, y, a, b, c, d):
    return [a * y[0] - b * y[0] * y[1], -c * y[1] + d * y[0] * y[1]]


def kinetics(t, y, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10):
    """Ten reactions of seven species: A <> B, A + B > C, C <> D, B + D > E, E <> F, F > G, 2 C > G, G + A > F."""
    a, b, c, d, e, f, g = y
    r1, r2, r3, r4, r5 = k1 * a, k2 * b, k3 * a * b, k4 * c, k5 * d
    r6, r7, r8, r9, r10 = k6 * b * d, k7 * e, k8 * f, k9 * c**2, k10 * g * a
    return [
        -r1 + r2 - r3 - r10,
        r1 - r2 - r3 - r6,
        r3 - r4 + r5 - 2 * r9,
        r4 - r5 - r6,
        r6 - r7,
        r7 - r8 + r10,
        r8 + r9 - r10,
    ]


class Opaque:
    """A model that cannot be traced: it enters a context that may swallow exceptions."""

    def __init__(self, fun):
        self._fun = fun

    def __call__(self, t, y, a, b, c, d):
        with contextlib.suppress(ValueError):
            return self._fun(t, y, a, b, c, d)


KINETICS = (1.0, 0.5, 2.0, 20.0, 10.0, 1.5, 0.8, 0.4, 0.3, 50.0)

# name: (fun, y0, times, true parameters, method)
PROBLEMS = {
    "Lotka-Volterra, 4": (lotka_volterra, [1.0, 1.0], np.linspace(0, 10, 51), (1.5, 1.0, 3.0, 1.0), "RK45"),
    "the same, as Python": (Opaque(lotka_volterra), [1.0, 1.0], np.linspace(0, 10, 51), (1.5, 1.0, 3.0, 1.0), "RK45"),
    "kinetics, 10, BDF": (kinetics, [1.0, 0, 0, 0, 0, 0, 0], np.linspace(0, 20, 41), KINETICS, "BDF"),
    "kinetics, 10, LSODA": (kinetics, [1.0, 0, 0, 0, 0, 0, 0], np.linspace(0, 20, 41), KINETICS, "LSODA"),
}  # fmt: skip


def data_of(name):
    """(data with 2 % noise, where the fit begins)"""
    fun, y0, times, true, _ = PROBLEMS[name]
    random = np.random.default_rng(0)
    exact = scipy.integrate.solve_ivp(
        fun, (times[0], times[-1]), y0, "Radau", times, args=true, rtol=1e-10, atol=1e-13
    ).y
    noise = 0.02 * exact.max(axis=1, keepdims=True) * random.normal(size=exact.shape)
    return exact + noise, np.array(true) * (1 + 0.1 * random.uniform(-1, 1, size=len(true)))


def ours(name):
    fun, y0, times, _, method = PROBLEMS[name]
    data, start = data_of(name)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", CompilationWarning
        )  # what cannot be traced is among the problems
        residual = fit.residual(
            fun, y0, times, data, args=tuple(start), method=method, rtol=RTOL, atol=ATOL
        )

    def run():
        # another residual each time: nothing is remembered from the round before
        residual._kept.clear()
        return least_squares(residual, start, jac=residual.jac, x_scale="jac")

    return run


def scipy_loop(name, solve_ivp=scipy.integrate.solve_ivp):
    fun, y0, times, _, method = PROBLEMS[name]
    data, start = data_of(name)

    def residual(p):
        sol = solve_ivp(
            fun,
            (times[0], times[-1]),
            y0,
            method,
            times,
            args=tuple(p),
            rtol=RTOL,
            atol=ATOL,
        )
        return (sol.y - data).ravel()

    return lambda: least_squares(residual, start, x_scale="jac")


def diffsol_loop(name):
    """Only the import is changed."""
    from diffsol.integrate import solve_ivp

    return scipy_loop(name, solve_ivp)


WAYS = {"scipy": scipy_loop, "diffsol, import changed": diffsol_loop, "diffsol.fit": ours}


def timed(run):
    """(the best time of runs within ENOUGH seconds, at least one; the last result)"""
    best, started = np.inf, time.perf_counter()
    while best == np.inf or time.perf_counter() - started < ENOUGH:
        begun = time.perf_counter()
        result = run()
        best = min(best, time.perf_counter() - begun)
    return best, result


def measured(name, repeats):
    runs = {way: make(name) for way, make in WAYS.items()}
    best = dict.fromkeys(runs, np.inf)
    results = {}
    for way, run in runs.items():
        if way != "scipy":
            run()  # warm
    for _ in range(repeats):
        for way, run in runs.items():
            seconds, results[way] = timed(run)
            best[way] = min(best[way], seconds)
    costs = [result.cost for result in results.values()]
    assert np.allclose(costs, costs[0], rtol=1e-4), (name, costs)
    return {
        way: {
            "ms": 1e3 * best[way],
            "ratio": best["scipy"] / best[way],
            "cost": results[way].cost,
            "steps": int(results[way].nfev),
        }
        for way in runs
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json")
    given = parser.parse_args()
    found = {name: measured(name, given.repeats) for name in PROBLEMS}
    print(f"{'fit':22}{'by':26}{'ms':>10}{'ratio':>9}{'steps':>7}  cost")
    for name, ways in found.items():
        for way, row in ways.items():
            print(
                f"{name:22}{way:26}{row['ms']:10.2f}{row['ratio']:9.1f}{row['steps']:7d}  {row['cost']:.8g}"
            )
    if given.json:
        with open(given.json, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
