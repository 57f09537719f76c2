"""What the trajectories of an ensemble have for themselves, and what they share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diffsol._dlpack.arguments import read, read_args

LARGEST_INT = 2**53  # an own argument is held as a double, whatever it is


def host(array) -> np.ndarray:
    """An array in the processor's memory, wherever it was."""
    # what is pandas' has a `get` of another meaning
    kind = type(array)
    return array.get() if hasattr(kind, "get") and hasattr(kind, "device") else array


@dataclass(frozen=True)
class Own:
    """An argument that every trajectory has for itself.

    values    ndarray (N, ...), of bools, integers or floats
    """

    values: np.ndarray

    @property
    def shape(self):
        return self.values.shape[1:]

    @property
    def size(self):
        return int(np.prod(self.shape, dtype=int))


@dataclass(frozen=True)
class Batch:
    """N trajectories, or some of them. The arrays may be a device's (CuPy's).

    size     N
    y0       ndarray (N, n), or (1, n) for all
    args     tuple of Own, and of whatever is shared as it is
    t0, tf   ndarray (N,), or (1,) for all
    """

    size: int
    y0: np.ndarray
    args: tuple
    t0: np.ndarray
    tf: np.ndarray

    @property
    def n(self):
        return self.y0.shape[1]

    @property
    def own(self):
        return [arg for arg in self.args if type(arg) is Own]

    @property
    def shared(self):
        return tuple(arg for arg in self.args if type(arg) is not Own)

    def rows(self, first, last) -> Batch:
        """The trajectories from first up to last."""
        return self._only(slice(first, last), last - first, lambda values: values)

    def picked(self, indices: list[int]) -> Batch:
        """Some trajectories, in the processor's memory."""
        return self._only(indices, len(indices), host)

    def _only(self, which, count, taken) -> Batch:
        def some(values):
            return taken(values if len(values) == 1 < self.size else values[which])

        return replace(
            self,
            size=count,
            y0=some(self.y0),
            args=tuple(Own(some(a.values)) if type(a) is Own else a for a in self.args),
            t0=some(self.t0),
            tf=some(self.tf),
        )

    def own_rows(self) -> np.ndarray:
        """The own arguments as numbers, (N, m)."""
        parts = [np.reshape(own.values, (self.size, own.size)) for own in self.own]
        if not parts:
            return np.empty((self.size, 0))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def one(self, i) -> tuple[tuple, np.ndarray, tuple]:
        """(t_span, y0, args) of trajectory i, as `solve_ivp` takes them."""
        args = tuple(a.values[i] if type(a) is Own else a for a in self.args)
        span = float(self._at(self.t0, i)), float(self._at(self.tf, i))
        return span, self._at(self.y0, i).copy(), args

    def _at(self, values, i):
        return values[0] if len(values) == 1 else values[i]


def batch_of(t_span, y0, args, args_axes, xp=np) -> Batch:
    """The ensemble that the arguments of `solve_ensemble` describe, with arrays of the module `xp`.
    Raises ValueError, TypeError."""
    y0 = xp.asarray(read(y0))
    one_start = y0.ndim == 1
    y0 = _states(y0, xp)
    axes, args = _axes(args, args_axes), read_args(args)
    args = tuple(
        _own(arg, i, xp) if axis == 0 else host(arg) if isinstance(arg, xp.ndarray) else arg
        for i, (arg, axis) in enumerate(zip(args, axes, strict=True))
    )
    t0, tf = _span(t_span, xp)
    lengths = {"`y0`": len(y0), "`t_span[0]`": len(t0), "`t_span[1]`": len(tf)}
    sizes = {name: length for name, length in lengths.items() if length != 1}
    sizes |= {f"`args[{i}]`": len(a.values) for i, a in enumerate(args) if type(a) is Own}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in sizes.items())
        raise ValueError(f"The numbers of trajectories do not agree: {told}.")
    if (
        one_start
        and not any(type(a) is Own for a in args)
        and np.ndim(t_span[0]) == np.ndim(t_span[1]) == 0
    ):
        raise ValueError(
            "Nothing differs from trajectory to trajectory: `y0` has one dimension, `t_span` two numbers, and "
            f"`args_axes={args_axes!r}` says that all share `args`. Give `args_axes=0`, or 0 for those of `args` that "
            "have one value for each trajectory along their first axis, or `y0` of shape (N, n)."
        )
    if 0 in sizes.values():
        raise ValueError("There are no trajectories: an array with one entry for each is empty.")
    return Batch(next(iter(sizes.values()), 1), y0, args, t0, tf)


def _states(y0, xp):
    if y0.dtype.kind not in "fciub":
        raise TypeError(f"`y0` must hold numbers, not {y0.dtype}.")
    y0 = y0.astype(complex if y0.dtype.kind == "c" else float, copy=False)
    if y0.ndim not in (1, 2) or not y0.shape[-1]:
        raise ValueError(
            f"`y0` must have the shape (n,), or (N, n) for N trajectories, with n > 0, not {y0.shape}."
        )
    if not xp.isfinite(y0).all():
        raise ValueError("All components of the initial states `y0` must be finite.")
    return xp.atleast_2d(y0)


def _axes(args, args_axes):
    """0 or None for each argument."""
    alike = not isinstance(args_axes, list | tuple)
    axes = (args_axes,) * len(args) if alike else tuple(args_axes)
    if len(axes) != len(args) or not all(axis is None or axis == 0 for axis in axes):
        raise ValueError(
            "`args_axes` must be 0, None, or a tuple of these with one entry for each of the "
            f"{len(args)} `args`, not {args_axes!r}: 0 where an argument has one value for each trajectory, None "
            "where all share it."
        )
    return axes


def _own(arg: Any, i, xp):
    values = xp.asarray(read(arg))
    if values.dtype.kind not in "fiub" or not values.ndim:
        raise ValueError(
            f"`args[{i}]` has `args_axes` 0: it must be an array of real numbers with one entry for each trajectory, "
            f"not {arg!r}. Where all share it, `args_axes` is None there; `args` itself must be a tuple."
        )
    if (
        values.dtype.kind in "iu"
        and values.size
        and max(abs(int(values.min())), int(values.max())) > LARGEST_INT
    ):
        raise ValueError(f"`args[{i}]` has integers beyond 2**53.")
    kept = {"f": float, "b": bool}.get(values.dtype.kind, np.int64)
    return Own(values.astype(kept, copy=False))


def _span(t_span, xp):
    if not hasattr(t_span, "__len__") or len(t_span) != 2:
        raise ValueError(f"`t_span` must have two entries, t0 and tf, and not be {t_span!r}.")
    ends = [xp.atleast_1d(xp.asarray(read(t), dtype=float)) for t in t_span]
    if any(end.ndim != 1 for end in ends):
        raise ValueError(
            "The entries of `t_span` must be numbers, or arrays with one for each trajectory."
        )
    if not xp.isfinite(ends[0]).all() or xp.isnan(ends[1]).any():
        raise ValueError("`t_span[0]` must be finite, and `t_span[1]` not be nan.")
    return ends
