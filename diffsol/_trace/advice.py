"""What to do about a function that is not compiled: more particular than its reason, where it is known."""

from __future__ import annotations

import re
from typing import NamedTuple

from diffsol._trace.reasons import REASONS


class Advice(NamedTuple):
    """A way out, and an example: (what is not compiled, the same written so that it is), or nothing."""

    hint: str
    example: tuple = ()


REGISTER = "`diffsol.register_op` makes a function of numbers an operator that is compiled"

# (codes of reasons, what their detail is about, the advice); the first that fits is given
TABLE = (
    (
        "unknown-call",
        r"scipy\.special|scipy\.stats",
        f"{REGISTER}, given its code or its address; or tabulate it once and use np.interp.",
        (
            "`scipy.special.lambertw(x).real` in the function",
            "`table = lambertw(grid).real` before, `np.interp(x, grid, table)` in it",
        ),
    ),
    (
        "unknown-call",
        r"scipy\.interpolate",
        "Tables are compiled with np.interp, interp1d, the one-dimensional splines and linear "
        "RegularGridInterpolator.",
        (
            "`RectBivariateSpline(x, y, z)(a, b)`",
            "`RegularGridInterpolator((x, y), z)((a, b))`, of a finer table",
        ),
    ),
    (
        "unknown-call",
        r"scipy\.optimize",
        "Make the unknown a state of its own that quickly follows its equation, or write a fixed number "
        "of Newton's steps.",
        (
            "`z = brentq(lambda z: f(z) - y[0], a, b)`",
            "`for _ in range(6): z -= (f(z) - y[0]) / df(z)`",
        ),
    ),
    (
        "unknown-call",
        r"quad",
        "Take the integrand at fixed places and use np.trapezoid, or make the integral a component of y.",
        ("`quad(g, 0, y[0])[0]`", "`s = np.linspace(0, 1, 33) * y[0]; np.trapezoid(g(s), s)`"),
    ),
    (
        "unknown-call",
        r"ctypes|cffi|cython|_FuncPtr|builtin_function",
        f"{REGISTER}: give it the address of the C function.",
        ("`lib.rate(y[0])`", "`diffsol.register_op(lib.rate, address=...)` before the solve"),
    ),
    (
        "unknown-call unknown-object unknown-attribute",
        r"pandas|_LocIndexer|_iLocIndexer|Series|DataFrame",
        "Take the numbers out of the table before the solve.",
        (
            "`frame.loc[i, 'u']` in the function",
            "`u = frame['u'].to_numpy()` before, `u[i]` or np.interp in it",
        ),
    ),
    (
        "unknown-call",
        r"^(eval|exec|compile)\b",
        "Make a function of the text once, before the solve.",
        ("`eval(text)` in the function", "`rate = eval('lambda t, y: ' + text)` before it"),
    ),
    (
        "unknown-call",
        r"^making a ",
        "Objects made inside may be of plain classes, dataclasses and namedtuples: without a metaclass, "
        "`__new__`, `__getattr__` or `__del__`. Or make the object once, outside.",
    ),
    (
        "unknown-call",
        r"^import ",
        "Import at the top of the file.",
        ("`import mylib` in the function", "the same line at the top of the file"),
    ),
    (
        "unknown-call",
        r"what depends on t or y",
        "It is called at once where its arguments do not depend on t or y. Diagonalise what it is made "
        "of before the solve, say, or write the formula.",
        ("`expm(A * t) @ y`", "`w, V = eig(A)` before, `V @ (np.exp(w * t) * (inv(V) @ y))` in it"),
    ),
    (
        "unknown-call",
        r"a cache of",
        "Call it once, outside, or let it take what it reads as arguments.",
    ),
    (
        "unknown-call",
        r"Rotation",
        "Write the rotation as a matrix, or by quaternion products.",
        ("`Rotation.from_quat(q).apply(v)`", "`v + 2 * np.cross(u, np.cross(u, v) + q[3] * v)`"),
    ),
    (
        "unknown-call",
        r"scipy\.sparse",
        "Make the matrix, or its factors, once, outside: products of a sparse matrix are compiled.",
        (
            "`spsolve(M, f)` in the function",
            "`inverse = inv(M.toarray())` before, `inverse @ f` in it",
        ),
    ),
    (
        "unknown-call",
        r"^ufunc$|frompyfunc",
        "np.vectorize of the same function is followed.",
        ("`np.frompyfunc(f, 1, 1)(y).astype(float)`", "`np.vectorize(f, otypes=[float])(y)`"),
    ),
    (
        "numpy-call",
        r"fft",
        "Transforms of one axis of up to 64 values are compiled. For longer ones write differences by "
        "slices, or np.roll.",
        (
            "`np.fft.ifft(1j * k * np.fft.fft(u)).real`",
            "`(np.roll(u, -1) - np.roll(u, 1)) / (2 * h)`",
        ),
    ),
    (
        "numpy-call",
        r"bitwise operators",
        "`&`, `|` and `^` join truth values: compare first.",
        ("`y & 1`", "`(y > 0) & (t < 1)`"),
    ),
    (
        "numpy-call",
        r"two axes|more than two axes",
        "Name the axes with np.einsum.",
        ("`a @ b` of three axes", "`np.einsum('ijk,ikl->ijl', a, b)`"),
    ),
    (
        "numpy-call",
        r"not of one type",
        "Let it return floats on every way, or give `otypes=[float]`.",
        (
            "`np.vectorize(lambda v: 0 if v < 0 else v)`",
            "`np.vectorize(lambda v: 0.0 if v < 0 else v)`",
        ),
    ),
    (
        "numpy-call",
        r"eig|svd|np\.linalg|numpy\.linalg",
        "Of matrices that depend on t or y, `solve` and `inv` are compiled up to 64 rows, `det` up to 3, "
        "`eigvalsh` of 2; any function is where its arguments are fixed.",
    ),
    (
        "numpy-call",
        r"powers of traced integers",
        "Make the base a float.",
        ("`int(t) ** k`", "`float(int(t)) ** k`"),
    ),
    (
        "numpy-call",
        r"up to \d+",
        "Sort, or transform, fewer values, or do it once, outside.",
    ),
    (
        "dtype",
        r"narrow|arithmetic that NumPy does",
        "NumPy works in this precision here. Convert once, outside, with `.astype(float)`.",
        ("`w = np.ones(3, np.float32)`", "`w = np.ones(3)`"),
    ),
    (
        "result",
        r"NoneType",
        "A way through the function ends without `return`.",
        ("`dydt = -k * y`", "`return -k * y`"),
    ),
    (
        "result",
        r"shape \(\d+, \d+\)|inhomogeneous",
        "Join the parts to one vector.",
        ("`return [v, a]` of two vectors", "`return np.concatenate([v, a])`"),
    ),
    (
        "raises",
        r"to unpack",
        "y has as many components as y0, and is unpacked into as many names; halves are slices.",
        ("`q, v = y` of 2 n components", "`q, v = y[:n], y[n:]`"),
    ),
    (
        "raises",
        r"IndexError",
        "An index is beyond the end: y has as many components as y0.",
    ),
    ("raises", r"NameError", "A name is misspelt, or is not defined yet when the solve begins."),
    (
        "raises",
        r"ZeroDivisionError",
        "Python's floats raise where NumPy's give inf: look at the divisor.",
    ),
    (
        "concrete-value",
        r"as key|traced key",
        "Dicts are asked by t and y for whole numbers, up to 64, or truth values. Use np.interp, "
        "np.searchsorted or np.select otherwise.",
        ("`rates[round(t, 1)]`", "`rates[np.searchsorted(times, t)]`"),
    ),
    (
        "concrete-value",
        r"in a string",
        "Leave the text out: collect values from `sol.t` and `sol.y` after the solve.",
        ("`f'{y[0]:.3f}'` in the function", "the same with `sol.y[0]` after the solve"),
    ),
    (
        "concrete-value",
        r"then|truth values of t",
        "SciPy gives t as a float at first, as a numpy.float64 later. Decide on one.",
        ("`t.item()`", "`t = float(t)` in the first line"),
    ),
    (
        "dynamic-index",
        r"selection|mask",
        "Multiply by the mask, or use np.where.",
        ("`y[y > 0].mean()` of rows", "`np.where(y > 0, y, 0).sum() / (y > 0).sum()`"),
    ),
    (
        "unknown-object",
        r"^item of a|^iteration over a|^an object of type",
        "Turn it into a dict, a list, a NumPy array or a number before the solve.",
        ("`params` of a library", "`params = dict(params)`, `k = float(params['k'])`"),
    ),
)


def advice(code: str, detail: str) -> Advice:
    """The way out for a refusal of this code, which is about `detail`."""
    for codes, pattern, *given in TABLE:
        if code in codes.split() and re.search(pattern, detail):
            return Advice(*given)
    return Advice(REASONS[code].hint, REASONS[code].example)
