"""NumPy, math and built-in functions on traced values: one entry each.

`HANDLERS` maps the callable to handler(trace, *args, **kwargs). Elementwise functions need no
handler: they come from the operator table (`OPERATORS` for ufuncs, `MATH` for `math`). `is_pure`
says which further functions may be called at once when nothing traced is among the arguments.
"""

from diffsol._trace.numpy_map import (
    builtin,
    choosing,
    comparing,
    editing,
    linear,
    making,
    moving,
    numerics,
    padding,
    products,
    reducing,
    searching,
    sorting,
    ufunc_methods,
)
from diffsol._trace.numpy_map.attributes import ARRAY_ATTRIBUTES, SCALAR_ATTRIBUTES
from diffsol._trace.numpy_map.elementwise import MATH, OPERATORS, call_math, call_ufunc
from diffsol._trace.numpy_map.moving import c_getitem, r_getitem
from diffsol._trace.numpy_map.purity import is_pure
from diffsol._trace.numpy_map.registry import HANDLERS

__all__ = [
    "ARRAY_ATTRIBUTES",
    "HANDLERS",
    "MATH",
    "OPERATORS",
    "SCALAR_ATTRIBUTES",
    "builtin",
    "c_getitem",
    "comparing",
    "editing",
    "sorting",
    "call_math",
    "call_ufunc",
    "choosing",
    "is_pure",
    "linear",
    "making",
    "moving",
    "numerics",
    "padding",
    "products",
    "r_getitem",
    "reducing",
    "searching",
    "ufunc_methods",
]
