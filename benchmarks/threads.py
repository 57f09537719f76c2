"""How much of a second core a second thread gets: long compiled solves, in one thread and in two.

    python benchmarks/threads.py [--repeats N]

Two solves one after the other against the same two at once, in turn, the shortest of N each. 2.0: as on two
machines. 1.0: as with the interpreter's lock held. It needs two idle cores.
"""

import argparse
import concurrent.futures
import os
import time

import numpy as np

from diffsol.integrate import odeint, solve_ivp

END = 20_000.0
CALL = ([1.0, 1.0, 1.0], (10.0, 28.0, 8 / 3))


def lorenz(t, y, s, r, b):
    return [s * (y[1] - y[0]), y[0] * (r - y[2]) - y[1], y[0] * y[1] - b * y[2]]


def by_solve_ivp(method):
    y0, args = CALL
    return lambda: solve_ivp(lorenz, (0, END), y0, method, args=args, t_eval=[END], rtol=1e-8)


def by_odeint():
    y0, args = CALL
    return odeint(lorenz, y0, np.linspace(0, END, 1001), args, tfirst=True, mxstep=1_000_000)


SOLVES = {"RK45": by_solve_ivp("RK45"), "BDF": by_solve_ivp("BDF"), "odeint": by_odeint}


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    os.environ["DIFFSOL_JIT"] = "require"
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, solve in SOLVES.items():
            solve()  # compiled

            def one_by_one(solve=solve):
                solve(), solve()

            def at_once(solve=solve):
                list(pool.map(lambda _: solve(), range(2)))

            times = [(seconds(one_by_one), seconds(at_once)) for _ in range(repeats)]
            alone, together = (min(column) for column in zip(*times, strict=True))
            print(f"{name:8} {alone / together:.2f} times the speed of one thread")


if __name__ == "__main__":
    main()
