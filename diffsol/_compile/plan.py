"""How a program is lowered and how much the compiler may spend on it.

The limits are measured (LLVM 22, 2.6 GHz Zen 5): code generation of straight-line code costs
about 5 us a line with the optimiser's cheap level, 1.5 us without; vectorising straight-line code
makes 49-element arrays four times faster, and gains nothing below about a hundred instructions.
"""
from __future__ import annotations

from dataclasses import dataclass

SMALL_LINES = 100           # up to here: peephole optimisation only
LARGE_LINES = 20_000        # beyond: no optimisation, or compiling takes seconds


@dataclass(frozen=True)
class Effort:
    """Optimiser ("none", "peephole", "level1", "level2") and code generation level (0 to 3)."""

    optimiser: str
    codegen: int


def effort(lines, unrolled, quick=False) -> Effort:
    """What to spend on a module of so many lines; quick: the least that gives usable code."""
    if not unrolled:
        return Effort("level2", 2)
    if lines <= SMALL_LINES:
        return Effort("peephole", 2)
    if quick or lines > LARGE_LINES:
        return Effort("peephole", 0)
    return Effort("level1", 1)
