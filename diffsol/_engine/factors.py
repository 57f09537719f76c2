"""Room for the Jacobian of an implicit method, and for the factors of its Newton matrix."""

from __future__ import annotations

from diffsol._engine import structure
from diffsol._native._core import ffi, lib


def make_room(ivp, n, start, row, is_complex=False, inexact=False) -> tuple:
    """For a pattern of n states in compressed columns (None: full): (start, row, pattern, plan), which must live as
    long as the solver does.

    inexact    solutions may be approximate
    """
    plan = structure.plan(n, start, row, is_complex, inexact)
    pattern = ffi.new("ds_pattern *")
    pattern.n, pattern.count = n, n**2 if row is None else len(row)
    if row is not None:
        pattern.start = ffi.from_buffer("int64_t[]", start)
        pattern.rows = ffi.from_buffer("int64_t[]", row)
    if lib.ds_ivp_set_jacobian(ivp, pattern, plan.native):
        raise MemoryError(f"no memory for a Jacobian of {n} states")
    return start, row, pattern, plan
