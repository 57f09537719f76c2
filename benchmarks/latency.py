"""How long calls take that are the first, the second and the hundredth of a process, next to SciPy's.

    python benchmarks/latency.py [--repeats N] [--only TEXT] [--json FILE]

Each figure is the median over fresh processes, ours (without a cache on disk, and with one that an earlier
process has filled) and SciPy's in turn. Promised: no call takes longer than SciPy's, whatever the size of the
solve and whichever call of the process it is. The import is told apart; "first" is the first call alone.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

# name: the solve; those from "many lambdas" on are loops that are timed as one call
CASES = {
    "decay, tiny": "solve_ivp(decay, (0, 1), [2.0])",
    "decay": "solve_ivp(decay, (0, 10), [2.0, 4.0, 8.0])",
    "decay, RK23": "solve_ivp(decay, (0, 10), [2.0, 4.0, 8.0], method='RK23')",
    "decay, DOP853": "solve_ivp(decay, (0, 10), [2.0, 4.0, 8.0], method='DOP853')",
    "decay, BDF": "solve_ivp(decay, (0, 10), [2.0, 4.0, 8.0], method='BDF')",
    "decay, Radau": "solve_ivp(decay, (0, 10), [2.0, 4.0, 8.0], method='Radau')",
    "decay, LSODA": "solve_ivp(decay, (0, 10), [2.0, 4.0, 8.0], method='LSODA')",
    "decay, odeint": "odeint(decay_y, [2.0, 4.0, 8.0], times)",
    "decay, tiny, odeint": "odeint(decay_y, [2.0], times[:3])",
    "decay, t_eval": "solve_ivp(decay, (0, 10), [2.0, 4.0, 8.0], t_eval=times)",
    "decay, dense output": "solve_ivp(decay, (0, 10), [2.0, 4.0], dense_output=True).sol(times)",
    "decay, args": "solve_ivp(decay_by, (0, 10), [2.0, 4.0], args=(0.5,))",
    "decay, complex": "solve_ivp(turn, (0, 10), [1 + 0j])",
    "event that ends": "solve_ivp(fall, (0, 100), [0.0, 10.0], events=ground)",
    "ode, dopri5": "by_ode('dopri5', lorenz_list, 10.0)",
    "ode, vode": "by_ode('vode', lorenz_list, 10.0)",
    "ode, lsoda": "by_ode('lsoda', lorenz_list, 10.0)",
    "logistic, class": "solve_ivp(model, (0, 50), [0.1])",
    "SIR, args": "solve_ivp(sir, (0, 160), [999.0, 1.0, 0.0], args=(0.2, 0.1), t_eval=times)",
    "SIR, odeint": "odeint(sir_y, [999.0, 1.0, 0.0], 16 * times, args=(0.2, 0.1))",
    "pendulum": "solve_ivp(pendulum, (0, 20), [1.0, 0.0], args=(0.1,), rtol=1e-6)",
    "Lorenz, t = 1": "solve_ivp(lorenz, (0, 1), [1.0, 1.0, 1.0])",
    "Lorenz, t = 10": "solve_ivp(lorenz, (0, 10), [1.0, 1.0, 1.0], rtol=1e-6)",
    "Lorenz, t = 30": "solve_ivp(lorenz, (0, 30), [1.0, 1.0, 1.0], rtol=1e-6)",
    "Lorenz, t = 100": "solve_ivp(lorenz, (0, 100), [1.0, 1.0, 1.0], rtol=1e-6)",
    "Lorenz, t = 1000": "solve_ivp(lorenz, (0, 1000), [1.0, 1.0, 1.0], rtol=1e-6)",
    "Lorenz, LSODA": "solve_ivp(lorenz, (0, 10), [1.0, 1.0, 1.0], method='LSODA', rtol=1e-6)",
    "Lorenz, odeint": "odeint(lorenz_y, [1.0, 1.0, 1.0], times)",
    "Lorenz, events": "solve_ivp(lorenz, (0, 20), [1.0, 1.0, 1.0], rtol=1e-6, events=crossing)",
    "30 bodies": "solve_ivp(bodies, (0, 3), line, rtol=1e-6)",
    "Kuramoto, loop of 30": "solve_ivp(kuramoto, (0, 5), phases)",
    "heat, 1000 cells": "solve_ivp(heat, (0, 0.0005), wave)",
    "heat, 200 cells, BDF": "solve_ivp(heat, (0, 0.05), wave[::5], method='BDF')",
    "impure, t = 10": "solve_ivp(impure, (0, 10), [1.0, 1.0, 1.0], rtol=1e-6)",
    "impure, BDF": "solve_ivp(impure, (0, 2), [1.0, 1.0, 1.0], method='BDF')",
    "impure, odeint": "odeint(impure_y, [1.0, 1.0, 1.0], times)",
    "van der Pol, BDF": "solve_ivp(van_der_pol, (0, 200), [2.0, 0.0], method='BDF')",
    "van der Pol, Radau": "solve_ivp(van_der_pol, (0, 200), [2.0, 0.0], method='Radau')",
    "van der Pol, Radau, tight": "solve_ivp(van_der_pol, (0, 200), [2.0, 0.0], method='Radau', rtol=1e-8)",
    "van der Pol, LSODA": "solve_ivp(van_der_pol, (0, 200), [2.0, 0.0], method='LSODA')",
    "Robertson, BDF": "solve_ivp(robertson, (0, 1e8), [1.0, 0.0, 0.0], method='BDF')",
    "200 lambdas": "for f in lambdas: solve_ivp(f, (0, 10), [2.0, 4.0])",
    "200 lambdas, odeint": "for f in lambdas: odeint(f, [2.0, 4.0], times, tfirst=True)",
}

SCRIPT = """
import sys, time
import numpy as np
start = time.perf_counter()
exec(f"from {sys.argv[1]}.integrate import NAMES")  # what a user of this call imports
imported = time.perf_counter()
times = np.linspace(0, 10, 101)

def decay(t, y): return -0.5 * y
def decay_y(y, t): return -0.5 * y
def decay_by(t, y, k): return -k * y
def turn(t, y): return 1j * y
def fall(t, y): return [y[1], -9.81]
def ground(t, y): return y[0]
ground.terminal, ground.direction = True, -1

class Model:
    def __init__(self): self.rate, self.capacity = 0.5, 10.0
    def __call__(self, t, y): return self.rate * y * (1 - y / self.capacity)
model = Model()

def sir(t, y, beta, gamma):
    s, i, r = y
    n = s + i + r
    return -beta * s * i / n, beta * s * i / n - gamma * i, gamma * i
def sir_y(y, t, beta, gamma): return sir(t, y, beta, gamma)
def pendulum(t, y, b): return [y[1], -b * y[1] - 9.81 * np.sin(y[0])]
def lorenz(t, y):
    a, b, c = y
    return [10.0 * (b - a), a * (28.0 - c) - b, a * b - 8.0 / 3.0 * c]
def lorenz_y(y, t): return lorenz(t, y)
def lorenz_list(t, y): return lorenz(t, y)
def crossing(t, y): return y[0]
log = []
def impure(t, y):
    log.append(t)
    return lorenz(t, y)
def impure_y(y, t): return impure(t, y)
def bodies(t, w):
    x, v = w[:30], w[30:]
    d = x[None, :] - x[:, None]
    return np.concatenate([v, np.sum(d / (d**2 + 0.1) ** 1.5, axis=1)])
line = np.concatenate([np.linspace(-1, 1, 30), np.zeros(30)])
phases = np.linspace(0, 5, 30)
def kuramoto(t, theta):
    n = len(theta)
    rate = np.zeros(n)
    for i in range(n):
        for j in range(n):
            rate[i] += np.sin(theta[j] - theta[i]) / n
    return rate
wave = np.sin(np.pi * np.linspace(0, 1, 1000))
def heat(t, u):
    du = np.zeros_like(u)
    du[1:-1] = (u[2:] - 2 * u[1:-1] + u[:-2]) * (len(u) - 1) ** 2
    return du
def van_der_pol(t, y): return [y[1], 100 * (1 - y[0] ** 2) * y[1] - y[0]]
def robertson(t, y):
    r = 1e4 * y[1] * y[2]
    return [-0.04 * y[0] + r, 0.04 * y[0] - r - 3e7 * y[1] ** 2, 3e7 * y[1] ** 2]
def by_ode(name, f, end):
    solver = ode(f).set_integrator(name).set_initial_value([1.0, 1.0, 1.0], 0.0)
    while solver.successful() and solver.t < end:
        solver.integrate(solver.t + 0.1)
lambdas = [eval(f"lambda t, y: -{k} * y") for k in range(1, 201)] if "lambdas" in CALL else ()

def call():
    exec(CODE)
CODE = compile(CALL, "<case>", "exec")
begun = time.perf_counter()
spent = []
while len(spent) < 100 and (len(spent) < 2 or time.perf_counter() - begun < 3.0):
    before = time.perf_counter()
    call()
    spent.append(time.perf_counter() - before)
print(imported - start, spent[0], spent[1], min(spent[-5:]))
"""
WHICH = ("import", "first", "second", "hundredth")


def seconds(module, case, cache):
    """{import, first, second, hundredth} in a fresh process."""
    names = [
        name
        for name in ("solve_ivp", "odeint", "ode")
        if f"{name}(" in case.replace("by_ode", "ode")
    ]
    script = SCRIPT.replace("CALL", repr(case)).replace("NAMES", ", ".join(names))
    variables = {"DIFFSOL_CACHE_DIR": cache} if cache else {"DIFFSOL_CACHE": "0"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, module],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | variables,
    )
    return dict(zip(WHICH, map(float, done.stdout.split()[-4:]), strict=True))


def compare(case, repeats):
    """Medians of each kind of process."""
    with tempfile.TemporaryDirectory() as cache:
        kinds = {"scipy": ("scipy", ""), "cold": ("diffsol", ""), "kept": ("diffsol", cache)}
        seconds("diffsol", case, cache)
        measured = {kind: [] for kind in kinds}
        for _ in range(repeats):
            for kind, (module, folder) in kinds.items():
                measured[kind].append(seconds(module, case, folder))
    return {
        kind: {which: statistics.median(m[which] for m in found) for which in WHICH}
        for kind, found in measured.items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="cases whose names hold this text")
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    result = {}
    print(
        "SciPy's milliseconds, and how many times faster ours are: without a cache / with a kept kernel"
    )
    print(f"{'':26s}" + "".join(f"{which:>26s}" for which in WHICH[1:]))
    for name in [name for name in CASES if options.only in name]:
        row = result[name] = compare(CASES[name], options.repeats)
        print(f"{name:26s}", end="")
        for which in WHICH[1:]:
            theirs = row["scipy"][which]
            ratios = " / ".join(f"{theirs / row[kind][which]:6.2f}" for kind in ("cold", "kept"))
            print(f"{theirs * 1e3:10.2f} {ratios}", end="")
        print(flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
