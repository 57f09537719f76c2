"""Run one call against SciPy and against ours, and say what came out in comparable words.

The short names are the vocabulary of `cases`.
"""

import warnings

import numpy as np
import scipy.sparse as sp  # noqa: F401  (a name of the cases)

Y = [0.5, 0.25]


def f(t, y):
    return [y[1], -y[0]]


def fy(y, t):
    """In the order of odeint's arguments."""
    return [y[1], -y[0]]


def f1(t, y):
    return -y


def f1y(y, t):
    return -y


def INPLACE(y, t):
    """Changes the state that it is given."""
    y[1] = 0.0
    return [1.0, 1.0]


def ev(t, y):
    return y[0]


def E(event, **attributes):
    """A copy of an event function that carries `attributes`."""

    def marked(*args):
        return event(*args)

    vars(marked).update(attributes)
    return marked


def W(solver):
    """A solver that has come to its end."""
    while solver.status == "running":
        solver.step()
    return solver


class MyError(Exception):
    """An exception with arguments and an attribute of its own."""

    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code


def R(m, error, where, method):
    """Raise `error` from the callback `where` at its fourth (a Jacobian: second) call.

    Returns what came out, and how often the right-hand side had been called.
    """
    calls = {"fun": 0, "event": 0, "jac": 0}

    def count(name, limit):
        calls[name] += 1
        if name == where and calls[name] == limit:
            raise error(7, "text") if error is MyError else error("text")

    def fun(t, y):
        count("fun", 4)
        return [-100.0 * y[0], y[0] ** 2 - y[1]]

    def event(t, y):
        count("event", 4)
        return y[0] - 0.1

    def jac(t, y):
        count("jac", 2)
        return [[-100.0, 0.0], [2 * y[0], -1.0]]

    options = {"jac": jac} if where == "jac" else {}
    try:
        m.solve_ivp(fun, (0, 5), Y, method=method, events=event, **options)
    except BaseException as raised:
        text = str(raised)
        return ["raised", type(raised).__name__, text, getattr(raised, "code", None), calls["fun"]]
    return ["not raised"]


def I(m, fun, name, y0=Y, t1=1.0, again=False, call=None, **options):  # noqa: E743
    """An `ode` at t1, perhaps asked again: state, time, success, return code."""
    solver = m.ode(fun).set_integrator(name, **options).set_initial_value(y0)
    y = solver.integrate(t1, **(call or {}))
    if again:
        y = solver.integrate(t1)
    return [y.copy(), solver.t, solver.successful(), solver.get_return_code()]


def outcome(call, namespace, method=None):
    """What `call` does with `namespace` as ``m``: a dict that can be compared with ==."""
    names = dict(globals(), m=namespace, M=method)
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            answer = {"value": described(eval(call, names))}
        except Exception as error:
            answer = {"raised": type(error), "text": str(error)}
    # NumPy's floating point warnings are not promised: a compiled function has none.
    told = [w for w in caught if not issubclass(w.category, RuntimeWarning)]
    answer["warnings"] = [(w.category, str(w.message)) for w in told]
    return answer


def described(value):
    """A result as nested plain values; numbers to the precision that rounding leaves alone."""
    if isinstance(value, dict):
        return {key: described(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return ["ndarray", str(value.dtype), value.shape, described(value.tolist())]
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(described, value)]
    if isinstance(value, complex):
        return [described(value.real), described(value.imag)]
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) > 1e-12 or value != value else "0"
    if value is None or isinstance(value, int | str | np.generic):
        return value
    return type(value).__name__
