"""Writes diffsol/_compile/vector/math/coefficients.py: the polynomials and constants of ds_math.

python tools/make_coefficients.py           write it, and print how far each polynomial is off
python tools/make_coefficients.py --check   exit with 1 if it does not hold the same numbers

Polynomials interpolate at Chebyshev's points, which is within a small factor of the best there is
(Muller, Elementary Functions, 3rd ed., section 3.4); needs mpmath.
"""

import pathlib
import sys

from mpmath import mp, mpf

ROOT = pathlib.Path(__file__).parents[1]
TARGET = ROOT / "diffsol/_compile/vector/math/coefficients.py"
HEAD = '''"""Written by tools/make_coefficients.py: polynomials (lowest power first) and constants of ds_math."""

'''

mp.prec = 1400  # 2/pi is wanted to 2**-1200

SMALL_TAN = mp.sqrt(2) - 1  # tan(pi/8): above it arctan takes a quotient
LOG_S = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)  # |f / (2 + f)| for 1 + f in [sqrt(1/2), sqrt(2)]
ERFC_MIDDLE = mpf("3.75")
ERFC_FROM, ERFC_TO = mpf("0.5"), mpf(28)


def erfc_argument(x):
    """The middle of (0, inf) goes to 0, and the ends to -1 and 1 (Shepherd and Laframboise 1981)."""
    return (x - ERFC_MIDDLE) / (x + ERFC_MIDDLE)


def scaled_erfc(t):
    """(1 + 2x) exp(x**2) erfc(x), which is smooth and near 1, of t = (x - 3.75) / (x + 3.75)."""
    x = ERFC_MIDDLE * (1 + t) / (1 - t)
    return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x)


ERFC_START = float(scaled_erfc(mpf(0)))


def _of_square(function):
    """function(x, x**2) as a function of x**2."""
    return lambda z: function(mp.sqrt(z), z)


# name: (function, from, to, degree)
POLYNOMIALS = {
    "EXP": (
        lambda r: (mp.expm1(r) - r) / r**2,
        -mp.log(2) / 2 - mpf("0.005"),
        mp.log(2) / 2 + mpf("0.006"),  # not symmetric: 0 would be one of the points
        10,
    ),
    "LOG": (_of_square(lambda s, z: 2 * (mp.atanh(s) - s) / (s * z)), 0, LOG_S**2 * 1.01, 7),
    "LOG_FIFTH": (
        _of_square(lambda s, z: 2 * (mp.atanh(s) - s - s**3 / 3) / (s * z * z)),
        0,
        LOG_S**2 * 1.01,
        7,
    ),
    "SIN": (_of_square(lambda r, z: (mp.sin(r) - r) / (r * z)), 0, mpf("0.63"), 6),
    "COS": (_of_square(lambda r, z: (mp.cos(r) - 1 + z / 2) / (z * z)), 0, mpf("0.63"), 6),
    "ATAN": (_of_square(lambda x, z: (mp.atan(x) - x) / (x * z)), 0, SMALL_TAN**2 * 1.001, 12),
    "ASIN": (_of_square(lambda x, z: (mp.asin(x) - x) / (x * z)), 0, mpf("0.2501"), 14),
    "SINH": (_of_square(lambda x, z: (mp.sinh(x) - x) / (x * z)), 0, mpf("1.01"), 7),
    "ERF": (_of_square(lambda x, z: mp.erf(x) / x - 1), 0, mpf("0.5") ** 2 * 1.001, 9),
    "ERFC": (
        lambda t: scaled_erfc(t) - ERFC_START,
        erfc_argument(ERFC_FROM) - mpf("0.001"),
        erfc_argument(ERFC_TO) + mpf("0.001"),
        22,
    ),
    "CBRT": (mp.cbrt, 1, 2, 5),
}


def interpolate(f, low, high, degree):
    """Coefficients of the polynomial through f at Chebyshev's points of an interval, and its largest error."""
    count = degree + 1
    middle, half = (mpf(low) + high) / 2, (mpf(high) - low) / 2
    nodes = [middle + half * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    values = [f(x) for x in nodes]
    # divided differences, then Horner's rule on polynomials
    for step in range(1, count):
        for i in range(count - 1, step - 1, -1):
            values[i] = (values[i] - values[i - 1]) / (nodes[i] - nodes[i - step])
    coefficients = [values[-1]]
    for node, value in zip(nodes[-2::-1], values[-2::-1], strict=True):
        shifted = [mpf(0), *coefficients]
        coefficients = [a - node * b for a, b in zip(shifted, [*coefficients, mpf(0)], strict=True)]
        coefficients[0] += value
    between = [middle + half * mp.cos(mp.pi * (i + mpf(1) / 3) / 97) for i in range(97)]
    error = max(abs(mp.polyval(coefficients[::-1], x) - f(x)) for x in between)
    return coefficients, error


def expansion(x, parts, bits=53):
    """x as a sum of doubles; all but the last have `bits` bits."""
    result = []
    for i in range(parts):
        size = mp.floor(mp.log(abs(x), 2)) + 1 if x else mpf(0)
        unit = mpf(2) ** (size - (53 if i == parts - 1 else bits))
        part = mp.nint(x / unit) * unit
        result.append(float(part))
        x -= part
    return result


# Reduction of huge x = M 2**q, M an integer of 53 bits: row j holds 2**(16 j - 48) 2/pi less whole fours
# (Payne and Hanek 1983, with the bits of 2/pi as doubles).
FIRST_POWER, STEP, ROWS = -48, 16, 65


def two_over_pi():
    rows = []
    for j in range(ROWS):
        part = mpf(2) ** (FIRST_POWER + STEP * j) * 2 / mp.pi
        rows.append(expansion(part - 4 * mp.nint(part / 4), 4))
    return rows


def constants():
    ln2, half_pi = mp.log(2), mp.pi / 2
    return {
        "LOG2E": expansion(1 / ln2, 2),
        "LN2": expansion(ln2, 3, 42),  # products of the first part with exponents are exact
        "LN2_PAIR": expansion(ln2, 2),
        "LOG10E": expansion(1 / mp.log(10), 2),
        "LOG10_2": expansion(mp.log10(2), 2, 42),
        "TWO_OVER_PI": expansion(1 / half_pi, 1)[0],
        "HALF_PI": expansion(half_pi, 2),
        "HALF_PI_PARTS": [*expansion(half_pi, 3, 33)[:2], *_rest(half_pi)],
        "QUARTER_PI": expansion(half_pi / 2, 2),
        "PI": expansion(mp.pi, 2),
        "TWO_THIRDS": expansion(mpf(2) / 3, 2),
        "TAN_EIGHTH_PI": float(SMALL_TAN),
        "ERFC_START": ERFC_START,
        "ERFC_MIDDLE": float(ERFC_MIDDLE),
        "CBRT_OF_2": float(mp.cbrt(2)),
        "CBRT_OF_4": float(mp.cbrt(4)),
        "PAYNE_HANEK_FIRST": FIRST_POWER,
        "PAYNE_HANEK_STEP": STEP,
        "PAYNE_HANEK": two_over_pi(),
    }


def _rest(x):
    """What two parts of 33 bits leave of x, in two doubles."""
    for part in expansion(x, 3, 33)[:2]:
        x -= mpf(part)
    return expansion(x, 2)


def _text(value):
    if isinstance(value, list):
        return "(\n" + "".join(f"    {_row(x)},\n" for x in value) + ")"
    return repr(value)


def _row(value):
    return f"({', '.join(map(repr, value))})" if isinstance(value, list) else repr(value)


def written():
    lines = [HEAD]
    for name, (f, low, high, degree) in POLYNOMIALS.items():
        with mp.workprec(300):
            coefficients, error = interpolate(f, low, high, degree)
        print(f"{name:10} degree {degree:2}  off by {mp.nstr(error, 3)}")
        lines.append(f"{name} = {_text([float(c) for c in coefficients])}\n")
    lines += [f"{name} = {_text(value)}\n" for name, value in constants().items()]
    return "".join(lines)


def _values(text) -> dict:
    """The numbers of a module, whose lines a formatter may have broken."""
    found: dict = {}
    exec(text, found)
    return {name: value for name, value in found.items() if name.isupper()}


def main(arguments) -> int:
    text = written()
    if "--check" in arguments:
        return int(_values(TARGET.read_text()) != _values(text))
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
