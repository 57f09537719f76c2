"""Fitting the parameters of a model to data: what `diffsol.fit` is made of."""
