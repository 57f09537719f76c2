"""Comparing derivatives with references that need none: complex steps, extrapolated differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffsol._sens.extrapolate import derivative

COMPLEX_STEP = 1e-30  # times the size of a variable: no difference is taken, so none cancels
USELESS = 0.1  # of a column's largest element: a reference less certain than this tells nothing


@dataclass(frozen=True)
class Line:
    """One variable: its worst element, and whether that is right."""

    name: str
    element: tuple
    given: float
    wanted: float
    relative: float  # the largest deviation, by the largest element of the column
    uncertain: float  # of the reference, likewise
    verdict: str  # 'ok', 'WRONG', 'UNKNOWN': the reference is too uncertain


@dataclass(frozen=True)
class GradientReport:
    """What a comparison has found; prints as a table."""

    lines: tuple
    tol: float
    how: str

    @property
    def passed(self) -> bool:
        return all(line.verdict == "ok" for line in self.lines)

    @property
    def worst(self) -> float:
        """The largest relative deviation."""
        return max((line.relative for line in self.lines), default=0.0)

    def __str__(self) -> str:
        width = max([8, *(len(line.name) for line in self.lines)])
        head = f"{'variable':{width}}  {'worst at':>12}  {'given':>14}  {'reference':>14}  {'deviation':>10}"
        rows = [
            f"{line.name:{width}}  {_place(line.element):>12}  {line.given:14.7g}  {line.wanted:14.7g}  "
            f"{line.relative:10.2e}  {line.verdict}"
            for line in self.lines
        ]
        wrong = sum(line.verdict != "ok" for line in self.lines)
        told = (
            f"{wrong} of {len(rows)} derivatives" if wrong else f"all {len(rows)} derivatives agree"
        )
        verdict = (
            f"{told}{' are not confirmed' if wrong else ''} (tolerance {self.tol:g}; {self.how})"
        )
        return "\n".join([verdict, head, *rows])


def _place(element):
    return "" if not element else str(list(element))


def compared(given, wanted, errors, names, tol, how) -> GradientReport:
    """given, wanted, errors: arrays (..., m), the last axis for the variables."""
    lines = []
    for j, name in enumerate(names):
        g, w, e = given[..., j], wanted[..., j], errors[..., j]
        scale = float(np.max(np.abs(w), initial=0.0)) or 1.0
        off = np.abs(g - w)
        off = np.where(np.isfinite(off), off, np.inf)
        worst = np.unravel_index(int(np.argmax(off)), off.shape) if off.ndim else ()
        uncertain = float(np.max(e, initial=0.0)) / scale
        right = bool((off <= tol * scale + e).all())
        verdict = "UNKNOWN" if not uncertain < USELESS else "ok" if right else "WRONG"
        place = tuple(int(i) for i in worst)
        relative = float(np.max(off, initial=0.0)) / scale
        lines.append(
            Line(name, place, float(g[place]), float(w[place]), relative, uncertain, verdict)
        )
    return GradientReport(tuple(lines), tol, how)


def by_differences(fun, p) -> tuple[np.ndarray, np.ndarray]:
    """(derivatives, their uncertainties): (..., m)."""
    found = [
        derivative(lambda x, j=j: fun(_with(p, j, x)), p[j], _size(p[j])) for j in range(p.size)
    ]
    best, errors = zip(*found, strict=True)
    return np.stack(best, axis=-1), np.stack(errors, axis=-1)


def by_complex_step(fun, p) -> np.ndarray:
    """Im f(p + i h) / h: exact to rounding where f is analytic and takes complex numbers (Squire and Trapp, SIAM
    Review 40, 1998)."""
    columns = []
    for j in range(p.size):
        step = COMPLEX_STEP * _size(p[j])
        columns.append(np.imag(fun(_with(p.astype(complex), j, p[j] + 1j * step))) / step)
    return np.stack(columns, axis=-1)


def _with(p, j, value):
    moved = p.copy()
    moved[j] = value
    return moved


def _size(value):
    return abs(value) or 1.0
