"""Time to reach a given accuracy on stiff problems: diffsol beside other solvers that Python can call.

    pip install scikit-sundae numba numbalsoda CyRK pydiffsol    # what of these installs
    python benchmarks/compare.py [--json FILE]

Each solver runs at tolerances 1e-3 to 1e-10; its scd (digits at the worst component and time) and best time
give a work-precision curve, read off at whole digits by interpolation of log time. The rivals' right-hand
sides are compiled (Numba; DiffSL by its own compiler), all are warm and all return the states at the same
times. What is not installed is named at the end.
"""

import argparse
import itertools
import json
import math
import pathlib
import sys
import time
import warnings

import numpy as np

import diffsol
import diffsol.integrate

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))
from models import MODELS

import problems

TOLERANCES = tuple(10.0**-k for k in range(3, 11))
DIGITS = (3, 4, 5, 6, 7, 8)
ENOUGH = 0.1  # seconds of repetitions for one point, at least two runs
TOO_LONG = 5.0  # seconds: a solver that takes longer is not asked at smaller tolerances


# --- solvers: problem -> function of rtol that gives y (n, nt) ------------------------------------


def ours(method):
    def make(p, model):
        diffsol.explain(p.fun, p.t_span, p.y0, p.params, method=method)

        def solve(rtol):
            return diffsol.integrate.solve_ivp(
                p.fun, p.t_span, p.y0, method, p.reference.t,
                args=p.params, rtol=rtol, atol=p.atol(rtol),
            ).y  # fmt: skip

        return solve

    return make


def our_odeint(p, model):
    diffsol.explain(p.fun, p.t_span, p.y0, p.params, method="LSODA")

    def solve(rtol):
        return diffsol.integrate.odeint(
            p.fun, p.y0, p.reference.t, p.params,
            rtol=rtol, atol=p.atol(rtol), mxstep=1_000_000, tfirst=True,
        ).T  # fmt: skip

    return solve


def cvode(p, model):
    import numba
    from sksundae.cvode import CVODE

    rhs = numba.njit(model.function())

    def called(t, y, yp):  # CVODE counts the arguments of what it is given
        rhs(t, y, yp)

    def solve(rtol):
        solver = CVODE(
            called,
            rtol=rtol,
            atol=np.broadcast_to(p.atol(rtol), p.n).copy(),
            max_num_steps=1_000_000,
        )
        return solver.solve(p.reference.t, p.y0).y.T

    return solve


def numbalsoda(p, model):
    import numba
    from numbalsoda import lsoda, lsoda_sig

    rhs = numba.cfunc(lsoda_sig)(_by_pointers(model, p.n))

    def solve(rtol):
        # one number for all components: as strict as the strictest
        y = lsoda(rhs.address, p.y0, p.reference.t, rtol=rtol, atol=float(np.min(p.atol(rtol))))[0]
        return y.T

    return solve


def _by_pointers(model, n):
    import numba

    inner = numba.njit(model.function())

    def rhs(t, u, du, p):
        inner(t, numba.carray(u, n), numba.carray(du, n))

    return rhs


def cyrk(method):
    def make(p, model):
        import CyRK

        address = CyRK.nb_diffeq_addr(model.function("yp, t, y, args"))

        def solve(rtol):
            result = CyRK.nbsolve2_ivp(
                address, p.t_span, p.y0, method, p.reference.t,
                rtols=np.array([rtol]), atols=np.broadcast_to(p.atol(rtol), p.n).copy(),
            )  # fmt: skip
            return np.array(result.y)

        return solve

    return make


def pydiffsol(solver):
    def make(p, model):
        import pydiffsol as rust

        ode = rust.Ode(
            model.diffsl(p.y0), matrix_type=rust.nalgebra_dense, ode_solver=getattr(rust, solver)
        )
        parameters = np.array([1.0])

        def solve(rtol):
            ode.rtol = rtol
            ode.atol = float(np.min(p.atol(rtol)))  # one number: as strict as the strictest
            return ode.solve_dense(parameters, p.reference.t).ys

        return solve

    return make


SOLVERS = {
    "diffsol BDF": ours("BDF"),
    "diffsol Radau": ours("Radau"),
    "diffsol LSODA": ours("LSODA"),
    "diffsol odeint": our_odeint,
    "CVODE": cvode,
    "numbalsoda": numbalsoda,
    "CyRK BDF": cyrk("BDF"),
    "CyRK LSODA": cyrk("LSODA"),
    "CyRK RADAU": cyrk("RADAU"),
    "pydiffsol bdf": pydiffsol("bdf"),
    "pydiffsol tr_bdf2": pydiffsol("tr_bdf2"),
    "pydiffsol esdirk34": pydiffsol("esdirk34"),
}


# --- measuring ------------------------------------------------------------------------------------


def best_seconds(solve, rtol):
    times = []
    while len(times) < 2 or (sum(times) < ENOUGH and len(times) < 200):
        start = time.perf_counter()
        solve(rtol)
        times.append(time.perf_counter() - start)
    return min(times)


def curve(p, solve):
    """(scd, seconds) at each tolerance that succeeds in time."""
    points, failures = [], []
    for rtol in TOLERANCES:
        try:
            y = np.asarray(solve(rtol))
            digits = problems.scd(p, y) if y.shape == p.reference.y.shape else -math.inf
            seconds = best_seconds(solve, rtol)
        except Exception as error:
            failures.append((rtol, error))
            continue
        if math.isfinite(digits):
            points.append((digits, seconds))
        if seconds > TOO_LONG:
            break
    if failures:
        at, error = ", ".join(f"{rtol:.0e}" for rtol, _ in failures), failures[0][1]
        print(f"    fails at {at}: {type(error).__name__}: {str(error)[:80]}")
    return points


def seconds_for(points, digits):
    """Least time that gives so many digits: log time linear between neighbours; nan: out of reach."""
    best = math.nan
    for (d0, s0), (d1, s1) in itertools.pairwise(points):
        if min(d0, d1) <= digits <= max(d0, d1) and d0 != d1:
            share = (digits - d0) / (d1 - d0)
            best = np.nanmin([best, math.exp((1 - share) * math.log(s0) + share * math.log(s1))])
    if points and digits < points[0][0]:
        best = np.nanmin([best, points[0][1]])  # the loosest tolerance does better than asked
    return float(best)


def check_model(p, model):
    wanted = np.asarray(p.fun(p.t_span[0], p.y0, *p.params))
    np.testing.assert_allclose(model.derivative(p.t_span[0], p.y0), wanted, rtol=1e-12, atol=1e-12)
    y = p.reference.y[:, -1]
    wanted = np.asarray(p.fun(p.t_span[1], y, *p.params))
    np.testing.assert_allclose(
        model.derivative(p.t_span[1], y), wanted, rtol=1e-6, atol=1e-9 * np.abs(wanted).max()
    )


def compare(name, missing):
    """Curves of all solvers on one problem, printed as times at whole digits."""
    p, model = problems.load(name), MODELS[name]
    check_model(p, model)
    print(f"\n{name:18s} " + " ".join(f"{d:>6d} scd" for d in DIGITS) + "   microseconds")
    curves = {}
    for solver, make in SOLVERS.items():
        if solver in missing:
            continue
        try:
            solve = make(p, model)
        except ImportError as error:
            missing[solver] = str(error)
            continue
        except Exception as error:
            print(f"{solver:18s} {type(error).__name__}: {str(error)[:100]}")
            continue
        curves[solver] = curve(p, solve)
        times = [seconds_for(curves[solver], d) for d in DIGITS]
        print(f"{solver:18s} " + " ".join(f"{t * 1e6:10.1f}" for t in times), flush=True)
    print_ahead(curves)
    return curves


def print_ahead(curves):
    """How many times sooner our best is than the best rival, at each number of digits."""
    line = []
    for digits in DIGITS:
        times = {solver: seconds_for(points, digits) for solver, points in curves.items()}
        ahead = _best(times, True), _best(times, False)
        line.append(ahead[1] / ahead[0])
    print(f"{'ahead of the best':18s} " + " ".join(f"{ratio:9.1f}x" for ratio in line))


def _best(times, is_ours):
    chosen = [t for s, t in times.items() if s.startswith("diffsol") == is_ours and t == t]
    return min(chosen, default=math.nan)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", help="also write the curves to this file")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    missing = {}
    result = {name: compare(name, missing) for name in MODELS}
    for solver, reason in missing.items():
        print(f"{solver} is missing: {reason}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
