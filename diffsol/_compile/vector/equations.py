"""Small systems of linear equations in lanes: Gaussian elimination with rows exchanged by selects."""

from __future__ import annotations

from diffsol._compile.vector.rows import Refused

EPSILON = 2.220446049250313e-16
MOST_EQUATIONS = 16  # beyond, n**3 lines of text take longer to compile than they save


def solve(text, n, a, b):
    """(x, condition under which the matrix is singular) of a x = b, row-major lists.

    Partial pivoting (Golub & Van Loan, Matrix Computations, 3.4.1), the same operations as `ds_solve` of
    mathlib.c, and as there a pivot no larger than rounding errors leaves it to LAPACK to decide.
    """
    if n > MOST_EQUATIONS:
        raise Refused(f"a system of {n} linear equations")
    columns = len(b) // n
    rows = [a[i * n : (i + 1) * n] + b[i * columns : (i + 1) * columns] for i in range(n)]
    threshold = _largest(text, a) * EPSILON * float(n)
    singular = text.truth(False)
    for j in range(n):
        for i in range(j + 1, n):
            # in turn, so that the largest ends up in row j, the first of equal ones
            better = text.abs(rows[i][j]) > text.abs(rows[j][j])
            rows[j], rows[i] = _exchanged(text, better, rows[j], rows[i], j)
        singular = singular | ~(text.abs(rows[j][j]) > threshold)
        for i in range(j + 1, n):
            factor = rows[i][j] / rows[j][j]
            for k in range(j + 1, n + columns):
                rows[i][k] = rows[i][k] - factor * rows[j][k]
    solution = [row[n:] for row in rows]
    for j in reversed(range(n)):
        for k in range(columns):
            solution[j][k] = solution[j][k] / rows[j][j]
            for i in range(j):
                solution[i][k] = solution[i][k] - rows[i][j] * solution[j][k]
    return [x for row in solution for x in row], singular


def _largest(text, values):
    found = text.constant(0.0, "V")
    for x in values:
        size = text.abs(x)
        found = text.select(size <= found, found, size)
    return found


def _exchanged(text, condition, first, second, start):
    """Both rows, exchanged from column `start` on where the condition holds."""
    pairs = [
        (text.select(condition, b, a), text.select(condition, a, b))
        for a, b in zip(first[start:], second[start:], strict=True)
    ]
    return first[:start] + [p for p, _ in pairs], second[:start] + [p for _, p in pairs]
