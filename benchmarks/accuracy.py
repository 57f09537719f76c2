"""Digits of ours and of SciPy side by side, with what they cost in evaluations and factors.

    python benchmarks/accuracy.py [--json FILE]

For each stiff reference problem, method and tolerance: scd, the significant correct digits at the worst
component and time (tests/problems), nfev, njev and nlu. Where ours has 0.1 digits less than SciPy the row
is marked `worse`; for Radau and BDF it then tells the digits of SciPy with the user's exact Jacobian, whose
steps ours takes. Promised: not worse at any tolerance.
"""

import argparse
import json
import pathlib
import statistics
import sys
import warnings

import scipy.integrate

import diffsol
import diffsol.integrate

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))
import problems

METHODS = ("BDF", "Radau", "LSODA", "odeint")
TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
PROBLEMS = ("robertson", "van_der_pol", "hires", "oregonator", "pollution")
WORSE = 0.1  # digits


def figures(module, p, method, rtol, jac=None):
    """scd and counts of one solve."""
    tolerance = {"rtol": rtol, "atol": p.atol(rtol)}
    if method == "odeint":
        y, info = module.odeint(
            p.fun, p.y0, p.reference.t, p.params,
            tfirst=True, full_output=True, mxstep=1_000_000, **tolerance,
        )  # fmt: skip
        counts = {"nfev": int(info["nfe"][-1]), "njev": int(info["nje"][-1]), "nlu": None}
        return counts | {"scd": problems.scd(p, y.T)}
    result = module.solve_ivp(
        p.fun, p.t_span, p.y0, method, p.reference.t, args=p.params, **tolerance, jac=jac
    )
    counts = {name: getattr(result, name) for name in ("nfev", "njev", "nlu")}
    return counts | {"scd": problems.scd(p, result.y)}


def row_of(name, method, rtol):
    p = problems.load(name)
    solver = "LSODA" if method == "odeint" else method
    diffsol.explain(p.fun, p.t_span, p.y0, p.params, method=solver)
    scipys = figures(scipy.integrate, p, method, rtol)
    ours = figures(diffsol.integrate, p, method, rtol)
    case = {"problem": name, "method": method, "rtol": rtol, "diffsol": ours, "scipy": scipys}
    case["worse"] = ours["scd"] < scipys["scd"] - WORSE
    if case["worse"] and method in ("BDF", "Radau") and p.jac is not None:
        case["scipy_exact"] = figures(scipy.integrate, p, method, rtol, p.jac)
    return case


def print_row(row):
    ours, scipys = row["diffsol"], row["scipy"]
    line = f"{row['problem']:12s} {row['method']:7s} {row['rtol']:6.0e}"
    line += f" {ours['scd']:7.2f} {scipys['scd']:7.2f}"
    for name in ("nfev", "njev", "nlu"):
        if ours[name] is not None:
            line += f" {ours[name]:7d} {scipys[name]:7d}"
    if row["worse"]:
        line += "  worse"
    if "scipy_exact" in row:
        line += f" (SciPy with jac: {row['scipy_exact']['scd']:.2f})"
    print(line, flush=True)


def print_summary(rows):
    for method in METHODS:
        mine = [row for row in rows if row["method"] == method]
        gains = [row["diffsol"]["scd"] - row["scipy"]["scd"] for row in mine]
        print(
            f"{method:7s} digits gained on SciPy: mean {statistics.mean(gains):+.3f}, "
            f"least {min(gains):+.2f}, most {max(gains):+.2f}; "
            f"worse in {sum(row['worse'] for row in mine)} of {len(mine)}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(
        f"{'':12s} {'':7s} {'rtol':>6s} {'scd':>7s} {'SciPy':>7s} {'nfev':>7s} {'SciPy':>7s} "
        f"{'njev':>7s} {'SciPy':>7s} {'nlu':>7s} {'SciPy':>7s}"
    )
    rows = []
    for name in PROBLEMS:
        for method in METHODS:
            for rtol in TOLERANCES:
                rows.append(row_of(name, method, rtol))
                print_row(rows[-1])
    print_summary(rows)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
