"""Gradients of a misfit with respect to the weights of a network, next to finite differences of SciPy's solves.

    pip install diffrax                                        # optional
    python benchmarks/gradients.py [--repeats N] [--json FILE]

y' = W tanh(V y) with 12, 110 and 992 weights, from 0 to 5, 20 outputs, RK45 (diffrax: Dopri5) at rtol 1e-6, atol 1e-8.
The gradients must agree. Times are the best of interleaved rounds, all warm; SciPy takes one solve for each
weight and one more: where there are more than MOST_SOLVES they are counted by the time of one. "solves" is the time of
the gradient in solves without gradient by the same library.
"""

import argparse
import json
import time

import numpy as np
import scipy.integrate

import diffsol.integrate
from diffsol.sensitivity import gradient

RTOL, ATOL = 1e-6, 1e-8
T = np.linspace(0, 5, 21)[1:]
SIZES = {"12 weights": (3, 2), "110 weights": (11, 5), "992 weights": (31, 16)}  # hidden, n
MOST_SOLVES = 120


def network(t, y, V, W):
    return W @ np.tanh(V @ y)


def misfit(t, Y):
    return np.sum(Y**2) / t.size


def problem(name):
    """(y0, V, W)"""
    hidden, n = SIZES[name]
    random = np.random.default_rng(0)
    V = random.normal(size=(hidden, n)) / np.sqrt(n)
    W = random.normal(size=(n, hidden)) / np.sqrt(hidden)
    return random.normal(size=n), V, W


def solve(y0, V, W, solve_ivp):
    return solve_ivp(network, (0, T[-1]), y0, "RK45", T, args=(V, W), rtol=RTOL, atol=ATOL).y


def scipy_differences(name):
    y0, V, W = problem(name)
    weights = np.concatenate([V.ravel(), W.ravel()])
    count = min(weights.size, MOST_SOLVES)
    solves = weights.size + 1

    def value(p):
        Y = solve(
            y0,
            p[: V.size].reshape(V.shape),
            p[V.size :].reshape(W.shape),
            scipy.integrate.solve_ivp,
        )
        return misfit(T, Y)

    def run():
        begun = time.perf_counter()
        base, found = value(weights), np.full(weights.size, np.nan)
        for j in range(count):
            moved = weights.copy()
            step = 1e-3 * max(abs(moved[j]), 0.1)  # sqrt(rtol) times the weight
            moved[j] += step
            found[j] = (value(moved) - base) / step
        seconds = (time.perf_counter() - begun) / (count + 1) * solves
        return found, seconds, seconds / solves

    return run


def ours(sens):
    def make(name):
        y0, V, W = problem(name)
        options = {"loss": misfit, "t_eval": T, "wrt": "args", "rtol": RTOL, "atol": ATOL}

        def run():
            seconds, found = timed(
                lambda: gradient(network, (0, T[-1]), y0, (V, W), sens=sens, **options)
            )
            alone, _ = timed(lambda: solve(y0, V, W, diffsol.integrate.solve_ivp))
            return found.flat, seconds, alone

        return run

    return make


def diffrax_reverse(name):
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    y0, V, W = (jnp.asarray(x) for x in problem(name))
    control = diffrax.PIDController(rtol=RTOL, atol=ATOL)

    def value(p):
        def field(t, y, args):
            return p[1] @ jnp.tanh(p[0] @ y)

        outputs = diffrax.SaveAt(ts=jnp.asarray(T))
        sol = diffrax.diffeqsolve(
            diffrax.ODETerm(field), diffrax.Dopri5(), 0.0, float(T[-1]), None, y0,
            saveat=outputs, stepsize_controller=control,
        )  # fmt: skip
        return jnp.sum(sol.ys**2) / len(T)

    slope, alone = jax.jit(jax.grad(value)), jax.jit(value)

    def run():
        seconds, found = timed(lambda: jax.block_until_ready(slope((V, W))))
        once, _ = timed(lambda: alone((V, W)).block_until_ready())
        return np.concatenate([np.ravel(x) for x in found]), seconds, once

    return run


def timed(run):
    begun = time.perf_counter()
    result = run()
    return time.perf_counter() - begun, result


WAYS = {
    "scipy, differences": scipy_differences,
    "diffsol, adjoint": ours("adjoint"),
    "diffsol, forward": ours("forward"),
    "diffrax, reverse": diffrax_reverse,
}


def measured(name, repeats):
    runs = {}
    for way, make in WAYS.items():
        try:
            runs[way] = make(name)
        except ImportError:
            continue
        if not way.startswith("scipy"):
            for _ in range(3):
                runs[way]()  # warm
    best = {way: [np.inf, np.inf] for way in runs}
    found = {}
    for round_ in range(repeats):
        for way, run in runs.items():
            if way.startswith("scipy") and round_:
                continue  # seconds of it are enough
            for _ in range(1 if way.startswith("scipy") else 5):
                found[way], *seconds = run()
                best[way] = np.minimum(best[way], seconds)
    exact = found["diffsol, adjoint"]
    scale = np.abs(exact).max()
    for way, values in found.items():
        known = np.isfinite(values)
        assert np.allclose(values[known], exact[known], rtol=0, atol=1e-2 * scale), (name, way)
    reference = best["scipy, differences"][0]
    return {
        way: {"ms": 1e3 * a, "ratio": reference / a, "solves": a / b}
        for way, (a, b) in best.items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json")
    given = parser.parse_args()
    found = {name: measured(name, given.repeats) for name in SIZES}
    print(f"{'gradient':14}{'by':22}{'ms':>11}{'ratio':>10}{'solves':>9}")
    for name, ways in found.items():
        for way, row in ways.items():
            print(f"{name:14}{way:22}{row['ms']:11.2f}{row['ratio']:10.1f}{row['solves']:9.1f}")
    if given.json:
        with open(given.json, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
