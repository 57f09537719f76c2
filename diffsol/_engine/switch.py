"""What may run: the environment variables DIFFSOL_JIT and DIFFSOL_TIER, and NumPy's settings.

    DIFFSOL_JIT     1 (default): as it pays | 0: nothing is compiled | require: before the first step, or
                    an exception
    DIFFSOL_TIER    for tests and measurements, and stronger: python (as 0) | quick | full (as require, and
                    every kernel in this form, however long that takes; kernels on disk are left alone)

They are read at each solve.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

_JIT, _TIER = "DIFFSOL_JIT", "DIFFSOL_TIER"
# The mode that each of their values stands for.
_MODES = {
    _JIT: {"0": "0", "1": "1", "require": "require"},
    _TIER: {"python": "0", "quick": "require", "full": "require"},
}
# As os.environ keeps them in its dict, which is looked into 30 times as fast.
_KEPT_JIT: Any = os.environ.encodekey(_JIT)
_KEPT_TIER: Any = os.environ.encodekey(_TIER)
_MODE_OF: dict[Any, str] = {os.environ.encodevalue(v): mode for v, mode in _MODES[_JIT].items()}
_MODE_OF[None] = "1"


def switched_on() -> str:
    """'0', '1' or 'require'."""
    kept = getattr(os.environ, "_data", None)
    if kept is not None and _KEPT_TIER not in kept:
        known = _MODE_OF.get(kept.get(_KEPT_JIT))
        if known is not None:
            return known
    name, value = _in_force()
    return _MODES[name][value] if value else "1"


def _in_force() -> tuple[str, str]:
    """The variable that decides and its value, or '' where neither is set."""
    for name in (_TIER, _JIT):
        value = os.environ.get(name, "")
        if value and value not in _MODES[name]:
            *first, last = _MODES[name]
            raise ValueError(f"{name} must be {', '.join(first)} or {last}, not {value!r}")
        if value:
            return name, value
    return _JIT, ""


def forced_form() -> str | None:
    """'quick' or 'full' where every kernel shall have that form, else None."""
    name, value = _in_force()
    return value if name == _TIER and value != "python" else None


def setting() -> str:
    """What is set, as it is set: for messages."""
    return "=".join(_in_force())


# Where NumPy (from 2.0 on) keeps what np.seterr sets: an object that is never changed, only replaced.
_error_settings = getattr(
    getattr(getattr(np, "_core", None), "umath", None), "_extobj_contextvar", None
)
_silent: Any = None  # the settings last seen that ignore underflow, in a tuple


def mode_of_solve() -> str:
    """`switched_on`, but no kernels where NumPy shall tell underflow: they do not."""
    mode = switched_on()
    return "0" if mode == "1" and _tells_underflow() else mode


def _tells_underflow() -> bool:
    """Is np.geterr()["under"] not "ignore"? Asked before each solve: the answer is kept as long as
    the settings are the same object."""
    global _silent
    try:
        settings = _error_settings.get()
    except (AttributeError, LookupError):  # a NumPy that keeps them elsewhere, or that set none yet
        settings = None
    if settings is not None and _silent is not None and settings is _silent[0]:
        return False
    tells = np.geterr()["under"] != "ignore"
    if not tells:
        _silent = (settings,)
    return tells
