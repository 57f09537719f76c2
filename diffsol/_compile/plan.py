"""How a program is lowered and how much the compiler may spend on it.

The limits are measured (LLVM 22, 2.6 GHz Zen 5): code generation of straight-line code costs
about 5 us a line with the optimiser's cheap level, 1.5 us without; vectorising straight-line code
makes 49-element arrays four times faster, and gains nothing below about a hundred instructions.
"""

from __future__ import annotations

from dataclasses import dataclass

from diffsol._graph.elements import REDUCERS
from diffsol._graph.ops import COMPLEX, ELEMENTWISE

MOST_UNROLLED = (
    400  # elements computed one by one; more are computed in loops (as fast, compiled sooner)
)
MOST_UNROLLED_QUICKLY = 4_000  # the same for quick code: 8 us an element, loops take 3 ms each
SCALAR_CODE = 16  # programs that compute no larger array are scalar code: unrolled
STORES_PER_NODE = 4  # a larger output does not come from scalar code: it is written in loops

SMALL_LINES = 100  # up to here: peephole optimisation only
LARGE_LINES = 5_000  # beyond: quick code, or compiling takes seconds (it is worse than linear; loops: 1 ms a line)
HUGE_LINES = 20_000  # of loops: beyond, the quickest code (peephole optimisation and level 1 still take 0.3 ms a line)


@dataclass(frozen=True)
class Effort:
    """Optimiser ("peephole", "level1", "level2"), code generation level (0 to 3), and whether
    straight-line code is put into vector lanes where that pays."""

    optimiser: str
    codegen: int
    straight_lanes: bool = False


def unrolls(program, quick=False) -> bool:
    """Is the program small enough, or scalar enough, to be lowered element by element?"""
    work = [_work(node) for node in program.nodes]
    most = MOST_UNROLLED_QUICKLY if quick else MOST_UNROLLED
    few_stores = program.output.size <= max(most, STORES_PER_NODE * len(program.nodes))
    return few_stores and (sum(work) <= most or _is_scalar_code(program.nodes, work))


def _is_scalar_code(nodes, work) -> bool:
    """Are its arrays that small? Sums, as those that are rolled from a loop over few components, may
    have more terms, if that leaves each operation few elements on the average: loops over those take
    LLVM longer than their lines (16 rounds of Newton's method for 10 components: 5 times as long)."""
    if max(work) <= SCALAR_CODE:
        return True
    largest = max(node.size for node, elements in zip(nodes, work, strict=True) if elements)
    operations = sum(elements > 0 for elements in work)
    return largest <= SCALAR_CODE and sum(work) <= min(LARGE_LINES, SCALAR_CODE * operations)


def seconds(program, quick=False) -> float:
    """What compiling a program will take, about (measured; worse than linear for large ones)."""
    count = len(program.nodes)
    if not unrolls(program, quick):
        return 0.015 + 1.5e-3 * count
    scalars = elements(program)
    if quick or scalars > LARGE_LINES:
        return 0.003 + 25e-6 * scalars + 6e-10 * scalars**2
    return 0.003 + 1.1e-4 * scalars


def elements(program) -> int:
    """What is computed and stored where everything is unrolled, about."""
    return sum(map(_work, program.nodes)) + len(program.nodes) + program.output.size


def _work(node) -> int:
    """Elements that a node computes (one that rearranges others computes none)."""
    if node.op in ELEMENTWISE or node.op in ("cumsum", "gather", "searchsorted"):
        elements = node.size
    elif node.op == "spmv":
        elements = node.attrs[1].size * (node.size // max(node.shape[0], 1))
    elif node.op == "solve":
        elements = node.inputs[0].size + node.size
    elif node.op == "matmul":
        elements = node.size * node.inputs[0].shape[-1]
    else:
        elements = node.inputs[0].size if node.op in REDUCERS else 0
    return 4 * elements if node.dtype == COMPLEX else elements


def effort(lines, unrolled, quick=False) -> Effort:
    """What to spend on a module of so many lines; quick: the least that gives usable code."""
    if not unrolled:
        if lines <= LARGE_LINES:
            return Effort("level2", 2)
        return Effort("peephole", 1 if lines <= HUGE_LINES else 0)
    if lines <= SMALL_LINES:
        return Effort("peephole", 2)
    if quick or lines > LARGE_LINES:
        return Effort("peephole", 0)
    return Effort("level1", 1, straight_lanes=True)
