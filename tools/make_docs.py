"""Writes the pages that repeat what the code says: docs/errors.md and docs/tracing.md.

python tools/make_docs.py           write them
python tools/make_docs.py --check   exit with 1 if they are not up to date
"""

import inspect
import pathlib
import sys

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from diffsol import errors  # noqa: E402  (the tree, not an installed copy)
from diffsol._graph.ops import ELEMENTWISE  # noqa: E402
from diffsol._trace import calls, numpy_map  # noqa: E402
from diffsol._trace.reasons import REASONS  # noqa: E402

NOTE = "<!-- Written by tools/make_docs.py; change the code and run it again. -->\n"


def errors_page() -> str:
    """Every exception and warning of ours, and every reason why a function is not compiled."""
    lines = [NOTE, "# Errors, warnings and reasons", "", "## Exceptions and warnings", ""]
    for name, value in vars(errors).items():
        if inspect.isclass(value) and value.__module__ == errors.__name__:
            base = value.__bases__[0].__name__
            lines += [f"### {name} ({base})", "", inspect.getdoc(value), ""]
    lines += [
        "Bad arguments raise what SciPy raises. An exception of a user's function comes out as itself.",
        "",
        "## Why a function is not compiled",
        "",
        "`diffsol.explain(fun, t_span, y0, args=...)` tells which of these holds. Such a function is called as "
        "Python, as often and in the order that SciPy calls it: the result is right, only slower.",
        "",
    ]
    for reason in REASONS.values():
        lines += [
            f'<a id="{reason.code}"></a>',
            f"### {reason.code}: {reason.title}",
            "",
            reason.text,
            "",
            f"What to do: {reason.hint}",
            "",
        ]
    return "\n".join(lines)


def tracing_page() -> str:
    """What a compiled function may use."""
    known = (
        set(numpy_map.HANDLERS) | set(calls.SPECIAL) | set(numpy_map.MATH) | set(calls.TRANSPARENT)
    )
    ufuncs = {f for f in numpy_map.OPERATORS if hasattr(f, "__name__")}
    numpy_names = {_name(f) for f in known | ufuncs if _module(f).startswith("numpy")}
    lines = [
        NOTE,
        "# What can be compiled",
        "",
        "A function of (t, y, *args) is followed through plain Python: arithmetic, comparisons, `if` on traced values "
        "(both sides are followed), loops, comprehensions, helpers, lambdas, partials, methods, closures, default and "
        "keyword arguments, lists, tuples and dicts, indexing and slicing, and assignment into arrays made inside. "
        "Numbers and arrays read from outside become parameters: they may change without a new compilation. The "
        "callables below are known; another call on values that depend on t or y means that the whole function is "
        "called as Python (see [errors.md](errors.md)).",
        "",
        "## NumPy",
        "",
        _listed(numpy_names),
        "",
        "Further NumPy functions (`np.linalg.inv`, `np.vander`...) are called at once where their arguments do not "
        "depend on t, y or parameters.",
        "",
        "## Arrays and scalars",
        "",
        _listed(numpy_map.ARRAY_ATTRIBUTES),
        "",
        "## math",
        "",
        _listed({_name(f) for f in known if _module(f) == "math"}),
        "",
        "## Built-ins",
        "",
        _listed({_name(f) for f in known if _module(f) == "builtins"}),
        "",
        "## Operators of the graph",
        "",
        "| operator | inputs | complex | meaning |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row.name} | {row.arity} | {'yes' if row.complex else ''} | {_meaning(row)} |"
        for row in ELEMENTWISE.values()
    ]
    return "\n".join([*lines, ""])


def _meaning(row):
    function = row.reference
    if getattr(function, "__name__", "<").startswith(("<", "_")):
        return {"erf": "`math.erf`", "erfc": "`math.erfc`", "make_complex": "`re + 1j * im`"}[
            row.name
        ]
    return f"`numpy.{function.__name__}`"


def _module(function):
    return getattr(function, "__module__", None) or (
        "numpy" if type(function).__module__ == "numpy" else "builtins"
    )


def _name(function):
    module = _module(function)
    prefix = module.removeprefix("numpy").lstrip(".") + "." if module.startswith("numpy.") else ""
    return prefix + function.__name__


def _listed(names):
    return ", ".join(f"`{name}`" for name in sorted(names, key=str.lower))


PAGES = {"errors.md": errors_page, "tracing.md": tracing_page}


def main(arguments) -> int:
    stale = []
    for name, make in PAGES.items():
        path, text = ROOT / "docs" / name, make()
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text)
    if stale and "--check" in arguments:
        print("not up to date: " + ", ".join(stale) + "; run python tools/make_docs.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
