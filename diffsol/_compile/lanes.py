"""Finds divisions in idle vector lanes, in optimised LLVM text.

The vectoriser of straight-line code leaves lanes idle where it likes. What happens to lie there is
divided all the same and raises floating-point flags; the solver would then ask Python for every
evaluation. A lane is idle when no later instruction asks for it; this is one walk from the last
instruction to the first.
"""

from __future__ import annotations

import re

ALL = -1  # every lane, as a bit mask

_RESULT = re.compile(r"\s*(%[\w.]+) = (?:tail )?(.*)")
_NAME = re.compile(r"%[\w.]+")
_WIDTH = re.compile(r"<(\d+) x ")
_LANE = re.compile(r"i(?:32|64) (\d+|poison)")
_MASK = re.compile(r", <\d+ x i32> (?:<|zeroinitializer|splat|poison)")
_DIVIDES = re.compile(r"fdiv <(\d+) x double>|call <(\d+) x double> @llvm\.sqrt")


def divides_in_idle_lanes(text) -> bool:
    """Does any vector division or square root of the text have a lane that nobody uses?"""
    demand: dict = {}  # SSA name -> mask of the lanes that later instructions use
    for line in reversed(text.splitlines()):
        match = _RESULT.match(line)
        name, body = match.groups() if match else (None, line)
        wanted = demand.get(name, 0) if match else ALL
        divides = _DIVIDES.search(body)
        if divides:
            lanes = (1 << int(divides.group(1) or divides.group(2))) - 1
            if wanted & lanes != lanes:
                return True
        for operand, mask in _uses(body, wanted):
            demand[operand] = demand.get(operand, 0) | mask
    return False


def _uses(body, wanted):
    """(operand, lanes of it that are used) of an instruction whose result is used in `wanted`."""
    if body.startswith("shufflevector"):
        return _shuffled(body, wanted)
    if body.startswith("extractelement"):
        lane = body.rsplit(" ", 1)[1]
        return [(x, 1 << int(lane) if lane.isdigit() else ALL) for x in _NAME.findall(body)]
    if body.startswith("insertelement"):
        lane = body.rsplit(" ", 1)[1]
        kept = wanted & ~(1 << int(lane)) if lane.isdigit() else ALL
        vector, scalar = body.split(", ")[:2]
        return [(x, kept) for x in _NAME.findall(vector)] + [
            (x, ALL) for x in _NAME.findall(scalar)
        ]
    lanewise = "<" in body and wanted != ALL
    return [(x, wanted if lanewise else ALL) for x in _NAME.findall(body)]


def _shuffled(body, wanted):
    """shufflevector <n x type> a, <n x type> b, <m x i32> mask: lanes of a, then those of b."""
    width = int(_WIDTH.search(body).group(1))
    start = _MASK.search(body).start()
    picked = _LANE.findall(body, start + 1)
    if "zeroinitializer" in body[start:] or "splat" in body[start:]:
        picked = picked[:1] * width or ["0"] * width
    used = [0, 0]
    for lane, source in enumerate(picked):
        if source != "poison" and wanted >> lane & 1:
            used[int(source) // width] |= 1 << int(source) % width
    first, second = body[:start].split(", <", 1)
    return [
        (x, mask)
        for part, mask in ((first, used[0]), (second, used[1]))
        for x in _NAME.findall(part)
    ]
