"""odeint: SciPy's call, answered by the native LSODA."""

from __future__ import annotations

import warnings
from math import ldexp
from operator import index

import numpy as np

from diffsol._dlpack.arguments import read, read_args
from diffsol._engine import grid
from diffsol._engine.function import Function
from diffsol._engine.grid import Grid, given_jacobian
from diffsol._engine.odepack import as_doubles, work_lengths
from diffsol.integrate import _scipy
from diffsol.integrate._odeint_again import floats, infodict, keep_warm, solve_as_before
from diffsol.integrate._odeint_scipy import note_python, scipy_odeint, solve_as_scipy

MESSAGES = {
    2: "Integration successful.",
    1: "Nothing was done; the integration time was 0.",
    -1: "Excess work done on this call (perhaps wrong Dfun type).",
    -2: "Excess accuracy requested (tolerances too small).",
    -3: "Illegal input detected (internal error).",
    -4: "Repeated error test failures (internal error).",
    -5: "Repeated convergence failures (perhaps bad Jacobian or tolerances).",
    -6: "Error weight became zero during problem.",
    -7: "Internal workspace insufficient to finish (internal error).",
    -8: "Run terminated (internal error).",
}

TOLERANCE = 1.49012e-8  # SciPy's default of rtol and atol, about the root of EPS
_FLOAT = np.dtype(float)
STEPS = 500  # between two output times, where mxstep is 0 (ODEPACK's mxstp0)
ADAMS_ORDER_MAX, BDF_ORDER_MAX = 12, 5


def odeint(
    func,
    y0,
    t,
    args=(),
    Dfun=None,
    col_deriv=0,
    full_output=0,
    ml=None,
    mu=None,
    rtol=None,
    atol=None,
    tcrit=None,
    h0=0.0,
    hmax=0.0,
    hmin=0.0,
    ixpr=0,
    mxstep=0,
    mxhnil=0,
    mxordn=12,
    mxords=5,
    printmessg=0,
    tfirst=False,
):
    """Integrate a system of ordinary differential equations with LSODA.

    Solves the initial value problem, stiff or not, for systems of first order ODEs::

        dy/dt = func(y, t, ...)  [or func(t, y, ...)]

    The function is traced and compiled when that can be done without changing what it means, and
    called as Python otherwise.  Steps, counts, messages and errors are those of
    ``scipy.integrate.odeint``.

    Parameters
    ----------
    func : callable(y, t, ...) or callable(t, y, ...)
        Derivative of y at t.  With the signature ``callable(t, y, ...)`` `tfirst` must be True.
    y0 : array
        Initial condition on y, at ``t[0]`` (may be a vector).
    t : array
        Times for which to solve for y, increasing or decreasing; values may be repeated.
    args : tuple, optional
        Further arguments of `func` and `Dfun`.
    Dfun : callable, optional
        Jacobian of `func`, with the arguments of `func`.
    col_deriv : bool, optional
        Does `Dfun` give derivatives down columns instead of across rows?
    full_output : bool, optional
        Whether to return a dictionary of further outputs as well.
    printmessg : bool, optional
        Whether to issue the message of success as a warning.
    tfirst : bool, optional
        Whether the first two arguments of `func` and `Dfun` are t, y instead of y, t.
    ml, mu : int, optional
        Lower and upper bandwidths of the Jacobian, if it is banded.  `Dfun` then returns its
        diagonals in rows, the uppermost first: shape ``(ml + mu + 1, len(y0))``.
    rtol, atol : float or array, optional
        Tolerances on the error of each component: ``rtol * abs(y) + atol``.  Defaults are 1.49012e-8.
    tcrit : array, optional
        Times (singularities, for example) that no step passes.
    h0, hmax, hmin : float, optional
        First, largest and smallest step size; 0 (default) leaves them to the solver.
    ixpr : bool, optional
        SciPy's switch for more printing, which prints nothing.
    mxstep : int, optional
        Most steps between two output times; 0 (default) means 500.
    mxhnil : int, optional
        SciPy's limit of messages, of which there are none.
    mxordn, mxords : int, optional
        Highest orders of the nonstiff (Adams) and of the stiff (BDF) formulas.

    Returns
    -------
    y : array, shape (len(t), len(y0))
        Values of y at the times in t, the initial values in the first row.  Rows after a failure
        are nan.
    infodict : dict, only with ``full_output``
        ========  =====================================================================
        'hu'      step sizes used last, for each output time after the first
        'tcur'    time reached by the solver, beyond the output time
        'tolsf'   factor by which tolerances were too small, where they were
        'tsw'     time of the last change of formulas
        'nst'     steps so far
        'nfe'     function evaluations so far
        'nje'     Jacobian evaluations so far
        'nqu'     order used last
        'imxer'   component of the largest error, after a failure of the error test, else -1
        'lenrw'   length that ODEPACK's array of reals would have
        'leniw'   and its array of integers
        'mused'   formulas used last: 1 Adams (nonstiff), 2 BDF (stiff)
        'message' the outcome in words
        ========  =====================================================================

    References
    ----------
    .. [1] L. Petzold, "Automatic selection of methods for solving stiff and nonstiff systems of
           ordinary differential equations", SIAM Journal on Scientific and Statistical Computing,
           Vol. 4, No. 1, pp. 136-148, 1983.
    .. [2] A. C. Hindmarsh, "ODEPACK, A Systematized Collection of ODE Solvers", IMACS Transactions
           on Scientific Computation, Vol. 1, pp. 55-64, 1983.
    """
    options = (
        Dfun, col_deriv, full_output, ml, mu, rtol, atol, tcrit,
        h0, hmax, hmin, ixpr, mxstep, mxhnil, mxordn, mxords, tfirst,
    )  # fmt: skip
    answers = solve_as_before(func, y0, t, args, options)
    if answers is None:
        y0, t = read(y0), read(t)
        if type(args) is tuple:
            args = read_args(args)
        times = _monotone(t)
        answers = solve_as_scipy(func, y0, t, times, args, options)
        if answers is None:
            answers = _solve(func, y0, t, times, args, _Options(*options), options)
    *answers, istate = answers
    message = MESSAGES[istate]
    if istate < 0:
        _warn(f"{message} Run with full_output = 1 to get quantitative information.")
    elif printmessg:
        _warn(message)
    if not full_output:
        return answers[0]
    y, info = answers
    info["message"] = message
    return y, info


def _monotone(t):
    """SciPy's check of the output times; where they are floats, a new array of them, else None."""
    times = floats(t)
    if times is not None and grid.first_of(times):
        return times.copy()  # the usual, and quick
    dt = np.diff(t)
    if not ((dt >= 0).all() or (dt <= 0).all()):
        raise ValueError(
            "The values in t must be monotonically increasing "
            "or monotonically decreasing; repeated values are "
            "allowed."
        )
    return None


def _warn(text):
    category = _scipy.namespace().ODEintWarning
    warnings.warn(text, category, stacklevel=3)


def _error(text):
    """An instance of `odepack.error`."""
    return _scipy.namespace()._odepack.error(text)


class _Options:
    """What does not depend on the state, converted in SciPy's order and with its words."""

    def __init__(
        self, Dfun, col_deriv, full_output, ml, mu, rtol, atol, tcrit,
        h0, hmax, hmin, ixpr, mxstep, mxhnil, mxordn, mxords, tfirst,
    ):  # fmt: skip
        self.y_first = not tfirst
        self.by_columns = bool(index(col_deriv))
        ml = -1 if ml is None else index(ml)
        mu = -1 if mu is None else index(mu)
        self.full_output = bool(index(full_output))
        # ldexp takes what C code takes for a float
        self.h0, self.hmax, self.hmin = ldexp(h0, 0), ldexp(hmax, 0), ldexp(hmin, 0)
        self.ixpr, self.mxstep = index(ixpr), index(mxstep)
        self.mxhnil = index(mxhnil)
        self.mxordn, self.mxords = index(mxordn), index(mxords)
        self.band = None if ml < 0 and mu < 0 else (max(ml, 0), max(mu, 0))
        self.Dfun, self._lengths = Dfun, None
        self.rtol, self.atol, self.tcrit = rtol, atol, tcrit

    def check_functions(self, func, args):
        if not isinstance(args, tuple):
            raise _error("Extra arguments must be in a tuple.")
        if not callable(func) or not (self.Dfun is None or callable(self.Dfun)):
            raise _error("The function and its Jacobian must be callable functions.")

    def check_orders(self):
        for name in ("mxordn", "mxords"):
            if getattr(self, name) < 0:
                raise _error(f"Incorrect value for {name}.")

    def limits(self):
        """(h0, hmax, hmin, mxstep, mxordn, mxords) of the C core, which refuses a negative mxstep."""
        refused = self.ixpr not in (0, 1) or self.mxhnil < 0
        return (
            self.h0,
            self.hmax,
            self.hmin if self.hmin <= 0 or _scipy.keeps_least_step() else 0.0,
            -1 if refused else self.mxstep or STEPS,
            *self.orders(),
        )

    def orders(self):
        """Highest orders of Adams and BDF."""
        return min(self.mxordn, ADAMS_ORDER_MAX), min(self.mxords, BDF_ORDER_MAX)

    def work_lengths(self, n, times, first):
        """(lenrw, leniw): the lengths that ODEPACK's work arrays would have, for always as many
        states; 0 where the options are refused before it looks at those arrays."""
        if self._lengths is None or self.h0:
            refused = self._is_refused(n, times[first] - times[0])
            self._lengths = (0, 0) if refused else work_lengths(n, self.orders(), self.band)
        return self._lengths

    def _is_refused(self, n, distance):
        bad_band = self.band is not None and max(self.band) >= n
        negative = min(self.mxstep, self.mxhnil, self.hmax, self.hmin, self.h0 * distance) < 0
        return bad_band or negative or self.ixpr not in (0, 1)


def _solve(func, y0, t, times, args, options, as_given):
    """What `solve_as_before` would answer. SciPy's checks in its order, then a solve.

    times   as `_monotone` told
    """
    options.check_functions(func, args)
    state = _vector(y0, "Initial condition y0")
    if times is None:
        times = _vector(t, "Output times t").copy()
    n = state.size
    if not n or not times.size or options.mxordn == 0 or options.mxords == 0:
        # nothing to solve, or orders that make SciPy's work arrays too small
        return scipy_odeint(func, y0, t, args, as_given)
    rtol = _tolerance(options.rtol, n, "relative")
    atol = _tolerance(options.atol, n, "absolute")
    critical = _critical_times(options.tcrit)
    options.check_orders()
    function = Function(func, args, state, kind="odepack", y_first=options.y_first, solver="odeint")
    band, by_columns = options.band, options.by_columns
    given = given_jacobian(
        options.Dfun, args, state, band, options.y_first, by_columns, solver="odeint"
    )
    solve = Grid(
        function, given, state, times, critical, rtol, atol, band, options.limits(),
        options.full_output,
    )  # fmt: skip
    istate = _unless_scipy_differs(solve)
    if istate is None:
        return scipy_odeint(func, y0, t, args, as_given)
    if not solve.is_compiled:
        note_python(function.record, times)
    keep_warm(function.record, solve, as_given, options)
    if not options.full_output:
        return solve.y, istate
    return solve.y, infodict(solve.core, options, times, grid.first_of(times)), istate


def _unless_scipy_differs(solve):
    """The solve's istate; None where SciPy before 1.17 has an outcome of its own."""
    try:
        istate = solve.go()
    except Exception as error:
        if _scipy.takes_over(error):
            return None
        raise
    return None if istate > 0 and _scipy.refuses_nan(solve.y[-1]) else istate


def _vector(value, name):
    """A float64 array in one dimension; a number is one of length 1."""
    array = np.array(value) if type(value) is list else value
    if type(array) is np.ndarray and array.dtype is _FLOAT and array.ndim == 1:
        return array  # the usual, and quick
    array = as_doubles(value)
    if array.ndim > 1:
        raise ValueError(f"{name} must be one-dimensional.")
    return np.array(array, ndmin=1)


def _tolerance(value, n, name):
    """A float, or an array of n."""
    if value is None:
        return TOLERANCE
    if type(value) is float:
        return value
    try:
        array = as_doubles(value)
    except Exception as error:
        raise _error(f"Error converting {name} tolerance.") from error
    if array.ndim > 1:
        raise _error(f"Error converting {name} tolerance.")
    if array.ndim == 0:
        return float(array)
    if array.size != n:
        raise _error(
            "Tolerances must be an array of the same length as the\n"
            "     number of equations or a scalar."
        )
    return array


def _critical_times(tcrit):
    if tcrit is None:
        return None
    try:
        array = as_doubles(tcrit)
    except Exception as error:
        raise _error("Error constructing critical times.") from error
    if array.ndim > 1:
        raise _error("Error constructing critical times.")
    return np.array(array, ndmin=1)
