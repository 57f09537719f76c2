"""Refusals of what a user's function returned: SciPy's exceptions, in the words of its C code.

SciPy's Fortran codes, before 1.17, may take such a result, or refuse it in words of their own; so a
refusal is marked, to be told from the same exception of the user's.
"""

_MARK = "_refused_by_diffsol"


def refused(kind, text):
    """An exception of this class, to be raised."""
    error = kind(text)
    setattr(error, _MARK, True)
    return error


def is_refusal(error) -> bool:
    return hasattr(error, _MARK)
