"""Lorenz ensembles on a GPU by other packages, where they are installed: for benchmarks/gpu.py."""

import time

import numpy as np


def measured(size, end, rtol, atol) -> dict:
    """Trajectories a second by package, or why there are none."""
    found = {}
    for name, solve in (("diffrax", by_diffrax), ("torchdiffeq", by_torchdiffeq)):
        try:
            found[name] = size / best_of(solve(size, end, rtol, atol))
        except ImportError as error:
            found[name] = str(error)
    return found


def best_of(run, repeats=3):
    run()  # compiles
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times)


def by_diffrax(size, end, rtol, atol):
    """Steps of its own for each trajectory: vmap over a solve."""
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def lorenz(t, y, r):
        return jnp.array([10 * (y[1] - y[0]), y[0] * (r - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]])

    term, method = diffrax.ODETerm(lorenz), diffrax.Dopri5()
    control = diffrax.PIDController(rtol=rtol, atol=atol)
    start = jnp.array([1.0, 0.5, 0.2])

    def one(r):
        solution = diffrax.diffeqsolve(
            term, method, 0.0, end, None, start, r, stepsize_controller=control, max_steps=100_000
        )
        return solution.ys[-1]

    every, own = jax.jit(jax.vmap(one)), jnp.linspace(0.0, 28.0, size)
    return lambda: every(own).block_until_ready()


def by_torchdiffeq(size, end, rtol, atol):
    """One step size for all trajectories: it is one system of 3 N components."""
    import torch
    import torchdiffeq

    where = "cuda" if torch.cuda.is_available() else "cpu"
    own = torch.linspace(0.0, 28.0, size, dtype=torch.float64, device=where)
    start = torch.tensor(np.tile([1.0, 0.5, 0.2], (size, 1)), device=where)
    times = torch.tensor([0.0, end], dtype=torch.float64, device=where)

    def lorenz(t, y):
        a, b, c = y.unbind(1)
        return torch.stack([10 * (b - a), a * (own - c) - b, a * b - 8 / 3 * c], 1)

    def run():
        with torch.no_grad():
            torchdiffeq.odeint(lorenz, start, times, rtol=rtol, atol=atol, method="dopri5")[
                -1
            ].cpu()

    return run
