"""Functions compiled by numba: followed where they can be, called as they are where not."""

import importlib.util

import numpy as np

from corpus.registry import compiles, stays_python

if importlib.util.find_spec("numba"):
    import numba

    rates = np.array([0.04, 3e7, 1e4])
    gravity = 9.81

    @compiles([1.0, 0.0], 5.0, 1.0, made=True)
    def numba_right_hand_side():
        @numba.njit
        def rhs(t, y, k):
            return np.array([y[1], -k * y[0]])

        return rhs

    @compiles([1.0], 5.0, made=True)
    def numba_helper():
        @numba.njit
        def law(x, k=2.0):
            return -k * x / (1.0 + x)

        return lambda t, y: [law(y[0])]

    @compiles([1.0, 0.0, 0.0], 20.0, made=True, method="BDF")
    def numba_global_array():
        @numba.njit(cache=False)
        def robertson(t, y):
            out = np.empty(3)
            out[0] = -rates[0] * y[0] + rates[2] * y[1] * y[2]
            out[2] = rates[1] * y[1] ** 2
            out[1] = -out[0] - out[2]
            return out

        return robertson

    @compiles([0.3, 0.0], 5.0, (0.1, 2.0), made=True)
    def numba_nested_helpers():
        @numba.njit
        def torque(angle):
            return gravity * np.sin(angle)

        @numba.njit(fastmath=True)
        def rhs(t, y, parameters):
            friction, length = parameters
            return np.array([y[1], -friction * y[1] - torque(y[0]) / length])

        return rhs

    @compiles(np.linspace(0.1, 1.0, 12), 2.0, made=True)
    def numba_loop_of_a_chain():
        @numba.njit
        def rhs(t, y):
            rate = np.zeros_like(y)
            for i in range(len(y)):
                left = y[i - 1] if i > 0 else 0.0
                rate[i] = left - y[i]
            return rate

        return rhs

    @stays_python("input-output", [1.0], 1.0, made=True)
    def numba_prints():
        @numba.njit
        def rhs(t, y):
            if t > 2.0:
                print(t)
            return -y

        return rhs

    @stays_python(
        "unknown-attribute", [1.0], 3.0, why="machine code of numba's, by ctypes", made=True
    )
    def numba_cfunc_by_ctypes():
        @numba.cfunc("float64(float64)")
        def law(x):
            return -x * x

        return lambda t, y: [law.ctypes(y[0])]
