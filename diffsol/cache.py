"""The cache of compiled functions on disk: what is in it, emptying it, filling it ahead.

Functions that have been compiled are kept in a folder of this user's own, with everything that their machine
code depends on in their name: their bytecode, the versions of diffsol, Python, NumPy, SciPy and llvmlite, and the
processor. The next process that solves with the same function runs them at once.

`DIFFSOL_CACHE_DIR` names another folder; `DIFFSOL_CACHE=0` does without.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diffsol._cache import files

__all__ = ["CacheInfo", "clear", "info", "warm"]


@dataclass(frozen=True)
class CacheInfo:
    """What is kept on disk.

    folder   where; None if nothing is kept, and `why` says why
    count    functions (each in each role, and for each kind and number of states)
    size     bytes
    limit    bytes; beyond, what was not used for the longest time is removed
    """

    folder: Path | None
    why: str
    count: int
    size: int
    limit: int

    def __str__(self):
        if self.folder is None:
            return f"no cache: {self.why}"
        return (
            f"{self.folder}: {self.count} compiled functions, {self.size / 1e3:.0f} kB "
            f"of at most {self.limit / 1e6:.0f} MB"
        )


def info() -> CacheInfo:
    """What is kept at present."""
    folder = files.folder()
    sizes = [] if folder is None else [size for _, size, _ in files.listed(folder)]
    return CacheInfo(folder, files.why_none(), len(sizes), sum(sizes), files.SIZE_LIMIT)


def clear() -> int:
    """Remove all compiled functions from the disk; how many there were. This process keeps what it has."""
    return files.clear()


def warm(fun, t_span, y0, args=None, **options):
    """Compile a solve's functions now, so that later processes find them.

    The arguments are those of `diffsol.integrate.solve_ivp` (or, with ``method="odeint"``, of `odeint`). Returns
    what `diffsol.explain` returns: `compiled` tells whether it worked.
    """
    from diffsol._explain import explain

    return explain(fun, t_span, y0, args, **options)
