"""Where a model starts: an initial state, fixed or a function of the arguments."""

from __future__ import annotations

import numpy as np

from diffsol._native._core import ffi, lib
from diffsol._sens.differences import directional
from diffsol._sens.system import Wrapped, traced
from diffsol._trace.reasons import Refused
from diffsol.integrate import _options


class FixedStart:
    """The same initial state for all arguments."""

    def __init__(self, y0, m):
        self._y0, self._m = y0, m

    def values(self, arguments):
        """(y0, dy0/dv): (n,), (m, n); new arrays."""
        return self._y0.copy(), np.zeros((self._m, self._y0.size))


class _AtStart(Wrapped):
    """y0(*args) as a function of time and state."""

    def __call__(self, t, y, *args):
        return self.fun(*args)


class StartFunction:
    """y0(*args)."""

    def __init__(self, fun, variables):
        self._fun, self._variables = fun, variables
        self._kernel = None
        columns = tuple(max(place, -1) for place in variables.columns)

        def make():
            from diffsol._graph.forward import forward_program

            return forward_program(self._traced.program, variables.n, columns)

        try:
            self._traced, self._block = traced(_AtStart(fun), variables)
            kernel = self._traced.kernel(("augmented", columns), make)
            self._kernel = ffi.cast("ds_kernel", kernel.address)
        except Refused:
            pass  # differences

    def values(self, arguments):
        """(y0, dy0/dv): (n,), (m, n); new arrays."""
        n, m = self._variables.n, len(self._variables.columns)
        found = np.empty(n * (1 + m))
        if self._kernel is None or self._asked(arguments, found):
            return self._by_python(arguments)
        return found[:n].copy(), found[n:].reshape(m, n).copy()

    def _asked(self, arguments, found):
        if arguments.size:
            self._block[-arguments.size :] = arguments
        return lib.ds_kernel_call(
            self._kernel,
            ffi.from_buffer("double[]", self._block),
            0.0,
            ffi.from_buffer("double[]", np.zeros(found.size)),
            ffi.from_buffer("double[]", found),
        )

    def _by_python(self, arguments):
        variables = self._variables

        def value(t, y, values):
            return np.broadcast_to(
                np.asarray(self._fun(*variables.args(values)), float), (variables.n,)
            )

        nothing = np.zeros(0)
        sizes = np.where(np.abs(arguments) > 0, np.abs(arguments), 1.0)
        here = np.array(value(0.0, nothing, arguments))
        columns = np.zeros((len(variables.columns), variables.n))
        for j, place in enumerate(variables.columns):
            if place >= 0:
                unit = np.zeros(arguments.size)
                unit[place] = 1.0
                columns[j] = directional(value, here, 0.0, nothing, arguments, nothing, unit, sizes)
        return here, columns


def first_state(y0, args) -> np.ndarray:
    """y0 as numbers, at these arguments. Raises ValueError."""
    state = _options.check_y0(y0(*args) if callable(y0) else y0)
    if state.dtype.kind == "c":
        raise TypeError("`y0` must be real.")
    return np.array(state)


def start_of(y0, variables):
    """The start of a model: `y0` is an array, or a function of the arguments."""
    if callable(y0):
        return StartFunction(y0, variables)
    return FixedStart(first_state(y0, ()), len(variables.columns))
