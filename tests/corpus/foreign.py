"""Code that cannot be followed: compiled functions, C libraries, caches, tables of pandas, networks of torch.

What a package defines is there only where the package is installed.
"""

import ctypes
import ctypes.util
import functools
import importlib.util
import operator

import numpy as np
import scipy.optimize

from corpus.registry import compiles, stays_python

libm = ctypes.CDLL(ctypes.util.find_library("m"))
libm.cos.restype = ctypes.c_double
libm.cos.argtypes = [ctypes.c_double]


@stays_python("unknown-call", [0.0], 3.0, why="a function of a C library, by ctypes")
def ctypes_function(t, y):
    return [libm.cos(t) - 0.1 * y[0]]


@functools.lru_cache(maxsize=None)
def expensive_constant(n):
    return sum(1.0 / k**2 for k in range(1, n))


@compiles([1.0], 3.0)
def lru_cache_helper(t, y):
    return [-expensive_constant(50) * y[0]]


@stays_python("unknown-call", [0.5], 2.0, why="a root finder within each evaluation")
def algebraic_loop_brentq(t, y):
    z = scipy.optimize.brentq(lambda z: z + z**3 - y[0], -10.0, 10.0)
    return [np.cos(t) - z]


@stays_python("unknown-call", [0.5], 2.0, why="text that is evaluated")
def expression_by_eval(t, y):
    return [eval("-0.5 * y[0] + t")]


@compiles([1.0, 0.5], 2.0)
def reduce_of_operator(t, y):
    total = functools.reduce(operator.mul, y)
    return [-total, 0.1 * total]


@compiles([1.0, 0.5], 2.0)
def np_vectorize_helper(t, y):
    f = np.vectorize(lambda v: -v if v > 0.7 else -0.5 * v)
    return f(y)


@stays_python("unknown-call", [1.0, 0.5], 2.0, made=True, why="a class that is made by a library")
def frompyfunc_helper():
    f = np.frompyfunc(lambda a, b: -a * b, 2, 1)

    def rhs(t, y):
        return f(y, y[::-1]).astype(float)

    return rhs


if importlib.util.find_spec("pandas"):
    import pandas

    table = pandas.DataFrame({"t": [0.0, 1.0, 2.0, 3.0], "u": [0.0, 1.0, 0.5, 0.2]}).set_index("t")

    @stays_python("unknown-call", [0.0], 3.0, why="a look-up in a pandas table", max_step=0.5)
    def pandas_lookup(t, y):
        row = table.loc[:t].iloc[-1]
        return [row["u"] - y[0]]

    constants = pandas.Series({"k": 0.5, "c": 0.1})

    @stays_python("unknown-object", [1.0], 3.0, why="parameters in a pandas Series")
    def pandas_parameters(t, y):
        return [-constants["k"] * y[0] + constants.c]


if importlib.util.find_spec("torch"):
    import torch

    @stays_python("unknown-call", [1.0, 0.0], 3.0, why="a network of torch", made=True)
    def torch_network():
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))

        def rhs(t, y):
            with torch.no_grad():
                return net(torch.from_numpy(y).float()).double().numpy()

        return rhs
