"""Prints a program, one line per node: for people who debug the tracer or a pass."""

from __future__ import annotations

import numpy as np

from diffsol._graph.node import Program

LONGEST = 60  # characters of a constant or an index table


def show(program: Program, around=None) -> str:
    """The program's text; around: only the neighbourhood of this node, which is marked."""
    nodes = program.nodes
    if around is not None:
        at = nodes.index(around)
        nodes = nodes[max(0, at - 5) : at + 3]
    lines = [("> " if node is around else "  ") + describe(node) for node in nodes]
    lines.append(f"  return %{program.output.id}")
    if program.trap is not None:
        lines.append(f"  ask Python if %{program.trap.id}")
    return "\n".join(lines)


def describe(node) -> str:
    """`%7 float64[3] = view(%2, offset=0, strides=(1,))` of one node."""
    arguments = [f"%{x.id}" for x in node.inputs]
    if node.value is not None:
        arguments.append(_short(node.value))
    names = ATTRIBUTES.get(node.op, [f"attr{i}" for i in range(len(node.attrs))])
    arguments += [f"{name}={_short(value)}" for name, value in zip(names, node.attrs, strict=False)]
    return f"%{node.id} {node.dtype.name}{list(node.shape)} = {node.op}({', '.join(arguments)})"


ATTRIBUTES = {
    "param": ["offset"],
    "view": ["offset", "strides"],
    "take": ["index"],
    "concat": ["axis"],
    "update": ["offset", "strides", "window"],
    "put": ["index"],
    "cumsum": ["axis"],
    "spmv": ["start", "column", "place"],
    "searchsorted": ["side", "offset", "stride", "count"],
    **{name: ["axes"] for name in ("sum", "prod", "amax", "amin", "any", "all")},
}


def _short(value) -> str:
    if isinstance(value, np.ndarray):
        text = (
            str(value.item())
            if value.ndim == 0
            else np.array2string(value, threshold=6, separator=", ").replace("\n", "")
        )
    else:
        text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
