"""Inputs given as tables: np.interp, interp1d, splines, look-ups by int(t / dt), searchsorted."""

import bisect

import numpy as np
from scipy.interpolate import (
    Akima1DInterpolator,
    CubicSpline,
    InterpolatedUnivariateSpline,
    PchipInterpolator,
    RegularGridInterpolator,
    interp1d,
    make_interp_spline,
)

from corpus.registry import compiles

hours = np.linspace(0.0, 24.0, 25)
sun = np.clip(np.sin((hours - 6) * np.pi / 12), 0, None) * 800.0
outdoor = 12.0 + 6.0 * np.cos((hours - 15) * np.pi / 12)


@compiles([18.0, 18.0], 24.0)
def house_np_interp(t, T):
    Ta = np.interp(t, hours, outdoor)
    q = np.interp(t, hours, sun, left=0.0, right=0.0)
    return [0.3 * (T[1] - T[0]) + 0.01 * q, 0.05 * (T[0] - T[1]) + 0.1 * (Ta - T[1])]


@compiles([18.0], 24.0, hours, outdoor, call="odeint")
def cooling_table_in_args(T, t, times, values):
    return 0.2 * (np.interp(t, times, values) - T)


pump_head = np.array([30.0, 28.0, 24.0, 17.0, 7.0])
pump_flow = np.array([0.0, 0.01, 0.02, 0.03, 0.04])


@compiles([1.0], 60.0)
def table_looked_up_by_state(t, h):
    q = np.interp(h[0], np.linspace(0, 30, 5), pump_flow[::-1])
    return np.array([q - 0.01 * np.sqrt(h[0])])


linear_input = interp1d(hours, sun, fill_value="extrapolate")
held_input = interp1d(hours, sun, kind="previous", bounds_error=False, fill_value=(0.0, 0.0))
cubic_input = interp1d(hours, outdoor, kind="cubic")


@compiles([0.0], 24.0)
def integrated_irradiance_interp1d(t, E):
    return [float(linear_input(t)) / 1000.0]


@compiles([15.0], 20.0)
def cooling_interp1d_cubic(t, T):
    return 0.25 * (cubic_input(t) - T)


@compiles([0.0], 24.0, max_step=0.5)
def held_interp1d(t, E):
    return [held_input(t) / 1000.0 - 0.1 * E[0]]


spline = CubicSpline(hours, outdoor)
pchip = PchipInterpolator(hours, sun)
periodic = CubicSpline(
    np.linspace(0, 1, 9), np.cos(2 * np.pi * np.linspace(0, 1, 9)).round(9), bc_type="periodic"
)


@compiles([15.0, 10.0], 24.0)
def cubic_spline_and_its_derivative(t, y):
    return [0.3 * (spline(t) - y[0]), spline(t, 1) - 0.1 * y[1]]


@compiles([0.0, 1.0], 5.0)
def heart_elastance_periodic_spline(t, y):
    E = 1.0 + periodic(t % 1.0)
    p, q = y
    return [E * q - 0.5 * p, p - q]


@compiles([0.0], 24.0)
def pchip_forcing(t, y):
    return [pchip(t) * 1e-3 - 0.05 * y[0]]


@compiles([0.0], 24.0)
def akima_forcing(t, y, f=Akima1DInterpolator(hours, outdoor)):
    return 0.1 * (f(t) - y)


bspline = make_interp_spline(hours, outdoor, k=3)
slope = bspline.derivative()


@compiles([15.0, 0.0], 24.0)
def b_spline_and_derivative_object(t, y):
    return [0.2 * (bspline(t) - y[0]), float(slope(t)) - y[1]]


@compiles([15.0], 24.0)
def univariate_spline(t, y, s=InterpolatedUnivariateSpline(hours, outdoor)):
    return 0.2 * (s(t) - y)


lift = RegularGridInterpolator(
    (np.linspace(-20, 20, 9), np.linspace(0, 1, 5)),
    np.outer(np.linspace(-1, 1, 9), np.linspace(1, 0.5, 5)),
)


@compiles([0.1, 0.0], 5.0)
def lift_of_a_2d_table(t, y):
    cl = lift((np.degrees(y[0]), 0.3))
    return [y[1], -2.0 * cl - 0.3 * y[1]]


class Drive:
    """The measured input belongs to the model."""

    def __init__(self, t, u):
        self.u = interp1d(t, u, kind="linear", bounds_error=False, fill_value=0.0)

    def __call__(self, t, y):
        return [y[1], self.u(t) / 100.0 - y[0] - 0.4 * y[1]]


@compiles([0.0, 0.0], 24.0, made=True)
def interp1d_in_a_class():
    return Drive(hours, sun)


# --- tables by index ------------------------------------------------------------------------------

dt = 0.5
samples = np.round(np.sin(np.arange(30)), 3)
setpoints = [20.0, 21.0, 19.0, 18.0]


@compiles([0.0], 10.0, max_step=0.5)
def sampled_input_by_int(t, y):
    return [samples[int(t / dt)] - y[0]]


@compiles([0.0], 10.0, call="odeint")
def sampled_input_clamped(y, t):
    k = min(int(t // dt), len(samples) - 1)
    return samples[k] - y


@compiles([18.0], 3.99, max_step=0.25)
def setpoint_list(t, T):
    return [2.0 * (setpoints[int(t)] - T[0])]


@compiles([0.0], 10.0)
def linear_by_hand(t, y):
    i = int(np.floor(t / dt))
    w = t / dt - i
    u = (1 - w) * samples[i] + w * samples[i + 1]
    return [u - 0.2 * y[0]]


@compiles([0.0], 10.0)
def segments_by_searchsorted(t, y):
    edges = np.array([0.0, 2.0, 5.0, 7.0])
    levels = np.array([0.0, 1.0, 0.3, 2.0, 0.0])
    return [levels[np.searchsorted(edges, t, side="right")] - y[0]]


@compiles([0.0], 10.0)
def segments_by_bisect(t, y):
    edges = (2.0, 5.0, 7.0)
    levels = (1.0, 0.3, 2.0, 0.0)
    return [levels[bisect.bisect(edges, t)] - y[0]]


@compiles([1.0], 10.0)
def nearest_sample(t, y):
    i = np.argmin(np.abs(hours - t))
    return [0.001 * sun[i] - 0.1 * y[0]]


schedule = {0: 1.0, 1: 0.0, 2: 2.0, 3: 0.5}


@compiles([0.0], 3.9, max_step=0.2)
def schedule_dict(t, y):
    return [schedule[int(t)] - y[0]]


doses = [(0.0, 100.0), (8.0, 50.0), (16.0, 50.0)]


@compiles([0.0, 0.0], 24.0, max_step=0.5)
def dosing_list(t, a):
    rate = 0.0
    for start, amount in doses:
        if start <= t < start + 0.5:
            rate += amount / 0.5
    return [rate - 0.8 * a[0], 0.8 * a[0] - 0.2 * a[1]]


@compiles([1.0], 6.0)
def pulse_train_modulo(t, y, period=2.0, duty=0.25):
    u = 1.0 if (t % period) < duty * period else 0.0
    return [u - y[0]]


@compiles([0.0], 10.0)
def chirp_and_ramp(t, y):
    ramp = np.clip(t / 3.0, 0.0, 1.0)
    return [ramp * np.sin(2 * np.pi * (0.1 + 0.05 * t) * t) - 0.3 * y[0]]


@compiles([0.0], 10.0)
def piecewise_forcing(t, y):
    u = np.piecewise(t, [t < 2, (t >= 2) & (t < 5)], [0.0, lambda s: s - 2, 3.0])
    return [float(u) - y[0]]


@compiles([0.0], 10.0)
def selected_forcing(t, y):
    u = np.select([t < 2, t < 5], [0.0, t - 2], default=3.0)
    return [u - y[0]]


@compiles([1.0, 0.5], 4.0)
def polynomial_rates(t, y):
    heat_capacity = np.polyval([1e-3, -0.02, 1.0], t)
    return [-y[0] / heat_capacity, y[0] - np.polyval([0.1, 0.2, 0.0], y[1])]


@compiles([0.1], 4.0)
def poly1d_object(t, y, p=np.poly1d([-0.3, 0.1, 0.8])):
    return [p(y[0])]
