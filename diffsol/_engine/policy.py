"""When does compiling pay? Never slower than SciPy, in this call or in all calls together.

At the Python tier a trial step costs about what the user's function costs, where SciPy spends
`SCIPY_OVERHEAD` more. What has been saved so far may be spent on compiling; and where the progress of
the solve predicts that more than twice the price is still to come, it is spent at once.
"""

from __future__ import annotations

import sys

SCIPY_OVERHEAD = 40e-6  # seconds per trial step of SciPy's explicit methods beyond the calls of fun
LOAD_PRICE = 0.045  # seconds to load llvmlite and the tracer, once per process
KERNEL_PRICE = 0.012  # seconds to trace and compile a function of common size
FIRST_LOOK = 0.002  # seconds after which a solve at the Python tier is looked at first
SLICE = 0.05  # seconds between two returns to Python, for Ctrl-C


def price(count: int) -> float:
    """Seconds that compiling `count` functions will take."""
    loaded = "llvmlite.binding" in sys.modules
    return count * KERNEL_PRICE + (0.0 if loaded else LOAD_PRICE)


def pays(count, spent, trials, progress, python_seconds) -> bool:
    """Compile now? spent: seconds of this solve so far; progress: fraction of the interval done.

    python_seconds: what the function has cost at the Python tier in all earlier solves.
    """
    cost = price(count)
    saved = trials * SCIPY_OVERHEAD + python_seconds
    remaining = spent * (1 - progress) / progress if progress > 0 else float("inf")
    return (
        remaining > 2 * cost or (saved > cost and remaining > 0.2 * cost) or python_seconds > cost
    )
