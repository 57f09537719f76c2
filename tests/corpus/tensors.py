"""Arrays taken apart and put together: splits, Kronecker products, tensor products, rows and columns."""

import itertools

import numpy as np

from corpus.registry import compiles, stays_python

grid = np.linspace(0.0, 1.0, 12)


@compiles(np.concatenate([np.sin(grid), np.cos(grid), grid]), 0.5)
def three_fields_by_split(t, y):
    c_s, c_e, eta = np.split(y, 3)
    diffusion = 0.1 * (np.roll(c_s, -1) - 2 * c_s + np.roll(c_s, 1))
    return np.concatenate([diffusion, -c_e + eta, 0.5 * (c_s - eta)])


@compiles([0.5, 0.1, 0.2], 1.0)
def pieces_by_array_split(t, y):
    first, second = np.array_split(y, 2)
    return np.append(-first, first[0] - second)


lower = np.array([[0, 1], [0, 0]], dtype=complex)
energy = np.diag([0.5, -0.5]).astype(complex)


@compiles(np.array([0.1, 0.2j, -0.2j, 0.9]), 3.0)
def liouvillian_by_kron(t, rho):
    one = np.eye(2)
    up = lower.conj().T @ lower
    generator = -1j * (np.kron(energy, one) - np.kron(one, energy.T))
    generator = generator + 0.3 * (
        np.kron(lower, lower.conj()) - 0.5 * (np.kron(up, one) + np.kron(one, up.T))
    )
    return generator @ rho


@compiles(np.array([0.1, 0.2j, -0.2j, 0.9]), 3.0)
def dissipators_in_a_loop(t, rho):
    rho = rho.reshape(2, 2)
    out = -1j * (energy @ rho - rho @ energy)
    for jump, rate in ((lower, 0.3), (lower.conj().T, 0.05)):
        square = jump.conj().T @ jump
        out += rate * (jump @ rho @ jump.conj().T - 0.5 * (square @ rho + rho @ square))
    return out.flatten()


gamma = np.zeros(shape=(2, 2, 2), dtype="d")
gamma[0][0][0], gamma[1][1][1], gamma[0][0][1], gamma[1][0][1] = 0.5, 0.3, -0.4, 0.2


@compiles([0.3, 0.4], 1.0)
def parallel_transport_by_tensordot(t, y):
    source = np.zeros(shape=(2), dtype="d")
    return -np.tensordot(gamma, np.tensordot(y, y, axes=0), axes=((1, 2), (0, 1))) + source


def symbols(x):
    g = np.zeros((2, 2, 2))
    g[0, 1, 1] = -np.sin(x[0]) * np.cos(x[0])
    g[1, 0, 1] = g[1, 1, 0] = 1 / np.tan(x[0])
    return g


@compiles([1.0, 0.0, 0.1, 0.4], 2.0)
def geodesic_by_products_of_indices(tau, s):
    x, u = s[:2], s[2:]
    a = np.zeros(2)
    chris = symbols(x)
    for i, j, k in itertools.product(range(2), repeat=3):
        a[i] -= chris[i, j, k] * u[j] * u[k]
    return np.concatenate([u, a])


@compiles([1.0, 0.0, 0.1, 0.4], 2.0)
def geodesic_by_einsum(tau, s):
    a = np.zeros(4, dtype=np.complex128) if np.iscomplexobj(s) else np.zeros(4)
    a[2:] = -np.einsum("abc,bc->a", symbols(s[:2]), np.outer(s[2:], s[2:])).reshape(2)
    a[:2] = s[2:].reshape(2)
    return a


precision = np.array([[2.0, 0.3], [0.3, 1.0]])


@compiles([0.3, 0.4, 0.1, -0.2], 2.0)
def columns_by_reshape(t, y):
    y = y.reshape(-1, 1)
    theta, v = y[:2, :], y[2:, :]
    slope = -precision @ theta
    w = 1.0 + np.sum(np.square(slope), axis=0)
    pull = -np.sum(v * (precision @ v), axis=0) / w
    return np.concatenate([v, -pull * slope]).ravel()


weights = -1.25 * (np.ones((3, 3)) - np.eye(3)) + np.roll(np.eye(3), 1, axis=1)


@compiles([0.2, 0.3, 0.1], 10.0)
def threshold_linear_network(t, x):
    return -x + np.maximum(0, weights.dot(x) + 1.0)


@compiles(np.linspace(0.0, 3.0, 5), 3.0)
def kuramoto_by_subtract_outer(t, theta):
    return np.linspace(-1, 1, 5) + 0.6 * np.sin(np.subtract.outer(theta, theta)).mean(axis=0)


def wedge(w):
    return np.array([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])


inertia = np.diag([0.2, 0.3, 0.4])


@compiles(np.concatenate([np.eye(3).ravel(), [0.1, 0.5, 0.2]]), 2.0)
def attitude_by_rotation_matrix(t, s):
    rotation, w = s[:9].reshape(3, 3), s[9:12]
    dw = np.linalg.solve(inertia, -wedge(w) @ inertia @ w + np.array([0, 0, 0.1 * np.cos(t)]))
    return np.r_[(rotation @ wedge(w)).flatten(), dw]


@compiles([1.0, 2.0, 0.5, 0.1], 1.0)
def state_as_a_list_of_floats(t, y):
    a, b, c, d = y.reshape(-1).tolist()
    return np.array([b, -9.81 * np.sin(a), d - c, -d])


@compiles([0.5, 0.2, 0.1], 2.0)
def boundary_values_by_insert(t, u):
    full = np.insert(np.append(u, 0.0), 0, np.sin(t))
    return full[2:] - 2 * full[1:-1] + full[:-2]


@compiles([0.5, 0.2, 0.1], 2.0)
def neighbours_by_delete(t, y):
    return np.array([y[i] * np.sum(np.delete(y, i)) for i in range(len(y))]) - y


@compiles([0.5, 0.2, 0.1, 0.7], 2.0)
def sorted_by_size(t, y):
    order = np.argsort([3.0, 1.0, 2.0, 0.5])
    return -y[order][::-1] + np.flip(y) * np.ptp([0.1, 0.4])


@compiles([0.5, 0.2, 0.1, 0.7], 2.0)
def median_and_largest(t, y):
    return -y + 0.1 * np.median(y) + 0.2 * np.sort(y)[-2]


@compiles([0.5, 0.2, 0.1, 0.7], 2.0)
def apply_along_an_axis(t, y):
    rows = np.apply_along_axis(np.sum, 1, y.reshape(2, 2))
    return np.repeat(rows, 2) - y


@compiles([1.0, 0.2], 2.0)
def grid_of_indices(t, y):
    out = np.zeros((2, 2))
    for (i, j), w in np.ndenumerate(precision):
        out[i, j] = w * y[j]
    for i in np.ndindex(2):
        out[i] -= y
    return out.sum(axis=1)


@compiles([1.0, 0.2, 0.3], 2.0)
def first_column_and_row(t, y):
    m = np.column_stack((y, y**2, np.ones_like(y)))
    return (m.T @ m)[np.ix_([0, 1, 2], [0])].squeeze() * -0.1 + np.c_[y, -y].mean(axis=1)


modes = np.fft.fftfreq(8, 1 / 8)


@compiles(np.sin(np.arange(8) * np.pi / 4), 0.3)
def burgers_by_small_fft(t, u):
    slope = np.real(np.fft.ifft(1j * modes * np.fft.fft(u)))
    return -u * slope


@compiles(np.exp(-((np.arange(16) - 8.0) ** 2)).astype(complex), 0.2)
def nonlinear_schroedinger_by_fft(t, psi):
    k = np.fft.fftfreq(16, 0.5) * 2 * np.pi
    return -0.5j * np.fft.ifft(k**2 * np.fft.fft(psi)) * -1j * 1j - 1j * np.abs(psi) ** 2 * psi


@compiles(np.cos(np.arange(16) * np.pi / 8), 0.2)
def heat_by_rfft(t, u):
    k = np.arange(9)
    return np.fft.irfft(-(k**2) * np.fft.rfft(u), n=16)


plane = np.sin(np.arange(10))[:, None] * np.ones(10)


@stays_python("numpy-call", plane.ravel(), 0.05, why="a fast transform of two axes")
def diffusion_by_fft2(t, u):
    k2 = np.add.outer(np.fft.fftfreq(10) ** 2, np.fft.fftfreq(10) ** 2)
    return np.real(np.fft.ifft2(-40 * k2 * np.fft.fft2(u.reshape(10, 10)))).ravel()
