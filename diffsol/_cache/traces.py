"""What functions were traced to, as the content of a file, and back: programs with the guards they hold under, and no
machine code."""

from __future__ import annotations

from typing import NamedTuple

from diffsol._cache import constants, lists, programs
from diffsol._graph.node import Program


class KeptTrace(NamedTuple):
    """guards: a guard function's source and constants; derived: further programs (some None), if they were made."""

    guards: tuple[str, list]
    n_params: int
    program: Program
    derived: tuple[Program | None, ...] | None


def pack(traces) -> bytes:
    """The content of a file; traces that cannot be kept are left out. b"": none can."""
    return lists.pack(traces, _written)


def _written(trace, blobs):
    source, values = trace.guards
    derived = trace.derived
    if derived is not None:
        derived = [None if p is None else programs.write(p, blobs) for p in derived]
    return [
        [source, [constants.write(value) for value in values]],
        trace.n_params,
        programs.write(trace.program, blobs),
        derived,
    ]


def unpack(content) -> list[KeptTrace]:
    """The traces of a file; malformed ones are left out."""
    return lists.unpack(content, _read)


def _read(written, data):
    (source, values), n_params, program, derived = written
    if derived is not None:
        derived = tuple(None if p is None else programs.read(p, data) for p in derived)
    guards = source, [constants.read(value) for value in values]
    return KeptTrace(guards, n_params, programs.read(program, data), derived)
