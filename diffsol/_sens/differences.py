"""Derivatives of functions that are only Python: finite differences."""

from __future__ import annotations

from math import isfinite, ldexp

import numpy as np

STEP = np.sqrt(np.finfo(float).eps)  # times the size of what is moved
STEP_IN_TIME = np.finfo(float).eps ** (1 / 3)
FLOOR = 1e-3  # of the largest component: smaller ones are moved as if they were this large
SINGLE_STEP = np.sqrt(np.finfo(np.float32).eps)  # for functions that compute in single precision
LOOKS = 5  # evaluations in which such a function is looked for
KEPT = 8  # evaluations for which steps are kept


def directional(fun, here, t, y, values, dy, dvalues, scale):
    """d fun(t, y, values) along (dy, dvalues), from one evaluation and `here`, the value at (t, y, values).

    scale   the sizes of the values, none of them 0
    """
    with np.errstate(all="ignore"):  # what is not finite fails like any other solve
        sizes = np.abs(y) + FLOOR * np.max(np.abs(y), initial=0.0)
        moved = np.concatenate(
            [np.abs(dy) / np.where(sizes > 0, sizes, 1.0), np.abs(dvalues) / scale]
        )
        largest = moved.max(initial=0.0)
        if not largest > 0:
            return np.zeros(np.shape(here)) if largest == 0 else np.full(np.shape(here), np.nan)
        step = STEP / largest
        there = np.asarray(fun(t, y + step * dy, values + step * dvalues), float)
        return (there - here) / step


def in_time(fun, t, y, values, span):
    """d fun / dt, from two evaluations within an interval of this length."""
    step = STEP_IN_TIME * max(abs(t), span)
    behind = np.asarray(fun(t - step, y.copy(), values), float)
    return (np.asarray(fun(t + step, y.copy(), values), float) - behind) / (2 * step)


class ColumnDifferences:
    """dS/dt = f_y S + f_v of an f that is only Python: one evaluation for each column of S.

    fun, take   fun(t, y, *args), and what makes an ndarray (n,) of an unusual result
    variables   Variables
    values      ndarray (q,): p
    scale       (m,): the sizes of the variables, none of them 0

    Steps are powers of 2, so that few arguments are made, and are kept for some evaluations: columns change little
    from one to the next.

    is_single   does f compute in single precision? Its steps are larger, and its derivatives good to 3 digits.
    """

    def __init__(self, fun, take, variables, values, scale):
        self._fun, self._take, self._variables, self._values = fun, take, variables, values
        self._places = variables.columns
        self._own = np.where(np.array(self._places) >= 0, 1.0 / scale, 0.0)
        self._made: dict = {}
        self._step, self._looks, self.is_single = STEP, LOOKS, False
        self._left = 0  # evaluations for which the steps are kept

    def __call__(self, t, y, here, columns):
        """(m, n): along columns (m, n), where f is `here` (n,)."""
        with np.errstate(all="ignore"):  # what is not finite fails like any other solve
            if not self._left:
                if self._looks:
                    self._look(t, y, here, columns)
                self._choose(self._step, y, columns)
            self._left -= 1
            there = self._moved(t, y, here, columns)
            there -= here
            there /= self._steps
        return there

    def _choose(self, step, y, columns):
        """How far to go along each column, as (m, 1), and the arguments there; None where nothing moves."""
        sizes = np.abs(y)
        sizes += FLOOR * sizes.max(initial=0.0)
        sizes[sizes == 0] = 1.0
        largest = np.maximum((np.abs(columns) / sizes).max(axis=1, initial=0.0), self._own)
        still = (largest == 0).tolist()
        resting = ~((largest > 0) & (largest < np.inf))
        largest[resting] = 1.0
        exponents = np.frexp(step / largest)[1] - 1
        self._steps = np.ldexp(1.0, exponents)[:, np.newaxis]
        self._args = [
            None if still[j] else self._moved_args(j, e) for j, e in enumerate(exponents.tolist())
        ]
        self._left = 1 if self._looks or resting.any() else KEPT

    def _moved(self, t, y, here, columns):
        """f of the states and arguments moved along each column, (m, n); nan where a column is not finite."""
        states = y + self._steps * columns
        all_move = isfinite(states.sum())
        there, n, fun = np.empty(columns.shape), y.size, self._fun
        for j, args in enumerate(self._args):
            if args is None:
                there[j] = here
            elif all_move or np.isfinite(states[j]).all():
                found = fun(t, states[j], *args)
                usual = type(found) is list and len(found) == n
                there[j] = found if usual else self._take(found)
            else:
                there[j] = np.nan
        return there

    def _moved_args(self, j, exponent):
        place = self._places[j]
        key = (j, exponent) if place >= 0 else None  # of an initial value, only y moves
        args = self._made.get(key)
        if args is None:
            values = self._values.copy()
            if place >= 0:
                values[place] += ldexp(1.0, exponent)
            args = self._variables.args(values)
            if all(type(arg) is float for arg in args):  # an array might be written to
                self._made[key] = args
        return args

    def _look(self, t, y, here, columns):
        """Does f, moved far enough, change only to numbers of single precision?

        Where it is seen first holds for one evaluation: a round initial state may make round numbers.
        """
        is_first = self._looks == LOOKS
        self._looks -= 1
        self._step = STEP
        suspect = _is_single(here)
        if not suspect.any():
            return
        self._choose(SINGLE_STEP, y, columns)
        there = self._moved(t, y, here, columns)
        changed = (there != here) & suspect
        if changed.any():
            seems = bool(_is_single(there)[changed].all())
            if seems:
                self._step = SINGLE_STEP
            if not is_first or not seems:
                self._looks, self.is_single = 0, seems


def _is_single(values):
    """Which numbers have more than 12 digits (binary), and no more than 24? By chance one of 4000 has."""
    digits = np.frexp(values)[0]
    fits = np.float32(values) == values
    return fits & np.isfinite(values) & (np.rint(4096 * digits) != 4096 * digits)
