"""What a solve gives: the fields of SciPy's result."""

import numpy as np

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


def result_of(run, status, name, y0, t_eval, dense_output, has_events):
    """What the run found, in the types and shapes that SciPy gives."""
    t, y = run.t, run.y
    if t_eval is None:
        y = _stacked_on(y0, y)
    elif not len(t):
        t, y = [], []
    elif t_eval.dtype != t.dtype:
        t = t_eval[: len(t)].copy()
    message = message_of(status, name)
    result = OdeResult(
        t=t,
        y=y,
        sol=solution_of(run, name, t_eval) if dense_output else None,
        t_events=run.t_events if has_events else None,
        y_events=run.y_events if has_events else None,
        nfev=run.nfev,
        njev=count_of(name, run.njev),
        nlu=count_of(name, run.nlu),
        status=status,
        message=message,
        success=status >= 0,
    )
    result.note_cost(run.cost(status, message))
    if run.nonfinite is not None:
        result.note_nonfinite(run.rhs, *run.nonfinite)
    return result


def message_of(status, name) -> str:
    """SciPy's status of a solve by this method, in words."""
    return LSODA_FAILED if status == -1 and name == "LSODA" else MESSAGES[status]


def count_of(name, count):
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


def solution_of(run, name, t_eval):
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
