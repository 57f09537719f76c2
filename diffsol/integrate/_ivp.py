"""solve_ivp: SciPy's call, answered by the native steppers."""

from collections.abc import Callable
from math import isnan
from typing import NamedTuple

import numpy as np

from diffsol._dlpack.arguments import USUAL, read, read_args
from diffsol._engine import Function, Jacobian, LsodaJacobian, Run, Unusual
from diffsol._engine.watch import OBSERVERS, Start
from diffsol._methods.registry import METHODS
from diffsol.integrate import _limits, _options, _passthrough, _scipy
from diffsol.integrate._dense import OdeSolution
from diffsol.integrate._result import OdeResult

MESSAGES = {
    -1: "Required step size is less than spacing between numbers.",
    0: "The solver successfully reached the end of the integration interval.",
    1: "A termination event occurred.",
    2: "The callback ended the integration.",
    -2: "The number of steps reached `max_steps`.",
    -3: "The time for the solve, `deadline`, was over.",
}
LSODA_FAILED = "Unexpected istate in LSODA."


def solve_ivp(
    fun,
    t_span,
    y0,
    method="RK45",
    t_eval=None,
    dense_output=False,
    events=None,
    vectorized=False,
    args=None,
    **options,
):
    """Solve an initial value problem for a system of ODEs.

    Finds y(t) with::

        dy / dt = f(t, y)
        y(t0) = y0

    The function is traced and compiled when that can be done without changing what it means,
    and called as Python otherwise (`diffsol.explain` tells which, and why).  Steps, evaluation
    counts, events, messages and errors are those of ``scipy.integrate.solve_ivp``.

    Parameters
    ----------
    fun : callable
        Right-hand side of the system, called as ``fun(t, y, *args)`` with a scalar ``t`` and an
        ndarray ``y`` of shape (n,); returns an array_like of the same shape. Or a
        ``scipy.LowLevelCallable`` of (t, y, dydt, user data), ``void (double, double *, double *,
        void *)``; returning an int, anything but 0 ends the solve with an error.
    t_span : 2-member sequence
        Interval of integration (t0, tf), integrated from t0 to tf in either direction.
    y0 : array_like, shape (n,)
        Initial state.  For problems in the complex domain pass a complex data type, even if the
        values are real.  Arrays of any framework will do, here and as `t_eval` (see `diffsol.dlpack`).
    method : str or `OdeSolver`, optional
        'RK45' (default), 'RK23' and 'DOP853' are explicit Runge-Kutta methods [1]_, [2]_, [3]_.
        'Radau' [4]_, 'BDF' [5]_ and 'LSODA' are for stiff problems.  Any class derived from
        `OdeSolver` may be given as well.
    t_eval : array_like or None, optional
        Times at which to store the solution, sorted in the direction of integration and inside
        `t_span`.  None (default) stores every step.
    dense_output : bool, optional
        Whether to return a continuous solution as ``sol``.  Default is False.
    events : callable, or list of callables, optional
        Functions ``event(t, y, *args)`` whose zeros are located along the solution.  Each may
        carry two attributes:

        terminal : bool or int, optional
            Whether to end the integration at this event, or at which occurrence of it.
        direction : float, optional
            Only crossings from negative to positive (if positive) or from positive to negative
            (if negative) count; 0 (default) takes both.
    vectorized : bool, optional
        Whether `fun` accepts ``y`` of shape (n, k).  Default is False.
    args : tuple, optional
        Further arguments of `fun`, `jac` and all `events`.
    **options
        Options of the method.

        first_step : float or None, optional
            Initial step size; None (default) lets the algorithm choose.
        max_step : float, optional
            Largest step size.  Default is np.inf.
        rtol, atol : float or array_like, optional
            Relative and absolute tolerances: local error estimates are kept below
            ``atol + rtol * abs(y)``.  Defaults are 1e-3 and 1e-6.
        jac : array_like, sparse matrix, callable or None, optional
            Jacobian of `fun` for the stiff methods: a constant matrix, or ``jac(t, y, *args)``.
        jac_sparsity : array_like, sparse matrix or None, optional
            Structure of the Jacobian for finite differences ('Radau' and 'BDF').
        lband, uband : int or None, optional
            Bandwidths of the Jacobian ('LSODA').
        min_step : float, optional
            Smallest step size ('LSODA').

        Limits and a look inside, which SciPy does not have; none is set by default:

        max_steps : int, optional
            The solve ends after so many accepted steps, with status -2.
        deadline : float, optional
            The solve ends after so many seconds, with status -3. A step, with the Jacobian that it may
            need, is not interrupted.
        callback : callable, optional
            ``callback(t, y)``, without `args`, is called after each accepted step, with a copy of the
            state. What it raises comes out; StopIteration ends the solve with status 2.
        progress : bool or callable, optional
            True: a bar on standard error. A callable, whose StopIteration ends the solve too, is given,
            ten times a second at most and at the end, a tuple with ``t, t0, tf, fraction, n_steps, seconds, over``.

    Returns
    -------
    OdeResult
        A bunch object with these fields:

        t : ndarray, shape (n_points,)
            Time points.
        y : ndarray, shape (n, n_points)
            Values of the solution at `t`.
        sol : `OdeSolution` or None
            The continuous solution, if asked for.
        t_events, y_events : list of ndarray or None
            For each event function the times at which it was zero and the states there.
        nfev, njev, nlu : int
            Numbers of evaluations of the right-hand side and of the Jacobian, and of LU
            decompositions.
        status : int
            0: the end was reached; 1: a terminal event occurred; -1: a step failed; and, with the
            options that SciPy has not, 2: `callback` ended the solve; -2: `max_steps`; -3: `deadline`.
            What was reached is returned in any case: of `t_eval` the times before ``stats.t``.
        message : str
            The same in words.
        success : bool
            ``status >= 0``.

        and, beside the fields of SciPy's result, the attributes ``stats`` (steps, rejections, times: see
        `diffsol._engine.stats.Stats`) and ``nonfinite``.

    Raises
    ------
    ValueError, TypeError
        For arguments that make no sense, with SciPy's words.

    Notes
    -----
    An exception of `fun`, of an event or of `jac` comes out unchanged.  Ctrl-C ends a compiled
    solve within a tenth of a second.

    References
    ----------
    .. [1] J. R. Dormand, P. J. Prince, "A family of embedded Runge-Kutta formulae", Journal of
           Computational and Applied Mathematics, Vol. 6, No. 1, pp. 19-26, 1980.
    .. [2] P. Bogacki, L. F. Shampine, "A 3(2) Pair of Runge-Kutta Formulas", Appl. Math. Lett.
           Vol. 2, No. 4, pp. 321-325, 1989.
    .. [3] E. Hairer, S. P. Norsett, G. Wanner, "Solving Ordinary Differential Equations I:
           Nonstiff Problems", Sec. II.
    .. [4] E. Hairer, G. Wanner, "Solving Ordinary Differential Equations II: Stiff and
           Differential-Algebraic Problems", Sec. IV.8.
    .. [5] L. F. Shampine, M. W. Reichelt, "The MATLAB ODE Suite", SIAM J. Sci. Comput., Vol. 18,
           No. 1, pp. 1-22, 1997.

    Examples
    --------
    >>> from diffsol.integrate import solve_ivp
    >>> def exponential_decay(t, y): return -0.5 * y
    >>> sol = solve_ivp(exponential_decay, [0, 10], [2, 4, 8])
    >>> print(sol.t)
    [ 0.          0.11487653  1.26364188  3.06061781  4.81611105  6.57445806
      8.33328988 10.        ]
    """
    name = method if type(method) is str else _passthrough.native_name(method)
    traits = METHODS.get(name)
    if type(y0) not in USUAL:
        y0 = read(y0)
    if type(t_eval) not in USUAL:
        t_eval = read(t_eval)
    if type(args) is tuple and args:
        args = read_args(args)
    if traits is None:
        return _passthrough.scipy_solve_ivp(
            fun, t_span, y0, method, t_eval, dense_output, events, vectorized, args, options
        )
    t0, tf = map(float, t_span)
    if type(args) is not tuple:
        args = read_args(_options.unpack_args(args))
    if t_eval is not None:
        t_eval = _options.check_t_eval(t_eval, t0, tf)
    limits, options = _limits.taken(options) if options else ({}, options)
    if options:
        options = _own_options(traits, options)
    observers = OBSERVERS.get()
    onlooker = _limits.watch(observers, **limits) if limits or observers else None
    result = solve_native(
        fun, t0, tf, y0, name, t_eval, dense_output, events, vectorized, args, options, onlooker
    )
    if type(result) is ScipyHas:
        if result.has_begun:
            options = options | limits
        return _passthrough.scipy_solve_ivp(
            result.fun,
            t_span,
            y0,
            name,
            t_eval,
            dense_output,
            events,
            vectorized,
            args,
            options,
        )
    return result


class ScipyHas(NamedTuple):
    """A problem for which SciPy has rules of its own: it is to solve it, with the function `fun`.

    has_begun    has `fun` been called?
    """

    fun: Callable
    has_begun: bool


def solve_native(
    fun, t0, tf, y0, name, t_eval, dense_output, events, vectorized, args, options, onlooker
):
    """The `OdeResult` of the native method `name`, or `ScipyHas`. `options` are the method's own.

    onlooker    a `Watch` or what is like it, or None
    """
    traits = METHODS[name]
    state = _options.check_y0(y0)
    if isinstance(fun, tuple):
        fun = _options.check_c_function(fun, args, state, vectorized)
    if (
        t0 == tf
        or not state.size
        or (t_eval is not None and _has_nan(t_eval))
        or (traits.implicit and is_refused(traits, state, options))
    ):
        # Nothing to integrate, or times that no order holds for: there is nothing to gain.
        return ScipyHas(fun, False)
    try:
        run = start(name, fun, t0, tf, state, vectorized, args, options)
    except Unusual as unusual:
        # The shape of the first result is one that SciPy broadcasts in ways of its own.
        return ScipyHas(_passthrough.after_first(fun, unusual.result), True)
    if events is not None:
        _watch(run, events, args, state, y0)
    run.set_output(t_eval, dense_output)
    if onlooker is not None:
        _let_look_on(run, onlooker)
    try:
        status = run.go()
    except Exception as error:
        if not traits.starts_later or not _scipy.takes_over(error):
            raise
        status = None
    if status is None or (
        traits.starts_later and status >= 0 and run.y.size and _scipy.refuses_nan(run.y[:, -1])
    ):
        return ScipyHas(fun, True)  # SciPy before 1.17 has an outcome of its own
    if status == -1 and traits.starts_later:
        _scipy.warn_of_istate(run.istate, stacklevel=3)
    result = _result(run, status, name, y0, t_eval, dense_output, events is not None)
    if onlooker is not None and onlooker.observers:
        onlooker.end(result.stats)
    return result


def _has_nan(t_eval):
    # A NaN among them makes the sum one; the full test is for those that inf - inf makes.
    if t_eval.dtype != float:
        return bool(np.any(t_eval != t_eval))
    return isnan(t_eval.sum()) and bool(np.isnan(t_eval).any())


def start(name, fun, t0, tf, state, vectorized, args, options, make=Run):
    """A solve that stands at its beginning: what SciPy's constructor checks and calls is done."""
    begin = _start_lsoda if METHODS[name].starts_later else _start
    return begin(name, fun, t0, tf, state, vectorized, args, **options, make=make)


def is_refused(traits, state, options):
    """Options that the method cannot take, or not in this form: SciPy has errors for them."""
    if state.dtype.kind == "c" and not traits.complex_states:
        return True
    if np.ndim(options.get("rtol", 0.0)) and not traits.array_rtol:
        return True
    if traits.starts_later:
        band = (options.get("lband") or 0, options.get("uband") or 0)
        jac = options.get("jac")
        return not (jac is None or callable(jac)) or not all(_is_width(w, state.size) for w in band)
    sparsity = options.get("jac_sparsity")
    return sparsity is not None and np.shape(sparsity) != (state.size, state.size)


def _is_width(width, n):
    return isinstance(width, int | np.integer) and 0 <= width < n


def _own_options(traits, options):
    """The options that the method has, in SciPy's order; a warning for all others."""
    own = {name: options[name] for name in traits.options if name in options}
    if len(own) < len(options):
        _options.warn_extraneous([name for name in options if name not in own])
    return own


def _start(
    name,
    fun,
    t0,
    tf,
    state,
    vectorized,
    args,
    max_step=np.inf,
    rtol=1e-3,
    atol=1e-6,
    first_step=None,
    jac=None,
    jac_sparsity=None,
    make=Run,
):
    """Check the options and evaluate `fun` at the start, as SciPy's constructor does."""
    if max_step is not np.inf:
        max_step = _options.check_max_step(max_step)
    rtol, atol = _options.check_tolerances(rtol, atol, state.size)
    if first_step is not None:
        try:
            first_step = _options.check_first_step(first_step, t0, tf)
        except Exception:
            # SciPy calls fun before it looks at first_step, so that errors of fun come first.
            fun(t0, state[:, np.newaxis] if vectorized else state, *args)
            raise
    traits = METHODS[name]
    rhs = Function(fun, args, state, traits.rhs_kind, vectorized, solver=name)
    jacobian = Jacobian(jac, jac_sparsity, args, state) if traits.implicit else None
    return make(name, rhs, t0, tf, state, rtol, atol, max_step, first_step, jacobian)


def _start_lsoda(
    name,
    fun,
    t0,
    tf,
    state,
    vectorized,
    args,
    first_step=None,
    min_step=0.0,
    max_step=np.inf,
    rtol=1e-3,
    atol=1e-6,
    jac=None,
    lband=None,
    uband=None,
    make=Run,
):
    """Check the options; `fun` is not called, as SciPy's constructor does not."""
    if first_step is not None:
        first_step = _options.check_first_step(first_step, t0, tf)
    if max_step is not np.inf:
        max_step = _options.check_max_step(max_step)
    if min_step < 0:
        raise ValueError("`min_step` must be nonnegative.")
    rtol, atol = _options.check_tolerances(rtol, atol, state.size)
    band = None if lband is None and uband is None else (int(lband or 0), int(uband or 0))
    rhs = Function(fun, args, state, METHODS[name].rhs_kind, vectorized, solver=name)
    jacobian = LsodaJacobian(jac, band, args, state)
    if min_step and not _scipy.keeps_least_step():
        min_step = 0.0
    tolerances = rtol, atol, max_step
    return make(name, rhs, t0, tf, state, *tolerances, first_step, jacobian, float(min_step))


def _watch(run, events, args, state, y0):
    """Let the run look for events; their first values come from the caller's own `y0`."""
    events, max_events, direction = _options.prepare_events(events)
    functions = [Function(event, args, state, kind="event") for event in events]
    run.set_events(functions, max_events, direction, y0)


def _let_look_on(run, onlooker):
    """What looks on is told of the solve, and is asked from now on whether it goes on."""
    run.onlooker = onlooker
    if onlooker.observers:
        t0, tf, state, rtol, atol = run.options[:5]
        onlooker.start(Start(run.method, state.size, t0, tf, rtol, atol, run.is_compiled))


def _result(run, status, name, y0, t_eval, dense_output, has_events):
    """What the run found, in the types and shapes that SciPy gives."""
    t, y = run.t, run.y
    if t_eval is None:
        y = _stacked_on(y0, y)
    elif not len(t):
        t, y = [], []
    elif t_eval.dtype != t.dtype:
        t = t_eval[: len(t)].copy()
    message = LSODA_FAILED if status == -1 and name == "LSODA" else MESSAGES[status]
    result = OdeResult(
        t=t,
        y=y,
        sol=_solution(run, name, t_eval) if dense_output else None,
        t_events=run.t_events if has_events else None,
        y_events=run.y_events if has_events else None,
        nfev=run.nfev,
        njev=_count(name, run.njev),
        nlu=_count(name, run.nlu),
        status=status,
        message=message,
        success=status >= 0,
    )
    result.note_cost(run.cost(status, message))
    if run.nonfinite is not None:
        result.note_nonfinite(run.rhs, *run.nonfinite)
    return result


def _count(name, count):
    """SciPy reads LSODA's counters from an array of 32-bit integers."""
    return np.int32(count) if name == "LSODA" else count


def _stacked_on(y0, y):
    """`y` with the caller's own initial state as first column, in the type NumPy finds for both.

    Integers become floats, but an object array stays one, and a long double keeps its digits.
    A function that changes the state it is given changes this column only if the caller's `y0`
    is the very array that it got.
    """
    dtype = y0.dtype if isinstance(y0, np.ndarray) else np.asarray(y0).dtype
    if dtype != y.dtype:
        y = y.astype(np.result_type(dtype, y.dtype))
    y[:, 0] = y0
    return y


def _solution(run, name, t_eval):
    segments = run.segments
    if t_eval is None:
        ts = run.t
    else:
        ts = np.append(segments.t_old[:1], segments.t)
        ts[-1] = run.t_last
        if len(ts) > 2 and ts[-1] == ts[-2]:
            # An event ended the solve at the very start of the last step.
            ts = ts[:-1]
    return OdeSolution(name, ts, segments)
