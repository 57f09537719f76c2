"""Kinds of numbers: %, //, integer powers, integer and single precision inputs, complex states."""

import cmath
from fractions import Fraction

import numpy as np

from corpus.registry import compiles


@compiles([0.5, 0.0], 10.0)
def angle_wrapped_by_modulo(t, y):
    theta = (y[0] + np.pi) % (2 * np.pi) - np.pi
    return [y[1], -theta]


@compiles([0.0], 10.0, max_step=0.5)
def day_number(t, y):
    day = t // 1
    phase = t % 1
    return [day * phase - 0.2 * y[0]]


@compiles([1.2, 0.7], 2.0)
def integer_powers(t, y):
    a, b = y
    return [2**3 - a**2 - b**3, a**-1 - b**4 + (a * b) ** 2]


@compiles([1, 0], 5)
def everything_integer(t, y):
    """y0, t_span and constants are integers."""
    return [y[1], -4 * y[0]]


@compiles(np.array([1, 2, 3]), 2.0)
def integer_array_state(t, y):
    return y[[1, 2, 0]] / 2 - y // 1


@compiles(np.array([1.0, 0.5], dtype=np.float32), 3.0)
def single_precision_start(t, y):
    return [-y[0] + y[1] ** 2, -0.5 * y[1]]


weights32 = np.array([0.1, 0.2, 0.3], dtype=np.float32)


@compiles([1.0, 1.0, 1.0], 2.0)
def single_precision_weights(t, y):
    """Weights as they come out of a trained network."""
    return -y * weights32 + weights32[0]


counts = np.array([3, 1, 2], dtype=np.int32)


@compiles([1.0, 1.0, 1.0], 2.0)
def int32_stoichiometry(t, y):
    return -counts * y


@compiles([0.9, 0.2], 2.0)
def fractional_power_of_positive(t, y):
    return [-(y[0] ** 0.75), y[0] ** 0.75 - abs(y[1]) ** 1.5]


@compiles([0.3], 1.0)
def divmod_and_round(t, y):
    whole, rest = divmod(7.0 * t, 2.0)
    return [rest - y[0] + round(2.567, 1) + whole]


@compiles([0.5], 3.0)
def booleans_as_numbers(t, y):
    return [(t > 1) * 2.0 - (y[0] > 1) * y[0] + (0.2 < t) - 0.5]


@compiles([1.0], 1.0, Fraction(1, 3))
def fraction_parameter(t, y, k):
    return [-float(k) * y[0]]


@compiles([1.0, 0.0], 2.0, np.int64(3), np.float64(0.5), True)
def numpy_scalars_as_parameters(t, y, n, k, damped):
    return [y[1], -n * y[0] - (k * y[1] if damped else 0)]


# --- complex ------------------------------------------------------------------------------------

sx = np.array([[0, 1], [1, 0]], dtype=complex)
sz = np.array([[1, 0], [0, -1]], dtype=complex)


@compiles([1 + 0j, 0j], 5.0)
def schroedinger_two_level(t, psi):
    H = 0.5 * sz + 0.8 * np.cos(t) * sx
    return -1j * H @ psi


rho0 = np.array([[1, 0], [0, 0]], dtype=complex)
lower = np.array([[0, 1], [0, 0]], dtype=complex)


@compiles(rho0.ravel(), 4.0, 0.3)
def lindblad_master_equation(t, r, gamma):
    rho = r.reshape(2, 2)
    H = 0.5 * sz + sx
    Ld = lower.conj().T
    d = -1j * (H @ rho - rho @ H)
    d += gamma * (lower @ rho @ Ld - 0.5 * (Ld @ lower @ rho + rho @ Ld @ lower))
    return d.flatten()


@compiles([1.0, 0.0, 0.0], 6.0)
def bloch_real(t, M):
    Bx, By, Bz = 0.5 * np.cos(2 * t), -0.5 * np.sin(2 * t), 2.0
    precession = np.cross(M, np.array([Bx, By, Bz]))
    relaxation = np.array([M[0] / 2.0, M[1] / 2.0, (M[2] - 1.0) / 5.0])
    return precession - relaxation


@compiles([0.1 + 0j, 0.2 + 0j], 6.0)
def coupled_lasers(t, E):
    a, b = E
    gain = 1.0 - abs(a) ** 2
    return [(1 + 2j) * gain * a + 0.1j * b, (1 - 1j) * (1 - np.abs(b) ** 2) * b + 0.1j * a]


@compiles([0.5 + 0.1j], 3.0)
def stuart_landau_cmath(t, z):
    return [(0.1 + 1j) * z[0] - abs(z[0]) ** 2 * z[0] + 0.05 * cmath.exp(1j * 0.3)]


@compiles([1.0, 0.0], 3.0)
def complex_inside_real_outside(t, y):
    z = complex(y[0], y[1])
    w = 1j * z * (1 - abs(z) ** 2)
    return [w.real, w.imag]


m = np.arange(8)


@compiles(np.exp(2j * np.pi * m / 8), 1.0)
def tight_binding_ring(t, psi):
    return 1j * (np.roll(psi, 1) + np.roll(psi, -1)) - 0.1j * np.abs(psi) ** 2 * psi


k = 2 * np.pi * np.fft.fftfreq(16, d=1 / 16)


@compiles(np.sin(2 * np.pi * np.arange(16) / 16), 0.1)
def spectral_derivative(t, u):
    ux = np.fft.ifft(1j * k * np.fft.fft(u)).real
    return -u * ux
