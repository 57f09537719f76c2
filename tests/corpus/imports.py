"""Bare names: `from numpy import *`, `from math import sin`, `import numpy`, aliases, imports inside."""

import math
from math import cos as ccos
from math import exp, pi, sqrt

import numpy
import numpy as np
from numpy import *  # noqa: F403
from numpy.linalg import norm

from corpus.registry import compiles

m = math


@compiles([0.5, 0.0], 10.0)
def star_import(t, y):
    return array([y[1], -sin(y[0]) + 0.3 * cos(0.66 * t)])


@compiles([1.0, 2.0], 5.0, call="odeint")
def star_import_arrays(y, t):
    dydt = zeros(2)
    dydt[0] = -tanh(y[0]) * abs(y[1])
    dydt[1] = log(1 + y[0] ** 2) - y[1]
    return dydt


@compiles([300.0, 1.0], 50.0)
def scalars_of_math(t, y):
    T, x = y
    k = 1e3 * exp(-3000.0 / T)
    return [k * x * 40.0 - 0.05 * (T - 300.0), -k * x]


@compiles([0.1, 0.0], 10.0)
def math_on_states(t, y):
    return [y[1], -m.sin(y[0]) * sqrt(1 + y[1] ** 2) + 0.2 * ccos(pi * t)]


@compiles([1.0, 0.0, 0.0, 1.0], 6.2, method="RK23")
def kepler_norm_by_name(t, w):
    r = w[0:2]
    v = w[2:4]
    return concatenate([v, -r / norm(r) ** 3])


@compiles([0.4], 3.0)
def full_module_name(t, y):
    dydt = numpy.exp(-t) * numpy.cos(y) - 0.1 * numpy.power(y, 3)
    return dydt


@compiles([0.4, 0.1], 3.0)
def import_inside(t, y):
    from math import atan2

    import numpy as xp

    return [xp.sin(t) - y[0], atan2(y[1] + 1.0, y[0] + 2.0)]


@compiles([1.0, 0.5], 10.0)
def alias_of_a_function(t, y):
    expf, hyp = np.exp, math.hypot
    return [-expf(-y[1]) * y[0], hyp(y[0], y[1]) - y[1]]


@compiles([1.0], 2.0)
def angles_in_degrees(t, y):
    return [math.radians(30.0) * math.cos(math.radians(y[0])) - np.deg2rad(10.0) * y[0] + m.e / 10]
