"""SciPy's functions and objects on traced values: one entry each.

SciPy's modules are found in `sys.modules` when something of theirs is met, never imported from here.
"""

from diffsol._trace.scipy_map import (
    bsplines,
    constants,
    grids,
    interp1d,
    piecewise,
    quadrature,
    waves,
)
from diffsol._trace.scipy_map.normal import method as find_method
from diffsol._trace.scipy_map.registry import FUNCTIONS, OBJECTS, find_function, find_object, names
from diffsol._trace.scipy_map.sparse import from_outside as sparse_from_outside
from diffsol._trace.scipy_map.sparse import is_sparse
from diffsol._trace.scipy_map.special import call as call_special
from diffsol._trace.scipy_map.special import is_special

__all__ = [
    "FUNCTIONS",
    "OBJECTS",
    "bsplines",
    "call_special",
    "constants",
    "find_function",
    "find_method",
    "find_object",
    "grids",
    "interp1d",
    "is_special",
    "is_sparse",
    "names",
    "piecewise",
    "quadrature",
    "sparse_from_outside",
    "waves",
]
