"""The tracer's virtual machine: runs a function's bytecode on traced values.

Python instructions are carried out as the interpreter would, with three differences: what is read
from outside goes through `world.py`, `attributes.py` and `containers.py` (which record guards),
calls go through `calls.py` (which only lets known, pure ones pass), and a branch on a traced value
asks `trace.py` which way to go.
User code itself never runs, so it can neither see nor swallow the tracer's signals.
"""

from __future__ import annotations

import os

from diffsol._trace.blocks import blocks_of
from diffsol._trace.frames import Frame
from diffsol._trace.reasons import Refused, UserRaised

MAX_DEPTH = 60
CLOCK_STEPS = 256  # steps between two looks at the clock


def _is_library(file) -> bool:
    return "site-packages" in file or file.startswith((os.path.dirname(os.__file__), "<frozen"))


class Machine:
    """Runs frames for one trace, for so many steps and as long as the clock allows."""

    def __init__(self, trace, max_steps, clock):
        self.trace = trace
        self.steps_left = max_steps
        self._clock = clock
        self._look_at = max_steps - CLOCK_STEPS  # steps left at the next look at the clock
        self.frames: list = []  # that are running, the innermost last

    def where(self):
        """(file, line, function) of the user's that is being run."""
        mine = [frame for frame in self.frames if not _is_library(frame.raw.co_filename)]
        return (mine or self.frames)[-1].where() if self.frames else None

    def run(self, frame: Frame):
        """Runs a frame until it returns or yields: (value, finished)."""
        self.frames.append(frame)
        try:
            if len(self.frames) > MAX_DEPTH:
                raise Refused("too-long", "calls nested too deeply")
            frame.blocks = blocks_of(frame.raw)
            return self.advance(frame)
        except Refused as refused:
            if refused.where is None or _is_library(refused.where[0]):
                refused.where = frame.where()  # the user's line, not one in a library
            raise
        except UserRaised as raised:
            if frame.step.protected:
                raise Refused("try-except", repr(raised.exception), raised.where) from None
            raise
        except (RecursionError, MemoryError):
            raise Refused("too-long", "", frame.where()) from None
        except Exception as exception:
            # Python may raise here, or it may be a limit of ours: either way Python is asked
            code = "try-except" if frame.step.protected else "raises"
            raise Refused(code, repr(exception), frame.where()) from exception
        finally:
            self.frames.pop()

    def advance(self, frame, stop=None):
        """Runs a frame on until it returns or yields; None if it comes to the step `stop` before.

        stop: the first step of a block, as all that jumps lead to are
        """
        blocks = frame.blocks
        while frame.next != stop:
            block = blocks[frame.next]
            frame.next = block.after
            self.steps_left -= block.length
            if self.steps_left < self._look_at:
                self._look_at_clock()
            done = None
            for handler, step in block.pairs:
                frame.step = step
                done = handler(self, frame, step)
            if done is not None:
                return done
        return None

    def _look_at_clock(self):
        self._look_at = self.steps_left - CLOCK_STEPS
        if self.steps_left <= 0:
            raise Refused("too-long", "too many instructions")
        self._clock.look(self.frames)
