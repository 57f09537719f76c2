"""Traces and kernels of ensembles on disk: those that another process has made, and those for the next one.

A trace is kept under the functions that were traced, with its guards; a kernel under the content of its program,
whichever functions that came from. The cache's modules are loaded when first needed.
"""

from __future__ import annotations

from diffsol._compile.image import LoadedCode
from diffsol._compile.locks import LOADING
from diffsol._engine import switch


def code(key) -> LoadedCode | None:
    """The kernel of that key, if it is known."""
    if not _is_kept():
        return None
    with LOADING:
        from diffsol._cache import entries, files, keys
    content = files.read(keys.name("lanes", *key))
    return None if content is None else entries.unpack_code(content)


def keep_code(key, kernel):
    """Keep a kernel under that key."""
    if _is_kept():
        with LOADING:
            from diffsol._cache import entries, files, keys
        files.write(keys.name("lanes", *key), entries.pack_code(kernel))


def name_of(codes, parts) -> str | None:
    """The name for the traces of functions with these code objects in a role; None: there is none that lasts."""
    if None in codes or not _is_kept():
        return None
    with LOADING:
        from diffsol._cache import contents, keys
    try:
        return keys.name("traces", *map(contents.of_code, codes), *parts)
    except contents.Unstable:
        return None


def traces(name) -> list:
    """The `KeptTrace`s of that name."""
    if name is None:
        return []
    with LOADING:
        from diffsol._cache import files
    content = files.read(name)
    if content is None:
        return []
    with LOADING:
        from diffsol._cache.traces import unpack
    return unpack(content)


def keep_traces(name, some):
    """Keep `KeptTrace`s in the place of those of that name."""
    if name is None:
        return
    with LOADING:
        from diffsol._cache import files
        from diffsol._cache.traces import pack
    if content := pack(some):
        files.write(name, content)


def forget(name):
    """Nothing is kept under that name any longer."""
    if name is not None:
        with LOADING:
            from diffsol._cache import files
        files.remove(name)


def _is_kept():
    with LOADING:
        from diffsol._cache import files
    return files.folder() is not None and not switch.forced_form()
