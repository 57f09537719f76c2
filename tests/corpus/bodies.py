"""Many bodies: double loops, newaxis, broadcasting, einsum, masks, fill_diagonal."""

import numpy as np

from corpus.registry import compiles

masses = np.array([1.0, 0.5, 0.3, 0.1])
n = len(masses)
start = np.array([
    [0.0, 0.0, 0.0], [1.0, 0.1, 0.0], [-1.5, 0.0, 0.2], [0.1, 2.5, -0.1],
    [0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.1, -0.7, 0.0], [-0.6, 0.0, 0.1],
])  # fmt: skip
six = start.ravel()
G = 1.0


@compiles(six, 1.0, method="DOP853", rtol=1e-8, atol=1e-10)
def nbody_double_loop(t, y):
    pos = y[: 3 * n].reshape(n, 3)
    vel = y[3 * n :].reshape(n, 3)
    acc = np.zeros((n, 3))
    for i in range(n):
        for j in range(n):
            if i != j:
                r = pos[j] - pos[i]
                acc[i] += G * masses[j] * r / np.linalg.norm(r) ** 3
    return np.concatenate((vel.flatten(), acc.flatten()))


@compiles(six, 1.0)
def nbody_continue_scalars(t, w):
    x, y, z = w[0 : 3 * n : 3], w[1 : 3 * n : 3], w[2 : 3 * n : 3]
    out = np.zeros(6 * n)
    out[: 3 * n] = w[3 * n :]
    for i in range(n):
        ax = ay = az = 0.0
        for j in range(n):
            if j == i:
                continue
            dx, dy, dz = x[j] - x[i], y[j] - y[i], z[j] - z[i]
            inv = masses[j] / (dx**2 + dy**2 + dz**2) ** 1.5
            ax += dx * inv
            ay += dy * inv
            az += dz * inv
        out[3 * n + 3 * i : 3 * n + 3 * i + 3] = [ax, ay, az]
    return out


@compiles(six, 1.0, 0.05)
def nbody_broadcast_softened(t, y, eps):
    r, v = y.reshape(2, n, 3)
    d = r[np.newaxis, :, :] - r[:, np.newaxis, :]
    w = (np.sum(d**2, axis=-1) + eps**2) ** -1.5
    a = np.sum(masses[None, :, None] * d * w[:, :, None], axis=1)
    return np.stack([v, a]).ravel()


@compiles(six, 1.0)
def nbody_fill_diagonal(t, y):
    pos, vel = y[: 3 * n].reshape(-1, 3), y[3 * n :].reshape(-1, 3)
    d = pos[:, None] - pos[None, :]
    r2 = (d**2).sum(-1)
    np.fill_diagonal(r2, 1.0)
    acc = -(masses[None, :, None] * d / r2[..., None] ** 1.5).sum(axis=1)
    return np.concatenate([vel.ravel(), acc.ravel()])


@compiles(six, 1.0)
def nbody_einsum(t, y):
    pos, vel = np.reshape(y, (2, n, 3))
    d = pos[None, :, :] - pos[:, None, :]
    r2 = np.einsum("ijk,ijk->ij", d, d) + np.eye(n)
    acc = np.einsum("j,ijk,ij->ik", masses, d, r2**-1.5)
    return np.concatenate([vel, acc]).ravel()


@compiles(six, 0.5, missing="a mask that depends on y")
def nbody_boolean_mask_of_others(t, y):
    """Forces between those that are near each other only."""
    pos, vel = y.reshape(2, n, 3)
    acc = np.zeros_like(pos)
    for i in range(n):
        d = pos - pos[i]
        r = np.sqrt((d**2).sum(axis=1))
        near = (r > 0) & (r < 2.0)
        acc[i] = np.sum(masses[near, None] * d[near] / r[near, None] ** 3, axis=0)
    return np.concatenate([vel, acc]).ravel()


others = ~np.eye(n, dtype=bool)


@compiles(six, 0.5)
def nbody_constant_mask(t, y):
    pos, vel = y.reshape(2, n, 3)
    acc = []
    for i in range(n):
        d = pos[others[i]] - pos[i]
        r = np.linalg.norm(d, axis=1)
        acc.append((masses[others[i]] / r**3) @ d)
    return np.concatenate([vel, np.array(acc)]).ravel()


@compiles(six, 0.5)
def pairs_by_index_arrays(t, y):
    pos, vel = y.reshape(2, n, 3)
    i, j = np.triu_indices(n, k=1)
    d = pos[j] - pos[i]
    f = (masses[i] * masses[j] / np.sum(d * d, axis=1) ** 1.5)[:, None] * d
    acc = np.zeros((n, 3))
    np.add.at(acc, i, f)
    np.subtract.at(acc, j, f)
    return np.concatenate([vel, acc / masses[:, None]]).ravel()


@compiles([1.0, 0.0, 0.0, 0.8], 10.0, 1.0, rtol=1e-6)
def two_bodies_hypot(t, s, mu):
    x, y, vx, vy = s
    r = np.hypot(x, y)
    return vx, vy, -mu * x / r**3, -mu * y / r**3


mu = 0.012150585609624  # Earth and Moon


@compiles([0.994, 0.0, 0.0, -2.0015851], 2.0, rtol=1e-6, atol=1e-8)
def restricted_three_bodies(t, s):
    """In the rotating frame (Szebehely, Theory of Orbits, 1967)."""
    x, y, vx, vy = s
    r1 = ((x + mu) ** 2 + y**2) ** 0.5
    r2 = ((x - 1 + mu) ** 2 + y**2) ** 0.5
    ax = 2 * vy + x - (1 - mu) * (x + mu) / r1**3 - mu * (x - 1 + mu) / r2**3
    ay = -2 * vx + y - (1 - mu) * y / r1**3 - mu * y / r2**3
    return np.array([vx, vy, ax, ay])


atoms = 6
lattice = np.arange(atoms) * 1.12


@compiles(np.concatenate([lattice, 0.05 * np.cos(lattice)]), 2.0)
def lennard_jones_chain(t, y):
    x, v = y[:atoms], y[atoms:]
    f = np.zeros(atoms)
    for i in range(atoms):
        for j in range(i + 1, atoms):
            r = x[j] - x[i]
            sr6 = (1.0 / r) ** 6
            pair = 24 * (2 * sr6**2 - sr6) / r
            f[i] -= pair
            f[j] += pair
    return np.append(v, f)


@compiles(np.array([0.0, 1.0, 0.2, 0.0, 1.0, 1.0, -1.0, 0.3]), 3.0)
def vortices_complex_plane(t, y):
    """Point vortices; the plane as complex numbers."""
    gamma = np.array([1.0, 1.0, -0.5, 0.7])
    z = y[:4] + 1j * y[4:]
    d = z[:, None] - z[None, :] + np.eye(4)
    w = (gamma[None, :] * (1 - np.eye(4)) / d).sum(axis=1) / (2j * np.pi)
    return np.concatenate([w.real, -w.imag])


@compiles(np.random.default_rng(3).uniform(-1, 1, 20), 2.0)
def boids(t, y):
    """Alignment and cohesion of a flock."""
    q, p = y[:10].reshape(5, 2), y[10:].reshape(5, 2)
    sep = q[:, None, :] - q[None, :, :]
    dist = np.linalg.norm(sep, axis=2, keepdims=True) + 0.1
    weights = np.exp(-dist)
    force = np.sum(weights * (sep / dist**2 + p[None] - p[:, None]), axis=1)
    speed = np.linalg.norm(p, axis=1, keepdims=True)
    return np.concatenate([p, force + (1 - speed**2) * p]).ravel()
