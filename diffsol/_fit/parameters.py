"""The vector that an optimiser moves: variables of several experiments, some shared, some on a logarithmic scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsol._dlpack.arguments import read


class Parameters:
    """p, and the variables of each experiment that it stands for.

    names      names of p's entries
    start      ndarray: p of the values that were given
    places     for each experiment an int array: which entry of p each of its variables is
    log        bool array: entries that hold the logarithm of their variable
    bounds     (lower, upper) of p
    """

    def __init__(self, variables, starts, own, log, bounds):
        self.names, self.places, values = _spread(variables, starts, own)
        self.log = _marked("log", log, self.names)
        self.bounds = _bounds(bounds, self.names, self.log)
        outside = _outside(values, self.log, self.bounds)
        if outside.any():
            name = self.names[int(np.argmax(outside))]
            raise ValueError(f"The value of {name!r} to begin with is not within its `bounds`.")
        if (values[self.log] <= 0).any():
            wrong = [
                n for n, v, at in zip(self.names, values, self.log, strict=True) if at and v <= 0
            ]
            raise ValueError(
                f"`log` has {wrong[0]!r}, whose value is not positive. Give positive `args` (or `y0`) to begin with."
            )
        self.start = values.copy()
        self.start[self.log] = np.log(values[self.log])

    def values(self, p) -> np.ndarray:
        """The variables that p stands for."""
        values = np.array(read(p), dtype=float)
        if values.shape != self.start.shape:
            raise ValueError(
                f"The parameters must be a vector of {len(self.names)} numbers, {', '.join(self.names)}, not of "
                f"shape {values.shape}."
            )
        with np.errstate(over="ignore"):  # an infinite value fails like any other that is none
            values[self.log] = np.exp(values[self.log])
        return values

    def chain(self, values) -> np.ndarray:
        """d variable / d p of each entry."""
        return np.where(self.log, values, 1.0)


def _spread(variables, starts, own):
    """(names of p, places of each experiment's variables in it, values)."""
    names = variables.names
    mine = _marked("own", own, names)
    count = len(starts)
    shared = [j for j in range(len(names)) if not mine[j] or count == 1]
    separate = [j for j in range(len(names)) if j not in shared]
    labels = [names[j] for j in shared]
    values = [starts[0][j] for j in shared]
    places = []
    for i in range(count):
        place = np.empty(len(names), np.int64)
        place[shared] = np.arange(len(shared))
        place[separate] = len(labels) + np.arange(len(separate))
        labels += [f"{names[j]} ({i})" for j in separate]
        values += [starts[i][j] for j in separate]
        places.append(place)
    return tuple(labels), places, np.array(values, dtype=float)


def _outside(values, log, bounds) -> np.ndarray:
    """Which values are not within the bounds of p."""
    with np.errstate(all="ignore"):
        p = np.where(log, np.log(np.abs(values)), values)
    return (p < bounds[0]) | (p > bounds[1])


def base_name(name) -> str:
    """'k' of 'k[1]' and of 'k[1] (0)'."""
    return name.partition(" (")[0].partition("[")[0]


def _matches(name, wanted) -> bool:
    return wanted in (name, base_name(name), name.partition(" (")[0])


def _marked(option, wanted, names) -> np.ndarray:
    """Which of the names an option names: True for all, or names of variables or of whole arguments."""
    if wanted is True or wanted is False:
        return np.full(len(names), wanted)
    wanted = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    marked = np.zeros(len(names), bool)
    for one in wanted:
        hits = [_matches(name, one) for name in names]
        if not any(hits):
            raise ValueError(f"`{option}` has {one!r}; the variables are {', '.join(names)}.")
        marked |= np.array(hits)
    return marked


def _bounds(bounds: Any, names, log):
    """(lower, upper) of p: what was given of the variables, on the scale of p.

    bounds   None; (lower, upper), each a number or one for each entry; or a dict from names to pairs
    """
    lower, upper = np.full(len(names), -np.inf), np.full(len(names), np.inf)
    lower[log] = 0.0
    if isinstance(bounds, dict):
        for name, pair in bounds.items():
            at = _marked("bounds", (name,), names)
            lower[at], upper[at] = _pair(pair, name)
    elif bounds is not None:
        if hasattr(bounds, "lb") and hasattr(bounds, "ub"):  # scipy.optimize.Bounds
            bounds = bounds.lb, bounds.ub
        low, high = _pair(bounds, "all variables")
        try:
            lower[:], upper[:] = low, high
        except ValueError:
            raise ValueError(
                f"`bounds` must be (lower, upper) with numbers or arrays of {len(names)}, for {', '.join(names)}."
            ) from None
    if not (lower < upper).all():
        name = names[int(np.argmin(lower < upper))]
        raise ValueError(
            f"`bounds`: the lower bound of each variable must be less than the upper one; that of {name!r} is not."
        )
    if (lower[log] < 0).any() or (upper[log] <= 0).any():
        raise ValueError("`bounds` of variables in `log` must not be negative.")
    with np.errstate(divide="ignore"):
        lower[log], upper[log] = np.log(lower[log]), np.log(upper[log])
    return lower, upper


def _pair(pair, name):
    try:
        low, high = pair
    except (TypeError, ValueError):
        raise ValueError(
            f"`bounds` of {name} must be a pair (lower, upper), not {pair!r}."
        ) from None
    return np.asarray(low, float), np.asarray(high, float)
