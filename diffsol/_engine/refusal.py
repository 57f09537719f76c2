"""Refusals of what a user's function returned, in the words of SciPy's C code.

Each is the exception that SciPy raises, and a Refusal besides: SciPy's Fortran codes, before 1.17, may
take such a result, or refuse it in words of their own.
"""


class Refusal(Exception):
    """What a function returned is not what the solver can go on with."""


class RefusedShape(Refusal, RuntimeError):
    """Another shape, or number of entries."""


class RefusedLength(Refusal, ValueError):
    """Another number of entries, to VODE."""


class RefusedCast(Refusal, TypeError):
    """Numbers that are no doubles without losing something."""
