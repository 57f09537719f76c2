"""Functions of SciPy that are called at once where nothing of their arguments depends on t or y.

Their arguments become fixed: a change of one is met by a new trace.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np

from diffsol._graph.node import varies
from diffsol._trace.guards import Outside, OutsideInt
from diffsol._trace.known import absorb
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Foreign, Traced
from diffsol._trace.scipy_map.registry import FUNCTIONS

PURE = {
    "scipy.linalg": """
        block_diag cho_factor cho_solve cholesky circulant companion cosm det eig eigh eigvals eigvalsh
        expm hadamard hankel hilbert inv invhilbert logm lu norm null_space orth pascal pinv polar qr
        schur signm sinm solve solve_banded solve_continuous_are solve_continuous_lyapunov
        solve_discrete_are solve_discrete_lyapunov solve_sylvester solve_toeplitz solve_triangular
        sqrtm svd svdvals tanm toeplitz tri tril triu vander
    """,
    "scipy.special": """
        roots_chebyt roots_chebyu roots_hermite roots_jacobi roots_laguerre roots_legendre
        binom comb factorial factorial2 perm softmax
    """,
    "scipy.spatial": "distance_matrix",
}


def concrete(machine, value, name):
    """A value of the machine's as Python has it; Refused where t or y is in it."""
    trace = machine.trace
    if isinstance(value, Outside):
        value = trace.local_copy(value)
    if isinstance(value, Traced):
        if varies([value.node]):
            raise Refused("unknown-call", f"{name} of what depends on t or y")
        return np.array(trace.concrete(value)) if value.node.shape else trace.concrete(value)
    if isinstance(value, OutsideInt):
        return value.pinned()
    if isinstance(value, Foreign):
        raise Refused("unknown-call", f"{name} of a {type(value).__name__}")
    if type(value) in (list, tuple):
        return type(value)(concrete(machine, x, name) for x in value)
    return value


def _called_at_once(public, short):
    def handler(machine, *args, **kwargs):
        function = getattr(sys.modules[public], short)
        args = [concrete(machine, x, f"{public}.{short}") for x in args]
        kwargs = {key: concrete(machine, x, f"{public}.{short}") for key, x in kwargs.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a warning is Python's to give, at every call
            return absorb(machine.trace, function(*args, **kwargs))

    return handler


for _public, _names in PURE.items():
    for _name in _names.split():
        FUNCTIONS.setdefault(f"{_public}.{_name}", _called_at_once(_public, _name))
