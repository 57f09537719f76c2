"""Writes docs/math.md: how far the functions of kernels for several lanes are off, measured with mpmath.

python tools/measure_math.py [--points N]     takes some 10 minutes with the 100,000 points of the page
"""

import argparse
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "vector"))

from lanes import Function  # noqa: E402
from ulps import FUNCTIONS, errors, points  # noqa: E402

HEAD = """\
<!-- Written by tools/measure_math.py; change the code and run it again. -->

# The elementary functions of ensembles

Kernels that compute several trajectories at once have elementary functions of their own
(`diffsol/_compile/vector/math`), because a C library has none for vectors, or not on every system, and because
a trajectory must get the same bits in whatever lane, vector width or thread, and on a GPU. Each is written
once, without branches, from operations that IEEE 754 defines to the last bit (the products and sums that are
rounded once are asked for as such, none are contracted by a compiler), and printed as LLVM's text and as C.

Results are not always those of NumPy or `math`, which differ from each other in the last bit as well. NaN,
infinities, zeros and their signs, subnormal numbers and overflow are NumPy's. Angles may be of any size.

The largest errors found with mpmath, in units in the last place (0.5 is a correctly rounded result), among
points spread evenly, by magnitude over all doubles, around 1, around multiples of pi/2 as near as doubles
come to them, and for powers near 1 with large exponents:

| function | points | largest error | at |
|---|---|---|---|
"""


def measured(name, count) -> str:
    operands = points(name, np.random.default_rng(20), count)
    off = errors(name, operands, Function(name, 4)(*operands))
    worst = off.argmax()
    where = ", ".join(repr(float(x[worst])) for x in operands)
    return f"| `{name}` | {off.size:,} | {off[worst]:.3f} | {where} |\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=100_000)
    count = parser.parse_args().points
    table = [measured(name, count) for name in FUNCTIONS]
    (ROOT / "docs" / "math.md").write_text(HEAD + "".join(table))


if __name__ == "__main__":
    main()
