"""The one place that reaches into SciPy, and only when something of SciPy is really needed.

Importing ``scipy.integrate`` takes about a quarter of a second, nearly all of it for
``scipy.optimize``.  A native solve needs nothing of it, so every access goes through here and is
made at the latest moment.
"""

import importlib
import sys
import warnings
from types import ModuleType
from typing import Any


def namespace() -> ModuleType:
    """``scipy.integrate`` of the installed SciPy."""
    return importlib.import_module("scipy.integrate")


def ivp() -> ModuleType:
    """``scipy.integrate._ivp.ivp``: METHODS, OdeResult and SciPy's own solve_ivp."""
    return importlib.import_module("scipy.integrate._ivp.ivp")


def solvers() -> ModuleType:
    """``scipy.integrate._ivp.rk``: the explicit solver classes and their dense outputs."""
    return importlib.import_module("scipy.integrate._ivp.rk")


def interpolant(name: str) -> type:
    """A class of dense output in ``scipy.integrate._ivp``, by its name."""
    module = {"RadauDenseOutput": "radau", "BdfDenseOutput": "bdf", "LsodaDenseOutput": "lsoda"}
    home = importlib.import_module(f"scipy.integrate._ivp.{module.get(name, 'rk')}")
    return getattr(home, name)


def ode_module() -> ModuleType:
    """``scipy.integrate._ode``: ode, complex_ode and their integrators."""
    return importlib.import_module("scipy.integrate._ode")


def _is_older_than(version: tuple[int, int]) -> bool:
    major, minor = importlib.import_module("scipy").__version__.split(".")[:2]
    return (int(major), int(minor)) < version


def keeps_least_step() -> bool:
    """Does the installed SciPy's LSODA keep to the least step that it is given?

    Since SciPy 1.17, whose LSODA is written in C, it reads `min_step` and `hmin` and forgets them.
    """
    return _is_older_than((1, 17))


def shrinks_by_error() -> bool:
    """Does a rejected step of the installed SciPy's dop853 shrink by what its error asks for?

    Since SciPy 1.17, whose dop853 is written in C, it always shrinks by the least factor allowed.
    """
    return _is_older_than((1, 17))


def warn_of_istate(istate: int) -> None:
    """SciPy's warning of a failure of LSODA, in its words."""
    solver = importlib.import_module("scipy.integrate._ode").lsoda
    unexpected = f"Unexpected istate={istate:d}"
    warnings.warn(f"lsoda: {solver.messages.get(istate, unexpected)}", stacklevel=3)


def original(name: str) -> Any:
    """SciPy's own object of that name, also while `diffsol.patch` has replaced it."""
    patching = sys.modules.get("diffsol._patch")
    if patching is not None and name in patching.replaced:
        return patching.replaced[name]
    return getattr(namespace(), name)


def loaded_class(module: str, name: str, needs: str) -> type | None:
    """A SciPy class if anybody in this process can hold it, else None.

    ``module`` defines the class; ``needs`` is the module without which nobody can have imported
    the class or a parent of it.  Answering "what class are you?" must not cost an import of
    SciPy when the asker cannot know SciPy's answer.
    """
    if module not in sys.modules and needs not in sys.modules:
        return None
    return getattr(importlib.import_module(module), name)
