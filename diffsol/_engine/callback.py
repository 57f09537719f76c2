"""The way from the C core to Python functions."""

from __future__ import annotations

import numpy as np

from diffsol._native._core import ffi, lib

_address = ffi.cast
_from_handle = ffi.from_handle


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
    after   called after each event in Python (a function with unknown effects), or None
    """

    def __init__(self, rhs, state):
        self.rhs = rhs
        self.events: list = []
        self.state = state
        self.first = True
        self.error: BaseException | None = None
        self.after = None
        self._views: dict = {}
        self._bytes = state.nbytes
        self._dtype = state.dtype

    def _view(self, pointer, size):
        """The ndarray over a C array; the core uses few addresses, so views are kept."""
        key = int(_address("uintptr_t", pointer))
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = np.frombuffer(ffi.buffer(pointer, size), self._dtype)
        return view

    def answer(self, which, flags, t, y, out):
        try:
            if which:
                self._event(which - 1, flags, t, self._view(y, self._bytes), out)
            else:
                self._derivative(flags, t, self._view(y, self._bytes), self._view(out, self._bytes))
        except BaseException as error:  # it comes out of the solve as itself
            self.error = error
            return 1
        return 0

    def _derivative(self, flags, t, y, out):
        if self.first:
            self.first = False
            result = self.rhs.python(t, self.state)
            if result.shape != out.shape and (result.size != 1 or result.ndim > 1):
                raise Unusual(result)
            y[:] = self.state
        else:
            given = y.copy()
            result = self.rhs.python(t if flags & lib.DS_T_IS_FLOAT else np.float64(t), given)
            y[:] = given  # people clamp states in place
        out[:] = result

    def _event(self, index, flags, t, y, out):
        event = self.events[index]
        given = y.copy()
        value = event.fun(t if flags & lib.DS_T_IS_FLOAT else np.float64(t), given, *event.args)
        y[:] = given
        out[0] = event_value(value) if not flags & lib.DS_T_IS_FLOAT else float(value)
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
