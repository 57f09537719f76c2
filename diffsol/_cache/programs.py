"""A program as text and blobs. Needed for derivatives and `explain` only, so it is read when asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from diffsol._cache.blobs import read_array
from diffsol._cache.contents import Unstable
from diffsol._cache.digests import blake2b

if TYPE_CHECKING:
    from diffsol._graph.node import Program


OF_THIS_PROCESS = "registered_"  # begins the names of such operators


def write(program, blobs):
    """[offset, size] of the text. Raises Unstable for operators that only this process knows."""
    place = {node.id: i for i, node in enumerate(program.nodes)}
    rows = [
        [
            _known(node.op),
            [place[x.id] for x in node.inputs],
            [_write_attribute(a, blobs) for a in node.attrs],
            node.shape,
            node.dtype.str,
            None if node.value is None else blobs.add_array(node.value),
        ]
        for node in program.nodes
    ]
    text = {
        "nodes": rows,
        "output": place[program.output.id],
        "trap": None if program.trap is None else place[program.trap.id],
        "state": [program.state_shape, program.state_dtype.str],
        "n_params": program.n_params,
    }
    return blobs.add(json.dumps(text).encode())


def _known(op):
    if op.startswith(OF_THIS_PROCESS):
        raise Unstable("an operator that was registered")
    return op


def is_lasting(program) -> bool:
    """Does it mean the same in another process?"""
    return not any(node.op.startswith(OF_THIS_PROCESS) for node in program.nodes)


def _write_attribute(value, blobs):
    if isinstance(value, np.ndarray):
        return {"array": blobs.add_array(value)}
    if isinstance(value, tuple | list):
        return [_write_attribute(v, blobs) for v in value]
    if value is None or isinstance(value, str):
        return value
    return int(value)


def read(written, data) -> Program:
    """The program; its nodes are of no graph."""
    from diffsol._graph.node import Node, Program

    at, size = written
    text = json.loads(bytes(data[at : at + size]))
    nodes: list = []
    for op, inputs, attributes, shape, dtype, value in text["nodes"]:
        nodes.append(
            Node(
                op,
                tuple(nodes[i] for i in inputs),
                tuple(_read_attribute(a, data) for a in attributes),
                tuple(shape),
                np.dtype(dtype),
                len(nodes),
                read_array(value, data),
            )
        )
    shape, dtype = text["state"]
    trap = None if text["trap"] is None else nodes[text["trap"]]
    return Program(nodes[text["output"]], trap, tuple(shape), np.dtype(dtype), text["n_params"])


def _read_attribute(written, data):
    if isinstance(written, dict):
        return read_array(written["array"], data)
    return (
        tuple(_read_attribute(a, data) for a in written) if isinstance(written, list) else written
    )


def content_of(program) -> str:
    """What tells equal programs, in whatever process they were made."""
    place = {node.id: i for i, node in enumerate(program.nodes)}
    hashed = blake2b(digest_size=20)
    for node in program.nodes:
        hashed.update(
            repr((node.op, [place[x.id] for x in node.inputs], node.shape, node.dtype.str)).encode()
        )
        for part in (node.value, *node.attrs):
            hashed.update(_told(part) + b"\0")
    ends = [place[program.output.id], None if program.trap is None else place[program.trap.id]]
    hashed.update(repr((ends, program.state_shape, program.n_params)).encode())
    return hashed.hexdigest()


def _told(part) -> bytes:
    """A value or attribute, the same whether it was traced or read from a file."""
    if isinstance(part, np.ndarray):
        return part.tobytes()
    if isinstance(part, tuple | list):
        return b"(%b)" % b",".join(map(_told, part))
    return repr(part if part is None or isinstance(part, str) else int(part)).encode()
