"""Fits of models to data: the residual and its exact derivatives, for SciPy's optimisers."""

from diffsol._fit.frame import from_frame
from diffsol._fit.make import residual
from diffsol._fit.residual import Residual

__all__ = ["Residual", "from_frame", "residual"]
