"""How long a trace may take, and whether its end is in sight."""

from __future__ import annotations

import math
import operator
import time

from diffsol._trace.reasons import OutOfTime

ROUNDS = 3  # of a loop, from which its end is foreseen
# iterators that tell how many rounds are left
COUNTED = {type(iter(x)) for x in (range(0), range(2**70), [], (), {}, "")}


class Clock:
    """Looked at now and then while a function is followed.

    deadline    time.perf_counter() by which all must be done
    doubtful    when to give up if no end before the deadline is in sight
    """

    def __init__(self, deadline=math.inf, doubtful=math.inf):
        self._begun = time.perf_counter()
        self._deadline, self._doubtful = deadline, doubtful
        # of the outermost loop: its iterator, when it was first seen, and the rounds it then had left
        self._loop: tuple = (None, 0.0, 0)

    def look(self, frames):
        """Raises OutOfTime if these frames will not come to their end in time."""
        now = time.perf_counter()
        left = self._seconds_left(frames, now)
        late = now + (left or 0.0) - self._deadline
        if left is None:
            over = now > min(self._deadline, self._doubtful)
        else:
            # the first rounds are slow: before it gets doubtful they must tell of twice the time allowed
            over = late > (0.0 if now > self._doubtful else self._deadline - self._begun)
        if over or now > self._deadline:
            spent = now - self._begun
            needs = spent + (spent if left is None else left)
            raise OutOfTime("too-long", "the time for following it is over", needs)

    def _seconds_left(self, frames, now):
        """Of the loop that is furthest out; None: not known yet."""
        iterator = next((x for f in frames for x in f.stack if type(x) in COUNTED), None)
        if iterator is None:
            return None
        rounds = operator.length_hint(iterator)
        known, since, rounds_then = self._loop
        if iterator is not known:
            self._loop = iterator, now, rounds
            return None
        done = rounds_then - rounds
        return rounds * (now - since) / done if done >= ROUNDS else None
