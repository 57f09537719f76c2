"""Kernels for several trajectories at once, as LLVM text and as C text from one set of tables."""
