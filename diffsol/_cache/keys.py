"""Under which name a kernel is kept: everything that decides what machine code a function becomes."""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import sys
from pathlib import Path

import numpy as np

import diffsol
from diffsol._cache import contents
from diffsol._cache.digests import blake2b
from diffsol._native import _core
from diffsol._native._core import ffi, lib

OURS = Path(diffsol.__file__).parent
MAKERS = (
    "_trace",
    "_trace/steps",
    "_trace/numpy_map",
    "_trace/scipy_map",
    "_graph",
    "_compile",
    "_compile/vector",
    "_compile/vector/math",
    "_cache",
    "_methods",
    "_ensemble",
    "_sens",
    "_fit",
)
MOST_WORDS = 8


def name_of(code, parts) -> str | None:
    """The name for a function's code in a role (`parts`: strings and numbers); None: it has no name."""
    try:
        return name(contents.of_code(code), *parts)
    except contents.Unstable:
        return None


def name(*parts) -> str:
    """The name for what such parts tell, in this environment."""
    text = "\0".join((environment(), *map(str, parts)))
    return blake2b(text.encode(), digest_size=20).hexdigest()


@functools.lru_cache(maxsize=1)
def environment() -> str:
    """What else a kernel depends on: versions, our own files, processor. The same for a whole process."""
    return "\0".join(
        (
            diffsol.__version__,
            sys.version,
            np.__version__,
            platform.machine(),
            _processor(),
            *map(_dated, _sources()),
        )
    )


def _processor() -> str:
    words = ffi.new("unsigned long long[]", MOST_WORDS)
    count = lib.ds_cpu(words, MOST_WORDS)
    # a processor that tells nothing of itself is known by its host
    return platform.node() if count == 0 else ",".join(f"{words[i]:x}" for i in range(count))


def _sources():
    """Files that decide what is compiled: our own; of llvmlite and of SciPy, whose formulas are compiled, those
    that tell the version: neither is loaded for it."""
    for package, dated in (("llvmlite", "_version.py"), ("scipy", "version.py")):
        found = importlib.util.find_spec(package)
        if found is not None and found.origin is not None:
            yield str(Path(found.origin).with_name(dated))
    yield _core.__file__
    for folder in MAKERS:
        yield from sorted(entry.path for entry in os.scandir(OURS / folder) if entry.is_file())


def _dated(path) -> str:
    """A file's name with its size and date: a change of the package is another package."""
    try:
        about = os.stat(path)
    except OSError:
        return path
    return f"{path}:{about.st_size}:{about.st_mtime_ns}"
