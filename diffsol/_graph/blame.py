"""Which operator of a program makes the first NaN or infinity?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffsol._graph import interpret
from diffsol._graph.node import Node


@dataclass(frozen=True)
class Fault:
    """The operator, the values of its inputs (finite) and its own, where it is not finite."""

    node: Node
    inputs: list
    value: object


def first_fault(program, t, y, params) -> Fault | None:
    """The first operator on the way to the output whose result is not finite though its inputs are."""
    values: dict = {}
    with np.errstate(all="ignore"):
        for node, value in interpret.steps(program, t, y, params):
            values[node.id] = value
    needed = {program.output.id}
    for node in reversed(program.nodes):
        if node.id in needed:
            bad = ~np.isfinite(values[node.id])
            if bad.any():
                needed.update(x.id for x in node.inputs)
    for node in program.nodes:
        if node.id in needed and node.inputs:
            inputs = [values[x.id] for x in node.inputs]
            bad = ~np.isfinite(values[node.id])
            if bad.any() and all(np.isfinite(x).all() for x in inputs):
                at = tuple(np.argwhere(bad)[0].tolist())
                return Fault(node, [_at(x, at, node) for x in inputs], values[node.id][at])
    return None


def _at(x, at, node):
    """The element of an input that goes into the element `at` of an elementwise operator's result."""
    return x[at] if x.shape == node.shape else x[()] if x.shape == () else x
