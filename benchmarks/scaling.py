"""How stiff solves grow with the number of states, next to SciPy's where SciPy can follow.

    python benchmarks/scaling.py [--grids N ...] [--alone N ...] [--line] [--repeats R] [--json FILE]

The Brusselator with diffusion on an N x N grid (2 N^2 states) by BDF at rtol 1e-5: SciPy is given the
sparsity of the Jacobian, ours finds it. One-dimensional problems (--line) give SciPy nothing: it makes and
factors dense matrices, as it does for whoever knows no better. Each size runs in a process of its own,
which reports its peak memory. Promised: 2-D 8, 5 and 3 times SciPy at 512, 2048 and 8192 states; 1-D 15
times; time per step near linear in states; compile time flat.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np
import scipy.integrate
import scipy.sparse

import diffsol
import diffsol.integrate

RTOL, ATOL = 1e-5, 1e-7
WITH_SCIPY = (16, 32, 64)
ALONE = (128, 256)


# --- problems -------------------------------------------------------------------------------------


def brusselator_2d(t, y, n, diffusion):
    """Hairer & Wanner II, IV.10 (10.15), periodic, without its third species' kick in time."""
    u, v = y.reshape(2, n, n)
    k = diffusion * n**2
    uuv = u * u * v
    du = 1.0 + uuv - 4.4 * u + k * laplacian(u)
    dv = 3.4 * u - uuv + k * laplacian(v)
    return np.concatenate([du.ravel(), dv.ravel()])


def laplacian(u):
    return np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1) - 4.0 * u


def brusselator_2d_start(n):
    x = np.arange(n) / n
    u = 22.0 * x[:, None] * (1 - x[:, None]) ** 1.5 * np.ones(n)
    v = 27.0 * x[None, :] * (1 - x[None, :]) ** 1.5 * np.ones((n, 1))
    return np.concatenate([u.ravel(), v.ravel()])


def brusselator_2d_sparsity(n):
    ring = scipy.sparse.diags([1, 1, 1, 1, 1], [0, 1, -1, n - 1, 1 - n], shape=(n, n))
    one = scipy.sparse.eye(n)
    species = scipy.sparse.kron(ring, one) + scipy.sparse.kron(one, ring)
    across = scipy.sparse.eye(n * n)
    return scipy.sparse.bmat([[species, across], [across, species]])


def advection_diffusion(t, u, k, c):
    """Central differences on (0, 1) with u = 0 at both ends."""
    n = len(u)
    left, right = np.concatenate([[0.0], u[:-1]]), np.concatenate([u[1:], [0.0]])
    return k * (n + 1) ** 2 * (left - 2.0 * u + right) - c * (n + 1) / 2 * (right - left)


def brusselator_1d(t, y, diffusion):
    """Hairer & Wanner II, IV.1 (1.6'): the state is all u, then all v."""
    n = len(y) // 2
    u, v = y[:n], y[n:]
    k = diffusion * (n + 1) ** 2
    ends_u, ends_v = np.array([1.0]), np.array([3.0])
    u_left, u_right = np.concatenate([ends_u, u[:-1]]), np.concatenate([u[1:], ends_u])
    v_left, v_right = np.concatenate([ends_v, v[:-1]]), np.concatenate([v[1:], ends_v])
    du = 1.0 + u * u * v - 4.0 * u + k * (u_left - 2.0 * u + u_right)
    dv = 3.0 * u - u * u * v + k * (v_left - 2.0 * v + v_right)
    return np.concatenate([du, dv])


def grid_case(n):
    call = {"fun": brusselator_2d, "t_span": (0.0, 1.0), "y0": brusselator_2d_start(n)}
    return call | {"args": (n, 0.1 / 100)}, {"jac_sparsity": brusselator_2d_sparsity(n)}


def advection_diffusion_case(n):
    x = np.arange(1, n + 1) / (n + 1)
    call = {"fun": advection_diffusion, "t_span": (0.0, 1.0), "y0": np.exp(-100 * (x - 0.3) ** 2)}
    return call | {"args": (0.01, 1.0)}, {}


def brusselator_1d_case(n):
    x = np.arange(1, n // 2 + 1) / (n // 2 + 1)
    y0 = np.concatenate([1 + np.sin(2 * np.pi * x), np.full(n // 2, 3.0)])
    call = {"fun": brusselator_1d, "t_span": (0.0, 10.0), "y0": y0}
    return call | {"args": (1 / 50,)}, {}


CASES = {
    "brusselator 2-D": grid_case,
    "advection-diffusion 1-D": advection_diffusion_case,
    "brusselator 1-D": brusselator_1d_case,
}


# --- measuring ------------------------------------------------------------------------------------


def seconds_of(solve, call):
    start = time.perf_counter()
    result = solve(**call)
    return result, time.perf_counter() - start


def measure(name, size, repeats, with_scipy):
    """One case, in this process: times of ours (first and best) and of SciPy (best), in turn."""
    call, for_scipy = CASES[name](size)
    call |= {"method": "BDF", "rtol": RTOL, "atol": ATOL}
    start = time.perf_counter()
    diffsol.explain(call["fun"], call["t_span"], call["y0"], call["args"], method="BDF")
    compiled = time.perf_counter() - start
    first = seconds_of(diffsol.integrate.solve_ivp, call)[1]
    ours, theirs = [], []
    for _ in range(repeats):
        result, seconds = seconds_of(diffsol.integrate.solve_ivp, call)
        ours.append(seconds)
        if len(ours) == 1:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if with_scipy:
            scipy_result, seconds = seconds_of(scipy.integrate.solve_ivp, call | for_scipy)
            theirs.append(seconds)
    row = {
        "states": call["y0"].size,
        "steps": len(result.t) - 1,
        "nfev": result.nfev,
        "njev": result.njev,
        "nlu": result.nlu,
        "compile": compiled,
        "first": first,
        "diffsol": min(ours),
        "peak_mib": peak,
    }
    if with_scipy:
        difference = np.abs(result.y[:, -1] - scipy_result.y[:, -1])
        row |= {
            "scipy": min(theirs),
            "scipy_steps": len(scipy_result.t) - 1,
            "scipy_nlu": scipy_result.nlu,
            "ratio": min(theirs) / min(ours),
            "apart": float(np.max(difference / (ATOL + RTOL * np.abs(scipy_result.y[:, -1])))),
        }
    return row


def measured_apart(*arguments):
    """`measure` in a fresh process, so that its peak memory is its own.

    It compiles (no kernels of other processes), but not our own sources: those of an installed package are.
    """
    run = [sys.executable, __file__, "--child", json.dumps(arguments)]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["DIFFSOL_CACHE"] = "0"
    return json.loads(
        subprocess.run(run, capture_output=True, text=True, check=True, env=environment).stdout
    )


def print_row(name, row):
    print(
        f"{name:24s} {row['states']:7d} {row['steps']:6d} {row['nlu']:5d} "
        f"{row['diffsol'] * 1e3:10.1f} {row['diffsol'] / row['steps'] * 1e6:10.1f} "
        f"{row['diffsol'] / row['steps'] / row['states'] * 1e9:8.1f} "
        f"{row['compile'] * 1e3:8.0f} {row['peak_mib']:9.0f}",
        end="",
    )
    if "ratio" in row:
        print(
            f" {row['scipy'] * 1e3:10.1f} {row['scipy_steps']:6d} {row['scipy_nlu']:5d} "
            f"{row['ratio']:7.1f}",
            end="",
        )
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--grids", type=int, nargs="*", default=WITH_SCIPY, help="N beside SciPy")
    parser.add_argument("--alone", type=int, nargs="*", default=ALONE, help="N of ours only")
    parser.add_argument("--line", action="store_true", help="one-dimensional problems only")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(*json.loads(options.child))))
        return
    grids = [] if options.line else [("brusselator 2-D", n, True) for n in options.grids]
    grids += [] if options.line else [("brusselator 2-D", n, False) for n in options.alone]
    lines = [("advection-diffusion 1-D", 500, True), ("brusselator 1-D", 1000, True)]
    print(
        f"{'':24s} {'states':>7s} {'steps':>6s} {'nlu':>5s} {'ours, ms':>10s} {'us/step':>10s} "
        f"{'ns/state':>8s} {'compile':>8s} {'peak MiB':>9s} {'SciPy, ms':>10s} {'steps':>6s} "
        f"{'nlu':>5s} {'ratio':>7s}"
    )
    rows = []
    for name, size, with_scipy in grids + lines:
        row = measured_apart(name, size, options.repeats, with_scipy)
        rows.append({"problem": name} | row)
        print_row(name, row)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
