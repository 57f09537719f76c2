"""Data from tables: pandas' or anything else with columns by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np

from diffsol._fit.make import residual
from diffsol._fit.residual import Residual


def from_frame(
    df: Any,
    fun: Callable,
    y0: Any,
    *,
    time: str = "time",
    columns: Any = None,
    variable: str | None = None,
    value: str = "value",
    sigma: str | None = None,
    experiment: str | None = None,
    **options: Any,
) -> Residual:
    """`residual` with its data from a table.

    Parameters
    ----------
    df : table
        With columns by name, as ``df[name]``: a pandas or polars DataFrame, a dict of arrays, a structured array.
        Wide: a row for each time, a column for each observed quantity. Tidy: a row for each measurement.
    fun, y0, **options
        As of `residual`; y0 is a list of states, or a dict from the names in `experiment`, where experiments begin
        differently.
    time : str
        The column of times.
    columns : dict, or sequence of str, optional
        What was observed: the names, in the order of the components of y or of what `observe` gives. With a dict from
        names to components, `observe` need not be given. Default: all other columns of a wide table, in their
        order; all names in a tidy one, in the order of their first appearance, with a warning.
    variable : str, optional
        Tidy: the column that says which quantity a row has. Default: the table is wide.
    value : str
        Tidy: the column of the numbers.
    sigma : str, optional
        Tidy: the column of the standard deviations; weights are 1 / sigma.
    experiment : str, optional
        The column that tells experiments apart; they are taken in the order of their first appearance.

    Returns
    -------
    `Residual`

    Raises
    ------
    KeyError, ValueError, TypeError
        For a column that is not there, that does not hold numbers, or, of times, that holds dates; for `sigma`
        without `variable`.

    A quantity that was measured several times at the same time counts several times.
    """
    if sigma is not None and variable is None:
        raise ValueError(
            "`sigma` is a column of a tidy table; for a wide one give `weights`, 1 / sigma."
        )
    names = [variable, value, sigma] if variable is not None else []
    times = _times(df, time)
    rows = [np.arange(len(times))]
    if experiment is not None:
        labels = _column(df, experiment)
        kinds = _in_order(labels)
        rows = [np.flatnonzero(labels == kind) for kind in kinds]
        if isinstance(y0, dict):
            missing = [kind for kind in kinds if kind not in y0]
            if missing:
                raise KeyError(f"`y0` has no {missing[0]!r}, which is in the column {experiment!r}")
            y0 = [y0[kind] for kind in kinds]
    taken = {time, experiment, *names}
    if variable is None:
        wide = list(columns) if columns is not None else [c for c in _names(df) if c not in taken]
        parts = [_wide(df, times, wide, part) for part in rows]
    else:
        known = _in_order(_column(df, variable))
        tidy = list(columns) if columns is not None else known
        if columns is None and len(known) > 1 and "observe" not in options:
            _warn_of_order(known, variable)
        unknown = [name for name in tidy if name not in known]
        if unknown:
            raise KeyError(f"`columns` has {unknown[0]!r}; the column {variable!r} has {known}")
        parts = [_tidy(df, times, tidy, part, variable, value, sigma) for part in rows]
    if isinstance(columns, dict):
        options.setdefault("observe", list(columns.values()))
    t, data, weights = (list(found) for found in zip(*parts, strict=True))
    if sigma is not None:
        options["weights"] = weights
    if experiment is None:
        t, data = t[0], data[0]
        if sigma is not None:
            options["weights"] = weights[0]
    return residual(fun, y0, t, data, **options)


def _warn_of_order(known, variable):
    warnings.warn(
        f"the quantities of the column {variable!r} are taken to be the components of y in the order of their first "
        f"appearance, {known}. Give `columns` to say which is which.",
        stacklevel=3,
    )


def _times(df, name) -> np.ndarray:
    """A column of times, as numbers."""
    column = _column(df, name)
    first = column.tolist()[0] if len(column) else 0.0
    if column.dtype.kind in "mM" or isinstance(first, date | timedelta):
        raise TypeError(
            f"the column {name!r} holds dates, not numbers in the unit of the model's time. Make numbers of them: with "
            "pandas, `(df[name] - df[name].iloc[0]).dt.total_seconds()`."
        )
    return _numbers(df, name)


def _column(df, name) -> np.ndarray:
    try:
        return np.asarray(df[name])
    except (KeyError, ValueError, IndexError) as error:
        raise KeyError(f"there is no column {name!r}; there are {_names(df)}") from error


def _names(df) -> list:
    if isinstance(df, np.ndarray):
        return list(df.dtype.names or ())
    for names in ("column_names", "columns"):  # Arrow has the data themselves as `columns`
        if hasattr(df, names):
            return list(getattr(df, names))
    return list(df)


def _in_order(labels) -> list:
    """The different labels, by their first appearance."""
    return list(dict.fromkeys(labels.tolist()))


def _wide(df, times, names, rows):
    """(t, data, None) of some rows."""
    return times[rows], np.array([_numbers(df, name)[rows] for name in names]), None


def _numbers(df, name) -> np.ndarray:
    """A column of numbers."""
    try:
        return _column(df, name).astype(float)
    except (TypeError, ValueError):
        raise ValueError(
            f"the column {name!r} does not hold numbers; `columns` says which do, and `variable` which column "
            "names the quantities of a tidy table."
        ) from None


def _tidy(df, times, names, rows, variable, value, sigma):
    """(t, data, weights) of some rows: a column for each time, several where a quantity was measured repeatedly."""
    kinds, numbers = _column(df, variable)[rows], _column(df, value)[rows].astype(float)
    at = times[rows]
    repeats = np.zeros(len(rows), np.int64)
    seen: dict = {}
    for i, key in enumerate(zip(at.tolist(), kinds.tolist(), strict=True)):
        repeats[i] = seen[key] = seen.get(key, -1) + 1
    places = sorted(set(zip(at.tolist(), repeats.tolist(), strict=True)))
    column = {place: j for j, place in enumerate(places)}
    data = np.full((len(names), len(places)), np.nan)
    weights = np.ones(data.shape)
    deviations = None if sigma is None else _column(df, sigma)[rows].astype(float)
    for i, kind in enumerate(kinds.tolist()):
        if kind not in names:
            continue
        place = names.index(kind), column[at[i], repeats[i]]
        data[place] = numbers[i]
        if deviations is not None:
            weights[place] = 1.0 / deviations[i]
    return np.array([t for t, _ in places]), data, weights
