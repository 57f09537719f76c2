"""Matrices: state space, sparse products, solve, inv, det, eigenvalues, blocks, exponentials."""

import numpy as np
import scipy.linalg
import scipy.sparse as sps
from scipy.sparse.linalg import spsolve

from corpus.registry import compiles, stays_python

A = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [-2.0, -3.0, -1.0]])
B = np.array([[0.0], [0.0], [1.0]])
K = np.array([[1.0, 0.5, 0.2]])


@compiles([1.0, 0.0, 0.0], 10.0)
def state_space_with_feedback(t, x):
    u = -K @ x + np.sin(t)
    return A @ x + B @ u


@compiles([1.0, 0.0, 0.0], 10.0, A, B, call="odeint")
def state_space_dot(x, t, A, B):
    u = np.array([1.0 if t > 1 else 0.0])
    return np.dot(A, x) + np.dot(B, u)


@compiles([1.0, 0.0, 0.0], 10.0)
def np_matrix_free_column(t, x):
    X = x.reshape(3, 1)
    return (A.dot(X) + 0.1 * B).flatten()


n = 20
laplace = sps.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(n, n), format="csr") * (n + 1) ** 2
u0 = np.sin(np.pi * np.arange(1, n + 1) / (n + 1))


@compiles(u0, 0.05, method="BDF")
def heat_sparse_matmul(t, u):
    return laplace @ u


@compiles(u0, 0.01, laplace.tocsc())
def reaction_sparse_dot(t, u, L):
    return 0.1 * L.dot(u) + u * (1 - u)


@compiles(u0, 0.01)
def sparse_star_and_transpose(t, u, L=laplace.tocoo()):
    """`*` of a sparse matrix is a product of matrices."""
    return 0.05 * (L * u) + 0.05 * (L.T @ u)


grid = sps.kron(sps.eye(4), sps.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(4, 4)), format="csr")


@compiles(np.linspace(1, 2, 16), 1.0)
def kron_laplacian(t, c):
    d = grid @ c
    d[0] = 0.0
    return d


def mass_matrix(q):
    c = np.cos(q[0] - q[1])
    return np.array([[2.0, 0.8 * c], [0.8 * c, 0.7]])


@compiles([0.5, 0.2, 0.0, 0.0], 3.0)
def robot_arm_solve(t, s):
    q, qd = s[:2], s[2:]
    C = 0.8 * np.sin(q[0] - q[1])
    rhs = np.array([-C * qd[1] ** 2 - 19.0 * np.sin(q[0]), C * qd[0] ** 2 - 7.0 * np.sin(q[1])])
    qdd = np.linalg.solve(mass_matrix(q), rhs - 0.1 * qd)
    return np.concatenate([qd, qdd])


@compiles([0.5, 0.2, 0.0, 0.0], 3.0)
def robot_arm_inv(t, s):
    q, qd = s[:2], s[2:]
    return np.hstack([qd, np.linalg.inv(mass_matrix(q)) @ (-5.0 * q - 0.3 * qd)])


@compiles([1.0, 0.2, 0.2, 1.0], 1.0)
def surface_tension_by_det(t, y):
    F = y.reshape(2, 2)
    J = np.linalg.det(F)
    return (-0.5 * F + (1.5 - J) * np.eye(2)).ravel()


@compiles([2.0, 0.3, 0.3, 1.0], 1.0)
def stiffness_by_eigenvalues(t, y):
    S = y.reshape(2, 2)
    low, high = np.linalg.eigvalsh(0.5 * (S + S.T))
    return (-0.1 * high * S + 0.05 * low * np.eye(2)).ravel()


P0 = np.eye(2).ravel()
Q = np.diag([1.0, 0.1])


@compiles(P0, 3.0, method="Radau")
def riccati(t, p):
    F = np.array([[0.0, 1.0], [-1.0, -0.4]])
    G = np.array([[0.0], [1.0]])
    P = np.reshape(p, (2, 2))
    dP = F.T @ P + P @ F - P @ G @ np.linalg.inv(np.array([[2.0]])) @ G.T @ P + Q
    return np.ravel(dP)


@compiles(np.ones(4), 2.0)
def block_system(t, y):
    k = np.array([[2.0, -1.0], [-1.0, 2.0]]) * (1 + 0.1 * np.sin(t))
    M = np.block([[np.zeros((2, 2)), np.eye(2)], [-k, -0.1 * np.eye(2)]])
    return M @ y


@compiles([1.0, 0.0, 0.0, 0.0], 4.0)
def quaternion(t, q):
    w = np.array([0.1, 0.5 * np.cos(t), 0.3])
    Omega = np.array([
        [0, -w[0], -w[1], -w[2]],
        [w[0], 0, w[2], -w[1]],
        [w[1], -w[2], 0, w[0]],
        [w[2], w[1], -w[0], 0],
    ])  # fmt: skip
    return 0.5 * Omega @ q


skew = np.array([[0.0, -1.0], [1.0, 0.0]])


@stays_python(
    "unknown-call", [1.0, 0.5], 2.0, why="scipy.linalg.expm of a matrix that depends on t"
)
def interaction_picture_expm(t, y):
    U = scipy.linalg.expm(skew * 0.3 * t)
    return U.T @ np.array([[-0.1, 0.0], [0.0, -0.5]]) @ U @ y


@compiles([1.0, 0.5], 2.0)
def expm_of_a_constant(t, y):
    return scipy.linalg.expm(np.array([[0.0, -0.3], [0.3, 0.0]])) @ y - y


@stays_python("unknown-call", u0[:6], 0.5, why="a sparse solve within each evaluation")
def implicit_inner_solve(t, u):
    M = sps.diags([0.1, 1.0, 0.1], [-1, 0, 1], shape=(6, 6), format="csc")
    return -spsolve(M, u)


@compiles(np.ones(3), 3.0)
def kalman_trace_and_diagonal(t, x):
    S = np.outer(x, x) + np.diag([1.0, 2.0, 3.0])
    return -x / np.trace(S) * np.diag(S) + 0.1 * np.sum(S, axis=0) / S.max()


@compiles(np.eye(3).ravel(), 2.0)
def rotation_by_powers(t, r):
    R = r.reshape(3, 3)
    W = np.array([[0.0, -0.3, 0.1], [0.3, 0.0, -0.2], [-0.1, 0.2, 0.0]])
    return (np.linalg.matrix_power(R, 2) @ W * 0.2 + R @ W).ravel()
