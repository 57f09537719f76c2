"""Native ordinary differential equations, as a drop-in for ``scipy.integrate``.

``diffsol.integrate`` holds every name of ``scipy.integrate``; `explain` tells whether a function
is compiled and why not, `patch` puts the native names into SciPy itself.  Everything below this
package is imported when it is first used, so that ``import diffsol`` costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Observer",
    "cache",
    "dlpack",
    "explain",
    "fit",
    "from_dlpack",
    "integrate",
    "observe",
    "patch",
    "register_op",
    "sensitivity",
    "solve_ensemble",
    "to_dlpack",
    "unpatch",
]

# Where each public name lives; a module of its own name when the second entry is None.
_HOMES = {
    "Observer": ("diffsol._observe", "Observer"),
    "cache": ("diffsol.cache", None),
    "dlpack": ("diffsol.dlpack", None),
    "explain": ("diffsol._explain", "explain"),
    "fit": ("diffsol.fit", None),
    "from_dlpack": ("diffsol.dlpack", "from_dlpack"),
    "integrate": ("diffsol.integrate", None),
    "observe": ("diffsol._observe", "observe"),
    "patch": ("diffsol._patch", "patch"),
    "register_op": ("diffsol._register", "register_op"),
    "sensitivity": ("diffsol.sensitivity", None),
    "solve_ensemble": ("diffsol._ensemble.solve", "solve_ensemble"),
    "to_dlpack": ("diffsol.dlpack", "to_dlpack"),
    "unpatch": ("diffsol._patch", "unpatch"),
}

if TYPE_CHECKING:
    from diffsol import cache, dlpack, fit, integrate, sensitivity
    from diffsol._ensemble.solve import solve_ensemble
    from diffsol._explain import explain
    from diffsol._observe import Observer, observe
    from diffsol._patch import patch, unpatch
    from diffsol._register import register_op
    from diffsol.dlpack import from_dlpack, to_dlpack


def __getattr__(name: str) -> Any:
    """Import the home of a public name on first use and keep what was found."""
    try:
        module_name, attribute = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    module = importlib.import_module(module_name)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
