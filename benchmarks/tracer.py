"""What tracing and compiling large right-hand sides takes, and how fast they are then.

    python benchmarks/tracer.py [--states N] [--repeats R]

Arrays: method-of-lines functions of a million states. Promised: traced in 50 ms, compiled in 0.5 s, evaluated
at 60 % of the memory's bandwidth (that of copying an array of the same size, measured beside it), the
pattern of the Jacobian in 2 s. Loops: Python loops over components, which are rolled back into
arrays; promised: compiled in 1 s.
"""

import argparse
import time

import numpy as np
from diffsol._native._core import ffi

from diffsol._compile.cpu import compile_program
from diffsol._graph.jacobian import pattern
from diffsol._graph.ops import FLOAT
from diffsol._graph.terms import TooLarge
from diffsol._trace.trace import trace_function

RNG = np.random.default_rng(0)


# --- arrays ---------------------------------------------------------------------------------------


def heat_1d(t, y):
    d = np.zeros_like(y)
    d[1:-1] = y[2:] - 2 * y[1:-1] + y[:-2]
    d[0], d[-1] = y[1] - y[0], y[-2] - y[-1]
    return d


def reaction_1d(t, y):
    return np.roll(y, 1) - 2 * y + np.roll(y, -1) + y * (1 - y)


def heat_2d(t, y):
    n = round(len(y) ** 0.5)
    u = y.reshape(n, n)
    d = np.zeros_like(u)
    d[1:-1, 1:-1] = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
    return (d + u - u**3).ravel()


ARRAYS = (heat_1d, reaction_1d, heat_2d)


# --- loops ----------------------------------------------------------------------------------------


def stencil(t, y):
    n, d = len(y), np.zeros(len(y))
    for i in range(1, n - 1):
        d[i] = y[i + 1] - 2 * y[i] + y[i - 1]
    d[0], d[n - 1] = y[1] - y[0], y[n - 2] - y[n - 1]
    return d


OMEGA = RNG.normal(size=200)


def kuramoto(t, y):
    n, rates = len(y), []
    for i in range(n):
        pull = 0.0
        for j in range(n):
            pull += np.sin(y[j] - y[i])
        rates.append(OMEGA[i] + 0.5 / n * pull)
    return rates


SPECIES = 500
ENDS = RNG.integers(0, SPECIES, (1500, 3)).tolist()
REACTIONS = [
    (a, b, c, k) for (a, b, c), k in zip(ENDS, RNG.uniform(size=1500).tolist(), strict=True)
]


def network(t, y):
    d = np.zeros(len(y))
    for a, b, c, k in REACTIONS:
        r = k * y[a] * y[b]
        d[a] -= r
        d[b] -= r
        d[c] += r
    return d


BODIES = 40
MASS = RNG.uniform(1, 2, BODIES)


def bodies(t, y):
    position, velocity = y[: 3 * BODIES].reshape(BODIES, 3), y[3 * BODIES :].reshape(BODIES, 3)
    force = np.zeros((BODIES, 3))
    for i in range(BODIES):
        for j in range(i + 1, BODIES):
            d = position[j] - position[i]
            w = d / ((d**2).sum() + 0.01) ** 1.5
            force[i] += MASS[j] * w
            force[j] -= MASS[i] * w
    return np.concatenate([velocity.ravel(), force.ravel()])


LOOPS = ((stencil, 2000), (kuramoto, 200), (network, SPECIES), (bodies, 6 * BODIES))


# --- measuring ------------------------------------------------------------------------------------


def least(call, repeats):
    best = float("inf")
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begun)
    return best


def evaluation(fun, traced, kernel, y, repeats):
    """(seconds of the kernel, of Python, largest relative difference)"""
    block, out = np.empty(max(1, traced.n_params)), np.empty(y.size)
    assert traced.check(fun, (), block)
    call = ffi.cast("ds_kernel", kernel.address)
    pointers = [ffi.from_buffer("double[]", x) for x in (y, out, block)]
    compiled = least(lambda: call(0.0, *pointers), repeats)
    python = least(lambda: fun(0.0, y), max(1, repeats // 10))
    wanted = np.asarray(fun(0.0, y))
    return compiled, python, np.abs(out - wanted).max() / np.abs(wanted).max()


def row(fun, n, repeats):
    begun = time.perf_counter()
    traced = trace_function(fun, (), (n,), FLOAT, (n,), FLOAT)
    traced_at = time.perf_counter()
    kernel = compile_program(traced.program)
    compiled_at = time.perf_counter()
    seconds, python, error = evaluation(fun, traced, kernel, RNG.normal(size=n), repeats)
    begun_pattern = time.perf_counter()
    try:
        entries = len(pattern(traced.program)[0])
    except TooLarge:
        entries = 0
    finding = time.perf_counter() - begun_pattern
    nodes = len(traced.program.nodes)
    print(
        f"{fun.__name__:12} {n:8} {nodes:6} {1e3 * (traced_at - begun):9.1f} "
        f"{1e3 * (compiled_at - traced_at):9.1f} {1e6 * seconds:10.1f} {python / seconds:7.0f}x "
        f"{finding:8.2f} {entries:9} {error:8.0e}",
        end="",
    )
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--states", type=int, default=1_000_000, help="of the array functions")
    parser.add_argument("--repeats", type=int, default=50)
    options = parser.parse_args()
    n = round(options.states**0.5) ** 2
    source, target = RNG.normal(size=n), np.empty(n)
    copying = least(lambda: np.copyto(target, source), options.repeats)
    print(
        "function       states  nodes  trace ms compile ms    eval us  Python pattern s  entries    error"
    )
    for fun in ARRAYS:
        seconds = row(fun, n, options.repeats)
        print(f"   {100 * copying / seconds:.0f} % of the speed of a copy")
    for fun, size in LOOPS:
        row(fun, size, options.repeats)
        print()


if __name__ == "__main__":
    main()
