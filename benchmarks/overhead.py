"""Where the time of the smallest call of `solve_ivp` goes.

    python benchmarks/overhead.py [--method RK45]

A warm call that takes a few steps, without and with the profiler; the profiler's shares are given in microseconds of
the call without it. A check of the guards alone, and SciPy's call, are timed beside it.
"""

import argparse
import cProfile
import pathlib
import pstats
import time

import scipy.integrate

import diffsol
from diffsol._engine.function import Function
from diffsol._engine.kernels import records
from diffsol.integrate import solve_ivp

CALLS = 20_000
SHOWN = 24


def decay(t, y, k):
    return -k * y


PROBLEM = (decay, (0.0, 1.0), [2.0])


def microseconds(call, calls=CALLS, rounds=7):
    """The best of several rounds, for one call."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(calls):
            call()
        best = min(best, (time.perf_counter() - begun) / calls)
    return best * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--method", default="RK45")
    method = parser.parse_args().method
    options = {"method": method, "args": (0.5,)}
    diffsol.explain(*PROBLEM, **options)

    def call():
        return solve_ivp(*PROBLEM, **options)

    whole = microseconds(call)
    print(f"solve_ivp, {method}, {call().nfev} evaluations: {whole:.1f} us")
    theirs = microseconds(lambda: scipy.integrate.solve_ivp(*PROBLEM, **options), 200, 3)
    print(f"SciPy's: {theirs:.1f} us")
    (record,) = (r for r in records() if r.variants)
    bound = Function(decay, (0.5,), call().y[:, 0], record.kind, solver=method).bind()
    print(f"check of the guards: {microseconds(bound.refresh):.2f} us")

    profile = cProfile.Profile()
    profile.enable()
    for _ in range(CALLS):
        call()
    profile.disable()
    rows = pstats.Stats(profile).stats
    total = sum(own for _, _, own, _, _ in rows.values())
    print(f"\n{'us':>6s} {'calls':>6s}")
    for place, (_, count, own, _, _) in sorted(rows.items(), key=lambda row: -row[1][2])[:SHOWN]:
        file, _, name = place
        home = "" if file.startswith("~") else f"{pathlib.Path(file).name}: "
        print(f"{own / total * whole:6.2f} {count / CALLS:6.1f} {home}{name}")


if __name__ == "__main__":
    main()
