"""Kernels on disk: compiled by one process, run by the next without tracer or compiler."""
