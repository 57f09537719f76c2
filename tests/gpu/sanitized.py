"""Solves on the fake GPU, its kernels under gcc's sanitizers: python sanitized.py FOLDER. Started by test_sanitize.py
with the sanitizers' libraries loaded; they end the process at the first error."""

import importlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
fake = importlib.import_module("gpu.fake")
problems = importlib.import_module("gpu.problems")

from diffsol import solve_ensemble  # noqa: E402
from diffsol._ensemble.cuda import nvrtc, solver  # noqa: E402

FLAGS = ("-O0", "-g", "-std=c++17", "-ffp-contract=off", "-w", "-shared", "-fPIC")
SANITIZERS = (
    "-fsanitize=address,undefined",
    "-fno-sanitize=float-divide-by-zero",
    "-fno-sanitize-recover=all",
)
CASES = (("DOP853", "lorenz", "float64"), ("Rodas5P", "robertson", "float32"))


def main(folder):
    sys.modules["cupy"] = fake.cupy()
    compiler = fake.Compiler(folder, (*FLAGS, *SANITIZERS))
    nvrtc.CupyCompiler = lambda: compiler
    solver.ATTEMPTS = 7
    for method, name, dtype in CASES:
        problem = problems.PROBLEMS[name]
        result = solve_ensemble(
            problem.fun,
            problem.span,
            problem.y0,
            (problem.own(9),),
            args_axes=0,
            method=method,
            t_eval=[0.1, 0.2, 0.9],
            events=problem.watched(),
            max_events=2,
            device="cuda",
            dtype=dtype,
        )
        print(method, name, dtype, result.n_steps.get().sum())


if __name__ == "__main__":
    main(sys.argv[1])
