"""What most right-hand sides are: free variables, tuples taken from y, powers, a list returned."""

import numpy as np

from corpus.registry import compiles

# --- biology --------------------------------------------------------------------------------------

beta, sigma, gamma, mu = 0.6, 1 / 5.2, 1 / 7, 0.01


@compiles([0.99, 0.01, 0.0, 0.0], 100.0)
def seir(t, y):
    S, E, I, R = y
    dS = mu - beta * S * I - mu * S
    dE = beta * S * I - (sigma + mu) * E
    dI = sigma * E - (gamma + mu) * I
    dR = gamma * I - mu * R
    return [dS, dE, dI, dR]


r, K, a, h, e, m = 1.0, 2.0, 1.5, 0.6, 0.7, 0.3


@compiles([1.0, 0.5], 60.0)
def rosenzweig_macarthur(t, z):
    N, P = z
    eaten = a * N / (1 + a * h * N) * P
    return [r * N * (1 - N / K) - eaten, e * eaten - m * P]


@compiles([0.1], 20.0, 0.5, 10.0, call="odeint")
def gompertz(y, t, r, K):
    return r * y * np.log(K / y)


@compiles([0.05, 5.0], 50.0, 0.3)
def chemostat(t, y, D):
    X, S = y
    mu = 0.8 * S / (0.2 + S)
    return [(mu - D) * X, D * (5.0 - S) - mu * X / 0.5]


lam, d, k, delta, p, c = 1e4, 0.01, 2.4e-8, 1.0, 3000.0, 23.0


@compiles([1e6, 0.0, 1e-3], 20.0, method="LSODA")
def hiv_dynamics(t, x):
    T, I, V = x
    return [lam - d * T - k * T * V, k * T * V - delta * I, p * I - c * V]


@compiles([0.5, 0.1], 30.0)
def tumour_and_immune_cells(t, y):
    T, E = y
    dT = 0.18 * T * (1 - 0.5 * T) - 1.0 * E * T / (1 + T)
    dE = 0.12 + 1.1 * E * T / (2.0 + T) - 0.3 * E * T - 0.37 * E
    return dT, dE


@compiles([250.0, 0.003, 60.0], 180.0)
def minimal_model_of_glucose(t, y):
    """Bergman's: glucose, remote insulin, insulin."""
    G, X, I = y
    p1, p2, p3, n, Gb, Ib = 0.03, 0.02, 1.3e-5, 0.14, 92.0, 7.3
    dG = -(p1 + X) * G + p1 * Gb
    dX = -p2 * X + p3 * (I - Ib)
    dI = -n * (I - Ib)
    return [dG, dX, dI]


@compiles([-60.0, 0.01], 100.0)
def morris_lecar(t, y):
    V, w = y
    minf = 0.5 * (1 + np.tanh((V + 1.2) / 18.0))
    winf = 0.5 * (1 + np.tanh((V - 2.0) / 30.0))
    tau = 1 / np.cosh((V - 2.0) / 60.0)
    dV = (90.0 - 2.0 * (V + 60.0) - 4.4 * minf * (V - 120.0) - 8.0 * w * (V + 84.0)) / 20.0
    dw = 0.04 * (winf - w) / tau
    return [dV, dw]


@compiles([0.1, 0.1, 0.1], 60.0, call="odeint")
def goodwin_oscillator(u, t):
    x, y, z = u
    return [1.0 / (1 + z**10) - 0.1 * x, 0.5 * x - 0.1 * y, 0.5 * y - 0.1 * z]


@compiles([1.0, 1.0], 40.0)
def glycolysis_selkov(t, y):
    x, y = y
    dxdt = -x + 0.08 * y + x**2 * y
    dydt = 0.6 - 0.08 * y - x**2 * y
    return [dxdt, dydt]


@compiles([0.3, 0.2], 20.0)
def toggle_switch(t, y):
    u, v = y
    return [4.0 / (1 + v**3) - u, 4.0 / (1 + u**3) - v]


# --- chemistry ------------------------------------------------------------------------------------


@compiles([1.0, 1.0], 20.0, 1.0, 3.0)
def brusselator(t, y, A, B):
    x, y = y
    return [A + x**2 * y - (B + 1) * x, B * x - x**2 * y]


@compiles([1.0, 2.0, 3.0], 20.0, method="BDF", rtol=1e-6, atol=1e-9)
def oregonator(t, y):
    y1, y2, y3 = y
    return [
        77.27 * (y2 + y1 * (1 - 8.375e-6 * y1 - y2)),
        (y3 - (1 + y1) * y2) / 77.27,
        0.161 * (y1 - y3),
    ]


k1, k2 = 0.5, 0.2


@compiles([1.0, 0.0, 0.0], 10.0, call="odeint")
def consecutive_reactions(c, t):
    cA, cB, cC = c
    dcAdt = -k1 * cA
    dcBdt = k1 * cA - k2 * cB
    dcCdt = k2 * cB
    return [dcAdt, dcBdt, dcCdt]


@compiles([0.8, 0.0, 350.0], 10.0)
def plug_flow_reactor(V, Y):
    """Along the volume, with a jacket."""
    FA, X, T = Y
    k = 31.1 * np.exp(7906 * (T - 360) / (T * 360))
    rate = -k * 9.3 * (1 - X)
    dFA = rate / 10
    dX = -rate / 163.0
    dT = (rate * -34500.0 / 1e3 * -0.1 + 5.0 * (315 - T)) / (163.0 * 1.59)
    return [dFA, dX, dT]


@compiles([0.2], 10.0)
def schloegl(t, x):
    return -(x**3) + 2.0 * x**2 - 0.8 * x + 0.05


@compiles([1e-3, 0.0], 5.0, rtol=1e-6)
def autocatalysis(t, y):
    A, B = 1.0 - y[0], y[0]
    return [3.0 * A * B, 0.5 * B]


# --- mechanics and control ------------------------------------------------------------------------

M, mp, l, g = 1.0, 0.2, 0.5, 9.81


@compiles([0.0, 0.0, 0.3, 0.0], 3.0)
def cart_and_pole(t, state):
    x, v, th, w = state
    s, c = np.sin(th), np.cos(th)
    total = M + mp * s**2
    a = (mp * s * (l * w**2 - g * c)) / total
    alpha = (-mp * l * w**2 * s * c + (M + mp) * g * s) / (l * total)
    return [v, a, w, alpha]


@compiles([0.5, 0.0, 1.2, 0.0], 5.0)
def elastic_pendulum(t, y):
    th, w, rr, v = y
    dw = (-9.81 * np.sin(th) - 2 * w * v) / rr
    dv = rr * w**2 + 9.81 * np.cos(th) - 40.0 * (rr - 1.0)
    return [w, dw, v, dv]


@compiles([0.0, 1.5, 30.0, 20.0], 3.0)
def projectile_with_drag(t, u):
    x, z, vx, vz = u
    speed = np.sqrt(vx**2 + vz**2)
    return [vx, vz, -0.01 * speed * vx, -9.81 - 0.01 * speed * vz]


@compiles([1.0, 0.0, 0.0, 0.0], 10.0, 7.29e-2, 0.9)
def foucault(t, s, omega, lat):
    x, y, vx, vy = s
    f = 2 * omega * np.sin(lat)
    return vx, vy, -x + f * vy, -y - f * vx


@compiles([0.0, 0.0, 0.0], 20.0)
def level_with_pi_controller(t, y):
    """The integral of the error is a state, as it should be."""
    level, integral, flow = y
    error = 1.0 - level
    demand = 2.0 * error + 0.5 * integral
    return [flow - 0.3 * level, error, (demand - flow) / 0.5]


@compiles([1.0, 0.0, 0.5, 0.0], 10.0)
def two_masses_three_springs(t, y):
    m1, m2, k1, k2, k3 = 1.0, 1.5, 8.0, 40.0, 8.0
    x1, v1, x2, v2 = y
    return [v1, (-k1 * x1 + k2 * (x2 - x1)) / m1, v2, (-k3 * x2 - k2 * (x2 - x1)) / m2]


@compiles([0.0, 0.0, 0.0, 5.0], 5.0, 0.05)
def kinematic_bicycle(t, q, steer):
    x, y, psi, v = q
    slip = np.arctan(0.5 * np.tan(steer))
    return [v * np.cos(psi + slip), v * np.sin(psi + slip), v / 1.4 * np.sin(slip), -0.1 * v]


# --- physics, circuits, astronomy -----------------------------------------------------------------


@compiles([1.0, 1.0, 1.0], 10.0)
def roessler(t, u):
    x, y, z = u
    return [-y - z, x + 0.2 * y, 0.2 + z * (x - 5.7)]


@compiles([0.1, 0.0, 0.0], 3.0, rtol=1e-6)
def chua_circuit(t, u):
    x, y, z = u
    f = -0.714 * x + 0.5 * (-1.143 + 0.714) * (abs(x + 1) - abs(x - 1))
    return [15.6 * (y - x - f), x - y + z, -28.0 * y]


@compiles([0.0, 0.0], 0.01, 24.0)
def buck_converter_averaged(t, x, Vin):
    i, v = x
    d = 0.5
    return [(d * Vin - v) / 1e-4, (i - v / 5.0) / 1e-4]


@compiles([0.5, 0.0], 10.0)
def swing_equation(t, y):
    angle, speed = y
    Pm, Pmax, H, D = 0.8, 1.8, 5.0, 0.05
    return [speed, (Pm - Pmax * np.sin(angle) - D * speed) * np.pi * 50 / H / 50]


@compiles([0.0, 0.1], 30.0)
def josephson_junction(t, y):
    phi, v = y
    return [v, 1.2 - np.sin(phi) - 0.5 * v]


@compiles([1e-3, 1.0], 20.0, rtol=1e-6)
def laser_rate_equations(t, y):
    photons, carriers = y
    return [
        photons * (2.0 * carriers - 1.0) + 1e-4,
        0.05 * (3.0 - carriers) - 0.2 * carriers * photons,
    ]


@compiles([1.0, 0.0], 6.0, 1.5, t0=1e-6)
def lane_emden(xi, y, n):
    theta, dtheta = y
    return [dtheta, -(abs(theta) ** n) - 2.0 * dtheta / xi]


@compiles([1e-3], 1.0, 0.3, 0.7, t0=0.0)
def friedmann(t, a, Om, OL):
    return np.sqrt(Om / a + OL * a**2)


@compiles([1.0, 0.0], 1.5, rtol=1e-6)
def rayleigh_plesset(t, y):
    R, V = y
    p_gas = 1.0 * (1 / R) ** (3 * 1.4)
    drive = 1.0 + 0.4 * np.sin(2 * np.pi * t)
    return [V, (p_gas - drive - 0.1 * V / R - 1.5 * V**2) / R]


# --- climate --------------------------------------------------------------------------------------


@compiles([288.0], 10.0)
def energy_balance(t, T):
    """Budyko and Sellers: an albedo that follows temperature; years."""
    albedo = 0.5 - 0.2 * np.tanh((T - 265.0) / 10.0)
    return (342.0 * (1 - albedo) - 0.61 * 5.67e-8 * T**4) * 3.15e7 / 4e8 / 10


@compiles([1.0, 0.5, 0.5], 10.0, 8.0, 1.0)
def lorenz84(t, u, F, G):
    x, y, z = u
    return [-(y**2) - z**2 - 0.25 * (x - F), x * y - 4.0 * x * z - y + G, 4.0 * x * y + x * z - z]


@compiles([1.0, 2.0], 5.0)
def stommel_boxes(t, y):
    T, S = y
    q = abs(T - S)
    return [3.0 - T * (1 + q), 0.8 - S * (0.3 + q)]


@compiles([0.2, 0.2], 20.0)
def daisyworld(t, A):
    white, black = A
    bare = 1.0 - white - black
    albedo = 0.75 * white + 0.25 * black + 0.5 * bare
    Te4 = 917.0 * 0.9 * (1 - albedo) / 5.67e-8
    Tw = (2.06e9 * (albedo - 0.75) + Te4) ** 0.25
    Tb = (2.06e9 * (albedo - 0.25) + Te4) ** 0.25
    bw = 1 - 0.003265 * (295.5 - Tw) ** 2
    bb = 1 - 0.003265 * (295.5 - Tb) ** 2
    return [white * (bare * max(bw, 0) - 0.3), black * (bare * max(bb, 0) - 0.3)]


@compiles([600.0, 800.0, 1500.0, 38000.0], 50.0)
def carbon_cycle(t, C):
    atmosphere, surface, soil, deep = C
    emissions = 10.0 * np.exp(-(((t - 25) / 15) ** 2))
    uptake = 0.12 * atmosphere * (1 + 0.3 * np.log(atmosphere / 600.0)) - 0.048 * soil
    exchange = 0.15 * (atmosphere - 0.75 * surface)
    mixing = 0.05 * surface - 0.00105 * deep
    return [emissions - uptake - exchange, exchange - mixing, uptake, mixing]
