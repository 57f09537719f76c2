"""Every exception and warning that diffsol raises of its own:

    DiffsolError (Exception)
        NotCompiledError        DIFFSOL_JIT=require (or DIFFSOL_TIER), and a function cannot be compiled
        DeviceError             a GPU was asked for, and cannot be used
        GrazingError            a sensitivity does not exist: a solution touches an event without crossing
    CompilationWarning (UserWarning)
        MismatchWarning         a kernel disagreed with its function; the solve was redone in Python

Bad arguments raise what SciPy raises (ValueError, TypeError), and an exception of a user's function
comes out as itself.
"""


class DiffsolError(Exception):
    """Base of the exceptions that only diffsol raises."""


class NotCompiledError(DiffsolError):
    """A function was required to be compiled (DIFFSOL_JIT=require, or DIFFSOL_TIER) and could not be.

    Write it in plain NumPy as the message hints, or unset the variable to have it called as Python.
    """


class DeviceError(DiffsolError):
    """A GPU was asked for and cannot be used: CuPy is missing, or the driver, or a device.

    Install what the message names, or leave out `device`: the CPU solves the same.
    """


class GrazingError(DiffsolError):
    """A solution touches the surface of an event: its time is no differentiable function of anything.

    Change the values at which it does, or leave that event to a solve without sensitivities.

    result   the solution up to its end, without what is derived from events
    """

    result = None


class CompilationWarning(UserWarning):
    """Something about compilation that does not change results."""


class MismatchWarning(CompilationWarning):
    """A compiled function disagreed with the Python function and was discarded."""
