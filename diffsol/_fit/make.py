"""residual: a model and data as what SciPy's optimisers ask for."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from diffsol._dlpack.arguments import read_args, read_each
from diffsol._ensemble.native import default_threads
from diffsol._fit.experiment import Experiment, Options
from diffsol._fit.parameters import Parameters
from diffsol._fit.residual import Residual
from diffsol._fit.start import first_state
from diffsol._sens.system import warn_of_differences
from diffsol._sens.variables import left_out, parameters_of, variables_of
from diffsol.integrate import _options

MAX_STEPS = 100_000


def residual(
    fun: Callable,
    y0: Any,
    t: Any,
    data: Any,
    *,
    args: Any = None,
    wrt: Any = "args",
    own: Any = (),
    t_span: Any = None,
    weights: Any = None,
    observe: Any = None,
    log: Any = (),
    bounds: Any = None,
    method: str = "RK45",
    rtol: Any = 1e-8,
    atol: Any = 1e-10,
    max_step: float = np.inf,
    max_steps: int | None = MAX_STEPS,
    deadline: float | None = None,
    sens: str = "forward",
    threads: int | None = None,
) -> Residual:
    """The difference between a model and data, with exact derivatives, for SciPy's optimisers.

    ::

        fun = diffsol.fit.residual(model, y0, t, data)
        least_squares(fun, p0, jac=fun.jac)
        minimize(fun.cost, p0, jac=fun.cost_grad)
        curve_fit(fun.model, t, data.ravel(), p0, jac=fun.model_jac)

    For each p there is one solve, with the sensitivities of the solution (see `diffsol.sensitivity.solve_ivp`),
    whoever asks. (Where `fun` cannot be traced sensitivities cost more evaluations, which are made when a derivative
    is asked for.)

    Parameters
    ----------
    fun : callable
        Right-hand side ``fun(t, y, *args)``.
    y0 : array_like (n,), or callable
        Initial state; or a function of the arguments of `fun`, ``y0(*args)``. A list of these for several
        experiments.
    t : array_like (nt,), or list of these
        Times of the data, in any order, also repeated. A list of arrays: several experiments.
    data : array_like (k, nt), or list of these
        What was measured, a row for each observed quantity as in ``sol.y``; (nt,) where there is one. NaN, or
        masked: not measured.
    args : tuple, or list of tuples, optional
        Arguments of `fun`: what is fitted begins here (`Residual.p0`), the rest stays. Default: `fun` has numbers
        only, all of them are fitted, and p0 has their default values, or ones. A list: each experiment has its own.
    wrt : str or sequence of str, optional
        What is fitted: 'args' (default) for all floats and arrays of floats among `args`, names of parameters of `fun`
        (also of integers), 'y0' for the whole initial state, 'y0[1]' for a component of it. In p they stand in the
        order of the parameters of `fun`, initial values last, whatever the order here: see `Residual.names`.
    own : str or sequence of str, optional
        Of these, what each experiment has for itself; all else is shared.
    t_span : (t0, tf), optional
        t0 is where `y0` holds; default: the first time of the data (of each experiment, its own), with a warning where
        that is after 0.
    weights : array_like, optional
        Factors of the differences, 1 / sigma: of the shape of the data, or one for each observed quantity. A list for
        several experiments.
    observe : callable, int, or sequence of int, optional
        What was measured: ``observe(t, y, *args)`` gives k numbers; or components of y; default: all of y.
    log : str, sequence of str, or bool, optional
        What is fitted on a logarithmic scale: p then holds the logarithm.
    bounds : (lower, upper), or dict from names to such pairs, optional
        Of the variables themselves; `Residual.bounds` has them on p's scale.
    method, rtol, atol, max_step
        As of `diffsol.integrate.solve_ivp`.
    max_steps, deadline : int, float, optional
        A solve that takes more steps (default 100,000), or more seconds, has failed.
    sens : 'forward' or 'discrete'
        As of `diffsol.sensitivity.solve_ivp`; 'discrete' where `fun` cannot be traced.
    threads : int, optional
        How many of several experiments are solved at the same time; default: as many as there are processors.

    Returns
    -------
    `Residual`

    Raises
    ------
    ValueError, TypeError
        For arguments that make no sense.

    Warns
    -----
    CompilationWarning
        Where `fun` cannot be traced: derivatives are then finite differences.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.optimize import least_squares
    >>> from diffsol import fit
    >>> def decay(t, y, k): return -k * y
    >>> t = np.linspace(0, 2, 5)
    >>> fun = fit.residual(decay, [1.0], t, np.exp(-1.5 * t))
    >>> least_squares(fun, [1.0], jac=fun.jac).x.round(6)
    array([1.5])
    """
    y0, t, data, weights = map(read_each, (y0, t, data, weights))
    given = dict(locals())
    if sens not in ("forward", "discrete"):
        raise ValueError(f"`sens` must be 'forward' or 'discrete', not {sens!r}.")
    lists = _experiments(t, data, y0, args, weights, t_span)
    found: list[Experiment] = []
    for t_i, data_i, y0_i, args_i, weights_i, span_i in lists:
        args_i = parameters_of(fun) if args_i is None else read_args(_options.unpack_args(args_i))
        start = first_state(y0_i, args_i)
        variables = variables_of(fun, start, args_i, wrt)
        if not found and "args" in ((wrt,) if isinstance(wrt, str) else wrt):
            _warn_of_left_out(fun, args_i, variables)
        options = Options(
            start.size, method, rtol, atol, max_step, max_steps, deadline, sens == "forward"
        )
        found.append(
            Experiment(fun, variables, y0_i, t_i, data_i, span_i, weights_i, observe, options)
        )
        if found[-1].variables.names != found[0].variables.names:
            raise ValueError("All experiments must have the same variables.")
    refused = found[0].system.refused
    if refused is not None:
        warn_of_differences(refused, stacklevel=2)
    if t_span is None:
        _warn_of_late_start(found)
    parameters = Parameters(found[0].variables, [e.begin for e in found], own, log, bounds)
    threads = default_threads() if threads is None else threads
    result = Residual(found, parameters, threads)
    result._recipe = given
    return result


def _warn_of_left_out(fun, args, variables):
    for label, value in left_out(fun, args, variables):
        warnings.warn(
            f"{label!r} of `args` is {value!r} and is not fitted: only floats and arrays of floats are, unless `wrt` "
            "names what is to be fitted.",
            stacklevel=3,
        )


def _warn_of_late_start(experiments):
    late = [e.span[0] for e in experiments if e.span[0] > 0]
    if late:
        warnings.warn(
            f"`y0` is taken to hold at the first time of the data, {late[0]:g}. Give `t_span=(t0, t_end)` to say when "
            "it holds.",
            stacklevel=3,
        )


def _experiments(t, data, y0, args, weights, t_span):
    """(t, data, y0, args, weights, t_span) of each experiment."""
    several = isinstance(t, list | tuple) and len(t) and np.ndim(t[0]) == 1
    if not several:
        return [(t, data, y0, args, weights, t_span)]
    count = len(t)
    if not isinstance(data, list | tuple) or len(data) != count:
        raise ValueError(f"`t` is a list of {count} experiments: `data` must be one, too.")

    def each(name, value, is_list):
        if not is_list:
            return [value] * count
        if len(value) != count:
            raise ValueError(f"`{name}` has {len(value)} entries for {count} experiments.")
        return list(value)

    states = isinstance(y0, list | tuple | np.ndarray) and any(
        callable(one) or np.ndim(one) == 1 for one in y0
    )
    spans = t_span is not None and np.ndim(t_span) == 2
    return list(
        zip(
            t,
            data,
            each("y0", y0, states),
            each("args", args, isinstance(args, list) and isinstance(args[0], tuple)),
            each("weights", weights, isinstance(weights, list) and np.ndim(weights[0]) > 0),
            each("t_span", t_span, spans),
            strict=True,
        )
    )
