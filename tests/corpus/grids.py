"""Partial differential equations by the method of lines: stencils, 2-D states, roll, pad, diff, gradient."""

import numpy as np

from corpus.registry import compiles

N = 24
x = np.linspace(0.0, 1.0, N)
dx = x[1] - x[0]
bump = np.exp(-100 * (x - 0.5) ** 2)


@compiles(np.sin(np.pi * x), 0.2, 0.5, method="BDF")
def heat_slices(t, u, alpha):
    dudt = np.zeros_like(u)
    dudt[1:-1] = alpha * (u[2:] - 2 * u[1:-1] + u[:-2]) / dx**2
    return dudt


@compiles(bump, 0.05, call="odeint")
def heat_loop(u, t):
    D = 0.1
    dudt = np.zeros(N)
    dudt[0] = 2 * D * (u[1] - u[0]) / dx**2  # insulated
    for i in range(1, N - 1):
        dudt[i] = D * (u[i + 1] - 2 * u[i] + u[i - 1]) / dx**2
    dudt[N - 1] = 2 * D * (u[N - 2] - u[N - 1]) / dx**2
    return dudt


@compiles(bump, 0.3)
def advection_upwind(t, u, c=1.0):
    """Periodic."""
    return -c * (u - np.roll(u, 1)) / dx


@compiles(0.5 + bump, 0.2)
def burgers_roll(t, u):
    nu = 5e-3
    up, um = np.roll(u, -1), np.roll(u, 1)
    flux = 0.5 * u * u
    return -(np.roll(flux, -1) - np.roll(flux, 1)) / (2 * dx) + nu * (up - 2 * u + um) / dx**2


@compiles(np.concatenate([bump, np.zeros(N)]), 0.5)
def wave_equation_halves(t, y):
    u, v = y[:N], y[N:]
    uxx = np.zeros(N)
    uxx[1:-1] = np.diff(u, 2) / dx**2
    return np.hstack((v, uxx))


@compiles(bump, 0.05)
def diffusion_by_gradient_twice(t, u):
    dudx = np.gradient(u, dx)
    return np.gradient(0.1 * dudx, dx)


@compiles(bump, 0.05)
def gradient_on_coordinates(t, u):
    return 0.1 * np.gradient(np.gradient(u, x), x)


@compiles(bump, 0.02)
def finite_volumes_diff(t, u):
    """Fluxes at faces, zero at the walls."""
    D = 0.05 * (1 + u**2)
    faces = -0.5 * (D[1:] + D[:-1]) * np.diff(u) / dx
    faces = np.concatenate([[0.0], faces, [0.0]])
    return -np.diff(faces) / dx


@compiles(bump, 0.02)
def padded_with_ghosts(t, u):
    ghost = np.pad(u, 1, mode="edge")
    return 0.2 * (ghost[2:] - 2 * ghost[1:-1] + ghost[:-2]) / dx**2


n = 8
h = 1.0 / n
xx, yy = np.meshgrid(np.arange(n) * h, np.arange(n) * h)
square = np.exp(-20 * ((xx - 0.5) ** 2 + (yy - 0.4) ** 2))


@compiles(
    np.concatenate([1 - 0.5 * square.ravel(), 0.25 * square.ravel()]), 20.0, dict(F=0.04, k=0.06)
)
def gray_scott_2d(t, y, p):
    u = y[: n * n].reshape((n, n))
    v = y[n * n :].reshape((n, n))

    def lap(z):
        return np.roll(z, 1, 0) + np.roll(z, -1, 0) + np.roll(z, 1, 1) + np.roll(z, -1, 1) - 4 * z

    uvv = u * v**2
    du = 0.16 * lap(u) - uvv + p["F"] * (1 - u)
    dv = 0.08 * lap(v) + uvv - (p["F"] + p["k"]) * v
    return np.array([du, dv]).ravel()


@compiles(square.flatten(), 0.02)
def heat_2d_padded(t, u):
    U = np.pad(u.reshape(n, n), ((1, 1), (1, 1)), "constant", constant_values=0)
    lap = U[2:, 1:-1] + U[:-2, 1:-1] + U[1:-1, 2:] + U[1:-1, :-2] - 4 * U[1:-1, 1:-1]
    return (lap / h**2).flatten()


@compiles(square.ravel(), 0.02)
def heat_2d_interior(t, T):
    T = T.reshape(n, n)
    dTdt = np.zeros((n, n))
    dTdt[1:-1, 1:-1] = (
        T[2:, 1:-1] + T[:-2, 1:-1] + T[1:-1, 2:] + T[1:-1, :-2] - 4 * T[1:-1, 1:-1]
    ) / h**2
    dTdt[0, :] = dTdt[-1, :] = 0
    dTdt[:, 0] = 0
    dTdt[:, -1] = 0
    return dTdt.ravel()


@compiles(
    np.stack([0.2 + square, 0.1 * square], axis=-1).ravel(),
    2.0,
    method="LSODA",
    rtol=1e-6,
    atol=1e-9,
)
def fields_on_the_last_axis(t, y):
    s = y.reshape(n, n, 2)
    a, b = s[..., 0], s[..., 1]
    d = np.zeros_like(s)
    d[..., 0] = a * (1 - a) - a * b + 0.01 * (np.roll(a, 1, axis=0) - a)
    d[..., 1] = 0.5 * a * b - 0.2 * b + 0.01 * (np.roll(b, (1, -1), axis=(0, 1)) - b)
    return d.reshape(-1)


@compiles(square.ravel(), 0.1)
def rotating_flow_gradient_2d(t, c):
    C = c.reshape(n, n)
    cy, cx = np.gradient(C, h)
    return (-(0.5 - yy) * cx - (xx - 0.5) * cy).ravel()


@compiles(square.ravel(), 0.05)
def gradient_axis_edge_order(t, c):
    C = c.reshape(n, n)
    return -0.3 * np.gradient(C, h, axis=1, edge_order=2).ravel()


@compiles(np.cos(2 * np.pi * x), 0.2)
def kdv_fourth_order_stencil(t, u):
    h1 = 1.0 / N
    ux = (np.roll(u, -1) - np.roll(u, 1)) / (2 * h1)
    uxxx = (np.roll(u, -2) - 2 * np.roll(u, -1) + 2 * np.roll(u, 1) - np.roll(u, 2)) / (2 * h1**3)
    return -u * ux - 2e-5 * uxxx


@compiles(np.ones(N), 1.0)
def cumulated_attenuation(t, phyto):
    """Plankton below one another: light is what those above leave."""
    light = np.exp(-0.2 * np.cumsum(phyto) * dx - 0.04 * x)
    return phyto * (light / (light + 0.5) - 0.1)


@compiles(np.exp(-((x - 0.3) ** 2) / 0.01), 1.0)
def population_of_sizes(t, f):
    """Growth along size, birth of the smallest by an integral over all."""
    births = np.trapezoid(x * f, x)
    flux = 0.3 * (1 - x) * f
    df = np.empty_like(f)
    df[0] = (births - flux[0]) / dx
    df[1:] = -(flux[1:] - flux[:-1]) / dx
    return df - 0.1 * f


@compiles(bump + 0.1, 0.3)
def mean_field_by_trapezoid_by_hand(t, f):
    total = dx * (np.sum(f) - 0.5 * (f[0] + f[-1]))
    return f * (1.0 - total) + 0.01 * np.append(np.diff(f), 0.0)


@compiles(bump, 0.2)
def limiter_minmod(t, u):
    a = u - np.roll(u, 1)
    b = np.roll(u, -1) - u
    slope = np.where(a * b > 0, np.sign(a) * np.minimum(np.abs(a), np.abs(b)), 0.0)
    face = u + 0.5 * slope
    return -(face - np.roll(face, 1)) / dx + 0.1 * np.sin(2 * np.pi * x)


@compiles(np.where(x < 0.5, 1.0, 0.1), 0.05)
def shallow_front_in_place(t, u):
    flux = 0.5 * u**2
    res = -flux / dx
    res[1:] += flux[:-1] / dx
    res[0] += 0.5 / dx
    res *= 0.5
    return res


@compiles(np.linspace(300.0, 290.0, N), 3600.0, method="Radau")
def wall_with_two_boundaries(t, T):
    """Day and night outside; a film inside."""
    k, rho_c, hin = 0.8, 1.6e6, 8.0
    T_out = 285.0 + 8.0 * np.sin(2 * np.pi * t / 86400.0)
    d = np.empty(N)
    Dx = 0.2 / (N - 1)
    d[0] = 2 * (hin * (293.0 - T[0]) - k * (T[0] - T[1]) / Dx) / (rho_c * Dx)
    d[1:-1] = k / rho_c * (T[:-2] - 2 * T[1:-1] + T[2:]) / Dx**2
    d[-1] = 2 * (25.0 * (T_out - T[-1]) - k * (T[-1] - T[-2]) / Dx) / (rho_c * Dx)
    return d
