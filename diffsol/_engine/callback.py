"""The way from the C core to Python functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial

import numpy as np

from diffsol._engine.refusal import refused
from diffsol._native._core import ffi, lib

_asarray = np.asarray
_float64 = np.float64
_new = ffi.new
_PYTHON = ffi.typeof("ds_python *")
_DOUBLES = ffi.typeof("double *")


class PythonCalls:
    """The Python functions of one solve by the C core, which calls `fun` by way of C alone.

    fun, args   the right-hand side as it is called: fun(t, y, *args), or fun(y, t, *args)
    state       ndarray (n,): size and dtype of y
    y_first     fun takes y before t
    shared      fun sees `state` itself, which the core works in; else a copy that it may keep
    by_answer   the first call of fun goes to `answer`

    handle      for the core
    nonfinite   (t, y) of the first evaluation by Python that was not finite, or None
    error       the exception that came out of the last call
    """

    error: BaseException | None = None
    nonfinite: tuple | None = None
    after: Callable | None = None
    arguments: tuple = ()  # of C's calls, which sets it

    def __init__(self, fun, args, state, y_first=False, shared=False, by_answer=False):
        self.fun, self.args, self.state = fun, args, state
        values = id(self), state.size, state.dtype.kind == "c", y_first, shared, by_answer
        self.handle = _new(_PYTHON, values)

    def serve(self, fun, args, state):
        """Other functions, or another state, from the next call of the core on."""
        self.fun, self.args, self.state = fun, args, state
        self.arguments = ()
        self.handle.fun = self.handle.arguments = ffi.NULL

    def watch(self, after):
        """To be called after each event or Jacobian (functions with unknown effects), or None."""
        self.after = after
        self.handle.watched = after is not None

    def keep_nonfinite(self, t, y):
        self.nonfinite = t, np.array(self._view(y))

    def _view(self, address):
        """The ndarray over a state of the core's."""
        return np.frombuffer(ffi.buffer(doubles_at(address), self.state.nbytes), self.state.dtype)

    def raise_error(self):
        error, self.error = self.error, None
        try:
            raise error
        finally:
            del error  # or it would hold itself, by way of its traceback and this frame

    def take(self, result):
        """What fun returned, where that is not simply n numbers, as an array that is."""
        raise NotImplementedError

    def answer(self, which, flags, t, y, out):
        """The core's other calls; y and out are addresses."""
        raise NotImplementedError


# A solver of more states may factor their matrix for long, and lets other threads run meanwhile (the
# core's DS_CLOCK_STATES).
_MANY_STATES = 500

_HOLDING = {
    advance: partial(lib.ds_python_advance, ffi.cast("ds_advance", ffi.addressof(lib, name)))
    for name in ("ds_ivp_advance", "ds_odeint_advance", "ds_hairer_advance")
    for advance in (getattr(lib, name),)
}
_HOLDING[lib.ds_ivp_step] = lib.ds_python_step
_HOLDING[lib.ds_odeint_run] = lib.ds_python_odeint_run
_HOLDING[lib.ds_vode_run] = lib.ds_python_vode_run


def calling_python(advance, n):
    """A core's `advance`, `step` or `run`, where the right-hand side is called as Python."""
    return advance if n > _MANY_STATES else _HOLDING[advance]


def doubles_at(address):
    """The core's numbers at an address, as a C array."""
    return ffi.cast(_DOUBLES, address)


class Unusual(Exception):
    """The first result has a shape that SciPy would broadcast in ways of its own."""

    def __init__(self, result):
        super().__init__(result)
        self.result = result


class Callbacks(PythonCalls):
    """The functions of one solve_ivp.

    rhs     the right-hand side (Function)
    events  event functions, as they are called
    state   y0 as SciPy's solver would hold it: the very array that fun sees at its first call
    jacobian, ivp  the Jacobian of an implicit solve, and the core's struct that it writes to
    """

    starts_at_once = True  # fun is called before the first step

    def __init__(self, rhs, state):
        fun = self._vectorized if rhs.vectorized else rhs.fun
        super().__init__(fun, rhs.args, state, by_answer=self.starts_at_once)
        self.rhs = rhs
        self.events: list = []
        self.jacobian = None
        self.ivp = None
        self._dtype = state.dtype

    def _vectorized(self, t, y, *args):
        # the dtype is SciPy's, which ravels after its conversion
        return np.asarray(self.rhs.fun(t, y[:, None], *args), dtype=self._dtype).ravel()

    def take(self, result):
        taken = np.empty(self.state.size, self._dtype)
        taken[:] = _asarray(result, self._dtype)
        return taken

    def answer(self, which, flags, t, y, out):
        if which == 0:
            self._first_derivative(t, self._view(y), self._view(out))
        elif which == lib.DS_CALL_JACOBIAN:
            time = t if flags & lib.DS_T_IS_FLOAT else _float64(t)
            self.jacobian.write(self.ivp, time, self._view(y).copy())
            if self.handle.watched:
                self.after()
        elif which == lib.DS_CALL_MANY:
            self._many(flags >> lib.DS_COLUMNS_SHIFT, flags & lib.DS_T_IS_FLOAT, t, y, out)
        else:
            warn_singular(int(t))

    def _many(self, count, t_is_float, t, y, out):
        """fun of several states at once, the columns of y (n, count): SciPy's `vectorized`."""
        shape = count, self.state.size
        nbytes = count * self.state.nbytes
        states = np.frombuffer(ffi.buffer(doubles_at(y), nbytes), self._dtype).reshape(shape)
        time = t if t_is_float else _float64(t)
        result = self.rhs.fun(time, np.ascontiguousarray(states.T), *self.args)
        found = np.frombuffer(ffi.buffer(doubles_at(out), nbytes), self._dtype).reshape(shape)
        found.T[:] = _asarray(result, self._dtype)

    def _first_derivative(self, t, y, out):
        result = _asarray(self.fun(t, self.state, *self.args), self._dtype)
        broadcasts = result.size == 1 and result.ndim <= 1 and self.jacobian is None
        if result.shape != out.shape and not broadcasts:
            raise Unusual(result)
        y[:] = self.state
        out[:] = result

    def take_event(self, value, flags):
        # at a step NumPy compares the value, at a root brentq wants a float
        return float(value) if flags else event_value(value)


def event_value(value) -> float:
    """An event's value at a step, as NumPy's comparisons in SciPy see it."""
    if type(value) in (float, np.float64):
        return value
    value = np.asarray(value)
    if value.dtype.kind not in "fiub" or value.size != 1:
        raise TypeError(f"an event must return a real number, not {value!r}")
    return float(value.reshape(())[()])


class LsodaCallbacks(Callbacks):
    """For LSODA, which calls fun at the first step only and refuses any other shape itself."""

    starts_at_once = False

    def take(self, result):
        check_shape(_asarray(result, self._dtype), self.state.size)
        return super().take(result)


def check_shape(array, n):
    """SciPy's errors for what fun returned to LSODA and odeint."""
    if array.ndim > 1:
        raise refused(
            RuntimeError,
            f"The array returned by func must be one-dimensional, but got ndim={array.ndim}.",
        )
    if array.size != n:
        raise refused(
            RuntimeError,
            f"The size of the array returned by func ({array.size}) does not match "
            f"the size of y0 ({n}).",
        )


def warn_singular(pivot):
    """SciPy's warning of a dense Newton matrix without inverse."""
    from scipy.linalg import LinAlgWarning

    warnings.warn(
        f"Diagonal number {pivot} is exactly zero. Singular matrix.", LinAlgWarning, stacklevel=4
    )
