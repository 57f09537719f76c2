"""Functions and right-hand sides in lanes, next to one trajectory at a time: nanoseconds an element.

    python benchmarks/vector_math.py [--width W]

Functions: `ds_math` in W lanes, the C library's scalar ones and, where gcc can have them, its vector ones
(libmvec). Kernels: Lorenz and Hodgkin-Huxley, a call of W lanes divided by W next to the scalar kernel. Needs gcc.
Least of several interleaved rounds; compare the columns of one run, not runs.
"""

import argparse
import ctypes
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "vector")]

from lanes import operator_program, rows  # noqa: E402

from diffsol._compile.cpu import compile_program  # noqa: E402
from diffsol._compile.vector.emit import compile_lanes  # noqa: E402
from diffsol._graph.ops import FLOAT  # noqa: E402
from diffsol._trace.trace import trace_function  # noqa: E402
from gpu.problems import hodgkin_huxley, lorenz  # noqa: E402

COUNT = 512  # elements of one call, in lanes
ROUNDS = 7
REPEATS = 20000  # calls of a kernel that are timed as one
LIBM = {
    "exp": "exp",
    "expm1": "expm1",
    "log": "log",
    "log1p": "log1p",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "arctan": "atan",
    "arcsin": "asin",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "cbrt": "cbrt",
    "erf": "erf",
    "erfc": "erfc",
    "power": "pow",
    "arctan2": "atan2",
    "hypot": "hypot",
    "sqrt": "sqrt",
}
DRIVER = """
typedef long long (*lanes)(const void *, const void *, void *, const void *, const void *);
typedef int (*scalar)(double, const void *, void *, const void *);
void call_lanes(lanes f, const double *t, const double *y, double *out, const double *p, long n)
{ for (long i = 0; i < n; i++) f(t, y, out, p, y); }
void call_scalar(scalar f, const double *y, double *out, const double *p, long n)
{ for (long i = 0; i < n; i++) f(0.0, y, out, p); }
"""


def built(folder, name, source, *options):
    path = pathlib.Path(folder) / f"{name}.c"
    path.write_text(source)
    library = path.with_suffix(".so")
    command = ["gcc", *options, "-march=native", "-shared", "-fPIC", path, "-o", library, "-lm"]
    done = subprocess.run(command, capture_output=True)
    return None if done.returncode else ctypes.CDLL(library)


def loop_of(name, arity):
    call = f"{name}(x[i]{', y[i]' if arity == 2 else ''})"
    return (
        "#include <math.h>\n"
        "void loop(const double *restrict x, const double *restrict y, double *restrict out, long n)\n"
        f"{{ for (long i = 0; i < n; i++) out[i] = {call}; }}"
    )


def least(calls):
    """Seconds of each call, the least of several rounds in which all are timed in turn."""
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for i, call in enumerate(calls):
            started = time.perf_counter()
            call()
            best[i] = min(best[i], time.perf_counter() - started)
    return best


def functions(folder, driver, width, repeats=200):
    print(f"{'':10} {'lanes':>8} {'libm':>8} {'libmvec':>8}   ns an element, {width} lanes")
    for name, c_name in LIBM.items():
        arity = 2 if name in ("power", "arctan2", "hypot") else 1
        count = COUNT // width
        kernel = compile_lanes(operator_program(name, count=count), width, arity * count)
        x = rows(np.random.default_rng(0).uniform(0.01, 0.99, (arity * count, width)), width)
        out, t = rows(np.zeros((count, width)), width), rows(np.zeros((1, width)), width)
        address = [a.ctypes.data for a in (t, x, out)]
        second = x.ravel()[COUNT:] if arity == 2 else x

        def in_lanes(kernel=kernel, address=address):
            driver.call_lanes(
                ctypes.c_void_p(kernel.address), *map(ctypes.c_void_p, address), None, repeats
            )

        calls = [in_lanes]
        for options in (("-O2", "-fno-math-errno"), ("-O3", "-ffast-math")):
            library = built(folder, f"{c_name}{len(calls)}", loop_of(c_name, arity), *options)
            given = [ctypes.c_void_p(a.ctypes.data) for a in (x, second, out)]

            def by_libm(library=library, given=given):
                for _ in range(repeats):
                    library.loop(*given, COUNT)

            calls.append(by_libm)
        print(f"{name:10} " + " ".join(f"{s / repeats / COUNT * 1e9:8.2f}" for s in least(calls)))


def lorenz_at_28(t, y):
    return lorenz(t, y, 28.0)


def hodgkin_huxley_at_10(t, y):
    return hodgkin_huxley(t, y, 10.0)


def kernels(driver, width):
    print(f"\n{'':20} {'lanes':>8} {'scalar':>8}   ns a trajectory and call")
    starts = {lorenz_at_28: [1.0, 2.0, 3.0], hodgkin_huxley_at_10: [-65.3, 0.05, 0.6, 0.32]}
    for function, y in starts.items():
        n = len(y)
        program = trace_function(function, (), (n,), FLOAT, (n,), FLOAT).program
        lanes, scalar = least(calls_of(program, np.array(y), driver, width))
        print(
            f"{function.__name__:20} {lanes / REPEATS / width * 1e9:8.2f} {scalar / REPEATS * 1e9:8.2f}"
        )


def calls_of(program, y, driver, width):
    """Calls of the kernel in lanes, and of the scalar one."""
    compiled = compile_lanes(program, width, y.size), compile_program(program)
    lanes, scalar = (ctypes.c_void_p(kernel.address) for kernel in compiled)
    wide = rows(np.repeat(y[:, None], width, axis=1), width)
    t, out = rows(np.zeros((1, width)), width), rows(np.zeros((y.size, width)), width)
    params = np.ones(1)
    given = [ctypes.c_void_p(x.ctypes.data) for x in (t, wide, out, params)]
    one = [ctypes.c_void_p(x.ctypes.data) for x in (y, out, params)]
    # the addresses do not keep the memory
    kept = (compiled, wide, t, out, params)
    return (
        lambda: (driver.call_lanes(lanes, *given, REPEATS), kept),
        lambda: (driver.call_scalar(scalar, *one, REPEATS), kept),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=4)
    width = parser.parse_args().width
    with tempfile.TemporaryDirectory() as folder:
        driver = built(folder, "driver", DRIVER, "-O2")
        functions(folder, driver, width)
        kernels(driver, width)


if __name__ == "__main__":
    main()
