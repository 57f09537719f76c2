"""Ensembles on NVIDIA GPUs, one thread for each trajectory, through CuPy, which is imported on use."""

from __future__ import annotations

from diffsol._ensemble.batch import batch_of
from diffsol._ensemble.cuda.chunks import solved_on
from diffsol._ensemble.cuda.device import devices_of
from diffsol._ensemble.cuda.plan import plan_of
from diffsol._ensemble.options import options_of

__all__ = ["prepared", "solved_on"]


def prepared(fun, t_span, y0, args, args_axes, method, tuning, devices, dtype, fmad):
    """(batch, plan) of an ensemble, with its arrays in the memory of the first device."""
    gpus = devices_of(devices)
    with gpus[0] as first:
        batch = batch_of(t_span, y0, args, args_axes, first.xp)
        options = options_of(batch, method, *tuning)
        return batch, plan_of(fun, batch, options, gpus, dtype, fmad)
