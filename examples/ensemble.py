"""A hundred thousand Lorenz systems, and a sweep over the rate constants of Robertson's stiff reaction."""

import time

import numpy as np

from diffsol import solve_ensemble

N = 100_000


def lorenz(t, y, rho):
    x, y_, z = y
    return [10 * (y_ - x), x * (rho - z) - y_, x * y_ - 8 / 3 * z]


def robertson(t, y, k1, k2, k3):
    slow, fast = k1 * y[0], k3 * y[1] * y[2]
    return [fast - slow, slow - fast - k2 * y[1] ** 2, k2 * y[1] ** 2]


def timed(label, *args, **options):
    start = time.perf_counter()
    sol = solve_ensemble(*args, **options)
    print(f"{label}: {sol}\n    {time.perf_counter() - start:.2f} s, {sol.stats['lanes']} lanes")
    return sol


def attractors():
    """Where N trajectories are after 20 time units, by their parameter."""
    rho = np.linspace(0, 30, N)
    return rho, timed("Lorenz", lorenz, (0, 20), [1.0, 1.0, 1.0], (rho,), args_axes=0, rtol=1e-6, atol=1e-9)


def rate_constants():
    """The slow species in time, where the three rates are known to 20 percent."""
    factors = np.random.default_rng(0).lognormal(sigma=0.2, size=(3, 2000))
    rates = tuple(np.array([[0.04], [3e7], [1e4]]) * factors)
    times = np.logspace(-2, 5, 57)
    return timed(
        "Robertson", robertson, (0, 1e5), [1.0, 0.0, 0.0], rates, args_axes=0, method="Rodas5P",
        t_eval=times, rtol=1e-6, atol=[1e-9, 1e-13, 1e-9],
    )  # fmt: skip


def plot(rho, lorenzes, reactions, path="ensemble.png"):
    try:
        import matplotlib
    except ImportError:
        print("no matplotlib here, no plot")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.plot(rho, lorenzes.y[:, 0], ",")
    left.set(xlabel=r"$\rho$", ylabel="$x$ at $t = 20$", title="100,000 Lorenz systems")
    low, middle, high = np.quantile(reactions.y[:, 0], [0.05, 0.5, 0.95], axis=0)
    right.fill_between(reactions.t, low, high, alpha=0.3, label="5 % to 95 %")
    right.semilogx(reactions.t, middle, label="median")
    right.set(xlabel="$t$", ylabel="$y_1$", title="Robertson, 2000 sets of rate constants")
    right.legend()
    figure.savefig(path, dpi=90)
    print(f"plot written to {path}")


if __name__ == "__main__":
    plot(*attractors(), rate_constants())
