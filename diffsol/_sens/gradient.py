"""The gradient of a function of a solution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from diffsol._dlpack.arguments import read, read_args
from diffsol._methods.registry import METHODS
from diffsol._sens.losses import Loss
from diffsol._sens.solve import native, real
from diffsol._sens.system import Columnwise, warn_of_forward
from diffsol._sens.variables import variables_of, warn_of_tensors
from diffsol._sens.ways import Question
from diffsol._trace.reasons import Refused
from diffsol.integrate import _options, _start

KINDS = ("adjoint", "forward")
MEMORY = 256e6  # bytes


class _Parts(NamedTuple):
    value: float
    dargs: tuple
    dy0: np.ndarray | None


class Gradient(_Parts):
    """G and its gradient: a tuple (value, dargs, dy0).

    Attributes
    ----------
    value : float
        G.
    dargs : tuple
        For each of `args` the derivative of G, a number or an array of its shape; None where `wrt` leaves it out.
    dy0 : ndarray, shape (n,), or None
        For the initial state.
    names : tuple of str
        Names of the m variables.
    flat : ndarray, shape (m,)
        All derivatives in the order of `names`.
    dt0, dt_end : float
        For the ends of `t_span`.  Times in `t_eval` do not move with them.
    t, y : ndarray
        The times that `loss` was given, and the states there.
    memory : int
        Bytes that the kept part of the solution took at most.
    """

    _variables: Any
    flat: np.ndarray
    dt0: float
    dt_end: float
    t: np.ndarray
    y: np.ndarray
    memory: int

    @property
    def names(self) -> tuple:
        """Names of the variables."""
        return self._variables.names

    def __getstate__(self):
        """What is copied and pickled: names in place of the function that they are made from."""
        return {**self.__dict__, "_variables": SimpleNamespace(names=self.names)}


def gradient(
    fun: Callable,
    t_span: Sequence,
    y0: Any,
    args: Any = (),
    *,
    t_eval: Any = None,
    loss: Callable | None = None,
    loss_grad: Callable | None = None,
    integrand: Callable | None = None,
    method: Any = "RK45",
    wrt: Any = ("args", "y0"),
    sens: str = "adjoint",
    checkpoint_every: int | None = None,
    memory: float = MEMORY,
    adjoint_rtol: float | None = None,
    adjoint_atol: float | None = None,
    vectorized: bool = False,
    **options: Any,
) -> Gradient:
    """The gradient of a number that is computed from the solution of an initial value problem.

    G = loss(t, Y) + the integral of integrand(t, y, *args) over `t_span`.  The solution is followed forward once, and
    then the adjoint equation

        lambda' = -(df/dy)^T lambda - dg/dy

    backward, which costs about as much however many variables there are [1]_, [2]_.

    Parameters
    ----------
    fun, t_span, y0, args, method, vectorized, **options
        As of `diffsol.integrate.solve_ivp`.
    t_eval : array_like, optional
        The times that `loss` sees.  Default: the end of `t_span` only.
    loss : callable, optional
        ``loss(t, Y) -> float`` with times of shape (k,) and states of shape (n, k), as `solve_ivp` returns them.
    loss_grad : callable, optional
        ``loss_grad(t, Y) -> dloss/dY``, shape (n, k).  Not needed where `loss` can be traced.
    integrand : callable, optional
        ``integrand(t, y, *args) -> float``.
    wrt : str or sequence of str, optional
        The variables, as of `diffsol.sensitivity.solve_ivp`.
    sens : str, optional
        'adjoint' (default), or 'forward': by the sensitivities of the solution, cheaper for a few variables.
    checkpoint_every : int, optional
        Keep the solution of so many steps at a time; steps before are made again from checkpoints.  Default: as many
        as `memory` holds.
    memory : float, optional
        Bytes for the solution.
    adjoint_rtol, adjoint_atol : float, optional
        Tolerances of lambda.  Default: `rtol`, and `atol` times the size of lambda.

    Returns
    -------
    Gradient
        The tuple (value, dargs, dy0), with more attributes.

    Raises
    ------
    RuntimeError
        Where the solve, or the way back, ends before its time.
    ValueError, TypeError
        For arguments that make no sense, and functions whose results have other shapes than they should; before
        anything is solved.

    Warns
    -----
    CompilationWarning
        Where `fun` cannot be traced: the gradient is then found by finite differences of it, forward.  Where `loss`
        cannot be traced and there is no `loss_grad`.

    Notes
    -----
    Explicit methods go back as they went forward; for the others Radau goes back, which starts anew at each time of
    `t_eval` at no price [3]_.  Integrals for the parameters are taken by Gauss' formula, to
    `adjoint_rtol` as well.

    References
    ----------
    .. [1] Y. Cao, S. Li, L. Petzold, R. Serban, "Adjoint sensitivity analysis for differential-algebraic equations:
           the adjoint DAE system and its numerical solution", SIAM J. Sci. Comput., Vol. 24, No. 3, 2003.
    .. [2] R. T. Q. Chen et al., "Neural ordinary differential equations", NeurIPS 2018.
    .. [3] P. Kidger, "On neural differential equations", Oxford 2021, Sec. 5.1.

    Examples
    --------
    >>> from diffsol.sensitivity import gradient
    >>> def decay(t, y, k): return -k * y
    >>> def loss(t, Y): return Y[0, -1] ** 2 / 2
    >>> g = gradient(decay, (0, 1), [2.0], args=(0.5,), loss=loss, rtol=1e-8, atol=1e-10)
    >>> round(g.value, 6), round(g.dargs[0], 6), g.dy0.round(6)
    (0.735759, -1.471518, array([0.735759]))
    """
    if sens not in KINDS:
        raise ValueError(f"`sens` must be one of {', '.join(map(repr, KINDS))}, not {sens!r}.")
    if loss is None and loss_grad is not None or loss is None and integrand is None:
        raise ValueError("there is nothing to differentiate: give `loss`, or `integrand`.")
    _check_counts(checkpoint_every, memory)
    name = native(method)
    t0, tf = map(float, t_span)
    y0, t_eval = read(y0), read(t_eval)
    args = read_args(_options.unpack_args(args))
    state = real(_options.check_y0(y0))
    times = np.array([tf])
    if t_eval is not None:
        times = _options.check_t_eval(t_eval, t0, tf).astype(float, copy=False)
        if not times.size or np.isnan(times).any():
            raise ValueError("`t_eval` must have at least one time, and no NaN.")
    if t0 == tf or not state.size:
        raise ValueError("`t_span` must have two different ends, and `y0` at least one component.")
    options = _start.own_options(METHODS[name], options)
    variables = variables_of(fun, state, args, wrt)
    warn_of_tensors(fun, args, variables, wrt, stacklevel=2)
    losses = None if loss is None else Loss(loss, loss_grad, times, state.size)
    if losses is not None:
        losses.check(state)
    fun = Columnwise(fun) if vectorized else fun
    solve = fun, t0, tf, state, args, variables, name, options
    question = Question(*solve, losses, integrand, times, t_eval is None)
    if sens == "forward":
        return _gradient(question, question.by_forward())
    try:
        return _gradient(
            question, question.by_adjoint(checkpoint_every, memory, adjoint_rtol, adjoint_atol)
        )
    except Refused as refused:
        warn_of_forward(refused, stacklevel=2)
    return _gradient(question, question.by_forward())


def _gradient(question, found):
    variables = question.variables
    starts = [-1 - place for place in variables.columns[variables.values.size :]]
    dargs = []
    for place in variables.places:
        if place is None:
            dargs.append(None)
            continue
        start, stop, shape, _ = place
        part = found.by_args[start - variables.n : stop - variables.n]
        dargs.append(part.reshape(shape).copy() if shape else float(part[0]))
    result = Gradient(found.value, tuple(dargs), found.at_start if starts else None)
    result.flat = np.concatenate([found.by_args, found.at_start[starts]])
    result.dt0, result.dt_end, result.memory = found.dt0, found.dt_end, found.memory
    result.t, result.y, result._variables = question.times, found.y, variables
    return result


def _check_counts(checkpoint_every, memory):
    if checkpoint_every is not None and (
        not isinstance(checkpoint_every, int | np.integer) or checkpoint_every < 1
    ):
        raise ValueError(
            f"`checkpoint_every` must be a positive integer, not {checkpoint_every!r}."
        )
    if not memory > 0:
        raise ValueError(f"`memory` must be positive, not {memory!r}.")
