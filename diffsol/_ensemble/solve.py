"""solve_ensemble: many initial value problems of one system."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from diffsol._engine.bar import Bar
from diffsol._ensemble import chunks, native
from diffsol._ensemble.batch import batch_of
from diffsol._ensemble.options import options_of
from diffsol._ensemble.plan import plan_of
from diffsol._ensemble.reduce import BLOCK, Reduced, wanted
from diffsol._ensemble.result import EnsembleResult
from diffsol.integrate import _options

METHODS = (*native.IN_LANES, "Radau", "BDF", "LSODA")
PROGRESS_EVERY = 0.1  # seconds


class EnsembleProgress(NamedTuple):
    """How far an ensemble is: trajectories done, of how many; seconds since it began; has it ended?"""

    n_done: int
    size: int
    seconds: float
    over: bool

    @property
    def fraction(self) -> float:
        return self.n_done / self.size

    def told(self) -> str:
        """That in words."""
        return f"{self.n_done} of {self.size} trajectories"


def solve_ensemble(
    fun: Callable,
    t_span: Sequence,
    y0: Any,
    args: tuple = (),
    *,
    args_axes: Any = None,
    method: str = "RK45",
    t_eval: Any = None,
    rtol: Any = 1e-3,
    atol: Any = 1e-6,
    events: Any = None,
    max_step: float = np.inf,
    first_step: float | None = None,
    max_steps: int | None = None,
    max_events: int = 16,
    jac: Any = None,
    device: str = "cpu",
    threads: int | None = None,
    executor: Any = None,
    chunk: int | None = None,
    reduce: Any = None,
    progress: bool | Callable = False,
    dtype: Any = "float64",
    devices: Any = None,
    fmad: bool = False,
) -> EnsembleResult | Reduced:
    """Solve initial value problems of one system, that differ in initial states, arguments, or intervals.

    Each trajectory takes its own steps and ends in its own way, as if `solve_ivp` solved it alone; several are solved
    at once in the lanes of the processor's vector registers, and by several threads. What a trajectory in lanes comes
    to has the same bits whatever the number of lanes, threads and chunks, and whatever the others do.

    Parameters
    ----------
    fun : callable
        Right-hand side ``fun(t, y, *args)`` of one trajectory: ``y`` has the shape (n,). Nothing in it is
        written for many.
    t_span : 2-member sequence
        (t0, tf); each a number, or an array (N,) with one for each trajectory. tf may be infinite, for trajectories
        that an event ends.
    y0 : array_like, shape (n,) or (N, n)
        Initial state of all trajectories, or of each.
    args : tuple
        Further arguments of `fun` and of all `events`.
    args_axes : 0, None, or tuple of these
        0 for those of `args` that have one value for each trajectory, along their first axis; None (default) for those
        that all share. One entry stands for all.
    method : str
        'RK45' (default), 'RK23' and 'DOP853', as in SciPy, and for stiff problems 'Rodas5P' [1]_ are solved in
        lanes; 'Radau', 'BDF' and 'LSODA' by `solve_ivp`, one trajectory after the other in each thread.
    t_eval : array_like, shape (K,), optional
        Times at which to store the states of all trajectories, within the interval of each; None (default) stores
        where each ended.
    rtol, atol : float or array_like (n,)
        Relative and absolute tolerances, as of `solve_ivp`.
    events : callable or list of callables, optional
        As of `solve_ivp`, with their attributes ``terminal`` and ``direction``.
    max_step, first_step : float, optional
        As of `solve_ivp`.
    max_steps : int, optional
        A trajectory ends after so many accepted steps, with status -2.
    max_events : int
        Occurrences of each event that are kept of one trajectory; all are counted.
    jac : array_like, sparse matrix or callable, optional
        Jacobian of `fun` for 'Radau', 'BDF' and 'LSODA', as of `solve_ivp`; a callable is called by one thread.
        'Rodas5P' has the exact one, compiled.
    device : str
        'cpu', or 'cuda': an NVIDIA GPU, through CuPy, for 'RK23', 'RK45', 'DOP853' and 'Rodas5P'. Arrays that are
        there already (CuPy's, and others that CuPy takes without copying) stay there, and so do the results.
    threads : int, optional
        Default: as many as there are processors. A function that is not compiled is called by one thread.
    executor : concurrent.futures.Executor, optional
        Whose workers solve the chunks: processes, or other machines.
    chunk : int, optional
        Trajectories that are solved, and kept, at a time, with `reduce`, `executor` or several `devices`. Default:
        65536 (on a GPU 1048576), or fewer, so that every worker of the executor gets several chunks. With
        statistics, rounded up to a multiple of 1024, in blocks of which they are made.
    reduce : str, callable, or sequence of these, optional
        'mean', 'var' (that of the sample), 'min', 'max', 'quantiles', or a function that is called with the result
        of each chunk. Only that is kept and returned, so that memory does not grow with N (arrays that are given may
        be memory-mapped). Statistics are over the trajectories that succeeded: see `Reduced.count`.
    progress : bool or callable
        True: a bar on standard error; a callable is given an `EnsembleProgress` ten times a second at most. What it
        raises ends all and comes out, StopIteration too.
    dtype : 'float64' or 'float32'
        Of states, on a GPU; times are always in double precision.
    devices : int or sequence of int, optional
        Numbers of the GPUs that share the work. Default: CuPy's current one.
    fmad : bool
        On a GPU: round products and sums once where that is faster, so that results have no longer the CPU's bits.

    Returns
    -------
    `EnsembleResult`; with `reduce`, `Reduced`.

    Raises
    ------
    ValueError, TypeError
        For arguments that make no sense.
    NotCompiledError
        Where a function must be compiled (Rodas5P, a GPU, or ``DIFFSOL_JIT=require``) and cannot be.
    DeviceError
        Where a GPU is asked for and cannot be used.

    A trajectory whose steps fail ends with status -1 and does not stop the others. What `fun` raises comes out.

    References
    ----------
    .. [1] G. Steinebach, "Construction of Rosenbrock-Wanner method Rodas5P and numerical benchmarks within the Julia
           Differential Equations package", BIT Numerical Mathematics, Vol. 63, No. 27, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from diffsol import solve_ensemble
    >>> def decay(t, y, rate): return -rate * y
    >>> sol = solve_ensemble(decay, (0, 1), [1.0], (np.array([1.0, 2.0]),), args_axes=0, rtol=1e-6)
    >>> sol.y.round(4)
    array([[0.3679],
           [0.1353]])
    """
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}, not {method!r}.")
    args = _options.unpack_args(args)
    tuning = (rtol, atol, t_eval, events, max_step, first_step, max_steps, max_events, jac)
    if not (isinstance(progress, bool) or callable(progress)):
        raise TypeError(f"`progress` must be True, False or callable, not {progress!r}.")
    wish = None if reduce is None else wanted(reduce)
    threads = _count("threads", native.default_threads() if threads is None else threads)
    if device == "cpu":
        if executor is not None and not hasattr(executor, "submit"):
            raise TypeError(f"`executor` must be a concurrent.futures.Executor, not {executor!r}.")
        if devices is not None or fmad or np.dtype(dtype) != float:
            raise ValueError("`dtype`, `devices` and `fmad` are for device='cuda'.")
        batch = batch_of(t_span, y0, args, args_axes)
        plan, gpus = plan_of(fun, batch, options_of(batch, method, *tuning)), []
    elif device == "cuda":
        if executor is not None:
            raise ValueError("`executor` is for device='cpu'; a GPU is shared by `devices`.")
        from diffsol._ensemble import cuda

        batch, plan = cuda.prepared(
            fun, t_span, y0, args, args_axes, method, tuning, devices, dtype, fmad
        )
        gpus = plan.devices
    else:
        raise ValueError(f"`device` must be 'cpu' or 'cuda', not {device!r}.")
    reducer = None if wish is None else plan.reducer(wish)
    if reducer is not None and reducer.has_statistics and batch.y0.dtype.kind == "c":
        raise ValueError(
            "`reduce` takes statistics of real states only; give a function of the chunks."
        )
    whole = reducer is None and executor is None and len(gpus) < 2
    chunk = batch.size if whole else _chunk(chunk, batch.size, executor, reducer, plan)
    pieces = chunks.bounds(batch.size, chunk)
    tell = _Teller(progress, batch.size)
    taker = _Collector(plan, batch, pieces) if reducer is None else _Reducing(reducer, plan)
    if executor is not None:
        chunks.solve_by(executor, plan, batch, pieces, threads, tell, taker.take)
    elif len(gpus) > 1:
        cuda.solve_on(plan, batch, pieces, tell, taker.take)
    else:
        chunks.solve_here(plan, batch, pieces, threads, tell, taker.take)
    result = taker.end()
    tell.end()
    return result


def _count(name, value):
    if not isinstance(value, int | float | np.number) or not float(value).is_integer() or value < 1:
        raise ValueError(f"`{name}` must be a positive integer, not {value!r}.")
    return int(value)


def _chunk(chunk, size, executor, reducer, plan):
    """Trajectories of a chunk: what the user says, or what suits."""
    if chunk is None:
        chunk = chunks.size_of(size, executor, plan.chunk)
    chunk = _count("chunk", chunk)
    has_statistics = reducer is not None and reducer.has_statistics
    return -(-chunk // BLOCK) * BLOCK if has_statistics else chunk


class _Collector:
    """The result of all pieces, which come one after the other."""

    def __init__(self, plan, batch, pieces):
        self._plan, self._stats = plan, None
        self._whole = plan.empty(batch) if len(pieces) > 1 else None

    def take(self, first, outcome, stats):
        if self._whole is None:
            self._whole = outcome
        else:
            self._plan.put(self._whole, first, outcome)
        if self._stats is None:
            self._stats = stats
        else:
            self._stats["redone"] += stats["redone"]
            self._stats["seconds"] += stats["seconds"]

    def end(self) -> EnsembleResult:
        return EnsembleResult(self._whole, self._plan.options, self._stats)


class _Reducing:
    """What a `Reducer` makes of the pieces."""

    def __init__(self, reducer, plan):
        self._reducer, self._options = reducer, plan.options

    def take(self, first, outcome, stats):
        self._reducer.take(EnsembleResult(outcome, self._options, stats))

    def end(self) -> Reduced:
        return self._reducer.end()


class _Teller:
    """Tells how far the ensemble is to whoever wants to know."""

    def __init__(self, progress, size):
        self._progress = Bar() if progress is True else progress
        self._size, self._begun = size, time.perf_counter()
        self._told_at = self._begun

    def __call__(self, n_done, over=False):
        now = time.perf_counter()
        if not self._progress or (not over and now - self._told_at < PROGRESS_EVERY):
            return
        self._told_at = now
        self._progress(EnsembleProgress(n_done, self._size, now - self._begun, over))

    def end(self):
        self(self._size, True)
