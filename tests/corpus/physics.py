"""The other module from which right-hand sides take helpers and constants."""

import numpy as np

AIR = 313.15  # K
HEAT_CAPACITY = 4.18e3  # J/(kg K)


def michaelis_menten(s, vmax, km):
    return vmax * s / (km + s)


def hill(x, k, n, repress=False):
    activity = x**n / (k**n + x**n)
    return 1 - activity if repress else activity


def saturation_pressure(T):
    """Of water, in Pa (Magnus form)."""
    Tc = T - 273.15
    return 610.94 * np.exp(17.625 * Tc / (Tc + 243.04))
