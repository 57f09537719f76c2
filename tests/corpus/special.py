"""Functions of scipy.special."""

import math

import numpy as np
import scipy.special
from scipy import special as sp
from scipy.special import erf, expit, gamma, gammaln, jv

from corpus.registry import compiles, stays_python


@compiles([0.1, 0.2, 0.05], 10.0)
def wilson_cowan_expit(t, r):
    W = np.array([[8.0, -6.0, 1.0], [7.0, -2.0, 0.0], [1.0, 0.5, -1.0]])
    return -r + expit(W @ r - 1.0)


@compiles([0.3], 5.0)
def soft_switch(t, y):
    on = expit((t - 2.0) / 0.1)
    return [on - y[0] * scipy.special.expit(5 * (y[0] - 0.5))]


@compiles([0.0], 5.0)
def smoothed_step_erf(t, y):
    return 0.5 * (1 + erf((t - 2.5) / (np.sqrt(2) * 0.3))) - 0.4 * y


@compiles([0.0], 5.0)
def smoothed_step_math_erf(t, y):
    return [0.5 * math.erfc(-(t - 2.5)) - 0.4 * y[0]]


@compiles([1.0], 6.0, 2.5, 1.4)
def gamma_distributed_input(t, y, shape, scale):
    density = (
        (t + 1e-9) ** (shape - 1) * np.exp(-t / scale) / (gamma(shape + 0.1 * t) * scale**shape)
    )
    return [density - 0.3 * y[0]]


@compiles([1.0], 6.0, 2.5)
def gamma_of_a_parameter(t, y, shape):
    return -y * t ** (shape - 1) / math.gamma(2.5) + gamma(3.0)


@compiles([2.0, 3.0], 3.0)
def dirichlet_flow_gammaln(t, a):
    return np.exp(gammaln(a) - gammaln(a.sum())) - 0.1 * a


@compiles([0.5, 0.0], 10.0)
def phase_modulated_jv(t, y):
    return [y[1], -y[0] * (jv(0, 1.5) + jv(2, t))]


@compiles([1.0], 6.0)
def bessel_forcing(t, y):
    return [sp.j0(t) - sp.j1(2 * t) * y[0]]


@compiles([0.2, 0.8], 3.0)
def entropy_gradient(t, p):
    s = -np.sum(sp.xlogy(p, p))
    return -p * s + p[::-1] * 0.3


@stays_python("unknown-call", [0.4], 3.0, why="a complex function that has no kernel")
def diode_lambertw(t, v):
    """A diode in series with a resistor, its current by Lambert's W."""
    i = sp.lambertw(0.5 * np.exp(v[0])).real
    return [np.sin(t) - i]
