"""Elements of arrays side by side: views where they are evenly spaced, else tables of their positions."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from diffsol._graph.diff import flat_positions

FEWEST_ALIKE = 8  # scalars, or pieces, that make an array worth its loop


def elements(graph, array, positions):
    """array[positions] of a 1-D array; a view where the positions are evenly spaced."""
    strides = _even(positions)
    if strides is not None:
        return graph.view(array, int(positions.reshape(-1)[0]), strides, positions.shape)
    return graph.take(array, positions)


def joined(graph, parts) -> list:
    """Parts of a 1-D array, with neighbours that are taken from the same array in one."""
    result = []
    for base, found in groupby(parts, _taken_from):
        some = list(found)
        if base is not None and len(some) >= FEWEST_ALIKE:
            positions = np.concatenate([_positions(x) for x in some])
            some = [elements(graph, graph.reshape(base, (base.size,)), positions)]
        result += some
    return result


def _taken_from(x):
    return x.inputs[0] if x.op in ("take", "view") else None


def _positions(x):
    return x.attrs[0] if x.op == "take" else flat_positions(*x.attrs, x.shape)


def runs(places) -> list:
    """[(number of the array, first position, length)] of stretches of neighbouring elements."""
    same = (places[1:, 0] == places[:-1, 0]) & (places[1:, 1] == places[:-1, 1] + 1)
    starts = np.concatenate([[0], np.flatnonzero(~same) + 1])
    lengths = np.diff([*starts, len(places)])
    return list(zip(*places[starts].T, lengths, strict=True))


def _even(positions):
    """The strides, if positions[i, j] = start + i * strides[0] + j * strides[1]; else None."""
    strides = []
    start = positions.reshape(-1)[0]
    expected = np.full(positions.shape, start)
    for axis, extent in enumerate(positions.shape):
        line = positions[(0,) * axis + (slice(None),) + (0,) * (positions.ndim - axis - 1)]
        step = int(line[1] - line[0]) if extent > 1 else 0
        shape = [-1 if k == axis else 1 for k in range(positions.ndim)]
        expected = expected + (np.arange(extent) * step).reshape(shape)
        strides.append(step)
    return tuple(strides) if np.array_equal(expected, positions) else None
