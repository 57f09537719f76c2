"""The table of instructions: name -> handler(machine, frame, step).

A handler changes the frame and returns None, or returns (value, finished) to leave it.
"""

from __future__ import annotations

STEPS: dict = {}


def step(*names):
    """Registers a handler for instructions of these names."""

    def register(handler):
        for name in names:
            STEPS[name] = handler
        return handler

    return register
