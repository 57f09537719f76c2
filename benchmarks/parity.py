"""How closely do we repeat SciPy's steps, beside how closely SciPy repeats its own?

    python benchmarks/parity.py [--random N] [--json FILE]

For each method, over the reference problems at four tolerances and over random systems: the share of
solves with SciPy's counts (nfev, number of steps, status), and the share that also repeat every time
to 1e-9. The baseline is SciPy against SciPy with each derivative multiplied by 1 +- one rounding error.
Stiff problems come with their Jacobian: then njev and nlu are among the counts.
"""

import argparse
import json
import pathlib
import sys
import warnings

import numpy as np
import scipy.integrate

import diffsol
import diffsol.integrate

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))
import problems

METHODS = ("RK23", "RK45", "DOP853")
TOLERANCES = (1e-3, 1e-5, 1e-7, 1e-9)
STIFF_METHODS = ("Radau", "BDF", "LSODA")
KINDS = ("nonstiff", "sens", "gradient", "events")
ROUNDING = 1.1e-16


def reference_cases():
    """(fun, keyword arguments of solve_ivp) of the reference problems, without those that go on and on."""
    for kind in KINDS:
        for name in problems.names(kind):
            p = problems.load(name)
            for rtol in TOLERANCES:
                if not (p.chaotic and rtol < 1e-6):  # t = 40: rounding decides everything
                    yield (
                        p.fun,
                        {
                            "t_span": p.t_span,
                            "y0": p.y0,
                            "args": p.params,
                            "rtol": rtol,
                            "atol": p.atol(rtol),
                            "events": p.events or None,
                        },
                    )


def stiff_cases():
    """The stiff reference problems with their Jacobian, those of a few states."""
    for name in problems.names("stiff"):
        p = problems.load(name)
        if len(p.y0) <= 80:
            for rtol in TOLERANCES:
                call = {"t_span": p.t_span, "y0": p.y0, "args": p.params, "jac": p.jac}
                yield p.fun, {**call, "rtol": rtol, "atol": p.atol(rtol)}


def random_system(t, y, matrix, forcing, frequency):
    return matrix @ y - y * np.sqrt(1 + y**2) + forcing * np.sin(frequency * t)


def random_cases(count):
    """Damped random systems of 1 to 8 states with random tolerances."""
    rng = np.random.default_rng(1)
    for _ in range(count):
        n = int(rng.integers(1, 9))
        rtol = 10.0 ** rng.uniform(-9, -2)
        yield (
            random_system,
            {
                "t_span": (0.0, float(rng.uniform(1, 10))),
                "y0": rng.normal(size=n),
                "args": (rng.normal(size=(n, n)), rng.normal(size=n), float(rng.uniform(0, 5))),
                "rtol": rtol,
                "atol": rtol * 10.0 ** rng.uniform(-3, 0),
            },
        )


def perturbed(fun, seed):
    """`fun` with each derivative off by at most one rounding error."""
    rng = np.random.default_rng(seed)

    def off(t, y, *args):
        f = np.asarray(fun(t, y, *args))
        return f * (1 + rng.choice([-ROUNDING, 0.0, ROUNDING], size=f.shape))

    return off


def agreement(a, b):
    """(same counts, and also the same times to 1e-9)."""
    same = a.t.size == b.t.size and all(
        a[key] == b[key] for key in ("nfev", "njev", "nlu", "status")
    )
    return same, same and bool(np.allclose(a.t, b.t, rtol=1e-9, atol=0))


def measure(cases, method):
    """Shares in percent: ours with SciPy, SciPy with itself; and the number of cases."""
    ours, itself = [], []
    for i, (fun, call) in enumerate(cases):
        diffsol.explain(fun, call["t_span"], call["y0"], call["args"])  # compiled from the start
        theirs = scipy.integrate.solve_ivp(fun, method=method, **call)
        ours.append(agreement(diffsol.integrate.solve_ivp(fun, method=method, **call), theirs))
        itself.append(
            agreement(scipy.integrate.solve_ivp(perturbed(fun, i), method=method, **call), theirs)
        )
    share = [[100 * float(x) for x in np.mean(pairs, axis=0)] for pairs in (ours, itself)]
    return {"cases": len(ours), "ours": share[0], "scipy_itself": share[1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--random", type=int, default=200, help="number of random systems")
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    result = {}
    print(f"{'':22s} {'cases':>5s}   {'same counts':^22s}   {'same t to 1e-9':^22s}")
    print(f"{'':22s} {'':5s}   {'ours':>10s} {'SciPy':>10s}    {'ours':>10s} {'SciPy':>10s}")
    for name, make, methods in (
        ("reference problems", reference_cases, METHODS),
        ("random systems", lambda: random_cases(options.random), METHODS),
        ("stiff, with jac", stiff_cases, STIFF_METHODS),
    ):
        for method in methods:
            row = result[f"{name}, {method}"] = measure(make(), method)
            (counts, times), (own_counts, own_times) = row["ours"], row["scipy_itself"]
            print(
                f"{name:18s} {method:7s}{row['cases']:4d}   {counts:9.1f}% {own_counts:9.1f}%    "
                f"{times:9.1f}% {own_times:9.1f}%",
                flush=True,
            )
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
