"""An ensemble in chunks on several devices, each of which has a thread that waits for it."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor

CHUNK = 1 << 20  # trajectories: some times as many as a large GPU works on at once


class _Stopped(Exception):
    """Another chunk has failed, or the user has interrupted."""


def solve_on(plan, batch, pieces, tell, take):
    """Solve each piece, piece k by device k modulo their number; `take` is given, in order, the first trajectory, the
    Outcome and statistics of each."""
    devices, waiting, running = plan.devices, deque(enumerate(pieces)), deque()
    stopped = False

    def look(n_done):
        if stopped:
            raise _Stopped

    def submit():
        if waiting:
            k, piece = waiting.popleft()
            device = devices[k % len(devices)]
            running.append((piece, pool.submit(plan.solve, batch.rows(*piece), 1, look, device)))

    with ThreadPoolExecutor(len(devices)) as pool:
        try:
            for _ in devices:
                submit()
            while running:
                (first, last), future = running.popleft()
                take(first, *future.result())
                tell(last)
                submit()
        finally:
            stopped = True
