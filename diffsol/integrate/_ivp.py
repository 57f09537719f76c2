"""solve_ivp: SciPy's call, answered by the native steppers."""

from diffsol._dlpack.arguments import USUAL, read, read_args
from diffsol._engine.watch import OBSERVERS
from diffsol._methods.registry import METHODS
from diffsol.integrate import _limits, _options, _passthrough
from diffsol.integrate._ivp_again import solve_as_before
from diffsol.integrate._native import ScipyHas, solve_native
from diffsol.integrate._start import own_options


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
    if events is None and not dense_output and not vectorized:
        result = solve_as_before(fun, t_span, y0, method, t_eval, args, options)
        if result is not None:
            return result
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
        options = own_options(traits, options)
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
