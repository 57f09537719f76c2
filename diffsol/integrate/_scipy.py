"""The one place that reaches into SciPy, and only when something of SciPy is really needed.

Importing ``scipy.integrate`` takes about a quarter of a second, nearly all of it for
``scipy.optimize``.  A native solve needs nothing of it, so every access goes through here and is
made at the latest moment.
"""

import functools
import importlib
import math
import sys
import warnings
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import Any

from diffsol._engine.refusal import is_refusal


def namespace() -> ModuleType:
    """``scipy.integrate`` of the installed SciPy."""
    return importlib.import_module("scipy.integrate")


def ivp() -> ModuleType:
    """``scipy.integrate._ivp.ivp``: METHODS, OdeResult and SciPy's own solve_ivp."""
    return importlib.import_module("scipy.integrate._ivp.ivp")


def solver_class(name: str) -> Any:
    """A solver class of ``scipy.integrate._ivp``, or `OdeSolver` itself, by its name."""
    return getattr(_home_of(name), name)


@functools.cache
def interpolant(name: str) -> type:
    """A class of dense output in ``scipy.integrate._ivp``, by its name."""
    return getattr(_home_of(name.removesuffix("DenseOutput")), name)


def _home_of(method: str) -> ModuleType:
    home = method.lower() if method.lower() in ("radau", "bdf", "lsoda") else "rk"
    return importlib.import_module(f"scipy.integrate._ivp.{home}")


def ode_module() -> ModuleType:
    """``scipy.integrate._ode``: ode, complex_ode and their integrators."""
    return importlib.import_module("scipy.integrate._ode")


def _is_older_than(version: tuple[int, int]) -> bool:
    major, minor = importlib.import_module("scipy").__version__.split(".")[:2]
    return (int(major), int(minor)) < version


@functools.cache
def is_in_fortran() -> bool:
    """Are the installed SciPy's ODEPACK, VODE and Hairer's codes Fortran, called by way of f2py?

    Since SciPy 1.17 they are C.  The functions below tell what that changed.
    """
    return _is_older_than((1, 17))


def takes_over(error: Exception) -> bool:
    """Is this a refusal of ours, in the C code's words, where f2py might take what was refused, or
    refuse it in words of its own?"""
    return is_refusal(error) and is_in_fortran()


def refuses_nan(state: Any) -> bool:
    """Does LSODA fail where the state has become nan? The C code goes on, and succeeds."""
    if "scipy" in sys.modules and not is_in_fortran():  # the usual, and quick
        return False
    return not math.isfinite(state.dot(state)) and is_in_fortran() and bool((state != state).any())


@functools.cache
def odepack() -> ModuleType:
    """``scipy.integrate._odepack``: the C code, or Fortran's wrapper, of odeint."""
    return namespace()._odepack


@functools.cache
def odeint_lock() -> AbstractContextManager:
    """What SciPy holds during a call of its odeint: a lock in versions that keep it in one memory."""
    home = importlib.import_module("scipy.integrate._odepack_py")
    return getattr(home, "ODE_LOCK", nullcontext())


def keeps_least_step() -> bool:
    """Does LSODA keep to the least step that it is given? The C code reads and forgets it."""
    return is_in_fortran()


def shrinks_by_error() -> bool:
    """Does a rejected step of dop853 shrink by what its error asks for?

    The C code always shrinks by the least factor allowed.
    """
    return is_in_fortran()


def goes_on_with_step_size() -> bool:
    """Do dopri5 and dop853 begin a call with the step size that the call before ended with?

    The Fortran codes leave it in the work array, where the option `first_step` stands.
    """
    return is_in_fortran()


def names_what_it_refuses() -> bool:
    """Do dopri5 and dop853 have a return code for each bad option, and not one for all?"""
    return not is_in_fortran()


def takes_nsteps_as_it_is() -> bool:
    """Must `nsteps` of dopri5 and dop853 be an integer? The Fortran codes read it from an array of them."""
    return not is_in_fortran()


def works_in_the_given_array() -> bool:
    """Does `ode`'s lsoda change the state that it is given, and return that very array?"""
    return not is_in_fortran()


def forgets_failures() -> bool:
    """Is an `ode` by lsoda successful again when a call after a failed one succeeds?"""
    return not is_in_fortran()


def refuses_order_zero() -> bool:
    """Is `order=0` of vode and zvode an error? To the Fortran codes it means the highest order."""
    return not is_in_fortran()


def takes_tolerances_of_any_shape() -> bool:
    """May the tolerances of vode and zvode have more than one dimension? f2py counts numbers only."""
    return is_in_fortran()


def first_unused_word() -> int:
    """Where vode and zvode start to count the words of their array of reals: from 1, or from 0."""
    return 0 if is_in_fortran() else 1


def warn_of_istate(istate: int, stacklevel: int = 2) -> None:
    """SciPy's warning of a failure of LSODA, in its words; stacklevel as if the caller warned."""
    solver = importlib.import_module("scipy.integrate._ode").lsoda
    unexpected = f"Unexpected istate={istate:d}"
    warnings.warn(f"lsoda: {solver.messages.get(istate, unexpected)}", stacklevel=stacklevel + 1)


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
