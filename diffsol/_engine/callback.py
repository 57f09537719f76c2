"""The way from the C core to Python functions."""

from __future__ import annotations

import warnings

import numpy as np

from diffsol._native._core import ffi, lib

_from_handle = ffi.from_handle
_asarray = np.asarray
_float64 = np.float64


def _outside_answer(kind, error, traceback):
    """An interrupt that arrived between the C core and `answer`."""
    if traceback is None or "handle" not in traceback.tb_frame.f_locals:
        return
    _from_handle(traceback.tb_frame.f_locals["handle"]).error = error


@ffi.def_extern(name="ds_call_python", error=1, onerror=_outside_answer)
def _call_python(handle, which, flags, t, y, out):
    return _from_handle(handle).answer(which, flags, t, y, out)


class Unusual(Exception):
    """The first result has a shape that SciPy would broadcast in ways of its own."""

    def __init__(self, result):
        super().__init__(result)
        self.result = result


class Callbacks:
    """Answers the C core's calls of one solve, and keeps the exception that a function raises.

    rhs     the right-hand side (Function)
    events  event functions
    state   y0 as SciPy's solver would hold it: the very array that fun sees at its first call
    after   called after each event or Jacobian in Python (functions with unknown effects), or None
    jacobian, ivp  the Jacobian of an implicit solve, and the core's struct that it writes to
    """

    def __init__(self, rhs, state):
        self.rhs = rhs
        self.events: list = []
        self.state = state
        self.first = True
        self.error: BaseException | None = None
        self.after = None
        self.jacobian = None
        self.ivp = None
        self._views: dict = {}
        self._call = self._vectorized if rhs.vectorized else rhs.fun
        self._args = rhs.args
        self._dtype = state.dtype

    def _vectorized(self, t, y, *args):
        # the dtype is SciPy's, which ravels after its conversion
        return np.asarray(self.rhs.fun(t, y[:, None], *args), dtype=self._dtype).ravel()

    def _view(self, pointer):
        """The ndarray over a C array; the core uses few addresses, so views are kept."""
        view = self._views.get(pointer)
        if view is None:
            view = np.frombuffer(ffi.buffer(pointer, self.state.nbytes), self._dtype)
            self._views[pointer] = view
        return view

    def answer(self, which, flags, t, y, out):
        """The core's call: 0, or 1 after an exception, which comes out of the solve as itself."""
        try:
            if which > 0:
                self._event(which - 1, flags, t, self._view(y), out)
            elif which < 0:
                self._rare(which, flags, t, y, out)
            elif self.first:
                self._first_derivative(t, self._view(y), self._view(out))
            else:
                y = self._view(y)
                given = y.copy()  # people keep what they are given
                result = self._call(t if flags else _float64(t), given, *self._args)
                self._take(_asarray(result, self._dtype), self._view(out))
                y[:] = given  # and clamp it in place
        except BaseException as error:
            self.error = error
            return 1
        return 0

    def _take(self, result, out):
        out[:] = result

    def _rare(self, which, flags, t, y, out):
        if which == lib.DS_CALL_JACOBIAN:
            time = t if flags & lib.DS_T_IS_FLOAT else _float64(t)
            self.jacobian.write(self.ivp, time, self._view(y).copy())
            if self.after is not None:
                self.after()
        elif which == lib.DS_CALL_MANY:
            self._many(flags >> lib.DS_COLUMNS_SHIFT, flags & lib.DS_T_IS_FLOAT, t, y, out)
        else:
            warn_singular(int(t))

    def _many(self, count, t_is_float, t, y, out):
        """fun of several states at once, the columns of y (n, count): SciPy's `vectorized`."""
        shape = count, self.state.size
        nbytes = count * self.state.nbytes
        states = np.frombuffer(ffi.buffer(y, nbytes), self._dtype).reshape(shape)
        time = t if t_is_float else _float64(t)
        result = self.rhs.fun(time, np.ascontiguousarray(states.T), *self._args)
        found = np.frombuffer(ffi.buffer(out, nbytes), self._dtype).reshape(shape)
        found.T[:] = _asarray(result, self._dtype)

    def _first_derivative(self, t, y, out):
        self.first = False
        result = _asarray(self._call(t, self.state, *self._args), self._dtype)
        broadcasts = result.size == 1 and result.ndim <= 1 and self.jacobian is None
        if result.shape != out.shape and not broadcasts:
            raise Unusual(result)
        y[:] = self.state
        out[:] = result

    def _event(self, index, flags, t, y, out):
        event = self.events[index]
        given = y.copy()
        value = event.fun(t if flags else _float64(t), given, *event.args)
        y[:] = given
        # at a step NumPy compares the value, at a root brentq wants a float
        out[0] = float(value) if flags else event_value(value)
        if self.after is not None:
            self.after()


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

    def __init__(self, rhs, state):
        super().__init__(rhs, state)
        self.first = False

    def _take(self, result, out):
        check_shape(result, out.size)
        out[:] = result


def check_shape(array, n):
    """SciPy's errors for what fun returned to LSODA and odeint."""
    if array.ndim > 1:
        raise RuntimeError(
            f"The array returned by func must be one-dimensional, but got ndim={array.ndim}."
        )
    if array.size != n:
        raise RuntimeError(
            f"The size of the array returned by func ({array.size}) does not match "
            f"the size of y0 ({n})."
        )


def warn_singular(pivot):
    """SciPy's warning of a dense Newton matrix without inverse."""
    from scipy.linalg import LinAlgWarning

    warnings.warn(
        f"Diagonal number {pivot} is exactly zero. Singular matrix.", LinAlgWarning, stacklevel=4
    )
