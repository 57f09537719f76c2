"""Cuts the index space of a loop nest where inlined joins and assignments change from part to part.

Inside one region every inlined expression has one form, so the loop over it holds no decisions.
"""

from __future__ import annotations

import math

from diffsol._compile.fuse import LOOKUPS, inside
from diffsol._compile.index import Split, axis_map, compose, identity, on_box, side, window_box
from diffsol._graph.build import contiguous_strides
from diffsol._graph.ops import ELEMENTWISE

MOST_BOXES = 64  # regions of one loop nest; beyond, joins and assignments are stored


def inputs_at(node, indices, box):
    """[(input, its indices)] that an inlined node's element needs; Split if that varies on the box."""
    if node.op == "view":
        axes = axis_map(*node.attrs, node.shape, node.inputs[0].shape)
        return [(node.inputs[0], compose(axes, indices))]
    if node.op == "concat":
        return [_part_at(node, indices, box)]
    if node.op == "update":
        return [_assigned_at(node, indices, box)]
    inputs = node.inputs[1:] if node.op in LOOKUPS else node.inputs
    return [(x, indices if x.shape == node.shape else ()) for x in inputs]


def _part_at(node, indices, box):
    axis, start = node.attrs[0], 0
    for x in node.inputs[:-1]:
        if not side(indices[axis], start + x.shape[axis], box):
            break
        start += x.shape[axis]
    else:
        x = node.inputs[-1]
    return x, (*indices[:axis], indices[axis].moved(-start), *indices[axis + 1 :])


def _assigned_at(node, indices, box):
    base, value = node.inputs
    if not value.size:
        return base, indices
    starts, owner = window_box(node.attrs, node.shape)
    for affine, start, axis in zip(indices, starts, owner, strict=True):
        stop = start + (1 if axis is None else value.shape[axis])
        if not side(affine, start, box) or side(affine, stop, box):
            return base, indices
    return value, inside(indices, starts, owner, value.shape)


def boxes(plan, node, full, inner=False, limit=math.inf):
    """The regions of a root's index space on each of which every inlined expression has one form.

    In C order along the cuts; incomplete once there are more than `limit`.
    """
    waiting, done = [full], []
    while waiting and len(done) <= limit:
        box = waiting.pop()
        try:
            _follow(plan, node, identity(len(box)), box, set(), inner)
            done.append(box)
        except Split as cut:
            low, high = box[cut.axis]
            for span in ((cut.point, high), (low, cut.point)):  # the lower one is next
                waiting.append([*box[: cut.axis], span, *box[cut.axis + 1 :]])
    return done


def _follow(plan, node, indices, box, seen, inner=False):
    """Visit every element that one element of the root needs."""
    if node.size <= 1 or not inner and plan.in_memory(node):
        return
    indices = tuple(on_box(a, box) for a in indices)
    if (node.id, indices) in seen:
        return
    seen.add((node.id, indices))
    if node.op == "take" or node.op == "view" and plan.in_memory(node.inputs[0]):
        return
    for x, at in inputs_at(node, indices, box):
        _follow(plan, x, at, box, seen)


def cuts_well(plan) -> bool:
    """Do all loop nests stay within the number of regions that is worth it?"""
    return all(
        len(boxes(plan, node, [(0, extent) for extent in node.shape], inner, MOST_BOXES))
        <= MOST_BOXES
        for node, inner in _mapped(plan)
        if node.size
    )


def _mapped(plan):
    """(node, is it computed though it is stored?) of every loop nest that writes elements."""
    output = plan.program.output
    for part, _, _ in plan.parts(output, contiguous_strides(output.shape)):
        yield part, False
    for node in plan.program.nodes:
        if node.id in plan.stored:
            if node.op in ("concat", "update", "put"):
                yield from ((x, False) for x in node.inputs)
            elif node.op in ELEMENTWISE or node.op in ("cast", "view", "take", *LOOKUPS):
                yield node, True
