"""STAND-IN until branch linear is merged."""
from diffsol._native._core import ffi


class LuPlan:
    def __init__(self):
        self.struct = ffi.new("ds_lu_plan *")


def plan(n, start, rows, is_complex=False):
    return LuPlan()
