"""Bytecode made ready for the machine: blocks of instructions that always run one after the other.

Within a block there is nothing to decide, so the machine counts and looks at the clock once for all of it,
and each instruction stands beside its handler. A block ends where the machine may go elsewhere, and
before each place that a jump leads to.
"""

from __future__ import annotations

import dis
import functools
import itertools
import types
from typing import NamedTuple

from diffsol._trace.frames import Code, decode
from diffsol._trace.reasons import Refused
from diffsol._trace.steps import STEPS

JUMPS = {dis.opname[number] for number in (*dis.hasjrel, *dis.hasjabs)}
LEAVING = {"RETURN_VALUE", "RETURN_CONST", "RETURN_GENERATOR", "YIELD_VALUE"}
WITHOUT_EFFECT = {"RESUME", "NOP", "CACHE", "PRECALL", "COPY_FREE_VARS", "EXTENDED_ARG"}


class Block(NamedTuple):
    """Steps beside their handlers."""

    pairs: tuple  # of (handler, Step)
    after: int  # index of the step that follows
    length: int


@functools.lru_cache(maxsize=512)
def blocks_of(code: types.CodeType) -> list:
    """For each step that may be the first of a block that block, for any other None."""
    decoded = decode(code)
    count = len(decoded.steps)
    starts = {0, *_targets(decoded), *_after_ends(decoded)}
    borders = [*sorted(start for start in starts if start < count), count]
    blocks: list = [None] * count
    for start, end in itertools.pairwise(borders):
        blocks[start] = _block(decoded.steps[start:end], end)
    return blocks


def _targets(decoded: Code):
    """Where jumps lead to; the end of a loop also behind the steps that clean up after it."""
    for step in decoded.steps:
        if step.name in JUMPS:
            target = decoded.index[step.value]
            yield target
            if step.name == "FOR_ITER":
                yield from (target + 1, target + 2)


def _after_ends(decoded: Code):
    for number, step in enumerate(decoded.steps):
        if step.name in JUMPS or step.name in LEAVING:
            yield number + 1


def _block(steps, after):
    pairs = tuple(
        (STEPS.get(step.name, _unknown), step) for step in steps if step.name not in WITHOUT_EFFECT
    )
    return Block(pairs, after, len(steps))


def _unknown(machine, frame, step):
    raise Refused("bytecode", step.name)
