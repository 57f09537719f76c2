"""Ensembles on a GPU, in one command of less than eight minutes for a machine that has one:

    python benchmarks/gpu.py [--name NAME] [--no-gpu] [--seconds 450]

It reports the device; compares every method with the CPU bit for bit (contraction off), and tells what
contraction changes; then measures trajectories a second. A part that fails is reported and does not stop the others,
and the file benchmarks/results/gpu_NAME.json is written after each. --no-gpu does without a GPU what can be done
without one: NVIDIA's compiler (its PyPI wheel) for all architectures, and every part on a CuPy that is not there, whose
kernels g++ compiles for the CPU, with few trajectories. Its times mean nothing.
"""

import argparse
import importlib
import itertools
import json
import pathlib
import platform
import sys
import tempfile
import time
import traceback

import gpu_others
import numpy as np

import diffsol
from diffsol._ensemble.cuda import device, nvrtc, solver

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent / "tests"
ARCHITECTURES = ("sm_75", "sm_80", "sm_90", "sm_100")
# of double precision, in a trial step of Lorenz by RK45 with fmad (counted in the machine code for sm_90)
FP64_INSTRUCTIONS = 245
FP64_LANES = {
    "60": 32,
    "70": 32,
    "80": 32,
    "90": 64,
    "100": 64,
}  # in a multiprocessor; others have 2
MEASURED = {"rtol": 1e-6, "atol": 1e-9}
SPANS = {"lorenz": (0.0, 10.0), "hodgkin_huxley": (0.0, 20.0), "robertson": (0.0, 1e4)}
METHODS = {"lorenz": "RK45", "hodgkin_huxley": "RK45", "robertson": "Rodas5P"}


class Bench:
    """One run. xp: CuPy, or what stands for it; pairs: (method, problem); small: sizes without a GPU."""

    def __init__(self, xp, problems, pairs, small):
        self.xp, self.problems, self.pairs, self.small = xp, problems, pairs, small

    def sizes(self, largest):
        return (64,) if self.small else [10**k for k in range(4, largest + 1)]

    def size(self, wanted):
        return 64 if self.small else wanted

    def given(self, name, size, shuffled):
        """Arguments of `solve_ensemble`, on the device."""
        problem = self.problems[name]
        own = np.linspace(problem.low, problem.high, size)
        if shuffled:
            own = np.random.default_rng(0).permutation(own)
        return (
            problem.fun,
            SPANS[name],
            self.xp.asarray(np.array(problem.y0)),
            (self.xp.asarray(own),),
        )

    def timed(self, name, size, shuffled=True, repeats=3, **more):
        """The best of some runs of the whole call, arguments and results on the device."""
        options = MEASURED | {"method": METHODS[name], "device": "cuda", "args_axes": 0} | more
        given, best = self.given(name, size, shuffled), np.inf
        for _ in range(1 + repeats):  # the first one compiles
            started = time.perf_counter()
            result = diffsol.solve_ensemble(*given, **options)
            best = min(best, time.perf_counter() - started)
        row = {"problem": name, "size": size, "shuffled": shuffled, "seconds": best}
        row |= {"trajectories_per_s": size / best}
        if hasattr(result, "n_steps"):
            trials = int(result.n_steps.sum() + result.n_rejected.sum())
            row |= {"trials_per_s": trials / best, "trials_each": trials / size}
            row["failed"] = int((result.status < 0).sum())
        return row

    # --- the parts ----------------------------------------------------------------------------

    def what(self):
        if self.small:
            return {"name": "none", "host": platform.processor()}
        runtime = self.xp.cuda.runtime
        properties = runtime.getDeviceProperties(0)
        compiler = nvrtc.CupyCompiler()
        return {
            "name": properties["name"].decode(),
            "arch": device.Device(self.xp, 0).arch,
            "multiprocessors": properties["multiProcessorCount"],
            "clock_Hz": self.xp.cuda.Device(0).attributes.get("ClockRate", 0) * 1e3,
            "driver": runtime.driverGetVersion(),
            "runtime": runtime.runtimeGetVersion(),
            "nvrtc": compiler.version,
            "cupy": self.xp.__version__,
            "diffsol": diffsol.__version__,
        }

    def bits(self):
        """Against the CPU, with output times and events: names of arrays that differ."""
        rows = []
        for (method, name), fmad in itertools.product(self.pairs, (False, True)):
            problem = self.problems[name]
            given = (problem.fun, problem.span, problem.y0, (problem.own(self.size(4096)),))
            more = {"args_axes": 0, "method": method, "rtol": 1e-6, "atol": 1e-9}
            more |= {"t_eval": np.linspace(*problem.span, 11)[1:], "events": problem.watched()}
            cpu = diffsol.solve_ensemble(*given, **more)._outcome.arrays()
            gpu = diffsol.solve_ensemble(*given, **more, device="cuda", fmad=fmad)._outcome.arrays()
            gpu = {key: values.get() for key, values in gpu.items()}
            row = {"method": method, "problem": name, "fmad": fmad}
            row["differ"] = [k for k in cpu if not np.array_equal(cpu[k], gpu[k], equal_nan=True)]
            row["other_steps"] = float(np.mean(cpu["n_steps"] != gpu["n_steps"]))
            row["largest_difference"] = float(np.nanmax(np.abs(cpu["y"] - gpu["y"])))
            rows.append(row)
        wrong = [row for row in rows if row["differ"] and not row["fmad"]]
        return {"same_bits_without_fmad": not wrong, "rows": rows}

    def throughput(self):
        rows = []
        for name, largest in (("lorenz", 7), ("hodgkin_huxley", 6), ("robertson", 6)):
            for size, shuffled, fmad in itertools.product(
                self.sizes(largest), (False, True), (False, True)
            ):
                rows.append(self.timed(name, size, shuffled, fmad=fmad) | {"fmad": fmad})
        return rows

    def bound(self):
        """Lorenz's trial steps a second as a share of what the units for double precision could do."""
        if self.small:
            return None
        row, about = self.timed("lorenz", 10**7, False, fmad=True), self.what()
        lanes = FP64_LANES.get(about["arch"].removeprefix("sm_"), 2)
        most = about["multiprocessors"] * lanes * about["clock_Hz"] / FP64_INSTRUCTIONS
        return row | {
            "bound_trials_per_s": most,
            "share": row["trials_per_s"] / most if most else None,
        }

    def single(self):
        size = self.size(10**6)
        return [
            self.timed(name, size, dtype=dtype, rtol=1e-4, atol=1e-5) | {"dtype": dtype}
            for name in ("lorenz", "hodgkin_huxley")
            for dtype in ("float64", "float32")
        ]

    def blocks(self):
        return [self._with(device, "BLOCK", block) for block in (32, 64, 128, 256)]

    def slices(self):
        return [self._with(solver, "ATTEMPTS", length) for length in (32, 128, 512)]

    def compaction(self):
        return [self._with(solver, "COMPACT_BELOW", share) for share in (0.0, 0.3, 0.6, 0.9)]

    def _with(self, module, name, value):
        before = getattr(module, name)
        setattr(module, name, value)
        try:
            return self.timed("lorenz", self.size(10**6)) | {name: value}
        finally:
            setattr(module, name, before)

    def points(self):
        size = self.size(10**6)
        return [
            self.timed("lorenz", size, t_eval=np.linspace(0.0, 10.0, count)) | {"points": count}
            for count in (2, 100)
        ]

    def reductions(self):
        size = self.size(10**7)
        what = ("mean", "var", "min", "max")
        return self.timed("lorenz", size, repeats=1, reduce=what, t_eval=[5.0, 10.0])

    def others(self):
        """The same Lorenz trajectories by what else is installed."""
        return gpu_others.measured(self.size(10**5), SPANS["lorenz"][1], **MEASURED)


PARTS = (
    *("what", "bits", "throughput", "bound", "single", "blocks", "slices", "compaction"),
    *("points", "reductions", "others"),
)


def compiled_everywhere(texts, wheel, cubin, pairs):
    """All methods, problems, types and architectures by the compiler from the wheel."""
    if wheel.library() is None:
        return "the wheel nvidia-cuda-nvrtc is not installed"
    compiler, rows = wheel.WheelCompiler(), []
    for (method, name), dtype, arch in itertools.product(
        pairs, ("float64", "float32"), ARCHITECTURES
    ):
        started = time.perf_counter()
        code = compiler.compile(
            texts.text_of_problem(name, method, dtype), nvrtc.options_of(arch, False)
        )
        used = cubin.usage(code)["ds_advance"]
        row = {"method": method, "problem": name, "dtype": dtype, "arch": arch, "bytes": len(code)}
        rows.append(row | used._asdict() | {"seconds": time.perf_counter() - started})
    return rows


def helpers():
    """Modules of tests/gpu, whose problems and stand-ins are used here too."""
    sys.path.insert(0, str(TESTS))
    try:
        return {
            n: importlib.import_module(f"gpu.{n}")
            for n in ("problems", "fake", "texts", "wheel", "cubin")
        }
    finally:
        sys.path.remove(str(TESTS))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--name")
    parser.add_argument("--no-gpu", action="store_true")
    parser.add_argument("--seconds", type=float, default=450.0, help="no part begins after so many")
    options = parser.parse_args()
    began, of = time.perf_counter(), helpers()
    pairs, results = of["problems"].PAIRS, {}
    if options.no_gpu:
        results["compiled"] = compiled_everywhere(of["texts"], of["wheel"], of["cubin"], pairs)
        xp = sys.modules["cupy"] = of["fake"].cupy(1)
        compiler = of["fake"].Compiler(tempfile.mkdtemp())
        nvrtc.CupyCompiler = lambda: compiler
    else:
        xp = device.array_module()
    bench = Bench(xp, of["problems"].PROBLEMS, pairs, options.no_gpu)
    for part in PARTS:
        if time.perf_counter() - began > options.seconds:
            results[part] = "no time was left"
            continue
        started = time.perf_counter()
        try:
            results[part] = getattr(bench, part)()
        except Exception:
            results[part] = {"error": traceback.format_exc()}
        print(
            f"{part} ({time.perf_counter() - started:.1f} s): {json.dumps(results[part])}",
            flush=True,
        )
        written(options.name or ("none" if options.no_gpu else results["what"]["name"]), results)


def written(name, results):
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"gpu_{name.lower().replace(' ', '_')}.json"
    path.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
