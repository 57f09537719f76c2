"""step_lsoda.h and SciPy's LSODA, one step at a time, with the same attributes."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import _odepack
from scipy.linalg import lapack

import diffsol._native

HERE = Path(__file__).parent
INCLUDE = Path(diffsol._native.__file__).parent / "include"
FLAGS = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", "-fno-math-errno"]

POINTER = ctypes.POINTER(ctypes.c_double)
DERIVATIVE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_double, POINTER, POINTER)
LINEAR = ctypes.CFUNCTYPE(ctypes.c_int, POINTER)

# What both sides show after each step.
FIELDS = ("t", "y", "h", "family", "order", "steps", "evaluations", "jacobians")


def build(folder):
    """The harness as a shared library."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    target = Path(folder) / "lsoda_harness.so"
    command = ["gcc", *FLAGS, "-shared", "-fPIC", f"-I{INCLUDE}"]
    command += [str(HERE / "lsoda_harness.c"), "-lm", "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    library = ctypes.CDLL(str(target))
    integer, real, any_pointer = ctypes.c_longlong, ctypes.c_double, ctypes.c_void_p
    library.harness_new.restype = any_pointer
    library.harness_new.argtypes = [
        integer, DERIVATIVE, DERIVATIVE, LINEAR, LINEAR, real, real, any_pointer, any_pointer,
        integer, integer, integer,
    ]  # fmt: skip
    library.harness_to.argtypes = [any_pointer, real, ctypes.c_int, real, real, integer]
    library.harness_y.restype = library.harness_history.restype = POINTER
    library.harness_y.argtypes = library.harness_history.argtypes = [any_pointer]
    library.harness_free.argtypes = [any_pointer]
    library.harness_report.argtypes = [any_pointer] * 3
    library.harness_interpolant.argtypes = [any_pointer] * 2
    library.harness_interpolant.restype = real
    return library


class Options:
    """One problem and the options of its solve, as ODEPACK names them where it has a name."""

    def __init__(self, fun, y0, t0, t_end, jac=None, **options):
        self.fun, self.jac = fun, jac
        self.y0 = np.array(y0, dtype=float)
        self.t0, self.t_end = float(t0), float(t_end)
        self.rtol = options.pop("rtol", 1e-6)
        self.atol = options.pop("atol", 1e-9)
        self.h0 = options.pop("h0", 0.0)
        self.hmin = options.pop("hmin", 0.0)
        self.hmax = options.pop("hmax", 0.0)
        self.mxordn = options.pop("mxordn", 12)
        self.mxords = options.pop("mxords", 5)
        self.mxstep = options.pop("mxstep", 500)
        self.band = options.pop("band", None)
        assert not options


class Ours:
    """Our core on one problem."""

    def __init__(self, library, options):
        self._lib, self.options = library, options
        n = self.n = options.y0.size
        lower, upper = options.band or (-1, 0)
        self._keep = [
            DERIVATIVE(self._rhs),
            DERIVATIVE(self._jacobian) if options.jac else ctypes.cast(None, DERIVATIVE),
            LINEAR(self._factor),
            LINEAR(self._solve),
        ]
        limits = np.array([options.h0, options.hmin, options.hmax])
        orders = np.array([options.mxordn, options.mxords], dtype=np.int32)
        self._handle = library.harness_new(
            n, *self._keep, options.rtol, options.atol, limits.ctypes.data, orders.ctypes.data,
            options.mxstep, lower, upper,
        )  # fmt: skip
        self._y = np.ctypeslib.as_array(library.harness_y(self._handle), (n,))
        self._y[:] = options.y0

    def close(self):
        self._lib.harness_free(self._handle)

    def call(self, task, t_out=None, t_crit=None, allowance=10**9):
        """ODEPACK's istate."""
        o = self.options
        t_out = o.t_end if t_out is None else t_out
        t_crit = o.t_end if t_crit is None else t_crit
        istate = self._lib.harness_to(self._handle, o.t0, task, t_out, t_crit, allowance)
        numbers, counts = np.zeros(6), np.zeros(7, dtype=np.int64)
        self._lib.harness_report(self._handle, numbers.ctypes.data, counts.ctypes.data)
        self.t, self.tn, self.h, self.h_used, self.t_switch, self.excess = numbers
        self.family, self.order, self.family_used, self.order_used = counts[:4]
        self.steps, self.evaluations, self.jacobians = counts[4:]
        self.y = self._y.copy()
        return istate

    def history(self, rows):
        data = np.ctypeslib.as_array(self._lib.harness_history(self._handle), (rows, self.n))
        return data.copy()

    def interpolant(self):
        rows = np.empty((13, self.n))
        h = self._lib.harness_interpolant(self._handle, rows.ctypes.data)
        return h, rows

    def _array(self, pointer, shape):
        return np.ctypeslib.as_array(pointer, shape)

    def _rhs(self, t, y, out):
        self._array(out, (self.n,))[:] = self.options.fun(t, self._array(y, (self.n,)))
        return 0

    def _jacobian(self, t, y, out):
        jac = np.asarray(self.options.jac(t, self._array(y, (self.n,))), dtype=float)
        values = self._in_pattern(jac)
        self._array(out, values.shape)[:] = values
        return 0

    def _entries(self):
        """Row of the band (LAPACK's) and column of each entry of the pattern."""
        lower, upper = self.options.band
        pairs = [
            (i - j + upper, j)
            for j in range(self.n)
            for i in range(max(0, j - upper), min(self.n, j + lower + 1))
        ]
        return tuple(np.array(pairs).T)

    def _in_pattern(self, jac):
        return jac.T.ravel() if self.options.band is None else jac[self._entries()]

    def _factor(self, values):
        n = self.n
        if self.options.band is None:
            matrix = self._array(values, (n, n)).T + np.eye(n)
            lu, pivots, info = lapack.dgetrf(matrix)
            self._apply = lambda b: lapack.dgetrs(lu, pivots, b)[0]
            return info
        lower, upper = self.options.band
        rows, columns = self._entries()
        band = np.zeros((2 * lower + upper + 1, n), order="F")
        band[rows + lower, columns] = self._array(values, rows.shape)
        band[lower + upper] += 1.0
        lu, pivots, info = lapack.dgbtrf(band, lower, upper)
        self._apply = lambda b: lapack.dgbtrs(lu, lower, upper, b, pivots)[0]
        return info

    def _solve(self, b):
        b = self._array(b, (self.n,))
        b[:] = self._apply(b)
        return 0


class Scipy:
    """SciPy's own LSODA on the same problem, through its low-level wrapper.

    `state` is its C struct, numbers and integers, in the order of SciPy 1.17's lsoda.h.
    """

    # where in the struct: (numbers) h, (integers) meth, nq, nst, nfe, nje
    _H, _FAMILY, _ORDER, _STEPS, _EVALUATIONS, _JACOBIANS = 211, 27, 34, 35, 36, 37

    def __init__(self, options):
        self.options = options
        n = options.y0.size
        given = 0 if options.jac else 1
        self._jt = given + (1 if options.band is None else 4)
        self._rwork = np.zeros(40 + 40 * n + n * n)
        self._iwork = np.zeros(20 + n, dtype=np.int32)
        self._rwork[4:7] = options.h0, options.hmax, options.hmin
        if options.band is not None:
            self._iwork[:2] = options.band
        self._iwork[5:9] = options.mxstep, 0, options.mxordn, options.mxords
        self._doubles, self._ints = np.zeros(240), np.zeros(48, dtype=np.int32)
        self._y, self.t, self._istate = options.y0.copy(), options.t0, 1

    def call(self, task, t_out=None, t_crit=None):
        o = self.options
        self._rwork[0] = o.t_end if t_crit is None else t_crit
        self._y, self.t, istate = _odepack.lsoda(
            o.fun, self._y, self.t, o.t_end if t_out is None else t_out, o.rtol, o.atol, task,
            self._istate, self._rwork, self._iwork, o.jac or (lambda: None), self._jt, (), 1, (),
            self._doubles, self._ints,
        )  # fmt: skip
        self._istate = 2
        self.h = self._doubles[self._H]
        self.family = self._ints[self._FAMILY] - 1
        self.order = self._ints[self._ORDER]
        self.steps = self._ints[self._STEPS]
        self.evaluations = self._ints[self._EVALUATIONS]
        self.jacobians = self._ints[self._JACOBIANS]
        self.y = self._y.copy()
        return istate


def shown(side):
    """The attributes that are compared, as plain numbers."""
    return {name: np.asarray(getattr(side, name)).tolist() for name in FIELDS}
