"""Import times of diffsol.integrate and scipy.integrate, interleaved, in fresh processes.

    python benchmarks/import_time.py [--repeats N] [--json FILE]

Prints the medians and their ratio; the promise is that the ratio is not above 1.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile

MODULES = ("scipy.integrate", "diffsol.integrate", "numpy")

TIMER = """
import sys, time
start = time.perf_counter()
__import__(sys.argv[1])
print(time.perf_counter() - start)
"""


def import_time(module):
    """Seconds that the import takes in a new interpreter, start-up left out."""
    run = [sys.executable, "-c", TIMER, module]
    # Not in the source tree: the installed package is what people import.
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(run, capture_output=True, text=True, check=True, cwd=folder)
    return float(done.stdout)


def measure(repeats):
    """Median seconds by module.  One round is thrown away, to have all files in the cache."""
    times = {module: [] for module in MODULES}
    for round_number in range(repeats + 1):
        for module in MODULES:
            seconds = import_time(module)
            if round_number:
                times[module].append(seconds)
    return {module: statistics.median(seconds) for module, seconds in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    result = measure(options.repeats)
    result["ratio"] = result["diffsol.integrate"] / result["scipy.integrate"]
    for module in MODULES:
        print(f"{module:20s} {result[module] * 1e3:8.1f} ms")
    print(f"ratio diffsol / SciPy {result['ratio']:7.3f}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
