"""Measured inputs and schedules: looked up by index, by bisection, by polynomial, by pulse."""

import bisect
import math
from functools import lru_cache

import numpy as np
from numpy.polynomial import Polynomial
from scipy import signal, stats
from scipy.interpolate import RectBivariateSpline, RegularGridInterpolator

from corpus.registry import compiles, stays_python

changes = [0.0, 1.0, 2.5, 4.0]
flows = [0.2, 1.0, 0.5, 0.0]


@compiles([1.0], 5.0, max_step=0.1)
def schedule_by_bisect(t, y):
    return [flows[bisect.bisect_right(changes, t) - 1] - 0.3 * y[0]]


@compiles([1.0], 5.0, max_step=0.1)
def schedule_by_searchsorted(t, y):
    i = np.searchsorted(changes, t, side="right") - 1
    return [flows[i] - 0.3 * y[0]]


feeds = {0: 0.3, 2: 1.0, 4: 0.2}


@compiles([1.0], 5.0, max_step=0.1)
def last_feed_that_has_begun(t, y):
    rate = 0.0
    for start, amount in feeds.items():
        if start <= t:
            rate = amount
    return [rate - 0.3 * y[0]]


@compiles([1.0], 3.0, max_step=0.1)
def schedule_dict_by_whole_time(t, y):
    return [feeds.get(int(t), 0.1) - 0.2 * y[0]]


@compiles([1.0], 5.0, max_step=0.1)
def only_at_the_beginning(t, y):
    c = 0.0
    if np.round(t) == 0:
        c = 1.5
    return [c - 0.4 * y[0]]


record = np.sin(np.arange(1000) * 0.01) ** 2


@compiles([0.0], 9.0)
def sampled_record_by_index(t, y):
    return [record[min(int(t / 0.01), len(record) - 1)] - y[0]]


samples = list(record)


@compiles([0.0], 9.0)
def long_list_by_index(t, y):
    i = int(t * 100)
    return [samples[i] * (1 - (t * 100 - i)) + samples[i + 1] * (t * 100 - i) - y[0]]


doses = np.array([0.0, 1.0, 2.0])


@compiles([0.0, 0.0], 4.0, max_step=0.1)
def doses_as_gaussian_pulses(t, y):
    rate = sum(100 * stats.norm.pdf(t, loc=at, scale=0.1) for at in doses)
    return [rate - y[0], y[0] - 0.2 * y[1]]


@compiles([0.0], 6.0, max_step=0.1)
def square_wave(t, y):
    return [signal.square(2 * np.pi * 0.5 * t, duty=0.3) - y[0]]


@compiles([0.0], 6.0, max_step=0.1)
def sawtooth_wave(t, y):
    return [signal.sawtooth(2 * np.pi * 0.5 * t) - y[0]]


heat = Polynomial([1.0, -0.02, 3e-3])


@compiles([2.0], 4.0)
def polynomial_object(t, y):
    return [-y[0] / heat(y[0]) + heat.deriv()(t)]


height = np.linspace(0, 5, 6)
wind = np.linspace(0, 2, 5)
field = np.sin(height)[:, None] * np.cos(wind)
smooth = RectBivariateSpline(height, wind, field)
linear = RegularGridInterpolator(
    (height, wind), field, bounds_error=False, fill_value=None, method="linear"
)


@stays_python("unknown-call", [1.0], 2.0, why="a bivariate spline of FITPACK")
def bivariate_spline(t, y):
    return [float(smooth(y[0], t)[0, 0]) - 0.1 * y[0]]


@compiles([1.0, 0.5], 2.0)
def regular_grid_of_arrays(t, y):
    points = np.array([y, [t, 0.3]]).T
    return linear(points) - 0.1 * y


@lru_cache(maxsize=None)
def saturation(index):
    return 0.1 * index**2


@compiles([0.5], 3.0)
def cached_helper_of_a_constant(t, y):
    return [saturation(2) - y[0] * saturation(1)]


@lru_cache
def density(h):
    return 1.2 * math.exp(-h / 8.0)


@compiles([1.0, 0.0], 3.0)
def cached_helper_of_the_state(t, y):
    return [y[1], -density(y[0]) * y[1] * abs(y[1])]


steps = np.array([[0.0, 0.5], [1.0, 2.0], [3.0, 0.0]])


@compiles([0.0], 5.0, max_step=0.1)
def step_function_by_argmax(t, y):
    later = steps[:, 0] > t
    i = np.argmax(later) if later.any() else len(steps)
    return [steps[i - 1, 1] - y[0]]


@compiles([0.0], 5.0)
def pulse_train_by_modulo(t, y):
    phase, (on, off) = math.fmod(t, 2.0), (0.5, 1.5)
    drive = 1.0 if on <= phase < off else 0.0
    return [drive - y[0] + math.hypot(0.1, y[0], 0.2)]
