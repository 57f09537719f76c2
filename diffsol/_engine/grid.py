"""One odeint: LSODA in C over a grid of output times, and the tier its functions run at."""

from __future__ import annotations

import time

import numpy as np

from diffsol._engine import kernels, policy, verify
from diffsol._engine.callback import PythonCalls, calling_python, check_shape, doubles_at
from diffsol._engine.tolerance import set_tolerance
from diffsol._native._core import ffi, lib
from diffsol._trace.reasons import Refused

# From this size on the exact Jacobian of a compiled right-hand side is worth its price: its
# structure spares n evaluations and a dense matrix. Below, differences have SciPy's bits.
EXACT_JACOBIAN_SIZE = 20

# Columns of odeint's infodict and their types.
COLUMNS = {
    "hu": float,
    "tcur": float,
    "tolsf": float,
    "tsw": float,
    "nst": np.int32,
    "nfe": np.int32,
    "nje": np.int32,
    "nqu": np.int32,
    "mused": np.int32,
}

_FLOAT = np.dtype(float)
_DOUBLES = ffi.typeof("double[]")
_from_buffer = ffi.from_buffer


class Grid:
    """A native solve of y' = fun with outputs at given times.

    rhs        Function of kind 'odepack'
    jacobian   GivenJacobian, or None for differences
    state      ndarray (n,): y at times[0]
    times      ndarray of output times; `first` of them are the initial time
    critical   ndarray of times not to be stepped over, or None
    rtol, atol floats or arrays (n,)
    band       (lower, upper) of the Jacobian, or None: full
    limits     (h0, hmax, hmin, mxstep, mxordn, mxords)
    told       fill the columns of the infodict?

    After `go`: y (nt, n), columns, istate, worst. Raises whatever the user's functions raise.
    """

    def __init__(
        self, rhs, jacobian, state, times, first, critical, rtol, atol, band, limits, told
    ):
        self.rhs, self.jacobian, self.band = rhs, jacobian, band
        self._inputs = (state, times, first, critical, rtol, atol, limits, told)
        self._solve = None
        self._mode = kernels.mode_of_solve()
        self._bound = rhs.at_start(self._mode)
        self._jac_bound = None
        self._open()

    def __del__(self):
        if self._solve is not None:
            lib.ds_odeint_free(self._solve)

    # --- starting -----------------------------------------------------------------------------

    def _open(self):
        state, times, first, critical, rtol, atol, limits, told = self._inputs
        n = state.size
        solve = self._solve = lib.ds_odeint_new(n)
        if solve == ffi.NULL:
            self._solve = None
            raise MemoryError(f"no memory for {n} states")
        self._callbacks = GridCallbacks(self.rhs, self.jacobian, state.copy())
        solve.handle = self._callbacks.handle
        self.y = np.empty((times.size, n))
        self.y[:first] = state
        self._keep = buffers = [
            _from_buffer(_DOUBLES, array) for array in (self._callbacks.state, times, self.y)
        ]
        solve.state, solve.t, solve.y = buffers
        solve.n_times, solve.row = times.size, first
        if critical is not None:
            buffers.append(_from_buffer(_DOUBLES, critical))
            solve.t_crit, solve.n_crit = buffers[-1], critical.size
        buffers += [set_tolerance(solve, "rtol", rtol, n), set_tolerance(solve, "atol", atol, n)]
        solve.h0, solve.h_max, solve.h_min = limits[:3]
        solve.step_max, solve.adams_order_max, solve.bdf_order_max = limits[3:]
        self._set_matrix(n)
        self.columns = {}
        if told:
            self._set_columns(times.size - 1)
        if self._bound is not None:
            self._use(solve.fun, self._bound)
            self._use_jacobian(kernels.PATIENCE if self._mode == "require" else 0.0)

    def _set_columns(self, count):
        for name, kind in COLUMNS.items():
            column = self.columns[name] = np.zeros(count, dtype=kind)
            buffer = ffi.from_buffer("double[]" if kind is float else "int32_t[]", column)
            self._keep.append(buffer)
            setattr(self._solve, name, buffer)

    def _set_matrix(self, n):
        solve = self._solve
        if self.jacobian is not None:
            solve.jac_source = lib.DS_JAC_GIVEN
        if self.band is None:
            return
        lower, upper = self.band
        start, rows = band_pattern(n, lower, upper)
        plan = ffi.new("ds_lu_plan *", {"kind": lib.DS_LU_BANDED, "lower": lower, "upper": upper})
        self._set_pattern(start, rows, plan)
        lib.ds_odeint_set_band(solve, lower, upper)

    def _set_pattern(self, start, rows, plan):
        pattern = ffi.new("ds_pattern *", {"n": self.rhs.n, "count": len(rows)})
        pattern.start = ffi.from_buffer("int64_t[]", start)
        pattern.rows = ffi.from_buffer("int64_t[]", rows)
        lib.ds_odeint_set_jacobian(self._solve, pattern, plan)
        self._keep += [start, rows, pattern, plan]

    @staticmethod
    def _use(slot, bound):
        slot.kernel, slot.params = bound.pointer, bound.params

    def _use_jacobian(self, budget):
        """A kernel for the Jacobian beside the right-hand side's, where there is one to be had."""
        given = self.jacobian
        if given is not None:
            self._use_given_jacobian(given.function, budget)
        elif self._may_be_exact():
            exact = self._bound.variant.jacobian
            self._use_exact_jacobian(exact(budget) if budget else exact.if_due())
        self._callbacks.watch(self._refresh if given and self._jac_bound is None else None)

    def _use_given_jacobian(self, function, budget):
        if function is None or not function.record.may_trace():
            return
        try:
            self._jac_bound = function.bind() or (function.compile(budget) if budget else None)
        except Refused:
            return
        if self._jac_bound is not None:
            self._use(self._solve.jac, self._jac_bound)

    def _may_be_exact(self):
        return self.jacobian is None and self.band is None and self.rhs.n >= EXACT_JACOBIAN_SIZE

    def _use_exact_jacobian(self, kernel):
        if kernel is None:
            return
        if not kernel.full:
            from diffsol._engine import structure

            plan = structure.plan(self.rhs.n, kernel.start, kernel.row)
            self._set_pattern(kernel.start, kernel.row, plan.native)
            self._keep.append(plan)
        self._solve.jac.kernel, self._solve.jac.params = kernel.pointer, self._bound.params
        self._keep.append(kernel)

    def _refresh(self):
        """A Jacobian in Python may have changed what the kernel reads from outside."""
        if self._bound is not None and not self._bound.refresh():
            self._solve.fun.kernel = ffi.NULL
            self._bound = None

    # --- going ----------------------------------------------------------------------------------

    def go(self) -> int:
        """Solve; ODEPACK's istate."""
        code = self._advance()
        if code == lib.DS_PYTHON_ERROR:
            self._close()
            self._callbacks.raise_error()
        if code == lib.DS_NO_MEMORY:
            raise MemoryError("no memory for the Jacobian")
        if self._bound is not None and self._is_time_to_verify() and not self._verify():
            return self._redo_in_python()
        solve = self._solve
        istate, self.worst = solve.istate, solve.worst
        if istate < 0:
            self.y[solve.row :] = np.nan
        self._close()
        return istate

    def _close(self):
        lib.ds_odeint_free(self._solve)
        self._solve = None

    def _advance(self):
        """Slices of the solve, with a look after each at whether compiling pays by now."""
        if self._bound is not None:
            return self._advance_compiled()
        advance = calling_python(lib.ds_odeint_advance, self.rhs.n)
        solve, record = self._solve, self.rhs.record
        started = time.perf_counter()
        may_compile = self._mode == "1" and record.may_trace()
        budget = self._budget_at_start() if may_compile else 0.0
        times = self._inputs[1]
        outlook = policy.Outlook(started, times[0], times[-1])
        code = lib.DS_RUNNING
        while code == lib.DS_RUNNING:
            if may_compile and budget:
                self._compile(budget)
                may_compile = False
                if self._bound is not None:
                    return self._advance_compiled()
            code = advance(solve, policy.FIRST_LOOK if may_compile else policy.SLICE)
            if code == lib.DS_RUNNING and may_compile:
                remaining = outlook.remaining(
                    time.perf_counter(), solve.t_now, abs(solve.h_next), solve.step_count
                )
                budget = policy.affordable(1, remaining, 0, 0.0)  # SciPy's solver is C as well
        if self._bound is None:
            record.python_seconds += time.perf_counter() - started
        return code

    def _advance_compiled(self):
        """Slices of a solve with a kernel; its exact Jacobian joins when enough time was spent."""
        advance, solve = lib.ds_odeint_advance, self._solve
        exact = self._bound.variant.jacobian
        code = lib.DS_RUNNING
        while code == lib.DS_RUNNING:
            started = time.perf_counter()
            code = advance(solve, policy.SLICE)
            if solve.jacobian_count and solve.jac.kernel == ffi.NULL and self._may_be_exact():
                exact.wait(time.perf_counter() - started)
                if code == lib.DS_RUNNING:
                    self._use_exact_jacobian(exact.if_due())
        return code

    def _budget_at_start(self):
        """Seconds for compiling before the first step: what the function has cost, if that pays."""
        record = self.rhs.record
        pays = record.python_seconds > (1 + len(record.variants)) * policy.price(1)
        return max(record.python_seconds, kernels.LEAST_BUDGET) if pays else 0.0

    def _compile(self, budget):
        """Compile the right-hand side and go on with the kernel where the solve is."""
        solve = self._solve
        begun = solve.step_count > 0
        t = solve.t_now if begun else solve.t[0]
        bound = verify.checked_kernel(self.rhs, budget, t, self._callbacks.state.copy())
        if bound is not None:
            self._bound = bound
            self._use(solve.fun, bound)
            self._use_jacobian(budget if self.jacobian is not None else 0.0)

    def _bounds(self):
        given = self.jacobian.function if self.jacobian is not None else None
        return [(f, b) for f, b in ((self.rhs, self._bound), (given, self._jac_bound)) if b]

    def _is_time_to_verify(self):
        """At the first use of a kernel and whenever its uses have doubled."""
        variant = self._bound.variant
        return variant.uses >= variant.verify_at or (
            self._jac_bound is not None
            and self._jac_bound.variant.uses >= self._jac_bound.variant.verify_at
        )

    def _verify(self) -> bool:
        """Compare kernels with their functions at output times; discard what disagrees."""
        rows = self._solve.row
        visited = verify.samples(self._inputs[1][:rows], self.y[:rows].T)
        good = True
        for function, bound in self._bounds():
            bound.variant.verify_at = 2 * bound.variant.uses + 1
            if not all(verify.agrees(function, bound, t, y) for t, y in visited):
                function.discard(bound.variant)
                good = False
        return good

    def _redo_in_python(self) -> int:
        what = f"{self.rhs.record.name!r} (or of Dfun)"
        verify.warn_mismatch(what, "solve was redone", stacklevel=5)
        self._close()
        self._bound, self._jac_bound, self._mode = None, None, "0"
        self._open()
        return self.go()


class GridCallbacks(PythonCalls):
    """The functions of one odeint.

    state    the core's working state: fun is given this very memory, as SciPy's odeint gives its own
    """

    def __init__(self, rhs, jacobian, state):
        super().__init__(rhs.fun, rhs.args, state, rhs.y_first, shared=True)
        self._jacobian = jacobian

    def take(self, result):
        array = as_doubles(result)
        check_shape(array, self.state.size)
        taken = np.empty(self.state.size)
        taken[:] = array
        return taken

    def answer(self, which, flags, t, y, out):
        self._jacobian.write(t, self.state, doubles_at(out))
        if self.handle.watched:
            self.after()


class GivenJacobian:
    """The user's Dfun, full or banded.

    function     Function of kind 'jac' that may be compiled, or None where only Python will do
    fun, args, y_first   how it is called
    band         (lower, upper), or None
    by_columns   it gives the transposed matrix (SciPy's col_deriv)
    dtype        of the state
    """

    def __init__(self, function, fun, args, y_first, n, band, by_columns, dtype=_FLOAT):
        self.function = function
        self._fun, self._args, self._y_first = fun, args, y_first
        self._by_columns, self._dtype = by_columns, dtype
        rows = n if band is None else sum(band) + 1
        self._shape = (n, rows) if by_columns else (rows, n)
        self._kind = "" if band is None else "banded "
        self._places = None if band is None else _band_places(n, *band)

    def write(self, t, y, out):
        """Values at (t, y) to the C array `out`, column by column."""
        leading = (y, t) if self._y_first else (t, y)
        matrix = as_numbers(self._fun(*leading, *self._args), self._dtype)
        self._check(matrix)
        columns = matrix if self._by_columns else matrix.reshape(self._shape).T
        values = columns.ravel()
        if self._places is not None:
            values = values[self._places]
        np.frombuffer(ffi.buffer(out, values.nbytes), self._dtype)[:] = values

    def _check(self, matrix):
        if matrix.ndim > 2:
            raise RuntimeError(
                f"The Jacobian array must be two dimensional, but got ndim={matrix.ndim}."
            )
        # a row alone may come without its first dimension, a single number without both
        shape = (1,) * (2 - matrix.ndim) + matrix.shape
        if shape != self._shape:
            told = matrix.shape + (1,) * (2 - matrix.ndim)
            if matrix.ndim == 1:
                told = matrix.shape * 2
            raise RuntimeError(
                f"Expected a {self._kind}Jacobian array with shape {self._shape}, but got {told}"
            )


def as_doubles(value):
    """float64 as `as_numbers` makes it."""
    return as_numbers(value, np.float64)


def as_numbers(value, dtype):
    """An array by the conversions that C code asks NumPy for: an array must not lose anything."""
    if isinstance(value, np.ndarray | np.generic):
        return np.asarray(value).astype(dtype, casting="safe", copy=False)
    return np.asarray(value, dtype=dtype)


def band_pattern(n, lower, upper):
    """(start, rows) of the places of a band, column by column."""
    columns = np.arange(n)
    first, last = np.maximum(columns - upper, 0), np.minimum(columns + lower, n - 1)
    counts = last - first + 1
    start = np.concatenate([[0], np.cumsum(counts)])
    rows = np.arange(start[-1]) - np.repeat(start[:-1] - first, counts)
    return start.astype(np.int64), rows.astype(np.int64)


def band_matrix(n, lower, upper):
    """(pattern, plan) of a banded Jacobian for the C core, and what must live as long as they do."""
    start, rows = band_pattern(n, lower, upper)
    pattern = ffi.new("ds_pattern *", {"n": n, "count": len(rows)})
    pattern.start = _from_buffer("int64_t[]", start)
    pattern.rows = _from_buffer("int64_t[]", rows)
    plan = ffi.new("ds_lu_plan *", {"kind": lib.DS_LU_BANDED, "lower": lower, "upper": upper})
    return pattern, plan, [start, rows, pattern, plan]


def _band_places(n, lower, upper):
    """Where the places of a band stand in LAPACK's array of diagonals, read column by column."""
    start, rows = band_pattern(n, lower, upper)
    columns = np.repeat(np.arange(n), np.diff(start))
    return columns * (lower + upper + 1) + rows - columns + upper


def first_of(times) -> int:
    """How often the first of these times stands at the start; 0 where they are in no order."""
    if not times.size:
        return 0
    return lib.ds_odeint_first(_from_buffer(_DOUBLES, np.ascontiguousarray(times)), times.size)
