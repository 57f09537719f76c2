"""Ensembles on NVIDIA GPUs, one thread for each trajectory, through CuPy, which is imported on use."""

from __future__ import annotations

from diffsol._ensemble.batch import batch_of
from diffsol._ensemble.cuda.chunks import solve_on
from diffsol._ensemble.cuda.device import devices_of
from diffsol._ensemble.cuda.plan import plan_of
from diffsol._ensemble.options import options_of

__all__ = ["prepared", "solve_on"]

DLPACK_CUDA = 2  # kDLCUDA of dlpack.h


def prepared(fun, t_span, y0, args, args_axes, method, tuning, devices, dtype, fmad):
    """(batch, plan) of an ensemble, with its arrays in the memory of the first device."""
    gpus = devices_of(devices)
    with gpus[0] as first:
        y0, *args = (_imported(first.xp, x) for x in (y0, *args))
        batch = batch_of(t_span, y0, tuple(args), args_axes, first.xp)
        options = options_of(batch, method, *tuning)
        return batch, plan_of(fun, batch, options, gpus, dtype, fmad)


def _imported(xp, x):
    """An array that is on a GPU and says so by DLPack alone, as CuPy's; anything else as it is."""
    if hasattr(x, "__cuda_array_interface__") or not hasattr(x, "__dlpack_device__"):
        return x
    return xp.from_dlpack(x) if x.__dlpack_device__()[0] == DLPACK_CUDA else x
