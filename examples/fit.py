"""Lotka and Volterra's model fitted to the furs that the Hudson's Bay Company counted, from a CSV file.

    python examples/fit.py [FILE.csv]       # columns year, hare, lynx

Prints the parameters with their standard errors, and draws fit.png where matplotlib is installed.
"""

import pathlib
import sys
import time

import numpy as np
from scipy.optimize import least_squares

from diffsol import fit

HERE = pathlib.Path(__file__).parent


def predation(t, y, growth, eaten, death, fed):
    hare, lynx = y
    return [growth * hare - eaten * hare * lynx, fed * hare * lynx - death * lynx]


def logarithms(t, y, growth, eaten, death, fed):
    return np.log(y)  # counts err by a factor rather than by a number


def table(path):
    """The columns of a CSV file by their names."""
    data = np.genfromtxt(path, delimiter=",", names=True)
    missing = {"year", "hare", "lynx"} - set(data.dtype.names or ())
    if missing:
        sys.exit(f"{path} has no column {', '.join(sorted(missing))}")
    return {
        "time": data["year"] - data["year"][0],
        "hare": np.log(data["hare"]),
        "lynx": np.log(data["lynx"]),
    }


def fitted(data):
    """(residual, result of least_squares)"""
    residual = fit.from_frame(
        data,
        predation,
        [30.0, 4.0],
        args=(0.5, 0.02, 0.8, 0.02),
        wrt=("args", "y0"),  # the numbers in the first year are not exact, either
        log=True,  # all are positive
        observe=logarithms,
    )
    start = time.perf_counter()
    result = least_squares(residual, residual.p0, jac=residual.jac)
    seconds = time.perf_counter() - start
    print(f"{residual.n_solves} solves in {1e3 * seconds:.1f} ms, cost {result.cost:.4f}")
    return residual, result


def report(residual, result):
    """Estimates, and standard errors from the Jacobian at the best fit."""
    freedom = result.fun.size - result.x.size
    covariance = np.linalg.inv(result.jac.T @ result.jac) * 2 * result.cost / freedom
    for (name, value), variance in zip(
        residual.values(result.x).items(), np.diag(covariance), strict=True
    ):
        print(f"{name:8} {value:9.4f} +- {value * np.sqrt(variance):.4f}")


def plot(data, residual, result, path="fit.png"):
    try:
        import matplotlib
    except ImportError:
        print("no matplotlib here, no plot")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    times = np.linspace(0, data["time"][-1], 400)
    before = np.exp(residual.model(times, *residual.p0)).reshape(2, -1)
    after = np.exp(residual.model(times, *result.x)).reshape(2, -1)
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 3.6), layout="constrained", sharey=True)
    for axis, curves, title in zip(axes, (before, after), ("before", "after"), strict=True):
        for name, curve, colour in zip(("hare", "lynx"), curves, ("C0", "C3"), strict=True):
            axis.plot(1900 + data["time"], np.exp(data[name]), "o", color=colour)
            axis.plot(1900 + times, curve, color=colour, label=name)
        axis.set(title=title, xlabel="year", xticks=range(1900, 1921, 5))
    axes[0].set_ylabel("furs, thousands")
    axes[1].legend()
    figure.savefig(path, dpi=120)
    print(f"see {path}")


if __name__ == "__main__":
    data = table(sys.argv[1] if len(sys.argv) > 1 else HERE / "lynx_hare.csv")
    plot(data, *(found := fitted(data)))
    report(*found)
