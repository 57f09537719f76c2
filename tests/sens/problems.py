"""Systems with parameters, their derivatives written out, and exact sensitivities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.integrate import solve_ivp


@dataclass(frozen=True)
class Problem:
    """y' = f(t, y, p) with df/dy (k, k) and the list of df/dp_j. exact: S(t) as (m, k), or None."""

    f: object
    f_y: object
    f_p: object
    t_span: tuple
    y0: tuple
    p: tuple
    exact: object = None
    stiff: bool = False
    jac_of: object = None  # what the solver is told that df/dy is, if not that

    def fun(self, t, y):
        return self.f(t, y, *self.p)

    def jac(self, t, y):
        return np.array((self.jac_of or self.f_y)(t, y, *self.p), float)

    def start(self):
        return np.zeros((len(self.p), len(self.y0)))

    def augmented(self, t, z):
        k = len(self.y0)
        y, S = z[:k], z[k:].reshape(-1, k)
        dS = S @ np.array(self.f_y(t, y, *self.p), float).T + np.array(
            self.f_p(t, y, *self.p), float
        )
        return np.concatenate([self.fun(t, y), dS.ravel()])

    def at_end(self):
        """S at the end of the interval, (m, k)."""
        return self.exact(self.t_span[1], *self.p) if self.exact else _reference(self)

    def until(self, t):
        return replace(self, t_span=(self.t_span[0], t))


@cache
def _reference(problem):
    k = len(problem.y0)
    z0 = np.concatenate([problem.y0, problem.start().ravel()])
    method = "Radau" if problem.stiff else "DOP853"
    solution = solve_ivp(
        problem.augmented,
        problem.t_span,
        z0,
        method,
        rtol=1e-12 if problem.stiff else 1e-13,
        atol=1e-16,
    )
    return solution.y[k:, -1].reshape(-1, k)


def _decay(t, k):
    return np.array([[-t * 2.0 * np.exp(-k * t)]])


def _logistic(t, r, K):
    ratio, decay = K / 0.5 - 1, np.exp(-r * t)
    y = K / (1 + ratio * decay)
    return np.array([[y**2 / K * ratio * t * decay], [y / K - y**2 / K * decay / 0.5]])


def _linear(t, a, b, c):
    """y = (exp(-a t), ...): a chain a -> b, with a source c in the second."""
    ea, eb = np.exp(-a * t), np.exp(-b * t)
    u, v = (ea - eb) / (b - a), (1 - eb) / b
    u_a = (-t * ea + u) / (b - a)
    u_b = (t * eb - u) / (b - a)
    v_b = (t * eb - v) / b
    return np.array([[-t * ea, u + a * u_a], [0.0, a * u_b + c * v_b], [0.0, v]])


def _mu(t, y, mu):
    return [[0.0, 1.0], [-2 * mu * y[0] * y[1] - 1, mu * (1 - y[0] ** 2)]]


DECAY = Problem(
    lambda t, y, k: -k * y,
    lambda t, y, k: [[-k]],
    lambda t, y, k: [-y],
    (0.0, 5.0),
    (2.0,),
    (0.8,),
    _decay,
)
LOGISTIC = Problem(
    lambda t, y, r, K: r * y * (1 - y / K),
    lambda t, y, r, K: [[r - 2 * r * y[0] / K]],
    lambda t, y, r, K: [y * (1 - y / K), r * y**2 / K**2],
    (0.0, 8.0), (0.5,), (1.2, 10.0), _logistic,
)  # fmt: skip
LINEAR = Problem(
    lambda t, y, a, b, c: np.array([-a * y[0], a * y[0] - b * y[1] + c]),
    lambda t, y, a, b, c: [[-a, 0.0], [a, -b]],
    lambda t, y, a, b, c: [[-y[0], y[0]], [0.0, -y[1]], [0.0, 1.0]],
    (0.0, 4.0), (1.0, 0.0), (3.0, 0.4, 0.7), _linear,
)  # fmt: skip
LOTKA_VOLTERRA = Problem(
    lambda t, y, a, b, c, d: np.array([a * y[0] - b * y[0] * y[1], c * y[0] * y[1] - d * y[1]]),
    lambda t, y, a, b, c, d: [[a - b * y[1], -b * y[0]], [c * y[1], c * y[0] - d]],
    lambda t, y, a, b, c, d: [[y[0], 0.0], [-y[0] * y[1], 0.0], [0.0, y[0] * y[1]], [0.0, -y[1]]],
    (0.0, 10.0), (1.0, 1.0), (1.5, 1.0, 1.0, 3.0),
)  # fmt: skip
ROBERTSON = Problem(
    lambda t, y, a, b, c: np.array([
        -a * y[0] + b * y[1] * y[2], a * y[0] - b * y[1] * y[2] - c * y[1] ** 2, c * y[1] ** 2
    ]),
    lambda t, y, a, b, c: [
        [-a, b * y[2], b * y[1]], [a, -b * y[2] - 2 * c * y[1], -b * y[1]], [0.0, 2 * c * y[1], 0.0]
    ],
    lambda t, y, a, b, c: [
        [-y[0], y[0], 0.0], [y[1] * y[2], -y[1] * y[2], 0.0], [0.0, -y[1] ** 2, y[1] ** 2]
    ],
    (0.0, 100.0), (1.0, 0.0, 0.0), (0.04, 1e4, 3e7), stiff=True,
)  # fmt: skip
VAN_DER_POL = Problem(
    lambda t, y, mu: np.array([y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]]),
    _mu,
    lambda t, y, mu: [[0.0, (1 - y[0] ** 2) * y[1]]],
    (0.0, 20.0), (2.0, 0.0), (10.0,), stiff=True,
)  # fmt: skip
PROBLEMS = {
    "decay": DECAY,
    "logistic": LOGISTIC,
    "linear": LINEAR,
    "Lotka-Volterra": LOTKA_VOLTERRA,
    "Robertson": ROBERTSON,
    "van der Pol": VAN_DER_POL,
}
