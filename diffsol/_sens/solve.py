"""solve_ivp with the derivatives of its solution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsol._dlpack.arguments import read, read_args
from diffsol._engine.watch import OBSERVERS, Start
from diffsol._methods.registry import METHODS
from diffsol._sens.crossings import Crossing, moved_by
from diffsol._sens.forward import Forward
from diffsol._sens.rows import Rows
from diffsol._sens.solution import SensitivitySolution
from diffsol._sens.system import (
    Columnwise,
    System,
    warn_of_differences,
    warn_of_forward,
    warn_of_single,
)
from diffsol._sens.variables import sizes_of, variables_of, warn_of_tensors
from diffsol._trace.reasons import Refused
from diffsol.errors import GrazingError
from diffsol.integrate import _limits, _options, _outcome, _passthrough, _scipy, _start
from diffsol.integrate._result import OdeResult

KINDS = ("forward", "discrete", "adjoint")


def solve_ivp(
    fun: Callable,
    t_span: Sequence,
    y0: Any,
    method: Any = "RK45",
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: Any = None,
    *,
    sens: str = "forward",
    wrt: Any = ("args", "y0"),
    sens_errcon: bool = True,
    dy0: Any = None,
    dt0: Any = None,
    **options: Any,
) -> OdeResult:
    """Solve an initial value problem, and differentiate its solution.

    As `diffsol.integrate.solve_ivp`, with the derivatives of the solution with respect to arguments of `fun` and to
    the initial state beside it.  They are exact: `fun` is traced, and the equations of

        S_j = dy / dv_j,    dS_j / dt = (df/dy) S_j + df/dv_j

    are derived from it and solved together with y [1]_, [2]_.

    Parameters
    ----------
    fun, t_span, y0, method, t_eval, dense_output, events, vectorized, args, **options
        As of `diffsol.integrate.solve_ivp`; real states only.  With the exact derivatives at hand `jac` is not
        needed; it serves a `fun` that cannot be traced.
    sens : str, optional
        'forward' (default): the equations above.  Their errors are controlled as those of y are.  Costs grow with
        the number of variables; up to about 100 of them it is the way.
        'discrete': the derivative of what is computed, on the steps that a solve of y alone takes: its errors
        are not controlled, but the solution is bit for bit the one without derivatives, and a line search sees the very
        slope of its function.
        'adjoint': for many variables and few values; see `gradient`.  Each component at each time of `t_eval` takes
        a solve backward in time.  Without events and dense output.
    wrt : str or sequence of str, optional
        The variables: 'args' for all floats and arrays of floats among `args`, 'y0' for the initial state, and the
        names of parameters of `fun` (or 'args[0]' and so on), which may be integers too.
    sens_errcon : bool, optional
        Do the errors of S choose the steps, too (default)?  The absolute tolerance of S_j is that of y divided by the
        size of v_j.  They never do where `fun` cannot be traced, whose differences are noisy.
    dy0 : array_like, shape (n, m), optional
        dy/dv at the beginning, where the initial state depends on the variables, as after an event; default: 0,
        and 1 for a component's own initial value.
    dt0 : array_like, shape (m,), optional
        The derivative of the time at which the solve begins, likewise; default: 0.

    Returns
    -------
    OdeResult
        With the fields of SciPy's result, and

        sens : ndarray, shape (n, n_points, m)
            Derivatives of `y`; the last axis counts the variables.
        sens_names : tuple of str
            Names of the m variables: those of the parameters of `fun`, with an index for elements of arrays, and
            y0[0], y0[1], ...
        sens_y0 : ndarray, shape (n, n_points, n) or None
            The part of `sens` that belongs to the initial state.
        sens_t_events, sens_y_events : list of ndarray or None
            For each event the derivatives of its times, (k, m), and of the states at these times, (k, n, m): at a time
            that moves itself.
        sens_sol : callable or None
            With `dense_output`: the derivatives at any times, shape (n, m) or (n, n_points, m).

    Raises
    ------
    GrazingError
        Where the solution touches an event without crossing it: its time has no derivative.
    ValueError, TypeError
        For arguments that make no sense.

    Warns
    -----
    CompilationWarning
        Where `fun` cannot be traced: derivatives are then finite differences.

    Notes
    -----
    Explicit methods solve for y and S at once.  Implicit ones solve for y at each step, and then for the columns of
    S, with the same factors [3]_.

    References
    ----------
    .. [1] E. Hairer, S. P. Norsett, G. Wanner, "Solving Ordinary Differential Equations I: Nonstiff Problems",
           Sec. II.6.
    .. [2] R. Serban, A. C. Hindmarsh, "CVODES: the sensitivity-enabled ODE solver in SUNDIALS", ASME IDETC 2005.
    .. [3] W. F. Feehery, J. E. Tolsma, P. I. Barton, "Efficient sensitivity analysis of large-scale
           differential-algebraic systems", Applied Numerical Mathematics, Vol. 25, pp. 41-54, 1997.

    Examples
    --------
    >>> from diffsol.sensitivity import solve_ivp
    >>> def decay(t, y, k): return -k * y
    >>> sol = solve_ivp(decay, (0, 1), [2.0], args=(0.5,), t_eval=[1.0], rtol=1e-8, atol=1e-10)
    >>> sol.sens_names
    ('k', 'y0[0]')
    >>> sol.sens.round(6)
    array([[[-1.213061,  0.606531]]])
    """
    if sens not in KINDS:
        raise ValueError(f"`sens` must be one of {', '.join(map(repr, KINDS))}, not {sens!r}.")
    name = native(method)
    t0, tf = map(float, t_span)
    y0, t_eval, dy0, dt0 = map(read, (y0, t_eval, dy0, dt0))
    args = read_args(_options.unpack_args(args))
    if t_eval is not None:
        t_eval = _options.check_t_eval(t_eval, t0, tf).astype(float, copy=False)
    limits, options = _limits.taken(options)
    options = _start.own_options(METHODS[name], options)
    state = real(_options.check_y0(y0))
    variables = variables_of(fun, state, args, wrt)
    warn_of_tensors(fun, args, variables, wrt, stacklevel=2)
    system = System(Columnwise(fun) if vectorized else fun, variables)
    system.verify(t0, state, variables.values)
    if system.refused is not None:
        warn_of_differences(system.refused, stacklevel=2)
    start = _start_of(system, t0, state, dy0, dt0)
    observers = OBSERVERS.get()
    onlooker = _limits.watch(observers, **limits) if limits or observers else None
    if sens == "adjoint":
        _refuse_for_adjoint(events=events, dense_output=dense_output, **limits)
        problem = system.fun, t0, tf, state, False, args, options
        found = None if system.refused else _by_adjoint(name, problem, system, start, t_eval)
        if found is not None:
            return found

    def make(name, rhs, t0, tf, state, rtol, atol, max_step, first_step, jacobian, min_step=0.0):
        controlled = sens_errcon and sens == "forward"
        tolerances = rtol, atol, max_step, first_step, min_step
        user_jac = options.get("jac") if callable(options.get("jac")) else None
        return Forward(
            system, name, t0, tf, state, start, variables.values, *tolerances, controlled, user_jac
        )

    run = _start.start(name, system.fun, t0, tf, state, False, args, options, make)
    crossings = None
    if events is not None:
        events, max_events, direction = _options.prepare_events(events)
        crossings = [Crossing(event, variables) for event in events]
        run.set_events(crossings, max_events, direction)
    run.set_output(t_eval, dense_output)
    if onlooker is not None:
        run.onlooker = onlooker
        rtol, atol = options.get("rtol", 1e-3), options.get("atol", 1e-6)
        onlooker.start(Start(name, state.size, t0, tf, rtol, atol, run.is_compiled))
    status = run.go()
    if run.is_single:
        warn_of_single(stacklevel=2)
    if status == -1 and METHODS[name].starts_later:
        _scipy.warn_of_istate(run.istate)
    result = _result(run, status, name, dense_output, variables)
    if crossings is not None:
        _add_events(result, run, crossings)
    return result


def _refuse_for_adjoint(**options):
    given = [name for name, value in options.items() if value not in (None, False)]
    if given:
        raise ValueError(
            f"`sens='adjoint'` goes without {', '.join(f'`{name}`' for name in given)}."
        )


def _by_adjoint(name, problem, system, start, t_eval):
    """The result, or None where the adjoint equation cannot be derived: a warning tells."""

    def make(name, _, t0, tf, state, *options):
        return Rows(system, name, t0, tf, state, start, *options)

    try:
        run = _start.start(name, *problem, make)
    except Refused as refused:
        warn_of_forward(refused, stacklevel=3)
        return None
    return _result(run, run.go(t_eval), name, False, system.variables)


def native(method):
    name = method if type(method) is str else _passthrough.native_name(method)
    if name not in METHODS:
        raise ValueError(
            f"`method` must be one of {', '.join(METHODS)} for sensitivities, not {method!r}."
        )
    return name


def real(state):
    if state.dtype.kind == "c":
        raise TypeError(
            "Sensitivities are for real states; give the real and the imaginary parts of `y0` as components."
        )
    return np.ascontiguousarray(state)


def _start_of(system, t0, y0, dy0, dt0) -> np.ndarray:
    """S at the beginning, (m, n): dy0 - f dt0, for y0 is the state at a time that may move itself."""
    variables = system.variables
    m = len(variables.names)
    start = variables.start()
    if dy0 is not None:
        dy0 = np.asarray(dy0, dtype=float)
        if dy0.shape != (y0.size, m):
            raise ValueError(
                f"`dy0` must have the shape (n, m) = {(y0.size, m)}, not {dy0.shape}: the variables are "
                f"{', '.join(variables.names)}."
            )
        start = np.ascontiguousarray(dy0.T)
    if dt0 is not None:
        dt0 = np.asarray(dt0, dtype=float)
        if dt0.shape != (m,):
            raise ValueError(f"`dt0` must have the shape (m,) = {(m,)}, not {dt0.shape}.")
        slope = np.asarray(system.fun(t0, y0.copy(), *variables.args(variables.values)), float)
        start = start - np.multiply.outer(dt0, np.broadcast_to(slope, y0.shape))
    return start


def _result(run, status, name, dense, variables):
    n, m = run.n, run.m
    y = run.y_whole[:n]
    message = _outcome.message_of(status, name)
    sens = _sens(run.y_whole, n, m)
    first = variables.y0_columns
    return OdeResult(
        t=run.t,
        y=np.ascontiguousarray(y),
        sol=SensitivitySolution(run, False) if dense else None,
        t_events=None,
        y_events=None,
        nfev=run.nfev,
        njev=_outcome.count_of(name, run.njev),
        nlu=_outcome.count_of(name, run.nlu),
        status=status,
        message=message,
        success=status >= 0,
        sens=sens,
        sens_names=variables.names,
        sens_y0=sens[..., first[0] :] if first else None,
        sens_t_events=None,
        sens_y_events=None,
        sens_sol=SensitivitySolution(run, True) if dense else None,
    )


def _sens(whole, n, m) -> np.ndarray:
    """The columns of augmented states (n + m n, nt) as (n, nt, m)."""
    return np.ascontiguousarray(whole[n:].reshape(m, n, -1).transpose(1, 2, 0))


def _add_events(result, run, crossings):
    n, m = run.n, run.m
    result.t_events = run.t_events
    result.y_events = [states[:, :n] if len(states) else states for states in run.y_events]
    result.sens_t_events, result.sens_y_events = [], []
    variables, span = run.system.variables, abs(run.t_last - run.core.t0)
    scale = sizes_of(run.values)
    for i, crossing in enumerate(crossings):
        times = np.empty((len(run.t_events[i]), m))
        states = np.empty((len(times), n, m))
        for k, (t, whole) in enumerate(zip(run.t_events[i], run.y_events[i], strict=True)):
            y, columns = whole[:n].copy(), whole[n:].reshape(m, n)
            f = np.asarray(run.system.fun(t, y.copy(), *variables.args(run.values)), float)
            try:
                times[k], moved = moved_by(
                    crossing, f"event {i}", t, y, f, run.values, columns, scale, span
                )
            except GrazingError as error:
                error.result = result
                raise
            states[k] = moved.T
        result.sens_t_events.append(times)
        result.sens_y_events.append(states)
