"""Derivatives of solutions: what `diffsol.sensitivity` and `diffsol.fit` are made of."""
