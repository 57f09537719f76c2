"""Drive the native solver from plain Python callbacks, next to scipy.integrate.solve_ivp."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from diffsol._native._core import ffi, lib

from diffsol._methods.registry import METHODS


@dataclass
class Solve:
    """One ds_ivp with Python callbacks; the arrays that C borrows live as long as this object."""

    fun: object
    t_span: tuple
    y0: object
    method: str = "RK45"
    rtol: object = 1e-3
    atol: object = 1e-6
    max_step: float = np.inf
    first_step: float | None = None
    t_eval: object = None
    dense: bool = False
    events: tuple = ()
    kernel: object = None
    error: BaseException | None = None
    calls: list = field(default_factory=list)

    def __post_init__(self):
        self.y0 = np.asarray(self.y0)
        self.is_complex = np.iscomplexobj(self.y0)
        self.dtype = np.dtype(complex if self.is_complex else float)
        self.y0 = np.array(self.y0, self.dtype)
        self.n = self.y0.size
        traits = METHODS[self.method]
        self.ivp = ffi.gc(lib.ds_ivp_new(traits.id, self.n, self.is_complex), lib.ds_ivp_free)
        self.callback = ffi.callback("ds_callback", self._call)
        s = self.ivp
        s.python = self.callback
        if self.kernel is not None:
            s.fun.kernel = self.kernel
        s.t0, s.t_bound = map(float, self.t_span)
        self._keep = []
        s.y0 = self._borrow(self.y0.view(float))
        self._tolerance("rtol", self.rtol)
        self._tolerance("atol", self.atol)
        s.max_step = self.max_step
        s.first_step = self.first_step or 0
        if self.t_eval is None:
            s.save_steps = 1
        else:
            s.t_eval = self._borrow(self.t_eval)
            s.n_eval = len(self.t_eval)
        s.dense = self.dense
        s.lower = s.upper = -1
        if traits.implicit:
            self._differences()

    def _differences(self):
        """A full Jacobian by finite differences, as SciPy makes it without further options."""
        pattern = ffi.new("ds_pattern *", {"n": self.n, "count": self.n**2})
        assert lib.ds_ivp_set_jacobian(self.ivp, pattern, ffi.new("ds_lu_plan *")) == 0

    def _borrow(self, values):
        array = np.ascontiguousarray(values, float)
        self._keep.append(array)
        return ffi.from_buffer("double[]", array, require_writable=False)

    def _tolerance(self, name, value):
        if np.ndim(value):
            setattr(self.ivp, name, self._borrow(value))
            setattr(self.ivp, name + "_stride", 1)
        else:
            setattr(self.ivp, name + "_value", value)

    def _state(self, pointer, count=None):
        shape = (self.n,) if count is None else (count, self.n)
        size = int(np.prod(shape)) * self.dtype.itemsize
        return np.frombuffer(ffi.buffer(pointer, size), self.dtype).reshape(shape)

    def _call(self, handle, which, flags, t, y, out):
        try:
            state = self._state(y).copy()
            t = float(t) if flags & lib.DS_T_IS_FLOAT else np.float64(t)
            if which == lib.DS_CALL_SINGULAR:
                return 0
            self.calls.append((which, type(t), t))
            if which == 0:
                self._state(out)[:] = self.fun(t, state)
            else:
                out[0] = self.events[which - 1](t, state)
            self._state(y)[:] = state
            return 0
        except BaseException as error:
            self.error = error
            return 1

    def start(self):
        return lib.ds_ivp_start(self.ivp)

    def set_events(self):
        assert lib.ds_ivp_set_events(self.ivp, len(self.events)) == 0
        for i, event in enumerate(self.events):
            self.ivp.event_direction[i] = getattr(event, "direction", 0)
            terminal = getattr(event, "terminal", None)
            self.ivp.event_max[i] = terminal if terminal else np.inf
            self.ivp.g[i] = event(self.ivp.t0, self.y0)

    def run(self, seconds=60.0):
        """Solve; the last return code."""
        code = self.start()
        if code == lib.DS_RUNNING and self.events:
            self.set_events()
        while code == lib.DS_RUNNING and (code := lib.ds_ivp_advance(self.ivp, seconds)) == 0:
            pass
        return code

    @property
    def t(self):
        return np.frombuffer(ffi.buffer(self.ivp.ts, 8 * self.ivp.n_points)).copy()

    @property
    def y(self):
        return self._state(self.ivp.ys, self.ivp.n_points).T.copy()

    @property
    def t_events(self):
        return self._by_event(1)

    @property
    def y_events(self):
        return self._by_event(2)

    def _by_event(self, column):
        records = self._records()
        return [
            np.array([row[column] for row in records if row[0] == i])
            for i in range(len(self.events))
        ]

    def _records(self):
        count = self.ivp.n_event_records
        ys = self._state(self.ivp.ev_y, count).copy() if count else []
        return [(self.ivp.ev_index[i], self.ivp.ev_t[i], ys[i]) for i in range(count)]

    def sol(self, t):
        """All kept interpolants at the times t, as OdeSolution does it."""
        s, t = self.ivp, np.atleast_1d(np.asarray(t, float))
        ends = np.array([s.seg_t[i] for i in range(s.n_segments)]) * s.direction
        side = "right" if METHODS[self.method].alternative_segment else "left"
        index = np.minimum(np.searchsorted(ends, t * s.direction, side=side), len(ends) - 1)
        return self.evaluate(t, index)

    def evaluate(self, t, index):
        s = self.ivp
        out = np.empty((self.n, len(t)), self.dtype)
        lib.ds_dense_eval(
            s.method,
            self.n,
            self.is_complex,
            s.seg_t_old,
            s.seg_t,
            s.seg_y_old,
            s.seg_q,
            s.seg_at,
            len(t),
            self._borrow(t),
            ffi.from_buffer("int64_t[]", np.asarray(index, np.int64)),
            ffi.from_buffer("double[]", out.view(float)),
        )
        return out
