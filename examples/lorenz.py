"""The Lorenz attractor: what was compiled, how long it takes next to SciPy, and a picture."""

import time

import numpy as np
import scipy.integrate

import diffsol
import diffsol.integrate


def lorenz(t, y, sigma, rho, beta):
    x, y_, z = y
    return [sigma * (y_ - x), x * (rho - z) - y_, x * y_ - beta * z]


PROBLEM = {"fun": lorenz, "t_span": (0, 40), "y0": [-8, 8, 27], "args": (10, 28, 8 / 3)}
OPTIONS = {"rtol": 1e-8, "atol": 1e-8}


def best_time(solve, repeats):
    """The solution and the shortest time of `repeats` calls, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        solution = solve(**PROBLEM, **OPTIONS)
        times.append(time.perf_counter() - start)
    return solution, min(times)


def compare():
    print(diffsol.explain(**PROBLEM))
    start = time.perf_counter()
    diffsol.integrate.solve_ivp(**PROBLEM, **OPTIONS)
    first = time.perf_counter() - start
    ours, native = best_time(diffsol.integrate.solve_ivp, 20)
    theirs, plain = best_time(scipy.integrate.solve_ivp, 2)
    print(f"evaluations: {ours.nfev} (SciPy: {theirs.nfev})")
    # The orbit is chaotic: the two agree for as long as anybody's rounding errors allow.
    early = min(ours.t.size, theirs.t.size) // 4
    print(
        f"largest difference to t = {ours.t[early]:.0f}: "
        f"{np.abs(ours.y[:, :early] - theirs.y[:, :early]).max():.1e}"
    )
    print(f"SciPy      {plain * 1e3:9.2f} ms")
    print(
        f"diffsol    {native * 1e3:9.2f} ms, {plain / native:.0f} times as fast"
        f" (first call {first * 1e3:.1f} ms)"
    )
    return ours


def plot(solution, path="lorenz.png"):
    try:
        import matplotlib
    except ImportError:
        print("no matplotlib here, no plot")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(6, 6))
    axes = figure.add_subplot(projection="3d")
    axes.plot(*solution.y, linewidth=0.5)
    figure.savefig(path, dpi=150)
    print(f"plot written to {path}")


if __name__ == "__main__":
    plot(compare())
