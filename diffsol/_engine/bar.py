"""A progress bar in one line of text, for terminals and notebooks."""

from __future__ import annotations

import sys

WIDTH = 30


class Bar:
    """Called with a `watch.Progress`, or what is as that: `fraction`, `seconds`, `over`, and `told()` in words; writes
    to standard error, over what it wrote before."""

    def __init__(self):
        self._length = 0

    def __call__(self, progress):
        filled = int(WIDTH * min(max(progress.fraction, 0.0), 1.0))
        text = (
            f"{100 * progress.fraction:3.0f}%|{'#' * filled}{' ' * (WIDTH - filled)}| "
            f"{progress.told()}, {progress.seconds:.1f} s{_left(progress)}"
        )
        sys.stderr.write("\r" + text.ljust(self._length) + ("\n" if progress.over else ""))
        self._length = len(text)
        sys.stderr.flush()


def _left(progress):
    if not 0.0 < progress.fraction < 1.0:
        return ""
    return f", {progress.seconds * (1 / progress.fraction - 1):.1f} s left at this rate"
