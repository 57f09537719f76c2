"""Index arithmetic of the loops: affine indices, boxes of them, and views as maps of axes."""

from __future__ import annotations

from typing import NamedTuple

from diffsol._graph.build import contiguous_strides


class Affine(NamedTuple):
    """start + sum of step * (loop variable of axis), with terms ((axis, step), ...) by axis."""

    start: int
    terms: tuple = ()

    def moved(self, distance):
        return Affine(self.start + distance, self.terms)


class Split(Exception):
    """A box must be cut: along `axis` at `point`, where an expression changes its form."""

    def __init__(self, axis, point):
        super().__init__(axis, point)
        self.axis, self.point = axis, point


def identity(rank) -> tuple:
    """The indices of an array's element in loops over the array's own axes."""
    return tuple(Affine(0, ((axis, 1),)) for axis in range(rank))


def combine(start, pairs) -> Affine:
    """start + sum of step * affine over (affine, step) pairs."""
    terms: dict = {}
    for affine, step in pairs:
        start += step * affine.start
        for axis, inner in affine.terms:
            terms[axis] = terms.get(axis, 0) + step * inner
    return Affine(start, tuple(sorted((axis, step) for axis, step in terms.items() if step)))


def compose(outer, indices) -> tuple:
    """Affine indices `outer`, whose loop variables are themselves the affine `indices`."""
    return tuple(combine(a.start, [(indices[axis], step) for axis, step in a.terms]) for a in outer)


def flat(indices, strides, offset=0) -> Affine:
    return combine(offset, list(zip(indices, strides, strict=True)))


def on_box(affine, box) -> Affine:
    """The affine with every axis that the box holds fixed put into its start."""
    fixed = [(axis, step) for axis, step in affine.terms if box[axis][1] - box[axis][0] == 1]
    if not fixed:
        return affine
    return Affine(
        affine.start + sum(step * box[axis][0] for axis, step in fixed),
        tuple(term for term in affine.terms if term not in fixed),
    )


def interval(affine, box) -> tuple:
    """Least and greatest value on a box of half-open ranges."""
    low = high = affine.start
    for axis, step in affine.terms:
        ends = step * box[axis][0], step * (box[axis][1] - 1)
        low, high = low + min(ends), high + max(ends)
    return low, high


def side(affine, boundary, box) -> bool:
    """Is the index at or above the boundary everywhere on the box? Split where it is both."""
    low, high = interval(affine, box)
    if low >= boundary:
        return True
    if high < boundary:
        return False
    ((axis, step),) = affine.terms
    if step > 0:  # first value of the variable at which the index has reached the boundary
        raise Split(axis, -((affine.start - boundary) // step))
    raise Split(axis, (affine.start - boundary) // -step + 1)


def axis_map(offset, strides, shape, base_shape):
    """A strided view as one affine index (of the view's axes) per axis of the base, or None.

    None: some element steps would carry from one axis of the base into the next (a reshape).
    """
    base_strides = contiguous_strides(base_shape)
    starts, rest = [], offset
    for extent, unit in zip(base_shape, base_strides, strict=True):
        digit, rest = divmod(rest, unit) if extent > 1 else (0, rest)
        starts.append(digit)
    terms: list = [[] for _ in base_shape]
    for axis, (stride, extent) in enumerate(zip(strides, shape, strict=True)):
        rest = abs(stride) if extent > 1 else 0
        for k, unit in enumerate(base_strides):
            if base_shape[k] > 1 and rest >= unit:
                digit, rest = divmod(rest, unit)
                terms[k].append((axis, digit if stride > 0 else -digit))
    result = tuple(Affine(s, tuple(t)) for s, t in zip(starts, terms, strict=True))
    box = [(0, extent) for extent in shape]
    for affine, extent in zip(result, base_shape, strict=True):
        low, high = interval(affine, box)
        if low < 0 or high >= extent:
            return None
    return result


def window_box(attrs, base_shape):
    """An assignment's window as a box of its base: (starts, window axis or None per base axis).

    None unless the window is a box: one window axis per base axis at most, in unit steps.
    """
    offset, strides, window = attrs
    axes = axis_map(offset, strides, window, base_shape)
    if axes is None:
        return None
    owner: list = []
    for affine in axes:
        if len(affine.terms) > 1 or any(step != 1 for _, step in affine.terms):
            return None
        owner.append(affine.terms[0][0] if affine.terms else None)
    used = [axis for axis in owner if axis is not None]
    if sorted(used) != [axis for axis, extent in enumerate(window) if extent > 1]:
        return None
    return tuple(a.start for a in axes), tuple(owner)
