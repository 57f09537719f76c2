"""How long calls take."""

from __future__ import annotations

import math
import time
import timeit


def least_seconds(call, longest, most, repeats=1) -> float:
    """The least time of one call, of as many as fit into `longest` seconds: two at least, `most` at most."""
    timer, ends, least = timeit.Timer(call), time.perf_counter() + longest, math.inf
    for count in range(most):
        if count >= 2 and time.perf_counter() > ends:
            break
        least = min(least, timer.timeit(repeats) / repeats)
    return least
