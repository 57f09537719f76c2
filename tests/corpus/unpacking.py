"""What is taken from y and what is given back: tuples, stars, slices, transposes, results of all shapes."""

import numpy as np

from corpus.registry import compiles


@compiles([0.9, 0.1, 0.05, 0.02, 0.0], 50.0, 0.4, 0.1)
def star_rest(t, y, beta, gamma):
    """SIR whose infected pass through stages of equal length."""
    S, *stages, R = y
    k = len(stages)
    new = beta * S * sum(stages)
    flow = [k * gamma * stage for stage in stages]
    d = [new - flow[0]] + [flow[i - 1] - flow[i] for i in range(1, k)]
    return [-new, *d, flow[-1]]


@compiles([1.0, 0.0, 0.0, 0.0, 0.2, 0.9], 10.0)
def rigid_body_slices(t, y):
    position, spin = y[:3], y[3:]
    inertia = np.array([1.0, 2.0, 3.0])
    torque = np.cross(inertia * spin, spin)
    return np.r_[np.cross(spin, position), torque / inertia]


@compiles([1.0, 0.5], 5.0)
def brackets_on_the_left(t, y):
    [a, b] = y
    (da, db) = (-a + b**2, a - b)
    return [da, db]


@compiles([1.0, 2.0, 3.0], 2.0, call="odeint")
def index_by_name(Y, t):
    X, Q, Z = 0, 1, 2
    dY = [0] * 3
    dY[X] = -Y[X] * Y[Q]
    dY[Q] = Y[X] - Y[Z]
    dY[Z] = 0.1 * Y[Q] - 0.3 * Y[Z]
    return dY


@compiles([0.5], 5.0)
def scalar_equation_returns_a_number(t, y):
    return y[0] * (1 - y[0])


@compiles(0.5, 5.0, call="odeint")
def scalar_equation_of_odeint(y, t):
    k = 0.3
    dydt = -k * y
    return dydt


@compiles([1.0, 3.0, 5.0], 4.0)
def one_equation_for_many_starts(t, y):
    return -0.5 * y * np.log(y)


@compiles([1.0, 0.0, 2.0, 0.5], 8.0)
def pairs_by_stride(t, y):
    x, v = y[0::2], y[1::2]
    out = np.empty_like(y)
    out[0::2] = v
    out[1::2] = -x - 0.1 * (x - x[::-1])
    return out


@compiles([1.0, 0.0, 2.0, 0.5], 8.0)
def rows_of_a_transpose(t, y):
    x, v = y.reshape(-1, 2).T
    return np.column_stack((v, -(x**3))).flatten()


@compiles([0.2, 0.3, 0.5], 10.0)
def nested_results(t, y):
    d = np.array([[y[1] - y[0]], [y[2] - y[1]], [y[0] - y[2]]])
    return d[:, 0].tolist()


@compiles([0.2, 0.3], 10.0)
def zip_and_enumerate(t, y):
    names = ("prey", "predator")
    state = {name: value for name, value in zip(names, y)}
    out = []
    for i, (name, value) in enumerate(state.items()):
        sign = 1 if name == "prey" else -1
        out.append(sign * value * (1 - y[1 - i]))
    return out


@compiles([1.0, 0.0], 3.0)
def swapped_by_tuple(t, y):
    a, b = y
    a, b = b, -a
    return a, b


@compiles([1.0, 2.0], 3.0)
def float_of_components(t, y):
    x = float(y[0])
    z = float(y[1])
    return np.array([-x * z, x - z], dtype=float)


@compiles([1.0, 0.1, 0.0], 5.0)
def stack_and_squeeze(t, y):
    k = np.array([[-1.0, 0.5, 0.0], [0.5, -1.0, 0.3], [0.0, 0.2, -0.4]])
    return np.squeeze(k @ np.expand_dims(y, axis=1))
