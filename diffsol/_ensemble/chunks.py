"""An ensemble in chunks: one after the other, or by the workers of an executor."""

from __future__ import annotations

import collections
import pickle
import traceback
import warnings
from typing import NamedTuple

from diffsol._ensemble.plan import Plan

AHEAD = 2  # chunks that are handed out for each worker that is known of, so that none waits
EACH = 4  # chunks for each worker
WORKERS = 8  # that an executor is taken to have if it does not say


def size_of(size, executor, largest):
    """How many trajectories a chunk has where nobody says: some for each worker, and what fits into memory."""
    return largest if executor is None else min(largest, -(-size // (EACH * workers_of(executor))))


def workers_of(executor) -> int:
    return getattr(executor, "_max_workers", None) or WORKERS


def bounds(size, chunk):
    """(first, last) of each chunk."""
    return [(first, min(first + chunk, size)) for first in range(0, size, chunk)]


# No generators: a StopIteration of the user's shall pass through here as it is.


def solve_here(plan, batch, pieces, threads, tell, take):
    """Solve each piece in order; `take` is given the first trajectory, the Outcome and statistics of each."""
    done = 0
    for first, last in pieces:
        take(
            first,
            *plan.solve(batch.rows(first, last), threads, lambda n, done=done: tell(done + n)),
        )
        done = last
        tell(done)


def solve_by(executor, plan, batch, pieces, threads, tell, take):
    """The same by the workers of an executor, of which nothing but `submit` is used.

    What a worker does changes nothing outside it, so a chunk may be done twice. A chunk whose worker failed, or was
    killed, is solved here; what the user's function raised there comes out.
    """
    most = AHEAD * workers_of(executor)
    waiting, running, done = iter(pieces), collections.deque(), 0
    task = plan.portable()
    try:
        while True:
            while len(running) < most and (piece := next(waiting, None)) is not None:
                running.append((piece, _submitted(executor, task, batch.rows(*piece))))
            if not running:
                return
            (first, last), future = running[0]
            outcome = _outcome(future, plan, batch.rows(first, last), threads)
            running.popleft()  # until here it is cancelled with the others
            take(first, *outcome)
            done += last - first
            tell(done)
    finally:
        for _, future in running:
            if future is not None:
                future.cancel()


def _submitted(executor, task, batch):
    """The future, or None where the executor takes nothing any more."""
    try:
        return executor.submit(solve_chunk, task, batch)
    except RuntimeError:  # it is broken, or was shut down
        return None


def _outcome(future, plan, batch, threads):
    try:
        found = None if future is None else future.result()
        reason = "the executor takes no tasks any more"
    except Exception as error:
        found, reason = None, f"{type(error).__name__}: {error}"
    if type(found) is Raised:
        raise found.told()
    if found is not None:
        plan.redo(batch, found[0])
        return found
    warnings.warn(
        f"a chunk of {batch.size} trajectories is solved in this process, for its worker failed ({reason})",
        RuntimeWarning,
        stacklevel=4,
    )
    return plan.solve(batch, threads, lambda done: None)


class Raised(NamedTuple):
    """What a function of the user's has raised in a worker, and the traceback there."""

    error: Exception
    traceback: str

    def told(self) -> Exception:
        self.error.add_note(f"In a worker of the executor:\n{self.traceback}")
        return self.error


def solve_chunk(task: Plan, batch):
    """What a worker does, in any process: one thread, and kernels that are compiled once in each process."""
    try:
        return task.solve(batch, 1, lambda done: None)
    except MemoryError:
        raise  # the worker's own
    except Exception as error:
        if task.calls_functions and _travels(error):
            return Raised(error, "".join(traceback.format_exception(error)))
        raise RuntimeError(f"{type(error).__name__}: {error}") from None


def _travels(error) -> bool:
    """May it be sent to another process? If not, the function raises it once more there."""
    try:
        return type(pickle.loads(pickle.dumps(error))) is type(error)
    except Exception:
        return False
