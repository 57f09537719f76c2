"""NumPy's summation order along contiguous elements, so that sums agree to the last bit.

Below one block the sum is sequential; a block of up to 128 doubles has eight partial sums; longer
runs are halved. Complex numbers count as two doubles (four partial sums, blocks of 64).
(NumPy, loops_utils.h: pairwise summation.)
"""

from __future__ import annotations

from diffsol._graph.ops import COMPLEX

BLOCK = 128


def lanes(dtype) -> int:
    """Partial sums of one block."""
    return 4 if dtype == COMPLEX else 8


def pairwise(plus, scalars, dtype):
    """Combine at least one scalar with plus(a, b) in NumPy's order."""
    count, width = len(scalars), lanes(dtype)
    if count < width:
        result = scalars[0]
        for scalar in scalars[1:]:
            result = plus(result, scalar)
        return result
    if count > BLOCK * width // 8:
        half = split(count, width)
        return plus(pairwise(plus, scalars[:half], dtype), pairwise(plus, scalars[half:], dtype))
    return _block(plus, scalars, width)


def split(count, width) -> int:
    """Where NumPy halves a run of more than one block."""
    half = count // 2
    return half - half % width


def _block(plus, scalars, width):
    whole = len(scalars) - len(scalars) % width
    partial = list(scalars[:width])
    for start in range(width, whole, width):
        partial = [plus(p, x) for p, x in zip(partial, scalars[start : start + width], strict=True)]
    while len(partial) > 1:
        partial = [plus(partial[i], partial[i + 1]) for i in range(0, len(partial), 2)]
    result = partial[0]
    for scalar in scalars[whole:]:
        result = plus(result, scalar)
    return result
