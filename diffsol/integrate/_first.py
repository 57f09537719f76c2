"""A few tiny solves at import, so that the user's first one does not pay for being the first.

A first call takes some 0.4 ms longer than later ones: pages of native code are read, Python specialises
its bytecode, cffi parses types. SciPy's first call is slower too, but not by as much.
"""

import os

from diffsol._engine import kernels
from diffsol.integrate._ivp import solve_ivp
from diffsol.integrate._odeint import odeint


def _decay(t, y):
    return -y


def make_solves():
    """Two by each of the calls whose own time is short: from the second on it is as later ones are.
    Nothing of them is kept."""
    if os.environ.get("DIFFSOL_JIT") or os.environ.get("DIFFSOL_TIER") or kernels.records():
        return  # somebody wants to see what is compiled, or was here before
    for method in 2 * ("RK45", "LSODA", "BDF"):
        solve_ivp(_decay, (0.0, 1.0), [1.0], method=method)
        odeint(_decay, [1.0], [0.0, 1.0], tfirst=True)
    kernels.clear()
