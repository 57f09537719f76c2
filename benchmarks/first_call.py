"""The first solve of a process, and the import before it, next to SciPy's.

    python benchmarks/first_call.py [--repeats N] [--json FILE]

Each figure is the median over fresh processes, ours and SciPy's in turn. Promised: no first call takes
longer than SciPy's, whatever the size of the solve (a kernel is compiled on the way only where that pays).
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

CASES = {
    "decay, tiny": ("lambda t, y: -0.5 * y", "(0, 10), [2.0, 4.0, 8.0]"),
    "Lorenz, t = 1": ("lorenz", "(0, 1), [1.0, 1.0, 1.0]"),
    "Lorenz, t = 10": ("lorenz", "(0, 10), [1.0, 1.0, 1.0], rtol=1e-6"),
    "Lorenz, t = 30": ("lorenz", "(0, 30), [1.0, 1.0, 1.0], rtol=1e-6"),
    "Lorenz, t = 100": ("lorenz", "(0, 100), [1.0, 1.0, 1.0], rtol=1e-6"),
    "Lorenz, t = 1000": ("lorenz", "(0, 1000), [1.0, 1.0, 1.0], rtol=1e-6"),
    "arrays, 30 bodies": ("bodies", "(0, 3), start, rtol=1e-6"),
    "heat, 1000 cells": ("heat", "(0, 0.0005), np.sin(np.pi * np.linspace(0, 1, 1000))"),
    "impure, t = 10": ("impure", "(0, 10), [1.0, 1.0, 1.0], rtol=1e-6"),
    "events": ("lorenz", "(0, 20), [1.0, 1.0, 1.0], rtol=1e-6, events=lambda t, y: y[0]"),
    "decay, BDF": ("lambda t, y: -0.5 * y", "(0, 10), [2.0, 4.0, 8.0], method='BDF'"),
    "van der Pol, BDF": ("van_der_pol", "(0, 200), [2.0, 0.0], method='BDF'"),
    "van der Pol, Radau": ("van_der_pol", "(0, 200), [2.0, 0.0], method='Radau'"),
    "van der Pol, Radau, tight": ("van_der_pol", "(0, 200), [2.0, 0.0], method='Radau', rtol=1e-8"),
    "van der Pol, LSODA": ("van_der_pol", "(0, 200), [2.0, 0.0], method='LSODA'"),
    "Lorenz, LSODA": ("lorenz", "(0, 10), [1.0, 1.0, 1.0], method='LSODA', rtol=1e-6"),
    "impure, BDF": ("impure", "(0, 2), [1.0, 1.0, 1.0], method='BDF'"),
    "heat, 200 cells, BDF": (
        "heat",
        "(0, 0.05), np.sin(np.pi * np.linspace(0, 1, 200)), method='BDF'",
    ),
}

SCRIPT = """
import sys, time
import numpy as np
start = time.perf_counter()
solve_ivp = __import__(sys.argv[1] + ".integrate", fromlist=["solve_ivp"]).solve_ivp
imported = time.perf_counter()

def lorenz(t, y):
    a, b, c = y
    return [10.0 * (b - a), a * (28.0 - c) - b, a * b - 8.0 / 3.0 * c]

log = []
def impure(t, y):
    log.append(t)
    return lorenz(t, y)

def bodies(t, w):
    x, v = w[:30], w[30:]
    d = x[None, :] - x[:, None]
    return np.concatenate([v, np.sum(d / (d**2 + 0.1) ** 1.5, axis=1)])
start_positions = np.linspace(-1, 1, 30)
def heat(t, u):
    du = np.zeros_like(u)
    du[1:-1] = (u[2:] - 2 * u[1:-1] + u[:-2]) * 998001.0
    return du

def van_der_pol(t, y):
    return [y[1], 100 * (1 - y[0] ** 2) * y[1] - y[0]]

start_state = np.concatenate([start_positions, 0 * start_positions])
begun = time.perf_counter()
solve_ivp(FUN, CALL)
print(imported - start, time.perf_counter() - begun)
"""


def seconds(module, fun, call):
    """(import, first solve) in a fresh process."""
    script = SCRIPT.replace("FUN", fun).replace("CALL", call.replace("start,", "start_state,"))
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, module], capture_output=True, text=True, check=True
    )
    return tuple(map(float, done.stdout.split()))


def compare(fun, call, repeats):
    pairs = {"scipy": [], "diffsol": []}
    for _ in range(repeats):
        for module in pairs:
            pairs[module].append(seconds(module, fun, call))
    row = {}
    for module, values in pairs.items():
        imports, solves = zip(*values, strict=True)
        row[module] = {
            "import": statistics.median(imports),
            "solve": statistics.median(solves),
            "both": statistics.median(map(sum, values)),
        }
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    result = {}
    print(f"{'':20s} {'solve alone, ms':^26s}   {'with the import, ms':^26s}")
    print(
        f"{'':20s} {'SciPy':>8s} {'diffsol':>8s} {'ratio':>8s}   {'SciPy':>8s} {'diffsol':>8s} {'ratio':>8s}"
    )
    for name, case in CASES.items():
        row = result[name] = compare(*case, options.repeats)
        print(f"{name:20s}", end="")
        for key in ("solve", "both"):
            theirs, ours = row["scipy"][key], row["diffsol"][key]
            print(f" {theirs * 1e3:8.2f} {ours * 1e3:8.2f} {theirs / ours:8.2f}  ", end="")
        print(flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
