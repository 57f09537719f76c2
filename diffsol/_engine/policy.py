"""When does compiling pay? Never slower than SciPy, in this call or in all calls together.

At the Python tier a trial step costs what the user's function costs, where SciPy spends
`overhead` (of the method's traits) more. A solve is compiled on its way where its progress predicts
that more than three times the price is still to come, and at its start where the function has cost more
than the price in earlier solves. Progress is judged by the slower of the whole solve and the last look at it, and
not before the second look: the first steps are small.
"""

from __future__ import annotations

import math

from diffsol._engine import ahead

LOAD_PRICE = 0.08  # seconds to load llvmlite and the tracer, once per process
LEAST_BUDGET = 0.02  # seconds that tracing and compiling may always take
KERNEL_PRICE = 0.006  # seconds to trace and compile a function of common size
FIRST_LOOK = 0.002  # seconds between two looks at a solve at the Python tier
DENSE_FLOP_PRICE = 3e-11  # seconds: LAPACK factors n states in this times n^3 (see structure.py)
LOOK_PRICE = 0.005  # seconds: the first look into the cache on disk takes that, later ones a tenth
SLICE = 0.05  # seconds between two returns to Python, for Ctrl-C


def price(count: int) -> float:
    """Seconds that compiling `count` functions will take."""
    return count * KERNEL_PRICE + ahead.to_come() * LOAD_PRICE


def budget_at_start(records) -> float:
    """Seconds for compiling these functions before the first step: half of what they have cost, if
    that pays; 0: do not."""
    waiting, tried = 0.0, 0
    for record in records:
        waiting = max(waiting, record.python_seconds)
        tried = max(tried, len(record.variants))
    # where kernels serve few calls each, every further one must have cost more to come
    if waiting <= (1 + tried) * price(len(records)):
        return 0.0
    budget = max(waiting / 2, LEAST_BUDGET)
    return budget if all(record.affords(budget) for record in records) else 0.0


def dense_seconds(n: int) -> float:
    """Seconds that an implicit solve spends at least on dense factors of n states.

    BDF at its loosest still takes ten factorisations to leave its first order and first step size.
    """
    return 10 * DENSE_FLOP_PRICE * n**3


def pays_at_once(certain: float) -> bool:
    """Does a kernel pay that spares so many seconds, whatever is loaded already?"""
    return certain > 2 * (LOAD_PRICE + KERNEL_PRICE)


class Outlook:
    """What is still to come of one solve, judged by its progress.

    begun    when it began, seconds
    t0, tf   its interval
    """

    def __init__(self, begun, t0, tf):
        self._begun, self._t0, self._tf = begun, t0, tf
        # time, t, step size and number of trials at the last look
        self._last: tuple[float, float, float, int] | None = None

    def remaining(self, now, t, h_abs, trials) -> float:
        """Seconds still to come at the Python tier; 0 at the first look."""
        last, self._last = self._last, (now, t, h_abs, trials)
        if last is None:
            return 0.0
        return min(
            self._at_rate(self._begun, self._t0, now, t),
            self._at_rate(last[0], last[1], now, t),
            self._with_growth(last, now, t, h_abs, trials),
        )

    def _at_rate(self, since, t_since, now, t):
        done = abs(t - t_since)
        return abs(self._tf - t) * (now - since) / done if done > 0 else float("inf")

    def _with_growth(self, last, now, t, h_abs, trials):
        """If steps go on to grow as since the last look: stiff problems run through decades of t."""
        then, _, h_then, trials_then = last
        count = trials - trials_then
        if not (count > 0 and 0 < h_then < h_abs < float("inf")):
            return float("inf")
        growth = math.log(h_abs / h_then) / count  # of the logarithm, a trial
        to_come = math.log1p(abs(self._tf - t) / h_abs * growth) / growth
        return to_come * (now - then) / count


def affordable(count, remaining, trials, overhead) -> float:
    """Seconds that compiling `count` functions may take in the middle of a solve; 0: do not.

    overhead: seconds that SciPy's solver spends on a trial beyond the calls of fun
    """
    cost = price(count)
    pays = remaining > 3 * cost or (trials * overhead > cost and remaining > cost)
    return remaining / 2 if pays else 0.0
