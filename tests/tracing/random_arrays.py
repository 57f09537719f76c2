"""Random right-hand sides of arrays: views, broadcasting, indices, in-place writes, mixed dtypes, loops.

Each line is tried as it is drawn, on a state of its own: what NumPy refuses is not written, and the shapes
that the next line may use are known.
"""

import numpy as np
from hypothesis import strategies as st

SIZE = 6
TRIAL = np.array([0.3, -0.7, 1.1, 0.6, -0.2, 0.9])
OUTSIDE = {
    "W": np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]),
    "F": np.asfortranarray(np.array([[1.0, 2.0], [-0.5, 0.3], [0.7, -1.2]])),
    "K": np.array([2, 0, 1]),
    "B": np.array([True, False, True]),
    "Z": np.array([1.0 + 0.5j, -0.3j, 2.0]),
    "S": np.array([0.1, -0.7, 1.3], dtype=np.float32),
    "I": np.array([[3, -1, 2], [0, 1, 1]], dtype=np.int32),
    "g": 0.7,
    "n": 3,
}
START = ["y", "Y", "W", "F", "K", "B", "S", "I", "d", "D", "g", "t", "n"]
UNARY = (
    *("-{}", "np.sin({})", "np.abs({})", "np.square({})", "np.tanh({})", "np.cumsum({}, {ax})"),
    *("np.exp(-np.abs({}))", "{} > 0.2", "np.sign({})", "{}.astype(int)", "{} * 1", "np.floor({})"),
    *("1 / {}", "np.sqrt({})", "np.exp(400 * {})", "np.log({})", "{} ** -1.5", "{} * 1e200"),
    *("np.array({})", "{}.copy()", "np.zeros_like({})", "np.ascontiguousarray({})", "np.copy({})"),
)
VIEWS = (
    *("{}.T", "{}[::-1]", "{}[1:]", "{}[:-1]", "{}[..., ::2]", "{}[:, None]", "{}[None]", "{}[-1]"),
    *(
        "{}[:, 1]",
        "{}[..., 0]",
        "{}.reshape(-1)",
        "{}.ravel()",
        "{}.reshape(3, -1)",
        "{}.reshape(2, 3)",
    ),
    *("np.squeeze({})", "{}.reshape(-1, 2)", "np.flip({}, {ax})", "np.diagonal({})", "{}[1:, 1:]"),
    *(
        "np.swapaxes({}, 0, 1)",
        "np.broadcast_to({}, (2, 3))",
        "{}[::-1, ::-1]",
        "np.atleast_2d({})",
    ),
)
PICKS = (
    *(
        "{}[K]",
        "{}[[0, -1]]",
        "{}[:, K]",
        "{}[K, [0, 0, 1]]",
        "{}[np.array([True, False])]",
        "{}[B]",
    ),
    *("{}[K[::-1], 1]", "{}[[[0, 1], [1, 0]]]", "{}[np.arange(2), 1]", "{}[int(2 * abs(t)) % 2]"),
    *("{}[:, int(abs(t))]", "{}[-1 - int(abs(t))]", "{}[K > 0]", "np.take({}, K)", "{}[1, None]"),
)
REDUCTIONS = ("np.sum", "np.mean", "np.max", "np.min", "np.prod", "np.any", "np.all", "np.var")
JOINS = (
    *(
        "np.concatenate([{a}, {b}], axis={ax})",
        "np.stack([{a}, {b}], axis={ax})",
        "np.outer({a}, {b})",
    ),
    *("np.hstack([{a}, {b}])", "np.vstack([{a}, {b}])", "np.column_stack([{a}, {b}])", "{a} @ {b}"),
    *(
        "np.roll({a}, 1, axis={ax})",
        "np.roll({a}, -2)",
        "np.tile({a}, 2)",
        "np.repeat({a}, 2, {ax})",
    ),
    *("np.diff({a}, axis={ax})", "np.dot({a}, {b})", "np.append({a}, {b})", "np.maximum({a}, {b})"),
    *(
        "np.where({a} > 0, {b}, {a})",
        "np.clip({a}, -0.5, 0.8)",
        "({a} * Z).real",
        "np.hypot({a}, {b})",
    ),
)
KEYS = (
    *(
        "0",
        "-1",
        "1:",
        ":-1",
        "::2",
        "...",
        "::-1",
        ":, 0",
        "..., 1",
        "K",
        "[0, 0]",
        "B",
        "[-1, 0], 1",
    ),
    *("{v} > 0.1", "None", "1, ::-1", "int(abs(t))", "0, 0", "1:, 1:"),
)
WRITES = ("=", "+=", "-=", "*=")
LOOPS = (
    "{v}[i] = {v}[i - 1] * 0.5 + y[i]",
    "{v}[-1 - i] += y[(i + 1) % 3] * W[0, i]",
    "{v}[i] += {v}[:i].sum()",
    "{v}[(2 * i) % 3] -= y[2 * i] * i",
    "{v}[i % 2] = {v}[i // 2] + g * i",
    "{v}[i, 0] = {v}[0, i] + t",
    "{v}[i:] += y[i]",
    "{v} += i * g",
    "d[i], d[i + 1] = d[i + 1], d[i] + {v}[0]",
)
HELPERS = """
def doubled(x):
    x *= 2
    return x

def shifted(x, by=1):
    z = np.zeros_like(x)
    z[by:] = x[:-by]
    return z
"""
BEFORE = ("Y = y.reshape(2, 3)", "d = y * 0.5", "D = np.zeros((2, 3))")


class Writer:
    """Draws lines, and runs each."""

    def __init__(self, draw, trial):
        self.draw, self.trial = draw, trial
        self.lines = list(BEFORE)
        self.run()
        self.names = list(START)

    def pick(self, options):
        return self.draw(st.sampled_from(list(options)))

    def run(self):
        """All lines so far, on the state of the trial."""
        self.scope = {"np": np, "y": self.trial.copy(), "t": np.float64(0.4), **OUTSIDE}
        with np.errstate(all="ignore"):
            exec(HELPERS + "\n".join(self.lines), self.scope)

    def add(self, line):
        """Is this line possible?"""
        try:
            with np.errstate(all="ignore"):
                exec(line, self.scope)
        except Exception:
            self.run()  # it may have done half of its work
            return False
        self.lines.append(line)
        return True

    def array(self):
        return self.pick(k for k in self.names if np.ndim(self.scope[k]))

    def own(self):
        """An array that may be written to: neither the state's nor one from outside."""
        foreign = [self.scope["y"], *(v for v in OUTSIDE.values() if np.ndim(v))]
        return self.pick(
            k
            for k in self.names
            if isinstance(self.scope[k], np.ndarray)
            and k not in OUTSIDE
            and not any(np.may_share_memory(self.scope[k], x) for x in foreign)
        )

    def line(self):
        kind = self.draw(st.integers(0, 9))
        axis = self.pick((0, 1, -1))
        if kind <= 1:
            return self.pick(VIEWS).format(self.array(), ax=axis)
        if kind == 2:
            return self.pick(PICKS).format(self.array())
        if kind == 3:
            return self.pick(UNARY).format(self.array(), ax=axis)
        if kind == 4:
            return f"{self.pick(self.names)} {self.pick('+-*/')} {self.array()}"
        if kind == 5:
            options = self.pick(("", ", axis=0", ", axis=-1, keepdims=True", ", axis=1"))
            return f"{self.pick(REDUCTIONS)}({self.array()}{options})"
        if kind == 6:
            return self.pick(JOINS).format(a=self.array(), b=self.array(), ax=axis)
        if kind == 7:
            helper = self.pick(("doubled", "shifted"))
            return f"{helper}({self.own() if helper == 'doubled' else self.array()})"
        return None

    def statement(self):
        line = self.line()
        if line is not None:
            name = f"v{len(self.lines)}"
            if self.add(f"{name} = {line}") and np.size(self.scope[name]) <= 40:
                self.names.append(name)
            return
        target = self.own()
        if self.draw(st.booleans()):
            self.add(f"for i in range(n): {self.pick(LOOPS).format(v=target)}")
        else:
            value = self.pick(("t", "g", "2", self.pick(self.names), self.pick(self.names)))
            key = self.pick(KEYS).format(v=target)
            self.add(f"{target}[{key}] {self.pick(WRITES)} {value}")


@st.composite
def array_functions(draw, trial=TRIAL):
    """Source of `f(t, y)` for six states, and of its helpers."""
    writer = Writer(draw, trial)
    for _ in range(draw(st.integers(3, 12))):
        writer.statement()
    kinds = "fibc" if trial.dtype.kind == "c" else "fib"
    body = [*writer.lines, f"r = np.zeros({SIZE}, y.dtype)"]
    for name in writer.names:
        value = np.asarray(writer.scope[name])
        if value.size and value.dtype.kind in kinds and name not in OUTSIDE:
            count = min(SIZE, value.size)
            body.append(f"r[:{count}] += np.ravel({name})[:{count}]")
    return HELPERS + "\ndef f(t, y):\n    " + "\n    ".join([*body, "return r"]) + "\n"
