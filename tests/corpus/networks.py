"""Networks: reactions by index lists, oscillators, neurons, epidemics on graphs, food webs."""

import numpy as np

from corpus.registry import compiles

# A <-> B, A + B -> C, 2 C -> D: (rate, reactants, products)
reactions = [
    (0.5, [0], [1]),
    (0.1, [1], [0]),
    (0.8, [0, 1], [2]),
    (0.3, [2, 2], [3]),
]


@compiles([1.0, 0.5, 0.0, 0.0], 5.0)
def mass_action_index_lists(t, c):
    dc = np.zeros(len(c))
    for k, reactants, products in reactions:
        rate = k
        for i in reactants:
            rate *= c[i]
        for i in reactants:
            dc[i] -= rate
        for i in products:
            dc[i] += rate
    return dc


S = np.array([[-1, 1, -1, 0], [1, -1, -1, 0], [0, 0, 1, -2], [0, 0, 0, 1]])
rate_constants = np.array([0.5, 0.1, 0.8, 0.3])


@compiles([1.0, 0.5, 0.0, 0.0], 5.0, method="Radau")
def stoichiometric_matrix(t, c):
    v = rate_constants * np.array([c[0], c[1], c[0] * c[1], c[2] ** 2])
    return S @ v


orders = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 2, 0]])


@compiles([1.0, 0.5, 0.2, 0.0], 5.0)
def powers_of_orders(t, c):
    v = rate_constants * np.prod(c**orders, axis=1)
    return S.dot(v)


species = ["A", "B", "C"]
equations = {"A": "-", "B": "+", "C": "+"}


@compiles([1.0, 0.0, 0.0], 5.0, call="odeint")
def species_by_name(y, t):
    c = dict(zip(species, y))
    rate = {"r1": 0.7 * c["A"], "r2": 0.2 * c["B"] * c["C"]}
    d = {s: 0.0 for s in species}
    d["A"] += -rate["r1"]
    d["B"] += rate["r1"] - rate["r2"]
    d["C"] += 0.5 * rate["r1"] - rate["r2"]
    return [d[s] for s in species]


rng = np.random.default_rng(1)
N = 10
omega = rng.normal(1.0, 0.1, N)
theta0 = rng.uniform(-1, 1, N)
adjacency = (rng.random((N, N)) < 0.4).astype(float)
neighbours = [list(np.flatnonzero(row)) for row in adjacency]


@compiles(theta0, 10.0, 0.5)
def kuramoto_broadcast(t, theta, K):
    return omega + K / N * np.sin(theta[None, :] - theta[:, None]).sum(axis=1)


@compiles(theta0, 10.0, 0.5)
def kuramoto_double_loop(t, theta, K):
    d = np.zeros(N)
    for i in range(N):
        d[i] = omega[i]
        for j in range(N):
            d[i] += K / N * adjacency[i, j] * np.sin(theta[j] - theta[i])
    return d


@compiles(theta0, 10.0, 0.5, call="odeint")
def kuramoto_neighbour_lists(theta, t, K):
    d = omega.copy()
    for i, js in enumerate(neighbours):
        d[i] += K * sum(np.sin(theta[j] - theta[i]) for j in js)
    return d


@compiles(theta0, 10.0, 0.8)
def kuramoto_order_parameter(t, theta, K):
    z = np.mean(np.exp(1j * theta))
    return omega + K * np.abs(z) * np.sin(np.angle(z) - theta)


@compiles(np.r_[np.full(N, 0.99), np.full(N, 0.01)], 20.0, 0.3, 0.1)
def epidemic_on_a_graph(t, y, beta, gamma):
    s, i = y[:N], y[N:]
    force = beta * adjacency @ i
    return np.concatenate([-force * s, force * s - gamma * i])


contacts = np.array([[4.0, 1.0, 0.5], [1.0, 5.0, 1.0], [0.5, 1.0, 2.0]])
ages = np.array([0.3, 0.5, 0.2])


@compiles(np.r_[ages - 1e-3, np.full(3, 5e-4), np.full(3, 5e-4), np.zeros(3)], 60.0)
def seir_by_age(t, y):
    s, e, i, r = y.reshape(4, -1)
    foi = 0.05 * (contacts @ (i / ages))
    return np.array([-foi * s, foi * s - e / 4, e / 4 - i / 6, i / 6]).ravel()


x = np.linspace(-np.pi, np.pi, 16, endpoint=False)
kernel = 0.6 * (np.cos(x[:, None] - x[None, :]) - 0.2) / 16


@compiles(0.1 * np.exp(-(x**2)), 5.0)
def neural_field(t, u):
    rate = 1 / (1 + np.exp(-10 * (u - 0.05)))
    return -u + kernel @ rate + 0.05 * np.cos(x)


@compiles(np.full(5, 0.4), 10.0)
def food_web_clipped(t, B):
    web = np.array([
        [0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 1, 1, 0],
    ])  # fmt: skip
    B = np.maximum(B, 1e-9)
    eaten = web * B[None, :] ** 2 / (0.25 + web @ B**2)[:, None]
    gain = 0.8 * B * eaten.sum(axis=1)
    loss = (eaten * B[:, None]).sum(axis=0)
    growth = np.zeros(5)
    growth[0] = B[0] * (1 - B[0])
    return growth + gain - loss - 0.2 * B * (np.arange(5) > 0)


@compiles([0.1, 0.4, 0.2, 0.6], 6.0)
def hopfield_network(t, u):
    T = np.array([[0, 1, -1, 0.5], [1, 0, 0.3, -1], [-1, 0.3, 0, 1], [0.5, -1, 1, 0]])
    g = np.tanh(2.0 * u)
    return -u + np.einsum("ij,j->i", T, g) + [0.1, 0.0, -0.1, 0.0]


@compiles(np.linspace(0.0, 1.0, 12), 3.0)
def lorenz96(t, z, F=8.0):
    d = np.zeros(12)
    for i in range(12):
        d[i] = (z[(i + 1) % 12] - z[i - 2]) * z[i - 1] - z[i] + F
    return d


layers = [
    (rng.normal(0, 0.5, (6, 2)), rng.normal(0, 0.1, 6)),
    (rng.normal(0, 0.5, (2, 6)), np.zeros(2)),
]


@compiles([1.0, 0.0], 5.0)
def small_neural_ode(t, y):
    h = y
    for i, (W, b) in enumerate(layers):
        h = W @ h + b
        if i < len(layers) - 1:
            h = np.tanh(h)
    return h


@compiles([0.2, 0.1, 0.3], 5.0)
def circuit_by_kirchhoff(t, v):
    edges = [(0, 1, 1.0), (1, 2, 2.0), (0, 2, 4.0)]
    C = [1.0, 0.5, 0.25]
    current = [np.sin(t), 0.0, 0.0]
    for a, b, R in edges:
        i = (v[a] - v[b]) / R
        current[a] -= i
        current[b] += i
    return [I / c for I, c in zip(current, C)]
