"""Traces and kernels on disk: those that another process has made, and those for the next one.

A trace is kept under the functions that were traced, with its guards; what is made of it under the content of its
program, whichever functions that came from. The cache's modules are loaded when first needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffsol._compile.locks import LOADING
from diffsol._engine import switch

if TYPE_CHECKING:
    from diffsol._cache.entries import KeptJacobian
    from diffsol._compile.image import LoadedCode
    from diffsol._graph.node import Program


def code(role, make) -> LoadedCode:
    """The kernel for a role: all that decides what it is, beside what `keys.environment` tells. None: of no use
    to another process.

    make()    gives it, where it is not known
    """
    return _one("CODE", role, make)


def jacobian(role, make) -> KeptJacobian:
    """Likewise; `make()` gives (code, start, row, full)."""
    with LOADING:
        from diffsol._cache.entries import KeptJacobian
    return KeptJacobian(*_one("JACOBIAN", role, make))


def program(role, make) -> Program:
    """Likewise."""
    return _one("PROGRAM", role, make)


def _one(form, role, make):
    if role is None or not _is_kept():
        return make()
    with LOADING:
        from diffsol._cache import entries, files, keys, lists
    name, (write, read) = keys.name(form, *role), getattr(entries, form)
    content = files.read(name)
    found = [] if content is None else lists.unpack(content, read)
    if not found:
        found = [make()]
        files.write(name, lists.pack(found, write))
    return found[0]


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
