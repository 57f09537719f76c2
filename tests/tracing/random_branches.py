"""Random functions full of branches, as Python source: nested ifs, loops that are left early, helpers."""

from hypothesis import strategies as st

SIZE = 3
HELPERS = """
def clip(x):
    if x < 0:
        return 0
    elif x > 2.0:
        return 2.0
    return x

def put(values, i, x):
    if x != values[i]:
        values[i] = x
        if x > 1:
            return True
    return False

def first_large(values):
    for i, v in enumerate(values):
        if v > 1.0:
            return i * v
    return -1.0
"""
FUNCTIONS = ("np.sqrt", "np.log", "math.sin", "abs", "clip", "-", "np.exp", "1 / ", "float")
OPERATORS = ("+", "-", "*", "/", "**")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


class Writer:
    """Draws the statements of one function; every variable has a value before the first of them."""

    def __init__(self, draw):
        self.draw = draw
        self.lines = []
        self.in_loop = False

    def pick(self, *options):
        return self.draw(st.sampled_from(options))

    def write(self, depth, line):
        self.lines.append("    " * depth + line)

    def index(self):
        return self.pick("0", "1", "2", "-1", *(["i"] if self.in_loop else []))

    def atom(self):
        kind = self.pick("y", "y", "d", "row", "name", "number")
        if kind == "number":
            return self.pick("0", "1", "2", "0.5", "-1.5", "t", "k")
        return self.pick("a", "b", "c") if kind == "name" else f"{kind}[{self.index()}]"

    def value(self, depth=0):
        kind = self.draw(st.integers(0, 5 if depth < 2 else 1))
        if kind <= 1:
            return self.atom()
        if kind == 2:
            return f"{self.pick(*FUNCTIONS)}({self.value(depth + 1)})"
        if kind == 3:
            inner = [self.value(depth + 1) for _ in range(2)]
            return f"({inner[0]} if {self.condition(depth + 1)} else {inner[1]})"
        if kind == 4:
            return f"{self.pick('max', 'min')}({self.value(depth + 1)}, {self.atom()})"
        return f"({self.value(depth + 1)} {self.pick(*OPERATORS)} {self.atom()})"

    def condition(self, depth=0):
        kind = self.draw(st.integers(0, 5 if depth < 2 else 1))
        if kind <= 1:
            return f"{self.value(depth + 1)} {self.pick(*COMPARISONS)} {self.atom()}"
        if kind == 2:
            return f"{self.atom()} < {self.atom()} <= {self.atom()}"
        if kind == 3:
            return f"not ({self.condition(depth + 1)})"
        if kind == 4:
            return f"put({self.pick('d', 'row')}, {self.index()}, {self.atom()})"
        return f"({self.condition(depth + 1)} {self.pick('and', 'or')} {self.condition(depth + 1)})"

    def block(self, depth):
        for _ in range(self.draw(st.integers(1, 3))):
            self.statement(depth)

    def statement(self, depth):
        kind = self.draw(st.integers(0, 11 if depth < 4 else 4))
        if kind <= 1:
            self.write(
                depth, f"{self.pick('a', 'b', 'c')} {self.pick('=', '+=', '*=')} {self.value()}"
            )
        elif kind == 2:
            self.write(depth, f"d[{self.index()}] {self.pick('=', '+=', '-=')} {self.value()}")
        elif kind == 3:
            self.write(depth, f"row[{self.index()}] = {self.value()}")
        elif kind == 4:
            self.rarity(depth)
        elif kind <= 8:
            self.branch(depth)
        elif kind <= 10:
            self.loop(depth)
        else:
            self.bounded_while(depth)

    def rarity(self, depth):
        line = self.pick(
            "d[1:] = d[:-1]",
            "d *= 0.5",
            "e = d",
            "d = d + 1.0",
            "d = np.array([a, b, c]) * 1.0",
            "e[0] = a",
            "row = [c, a, b]",
            "other = row",
            "other[1] = b",
            "row.append(row.pop(0))",
            "a, b = b, a",
            "c = first_large(d)",
            "c = sum(clip(v) for v in row)",
            "row = [v if v > 0 else -v for v in row]",
            "return d",
            *(["continue", "break"] if self.in_loop else []),
        )
        self.write(depth, line)

    def branch(self, depth):
        self.write(depth, f"if {self.condition()}:")
        self.block(depth + 1)
        if self.pick(True, False):
            self.write(depth, f"elif {self.condition()}:")
            self.block(depth + 1)
        if self.pick(True, False):
            self.write(depth, "else:")
            self.block(depth + 1)

    def loop(self, depth):
        head = self.pick("for i in range(3):", "for i, c in enumerate(y):", "for i in (2, 0):")
        self.write(depth, head)
        outer, self.in_loop = self.in_loop, True
        self.block(depth + 1)
        self.in_loop = outer
        if self.pick(True, False):
            self.write(depth, "else:")
            self.block(depth + 1)

    def bounded_while(self, depth):
        self.write(depth, "n = 0")
        self.write(depth, f"while n < 4 and {self.condition()}:")
        self.write(depth + 1, "n += 1")
        self.block(depth + 1)


@st.composite
def functions(draw):
    writer = Writer(draw)
    writer.block(1)
    head = ["def f(t, y, k):", "    i, a, b, c = 0, 0.0, y[0], 1.0"]
    middle = [
        "    d = np.zeros(3)",
        "    e = d.copy()",
        "    row = [y[1], 0.5, t]",
        "    other = row",
    ]
    tail = ["    return [d[0] + a + e[0], d[1] * b + other[1], d[2] - c + sum(row)]"]
    return HELPERS + "\n".join([*head, *middle, *writer.lines, *tail])
