"""Integration and ODEs: every name of ``scipy.integrate``, the solvers native.

Change ``from scipy.integrate import solve_ivp`` to ``from diffsol.integrate import solve_ivp`` and
nothing else.  `solve_ivp`, `odeint` and the classes `ode`, `complex_ode`, `RK23`, `RK45`, `DOP853`,
`Radau`, `BDF` and `LSODA` are ours; every other name is SciPy's own object, of the SciPy that is
installed, fetched when it is first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

from diffsol.integrate import _first, _scipy
from diffsol.integrate._ivp import solve_ivp as solve_ivp
from diffsol.integrate._odeint import odeint as odeint

if TYPE_CHECKING:
    from scipy.integrate import *  # noqa: F403  (the names a type checker shall see)

    from diffsol.integrate._implicit_solvers import BDF, LSODA, Radau  # noqa: F401
    from diffsol.integrate._ode import complex_ode, ode  # noqa: F401
    from diffsol.integrate._solvers import DOP853, RK23, RK45  # noqa: F401

# Names of ours that need SciPy's classes, and so are made when first used.
_OURS = {
    "BDF": "diffsol.integrate._implicit_solvers",
    "LSODA": "diffsol.integrate._implicit_solvers",
    "Radau": "diffsol.integrate._implicit_solvers",
    "DOP853": "diffsol.integrate._solvers",
    "RK23": "diffsol.integrate._solvers",
    "RK45": "diffsol.integrate._solvers",
    "complex_ode": "diffsol.integrate._ode",
    "ode": "diffsol.integrate._ode",
}


def __getattr__(name: str) -> Any:
    """Names that are not here yet: our lazy classes, then SciPy's own objects.

    ``__all__`` is SciPy's, whatever its version.  Private names are not passed through, except
    ``_ivp`` and the like never being ours to promise; ask SciPy for those.
    """
    if name == "__all__":
        return list(_scipy.namespace().__all__)
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _OURS:
        value = getattr(importlib.import_module(_OURS[name]), name)
    else:
        try:
            value = _scipy.original(name)
        except AttributeError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*_scipy.namespace().__all__, *(n for n in globals() if n.startswith("__"))})


_first.make_solves()
