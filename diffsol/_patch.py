"""Put the native names into ``scipy.integrate`` itself, and take them out again."""

import importlib
import threading
from types import TracebackType
from typing import Any

from diffsol import integrate

# What is replaced: the names of ours.  SciPy's other names stay what they are.
_CLASSES = ("RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA")
NAMES = ("solve_ivp", "odeint", "ode", "complex_ode", *_CLASSES)
# Where: the public namespace, and the package that some people import from.
_NAMESPACES = ("scipy.integrate", "scipy.integrate._ivp")

# SciPy's own objects by name, while they are replaced.  `diffsol.integrate` looks here.
replaced: dict[str, Any] = {}
_lock = threading.Lock()


class Patch:
    """What `patch` returns; as a context manager it restores what it found on entry."""

    def __init__(self, was_patched: bool) -> None:
        self._was_patched = was_patched

    def __enter__(self) -> "Patch":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._was_patched:
            unpatch()


def patch() -> Patch:
    """Replace ``scipy.integrate``'s solvers by the native ones, in this process.

    ``solve_ivp``, ``odeint``, ``ode``, ``complex_ode`` and the solver classes of
    ``scipy.integrate`` become those of `diffsol.integrate`.  A module that has already run ``from
    scipy.integrate import solve_ivp`` holds SciPy's object and keeps it, so call this first.
    Calling it twice changes nothing.

    Returns
    -------
    Patch
        May be ignored, or used in a ``with`` statement: ``with diffsol.patch(): ...`` restores
        on leaving what there was before.
    """
    with _lock:
        was_patched = bool(replaced)
        if not was_patched:
            ours = {name: getattr(integrate, name) for name in NAMES}
            public = importlib.import_module(_NAMESPACES[0])
            replaced.update({name: getattr(public, name) for name in NAMES})
            _bind(ours)
    return Patch(was_patched)


def unpatch() -> None:
    """Give ``scipy.integrate`` its own names back; does nothing if they were not replaced."""
    with _lock:
        _bind(replaced)
        replaced.clear()


def _bind(objects: dict[str, Any]) -> None:
    for namespace in map(importlib.import_module, _NAMESPACES):
        for name, value in objects.items():
            if hasattr(namespace, name):
                setattr(namespace, name, value)
