"""Random right-hand sides, as Python source: scalars, arrays, loops, branches, helpers, containers."""

from hypothesis import strategies as st

SCALAR_FUNCTIONS = (
    "math.sin",
    "math.exp",
    "np.cos",
    "np.tanh",
    "abs",
    "float",
    "helper",
    "np.sqrt(abs",
    "-",
)
ARRAY_FUNCTIONS = (
    "np.sin",
    "np.abs",
    "np.cumsum",
    "np.roll1",
    "-",
    "np.flip",
    "np.array",
    "np.square",
)
REDUCTIONS = ("np.sum", "np.max", "np.mean", "sum", "np.linalg.norm", "max", "np.prod", "len")
OPERATORS = ("+", "-", "*", "/", "%", "//", "**")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


class Writer:
    """Draws one function, statement by statement, keeping track of what is in scope."""

    def __init__(self, draw, size):
        self.draw = draw
        self.size = size
        self.lines = []
        self.scalars = ["t", "y[0]", "y[-1]", "g", "k", "box['a']", "2", "0.5", "row[1]"]
        self.arrays = ["y", "w", "y[::-1]", "np.ones_like(y)", "np.array(list(y))"]
        self.count = 0

    def pick(self, options):
        return self.draw(st.sampled_from(list(options)))

    def flag(self):
        return self.draw(st.booleans())

    def write(self, depth, line):
        self.lines.append("    " * depth + line)

    def name(self):
        self.count += 1
        return f"v{self.count}"

    def scalar(self, depth=0):
        kind = self.draw(st.integers(0, 6 if depth < 3 else 0))
        if kind <= 1:
            return self.pick(self.scalars)
        if kind == 2:
            function = self.pick(SCALAR_FUNCTIONS)
            return f"{function}({self.scalar(depth + 1)})" + ")" * function.count("(")
        if kind == 3:
            return f"{self.pick(REDUCTIONS)}({self.array(depth + 1)})"
        if kind == 4:
            return f"({self.scalar(depth + 1)} if {self.condition(depth + 1)} else {self.scalar(depth + 1)})"
        if kind == 5:
            return (
                f"{self.pick(('max', 'min'))}({self.scalar(depth + 1)}, {self.scalar(depth + 1)})"
            )
        return f"({self.scalar(depth + 1)} {self.pick(OPERATORS)} {self.scalar(depth + 1)})"

    def array(self, depth=0):
        kind = self.draw(st.integers(0, 4 if depth < 3 else 0))
        if kind <= 1:
            return self.pick(self.arrays)
        if kind == 2:
            function = self.pick(ARRAY_FUNCTIONS)
            if function == "np.roll1":
                return f"np.roll({self.array(depth + 1)}, 1)"
            return f"{function}({self.array(depth + 1)})"
        if kind == 3:
            condition = f"{self.array(depth + 1)} > {self.scalar(depth + 1)}"
            return f"np.where({condition}, {self.array(depth + 1)}, {self.scalar()})"
        return f"({self.array(depth + 1)} {self.pick('+-*/')} {self.pick((self.array, self.scalar))(depth + 1)})"

    def condition(self, depth=0):
        text = f"{self.scalar(depth + 1)} {self.pick(COMPARISONS)} {self.scalar(depth + 1)}"
        if depth < 2 and self.flag():
            text = f"{text} {self.pick(('and', 'or'))} {'not ' if self.flag() else ''}({self.condition(depth + 1)})"
        return text

    def statement(self, depth):
        kind = self.draw(st.integers(0, 8))
        if kind == 0:
            name, value = self.name(), self.scalar()
            self.write(depth, f"{name} = {value}")
            self.scalars.append(name)
        elif kind == 1:
            name, value = self.name(), self.array()
            self.write(depth, f"{name} = {value} + 0.0")
            self.arrays.append(name)
        elif kind == 2:
            index = self.draw(st.integers(-self.size, self.size - 1))
            self.write(depth, f"d[{index}] {self.pick(('=', '+=', '-='))} {self.scalar()}")
        elif kind == 3:
            start, stop = self.draw(st.integers(0, self.size)), self.draw(st.integers(0, self.size))
            self.write(depth, f"d[{start}:{stop}] {self.pick(('=', '*=', '+='))} {self.scalar()}")
        elif kind == 4:
            self.write(depth, f"d {self.pick(('+=', '-=', '*='))} {self.array()}")
        elif kind == 5 and depth < 3:
            self.write(
                depth, f"for i, item in enumerate({self.pick(('y', 'row', 'w', 'range(3)'))}):"
            )
            self.write(depth + 1, f"d[i % {self.size}] += item * {self.scalar()}")
        elif kind == 6 and depth < 3:
            self.branch(depth)
        elif kind == 7:
            self.write(depth, f"items = [{self.scalar()} for q in row]")
            self.write(depth, "d[0] += sum(x * c for x, c in zip(items, w))")
        else:
            self.write(depth, f"a, b, *rest = ({self.scalar()}, {self.scalar()}, 1.0)")
            self.write(depth, "d[-1] = a - b + len(rest)")

    def branch(self, depth):
        self.write(depth, f"if {self.condition()}:")
        scope = list(self.scalars), list(self.arrays)
        self.statement(depth + 1)
        self.scalars, self.arrays = list(scope[0]), list(scope[1])
        if self.flag():
            self.write(depth, "else:")
            self.statement(depth + 1)
            self.scalars, self.arrays = scope


@st.composite
def functions(draw):
    """(source of `f(t, y, k)`, size of the state)."""
    size = draw(st.integers(2, 4))
    writer = Writer(draw, size)
    for _ in range(draw(st.integers(1, 6))):
        writer.statement(1)
    body = "\n".join(writer.lines)
    result = draw(st.sampled_from(["d", "list(d)", "d + y", "[*d]", "np.array([x for x in d])"]))
    return (
        "def helper(x, scale=1.5):\n    return x * scale - g\n"
        f"def f(t, y, k):\n    d = np.zeros({size})\n{body}\n    return {result}\n"
    ), size
