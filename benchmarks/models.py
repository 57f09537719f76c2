"""The stiff reference problems as text, from which each rival's own form is written.

The text is arithmetic that Python, Numba and DiffSL all read. A test of each row: `compare.py` refuses a
model whose derivative at the start is not that of the reference problem.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Model:
    """y' = rhs.

    states       names, in order
    definitions  name = expression, in order of use
    rhs          an expression for each state
    """

    states: str
    definitions: tuple[tuple[str, str], ...]
    rhs: tuple[str, ...]

    def python(self, arguments, out):
        """Source of a function rhs(arguments) that fills the array `out`."""
        lines = [f"def rhs({arguments}):"]
        lines += [f"    {name} = y[{i}]" for i, name in enumerate(self.states.split())]
        lines += [f"    {name} = {expression}" for name, expression in self.definitions]
        lines += [f"    {out}[{i}] = {expression}" for i, expression in enumerate(self.rhs)]
        return "\n".join(lines)

    def function(self, arguments="t, y, yp", out="yp"):
        scope = {}
        exec(self.python(arguments, out), scope)  # our own text
        return scope["rhs"]

    def diffsl(self, y0):
        """The model in the language of the Rust crate diffsol (and its binding pydiffsol)."""
        starts = ", ".join(
            f"{name} = {value!r}"
            for name, value in zip(self.states.split(), y0.tolist(), strict=True)
        )
        lines = ["in_i { unused = 1 }", f"u_i {{ {starts} }}"]
        lines += [f"{name} {{ {expression} }}" for name, expression in self.definitions]
        return "\n".join([*lines, "F_i { " + ", ".join(self.rhs) + " }"])

    def derivative(self, t, y):
        """At (t, y), in plain Python."""
        out = np.empty(len(self.rhs))
        self.function()(t, y, out)
        return out


RATES = (
    ("0.35", "no2"), ("26.6", "no * o3"), ("12300.0", "ho2 * no"), ("0.00086", "hcho"),
    ("0.00082", "hcho"), ("15000.0", "hcho * oh"), ("0.00013", "ald"), ("24000.0", "ald * oh"),
    ("16500.0", "c2o3 * no"), ("9000.0", "c2o3 * no2"), ("0.022", "pan"), ("12000.0", "meo2 * no"),
    ("1.88", "cho"), ("16300.0", "no2 * oh"), ("4800000.0", "op"), ("0.00035", "o3"),
    ("0.0175", "o3"), ("100000000.0", "od"), ("444000000000.0", "od"), ("1240.0", "so2 * oh"),
    ("2.1", "no3"), ("5.78", "no3"), ("0.0474", "no2 * o3"), ("1780.0", "no3 * no2"),
    ("3.12", "dino"),
)  # fmt: skip

MODELS = {
    "robertson": Model(
        "a b c",
        (),
        (
            "10000.0 * b * c - 0.04 * a",
            "0.04 * a - 30000000.0 * b * b - 10000.0 * b * c",
            "30000000.0 * b * b",
        ),
    ),
    "van_der_pol": Model("x v", (), ("v", "1000.0 * (1.0 - x * x) * v - x")),
    "hires": Model(
        "a b c d e f g h",
        (("fh", "280.0 * f * h"), ("dg", "fh - 1.81 * g")),
        (
            "0.43 * b - 1.71 * a + 8.32 * c + 0.0007",
            "1.71 * a - 8.75 * b",
            "0.43 * d - 10.03 * c + 0.035 * e",
            "8.32 * b + 1.71 * c - 1.12 * d",
            "0.43 * f - 1.745 * e + 0.43 * g",
            "0.69 * d - fh + 1.71 * e - 0.43 * f + 0.69 * g",
            "dg",
            "0.0 - dg",
        ),
    ),
    "oregonator": Model(
        "x z w",
        (),
        (
            "77.27 * (z + x * (1.0 - 0.000008375 * x - z))",
            "(w - (1.0 + x) * z) / 77.27",
            "0.161 * (x - w)",
        ),
    ),
    "pollution": Model(
        "no2 no op o3 ho2 oh hcho co ald meo2 c2o3 co2 pan cho hno3 od so2 so4 no3 dino",
        tuple((f"r{i}", f"{k} * {term}") for i, (k, term) in enumerate(RATES, 1)),
        (
            "r2 + r3 + r9 + r11 + r12 + r22 + r25 - r1 - r10 - r14 - r23 - r24",
            "r1 + r21 - r2 - r3 - r9 - r12",
            "r1 + r17 + r19 + r22 - r15",
            "r15 - r2 - r16 - r17 - r23",
            "2.0 * r4 + r6 + r7 + r13 + r20 - r3",
            "r3 + 2.0 * r18 - r6 - r8 - r14 - r20",
            "r13 - r4 - r5 - r6",
            "r4 + r5 + r6 + r7",
            "0.0 - r7 - r8",
            "r7 + r9 - r12",
            "r8 + r11 - r9 - r10",
            "r9",
            "r10 - r11",
            "r12 - r13",
            "r14",
            "r16 - r18 - r19",
            "0.0 - r20",
            "r20",
            "r23 + r25 - r21 - r22 - r24",
            "r24 - r25",
        ),
    ),
}
