"""What a solve is differentiated for: some of its arguments, its initial state."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Variables:
    """The variables v_j of d y / d v_j, and how `fun` gets them.

    n         components of y
    named     gives the m names: there may be many, and few ask
    columns   tuple of m: place in `values`, or -1 - i for the initial value of component i
    values    ndarray (q,): the arguments among the variables, flat
    places    for each argument None (the next of `shared`), or (start, stop, shape, 'f') in [y, values]
    shared    tuple: the other arguments
    """

    n: int
    named: Callable
    columns: tuple
    values: np.ndarray
    places: tuple
    shared: tuple

    @cached_property
    def names(self) -> tuple:
        """The names of the m variables."""
        return tuple(self.named())

    @property
    def y0_columns(self) -> list:
        """The columns of initial values, which are the last ones."""
        return list(range(self.values.size, len(self.columns)))

    def args(self, values) -> tuple:
        """The arguments of `fun` with these values of the variables among them."""
        shared, found = iter(self.shared), []
        for place in self.places:
            if place is None:
                found.append(next(shared))
            else:
                start, stop, shape, _ = place
                part = values[start - self.n : stop - self.n]
                found.append(part.reshape(shape).copy() if shape else float(part[0]))
        return tuple(found)

    def scales(self, values, y0) -> np.ndarray:
        """The size of each variable, 1 where it is 0: (m,)."""
        return sizes_of(np.concatenate([values, y0])[self._sources])

    @cached_property
    def _sources(self) -> np.ndarray:
        """Where each variable's value is in [values, y0]."""
        places = np.array(self.columns, dtype=np.int64)
        return np.where(places >= 0, places, self.values.size - 1 - places)

    def start(self) -> np.ndarray:
        """d y0 / d v_j: (m, n)."""
        columns = np.zeros((len(self.columns), self.n))
        for j, place in enumerate(self.columns):
            if place < 0:
                columns[j, -1 - place] = 1.0
        return columns


def sizes_of(values) -> np.ndarray:
    """The sizes of numbers, 1 where one is 0."""
    sizes = np.abs(values)
    sizes[sizes == 0] = 1.0
    return sizes


def variables_of(fun, y0, args, wrt) -> Variables:
    """The variables that `wrt` names. Raises ValueError, TypeError.

    wrt    'args' (all floats and arrays of floats among the arguments), 'y0', 'y0[i]', the name of a parameter of
           `fun`, 'args[i]', or several of these
    """
    wanted = (wrt,) if isinstance(wrt, str) else tuple(wrt)
    chosen, starts = _chosen(wanted, fun, args, y0.size)
    columns: list = []
    values: list = []
    places: list = []
    shared: list = []
    n, at = y0.size, 0
    for i, arg in enumerate(args):
        if i not in chosen:
            places.append(None)
            shared.append(arg)
            continue
        value = _numbers(arg, fun, args, i)
        places.append((n + at, n + at + value.size, value.shape, "f"))
        columns += range(at, at + value.size)
        values.append(value.ravel())
        at += value.size
    columns += [-1 - i for i in starts]
    if not columns:
        raise ValueError(
            f"`wrt={wrt!r}` names nothing to differentiate for: there are no floats and no arrays of floats in `args`. "
            "Name a parameter of `fun` (an integer may be one, if it is named), or 'y0'."
        )

    def named():
        labels = _labels(fun, len(args))
        for label, place in zip(labels, places, strict=True):
            if place is not None:
                yield from _element_names(label, place[2])
        yield from (f"y0[{i}]" for i in starts)

    flat = np.concatenate(values) if values else np.empty(0)
    return Variables(n, named, tuple(columns), flat, tuple(places), tuple(shared))


def _named(fun) -> list:
    """Names of the parameters of `fun` behind t and y."""
    code = getattr(fun, "__code__", None)
    if code is not None:  # quicker than its signature
        return list(code.co_varnames[2 : code.co_argcount])
    try:
        parameters = list(inspect.signature(fun).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in kinds][2:]


def _labels(fun, count) -> list:
    """What the arguments are called: as the parameters of `fun` behind t and y, or args[i]."""
    names = _named(fun)
    return [names[i] if i < len(names) else f"args[{i}]" for i in range(count)]


def parameters_of(fun) -> tuple:
    """The defaults of all parameters of `fun` behind t and y, 1 where there is none. Raises ValueError where they
    cannot be told."""
    try:
        parameters = list(inspect.signature(fun).parameters.values())[2:]
    except (TypeError, ValueError):
        parameters = []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if any(p.kind not in positional for p in parameters) or not _has_signature(fun):
        raise ValueError(
            "`args` must be given: `fun` does not tell how many numbers it takes behind t and y."
        )
    return tuple(1.0 if p.default is p.empty else p.default for p in parameters)


def _has_signature(fun) -> bool:
    try:
        inspect.signature(fun)
    except (TypeError, ValueError):
        return False
    return True


def left_out(fun, args, variables) -> list:
    """What might have been meant as a variable, and is none: names and values of numbers, lists, dicts and
    arrays, of whatever framework."""
    return [
        (label, arg)
        for label, arg, place in zip(_labels(fun, len(args)), args, variables.places, strict=True)
        if place is None
        and not isinstance(arg, bool)
        and (isinstance(arg, int | np.integer | list | dict) or hasattr(arg, "__dlpack__"))
    ]


def warn_of_tensors(fun, args, variables, wrt, stacklevel):
    """Arrays of other frameworks are no variables: the function is to be given what it was written for."""
    if "args" not in ((wrt,) if isinstance(wrt, str) else wrt):
        return  # what was meant is named
    for label, value in left_out(fun, args, variables):
        if hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray | np.generic):
            warnings.warn(
                f"{label!r} of `args` is a {type(value).__name__} and no variable: derivatives are for floats and "
                "NumPy's arrays of them. `diffsol.from_dlpack` makes one of it.",
                stacklevel=stacklevel + 1,
            )


def _chosen(wanted, fun, args, n):
    """(numbers of the arguments, and of the components of y0, that are variables)"""
    chosen: set = set()
    starts: set = set()
    if "args" in wanted:
        chosen |= {i for i, arg in enumerate(args) if _is_float(arg)}
    if "y0" in wanted:
        starts |= set(range(n))
    clash = [name for name in ("args", "y0") if name in wanted and name in _named(fun)]
    if clash:
        raise ValueError(
            f"`wrt` has {clash[0]!r}, which is a parameter of `fun`, too: call it by its number, 'args[0]' and so on, "
            "or give the parameter another name."
        )
    others = [name for name in wanted if name not in ("args", "y0")]
    labels = _labels(fun, len(args)) if others else []
    numbered = [f"args[{i}]" for i in range(len(args))]
    initial = [f"y0[{i}]" for i in range(n)] if others else []
    for name in others:
        if name in labels:
            chosen.add(labels.index(name))
        elif name in numbered:
            chosen.add(numbered.index(name))
        elif name in initial:
            starts.add(initial.index(name))
        else:
            known = ", ".join(repr(label) for label in ("args", "y0", "y0[0]", *labels))
            known += f" (and so on to 'y0[{n - 1}]')" if n > 1 else ""
            raise ValueError(f"`wrt` has {name!r}; it may have {known}.")
    return chosen, sorted(starts)


def _is_float(arg) -> bool:
    return isinstance(arg, float | np.floating) or (
        isinstance(arg, np.ndarray) and arg.dtype.kind == "f"
    )


def _numbers(arg, fun, args, i) -> np.ndarray:
    """Argument i as doubles."""
    scalar = isinstance(arg, int | float | np.integer | np.floating) and not isinstance(arg, bool)
    if not (scalar or isinstance(arg, np.ndarray) and arg.dtype.kind in "fiu"):
        label = _labels(fun, len(args))[i]
        raise TypeError(
            f"`wrt` has {label!r}, which is {arg!r}: derivatives are for real numbers and arrays of them."
        )
    return np.asarray(arg, dtype=float)


def _element_names(label, shape) -> list:
    if not shape:
        return [label]
    return [f"{label}[{', '.join(map(str, index))}]" for index in np.ndindex(shape)]
