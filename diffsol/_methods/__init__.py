"""Coefficients of the methods, checked when they are built, and the writer of their C headers."""
