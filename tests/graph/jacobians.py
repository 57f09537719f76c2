"""Jacobians as matrices: from the graph, and by differences of the interpreter."""

from __future__ import annotations

import math

import numpy as np

from diffsol._graph import interpret
from diffsol._graph.check import check
from diffsol._graph.jacobian import jacobian, jvp_program

# central differences of order 8: weights of f(y + k h) - f(y - k h), Fornberg 1988, table 1
WEIGHTS = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}


def scatter(found, values, rows, columns):
    """The matrix that the values of a Jacobian's program stand for."""
    if found.full:
        return np.array(values).reshape(columns, rows).T
    result = np.zeros((rows, columns), np.asarray(values).dtype)
    column = np.repeat(np.arange(columns), np.diff(found.start))
    result[found.row, column] = values
    return result


def pattern(found, rows, columns):
    """Which places of the matrix are written?"""
    if found.full:
        return np.ones((rows, columns), bool)
    return scatter(found, np.ones(found.row.size, bool), rows, columns)


def exact(program, t, y, params=()):
    """The matrix of the graph's Jacobian, by the interpreter."""
    found = jacobian(program)
    check(found.program)
    values, _ = interpret.run(found.program, t, y, np.asarray(params, float))
    return scatter(found, values, program.output.size, math.prod(program.state_shape))


def product(program, t, y, v, params=()):
    """J v by the product's program and the interpreter."""
    found = jvp_program(program)
    check(found)
    both = np.concatenate([np.ravel(y), np.ravel(v)])
    return interpret.run(found, t, both, np.asarray(params, float))[0].reshape(-1)


def differences(program, t, y, params=(), h=1e-3):
    """The matrix by differences of order 8 along the real axis."""
    columns = []
    params = np.asarray(params, float)
    for j in range(np.size(y)):
        total = 0.0
        for k, weight in WEIGHTS.items():
            total = total + weight * (
                value(program, t, moved(y, j, k * h), params)
                - value(program, t, moved(y, j, -k * h), params)
            )
        columns.append(total / h)
    return np.array(columns).T


def moved(y, j, distance):
    result = np.array(y)
    result.reshape(-1)[j] += distance
    return result


def value(program, t, y, params):
    result = interpret.run(program, t, y, params)[0].reshape(-1)
    return result.astype(complex if result.dtype.kind == "c" else float)
