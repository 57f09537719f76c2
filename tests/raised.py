"""What a test compares of an exception."""


def public_type(error):
    """Its class as SciPy has it: a Refusal is SciPy's exception, and one of ours besides."""
    return next(c for c in type(error).__mro__ if not c.__module__.startswith("diffsol"))
