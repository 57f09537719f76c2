"""Which SciPy the tests of odeint and ode are run beside."""

import scipy.integrate

# ODEPACK, VODE and Hairer's codes are Fortran, wrapped by f2py, before SciPy 1.17, and C from then on.
# Fortran's compiler rounds sums in its own order, so bit for bit can only be held to the C code.
_version = tuple(map(int, scipy.__version__.split(".")[:2]))
FORTRAN = _version < (1, 17)

# LSODA's band Jacobians need as many rows of zeros below as there are lower diagonals.
PADS_BANDS = _version < (1, 16)


def forget_refusals():
    """ODEPACK in Fortran counts the refused calls of a process, and has another code for the sixth:
    a call that succeeds begins the count again."""
    if FORTRAN:
        scipy.integrate.odeint(lambda y, t: -y, [1.0], [0.0, 1.0])
        solver = scipy.integrate.ode(lambda t, y: -y).set_integrator("lsoda")
        solver.set_initial_value([1.0]).integrate(1.0)
