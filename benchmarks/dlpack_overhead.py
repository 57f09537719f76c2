"""What a crossing of DLPack's border costs, beside NumPy's and PyTorch's own code.

    python benchmarks/dlpack_overhead.py [--json FILE]

The target is a round trip, `from_dlpack(to_dlpack(array))`, within 3 us. Everything is timed in turns, and the least of
many rounds is told; PyTorch's rows need PyTorch.
"""

import argparse
import json
import timeit

import numpy as np

from diffsol.dlpack import from_dlpack, to_dlpack

ROUNDS, CALLS = 30, 2000


def crossings():
    """{name: (ours, the framework's own, or None)}"""
    array = np.arange(100.0)
    found = {
        "round trip": (lambda: from_dlpack(to_dlpack(array)), None),
        "to_dlpack(array)": (lambda: to_dlpack(array), array.__dlpack__),
        "from_dlpack(array)": (lambda: from_dlpack(array), lambda: np.from_dlpack(array)),
    }
    try:
        import torch
    except ImportError:
        return found
    tensor = torch.arange(100.0, dtype=torch.float64)
    found["from_dlpack(tensor)"] = (
        lambda: from_dlpack(tensor),
        lambda: np.from_dlpack(tensor),
    )
    found["torch.from_dlpack(to_dlpack(array))"] = (
        lambda: torch.from_dlpack(to_dlpack(array)),
        lambda: torch.from_dlpack(array),
    )
    return found


def measure():
    """Microseconds by name, ours and the framework's own."""
    found = crossings()
    least = {name: [float("inf")] * 2 for name in found}
    for _ in range(ROUNDS):
        for name, functions in found.items():
            for k, function in enumerate(functions):
                if function is not None:
                    seconds = timeit.timeit(function, number=CALLS) / CALLS
                    least[name][k] = min(least[name][k], 1e6 * seconds)
    return least


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    result = measure()
    for name, (ours, own) in result.items():
        beside = f"{ours / own:6.1f} x {own:.2f} us" if own < float("inf") else ""
        print(f"{name:38s} {ours:6.2f} us {beside}")
    print("within 3 us:", result["round trip"][0] <= 3.0)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
