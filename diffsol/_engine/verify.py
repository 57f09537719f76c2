"""Is a new kernel the function? Compared at states that the solve visited."""

from __future__ import annotations

import warnings

import numpy as np

from diffsol._native._core import ffi, lib
from diffsol.errors import MismatchWarning

RELATIVE = 1e-6  # rounding, amplified by cancellation, stays below; mistakes do not
ROUNDING = (
    1e3  # times what rounding y moves the kernel's value: sums of some hundred terms stay below
)
SAMPLES = 4


def agrees(function, bound, t, y) -> bool:
    """Does the kernel give what the function gives at (t, y)? True where the function raises."""
    y = np.array(y, dtype=complex if function.is_complex else float)
    got = _value(function, bound, t, y)
    if got is None:
        return True  # Python is asked there anyway
    given = y.copy()
    try:
        with np.errstate(all="ignore"):
            wanted = np.asarray(function.python(np.float64(t), given), dtype=got.dtype)
    except Exception:
        return False  # the kernel should have asked
    if not np.array_equal(given, y, equal_nan=True):
        return False  # it changes the state
    if function.kind == "jac":
        wanted = wanted.T  # kernels write it column by column
    wanted = wanted.reshape(-1) if wanted.size == got.size else np.broadcast_to(wanted, got.shape)
    return close(got, wanted) or _is_rounding(function, bound, t, y, got, wanted)


def _value(function, bound, t, y):
    """What the kernel gives, or None where it asks for Python."""
    size = {"event": 1, "jac": function.n**2}.get(function.kind, function.n)
    is_complex = function.is_complex and function.kind != "event"
    got = np.empty(size, dtype=complex if is_complex else float)
    asked = lib.ds_kernel_call(
        bound.pointer,
        bound.params,
        float(t),
        ffi.from_buffer("double[]", y),
        ffi.from_buffer("double[]", got),
    )
    return None if asked else got


def _is_rounding(function, bound, t, y, got, wanted) -> bool:
    """At a steady state all terms cancel, and the value is made of rounding errors."""
    noise = np.zeros(got.shape)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(4, y.size))
    for sign in signs:
        moved = _value(function, bound, t, y * (1 + 2 * np.finfo(float).eps * sign))
        if moved is not None:
            noise = np.fmax(noise, np.abs(moved - got))
    with np.errstate(all="ignore"):
        return bool(np.all(np.abs(got - wanted) <= ROUNDING * noise + RELATIVE * np.abs(wanted)))


def checked_kernel(function, budget, t, y):
    """A kernel for the function, found or made within the budget (0: found), that agrees with it at (t, y);
    or None."""
    bound = function.attempt(budget)
    if bound is None:
        return None
    if agrees(function, bound, t, y):
        return bound
    function.discard(bound.variant)
    return None


def is_due(pairs) -> bool:
    """Shall one of these (function, kernel or None) be compared? At its first use, and when its uses
    have doubled."""
    kernels = (bound.variant for _, bound in pairs if bound is not None)
    return any(variant.uses >= variant.verify_at for variant in kernels)


def are_right(pairs, visited) -> bool:
    """Were those of the kernels that are due their functions, at these (t, y)? Others are discarded."""
    good = True
    for function, bound in pairs:
        if not is_due([(function, bound)]):
            continue
        bound.variant.verify_at = 2 * bound.variant.uses + 1
        if not all(agrees(function, bound, t, y) for t, y in visited):
            function.discard(bound.variant)
            good = False
    return good


def warn_mismatch(what, redone, stacklevel):
    """The user is told that a kernel was wrong; stacklevel as if the caller warned."""
    warnings.warn(
        f"the compiled form of {what} disagreed with the Python function; it was discarded and the "
        f"{redone} in Python. Please report this, unless the function depends on more than its "
        "arguments.",
        MismatchWarning,
        stacklevel=stacklevel + 1,
    )


def close(got, wanted) -> bool:
    """Equal up to rounding that cancellation may have amplified; nan equals nan."""
    with np.errstate(all="ignore"):
        scale = np.nanmax(np.abs(wanted), initial=0.0, where=np.isfinite(wanted))
        near = np.abs(got - wanted) <= RELATIVE * (np.abs(wanted) + 1e-3 * scale)
    return bool(np.all(near | (got == wanted) | (np.isnan(got) & np.isnan(wanted))))


def samples(t, y):
    """Some of the visited states (first, last, and some between): pairs of t and y."""
    if not len(t):
        return []
    # not np.unique, which loads numpy.ma for it
    chosen = sorted(set(np.linspace(0, len(t) - 1, SAMPLES + 2).astype(int).tolist()))
    return [(t[i], y[:, i]) for i in chosen]
