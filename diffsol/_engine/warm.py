"""Solvers that wait for the next solve of the same function."""

from __future__ import annotations

from typing import Any

from diffsol._engine import switch

IDLE_MAX = 2  # solvers kept for the next solve of one function: more only serve threads
# Beyond so many states, making a solver costs nothing beside what it does, and memory is better given back.
LARGEST = 64


class Warm:
    """A solver whose next solve calls no Python, and which knows nobody's functions and arguments.

    bound    kernel of the right-hand side, of the solve before
    options  what the two solves have in common, for the caller
    """

    __slots__ = ("options", "_variant", "_block", "_params")

    def __init__(self, bound, options):
        self.options = options
        self._variant, self._block, self._params = bound.variant, bound.block, bound.params

    def fits(self, record, fun, args) -> bool:
        """Does the kernel stand for this function now, with no need to compare it with the function?"""
        variant = self._variant
        return (
            variant.uses + 1 < variant.verify_at
            and variant in record.variants
            and variant.check(fun, args, self._block)
            and switch.mode_of_solve() != "0"
        )


def taken(idle, are_same) -> Any:
    """A solver of this list whose options are the same, which nobody else has meanwhile, or None."""
    others: list[Any] = []
    found = None
    while found is None and idle:
        try:
            warm = idle.pop()
        except IndexError:  # another thread was faster
            break
        if are_same(warm.options):
            found = warm
        else:
            others.append(warm)
    if others:
        idle.extend(others)
    return found


def keep(idle, warm):
    """For the next solve."""
    idle.append(warm)
    del idle[:-IDLE_MAX]
