"""Arguments of solvers that NumPy cannot read, because they have `__dlpack__` and no other way.

What NumPy reads (arrays of PyTorch and JAX, by `__array__`) is left to it, so that numbers and errors are SciPy's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# What nearly everybody passes: a solve of a few microseconds must not look any further.
USUAL = frozenset(
    (np.ndarray, np.float64, np.int64, type(None), *(list, tuple, float, int, complex))
)
# An object with any of these is more than an array's memory to the function that it is handed to.
_USES = (
    "__array__", "__getitem__", "__len__", "__iter__", "__call__", "__float__", "__index__", "__add__",
    "__radd__", "__mul__", "__rmul__", "__matmul__", "__rmatmul__",
)  # fmt: skip


def read(x: Any) -> Any:
    """An array of numbers: `x` itself where NumPy reads it, else what `from_dlpack` makes of it."""
    if type(x) in USUAL or isinstance(x, type):
        return x
    if hasattr(x, "__dlpack__"):
        return x if hasattr(x, "__array__") else _taken(x)
    return _taken(x) if type(x).__name__ == "PyCapsule" else x


def read_each(x: Any) -> Any:
    """As `read`; of a list or tuple, such as one array for each experiment, the entries."""
    return type(x)(map(read, x)) if type(x) in (list, tuple) else read(x)


def read_args(args: tuple) -> tuple:
    """The further arguments of a function, with arrays in place of objects that have `__dlpack__` and nothing
    else: neither attributes nor operators, so that a function could do nothing with them.

    Arrays of frameworks stay what they are. Their arithmetic is not NumPy's (a product of JAX's float32 and NumPy's
    float64 is float32, PyTorch refuses others), and SciPy hands them over, too.
    """
    for x in args:
        if type(x) not in USUAL and _is_bare(x):
            return tuple(_taken(x) if _is_bare(x) else x for x in args)
    return args


def _is_bare(x):
    # Its class is asked, so that an object's own __getattr__ sees no more than with SciPy.
    return (
        hasattr(type(x), "__dlpack__")
        and not any(hasattr(x, use) for use in _USES)
        and all(name.startswith("_") for name in dir(x))
    )


def _taken(x):
    from diffsol.dlpack import from_dlpack  # seldom needed

    return from_dlpack(x)
