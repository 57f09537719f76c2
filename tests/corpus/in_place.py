"""Arrays that are changed: += on slices, outputs made before, y itself, aliases."""

import numpy as np

from corpus.registry import compiles, stays_python


@compiles([1.0, 0.5, 0.2, 0.1], 3.0)
def plus_equals_on_slices(t, y):
    d = np.zeros_like(y)
    d[:-1] -= 0.5 * y[:-1]
    d[1:] += 0.5 * y[:-1]
    d[-1] -= 0.1 * y[-1]
    d *= 1 + 0.1 * t
    return d


@compiles([1.0, 0.5, 0.2, 0.1], 3.0)
def matrix_filled_by_entries(t, y):
    M = np.zeros((4, 4))
    for i in range(3):
        M[i, i] -= 0.3
        M[i + 1, i] += 0.3
    M[3][0] = 0.1
    return M.dot(y)


@compiles([0.5, 0.2], 3.0)
def copy_then_clamp(t, y):
    y = y.copy()
    y[y < 0] = 0.0
    return np.array([-y[0], y[0] - y[1]])


@compiles([0.5, 0.2, 0.1], 3.0)
def ufunc_with_out(t, y):
    out = np.empty(3)
    np.multiply(y, -0.5, out=out)
    np.add(out, 0.1, out)
    return out


@compiles([0.5, 0.2, 0.1], 3.0)
def list_filled_by_index(t, y):
    d = [None] * 3
    d[0] = -y[0]
    d[1] = y[0] - y[1]
    d[-1] = y[1]
    return d


@compiles([0.5, 0.2, 0.1], 3.0)
def list_extended(t, y):
    d = []
    d.append(-y[0])
    d.extend([y[0] - y[1], y[1]])
    d[1] *= 2
    return d


@stays_python("state-write", [0.5, -0.2], 3.0)
def clamps_the_state_itself(t, y):
    """SciPy's solver sees the change (scipy issue 16170)."""
    y[y < 0] = 0.0
    return [-y[0], y[0] - y[1]]


@stays_python("state-write", [0.5, 0.2], 3.0, call="odeint")
def odeint_clamps_the_state(y, t):
    y[1] = max(y[1], 0.25)
    return [-y[0], y[0] - y[1]]


@stays_python("state-write", [1.0, 2.0], 2.0)
def alias_then_in_place(t, y):
    dy = y
    dy *= -0.5
    return dy


@stays_python(
    "side-effect", [1.0, 0.5], 3.0, made=True,
    gap="SciPy holds the array that the next call overwrites; we copy each result",
)  # fmt: skip
def returns_one_buffer_always():
    out = np.zeros(2)

    def rhs(t, y):
        out[0] = y[1]
        out[1] = -y[0]
        return out

    return rhs, lambda: out.copy()


@stays_python("side-effect", [1.0, 0.5], 3.0, call="odeint", made=True)
def returns_one_buffer_to_odeint():
    out = np.zeros(2)

    def rhs(y, t):
        out[:] = y[1], -y[0]
        return out

    return rhs, lambda: out.copy()


@stays_python("side-effect", [1.0, 0.5], 3.0, call="odeint", made=True)
def work_array_of_the_module():
    work = {"J": np.zeros((2, 2))}

    def rhs(y, t):
        work["J"][0, 1] = 1.0
        work["J"][1, 0] = -y[0]
        return work["J"] @ y

    return rhs, lambda: work["J"].copy()


@compiles([1.0, 0.5], 3.0, made=True)
def rereads_a_mutable_list():
    gains = [1.0, 2.0]

    def rhs(t, y):
        local = list(gains)
        local[0] += 1
        return [-local[0] * y[0], -local[1] * y[1]]

    return rhs, lambda: gains


@compiles([3.0, 1.0, 2.0], 2.0)
def sorted_state(t, y):
    s = np.sort(y)
    return -s * 0.1


@compiles([3.0, 1.0, 2.0], 2.0)
def masked_rates(t, y):
    d = np.empty_like(y)
    high = y > 1.5
    d[high] = -0.5 * y[high]
    d[~high] = 0.1
    return d


@compiles([3.0, 1.0, 2.0], 2.0)
def sum_of_the_positive(t, y):
    return -0.1 * y * y[y > 0].sum()
