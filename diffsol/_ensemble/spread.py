"""Functions of one trajectory as functions of its state followed by its own arguments.

That is what is traced: the arguments that differ from trajectory to trajectory are then inputs of the kernel,
as the state is, and no constants of it.
"""

from __future__ import annotations

import numpy as np

from diffsol._ensemble.batch import Own


class Spread:
    """fun(t, y, *args) as a function of (t, z, *shared).

    n        components of y, which are the first of z
    places   for each argument None (the next of `shared`), or (start, stop, shape, kind) in z
    """

    def __init__(self, fun, n, places):
        self.fun, self.n, self.places = fun, n, places

    def __call__(self, t, z, *shared):
        return self.fun(t, z[: self.n], *_arguments(z, self.places, shared))


class SpreadEvents:
    """The values of several event functions, as a function of (t, z, *shared)."""

    def __init__(self, events, n, places):
        self.events, self.n, self.places = events, n, places

    def __call__(self, t, z, *shared):
        args = _arguments(z, self.places, shared)
        return [event(t, z[: self.n], *args) for event in self.events]


def places_of(batch) -> tuple:
    """Where the own arguments of a batch stand, for `Spread`."""
    places: list[tuple | None] = []
    start = batch.n
    for arg in batch.args:
        if type(arg) is Own:
            places.append((start, start + arg.size, arg.shape, arg.values.dtype.kind))
            start += arg.size
        else:
            places.append(None)
    return tuple(places)


def _arguments(z, places, shared):
    args, k = [], 0
    for place in places:
        if place is None:
            args.append(shared[k])
            k += 1
        else:
            args.append(_argument(z, *place))
    return args


def _argument(z, start, stop, shape, kind):
    """An own argument of the type that it has in Python."""
    if shape == ():
        value = z[start]
        return value if kind == "f" else np.int64(value) if kind == "i" else np.bool_(value)
    values = z[start:stop].reshape(shape)
    return values if kind == "f" else values.astype(np.int64 if kind == "i" else bool)
