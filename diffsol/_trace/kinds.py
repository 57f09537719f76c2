"""Numbers that are one kind or another, depending on values: of which type Python would have them."""

from __future__ import annotations

from diffsol._graph.ops import INT
from diffsol._trace.guards import OutsideInt
from diffsol._trace.scalars import MAYBE, MIXED, Scalar, Traced, is_py


def either(a, b):
    """The kind of what is one of two numbers, depending on values."""
    if is_whole(a) != is_whole(b):
        return MIXED
    kinds = {is_py(a), is_py(b)}
    return kinds.pop() if len(kinds) == 1 else MIXED if MIXED in kinds else MAYBE


def is_whole(value) -> bool:
    """Is it an int?"""
    return isinstance(value, (int, OutsideInt)) or isinstance(value, Traced) and value.dtype == INT


def may_be_whole(value) -> bool:
    """Could NumPy make an array of ints of it, on one way or another, though we have floats?"""
    leaves, stack = [], [value]
    while stack:
        x = stack.pop()
        stack.extend(x) if isinstance(x, (list, tuple)) else leaves.append(x)
    mixed = [isinstance(x, Scalar) and x.py == MIXED for x in leaves]
    return any(mixed) and all(
        is_mixed or is_whole(x) for x, is_mixed in zip(leaves, mixed, strict=True)
    )
