"""The pages that repeat what the code says, for docs/ and for ``python -m diffsol --about=...``."""

import importlib
import inspect

import numpy as np

from diffsol import errors
from diffsol._graph.ops import ELEMENTWISE
from diffsol._trace import calls, late, numpy_map, scipy_map, trace  # noqa: F401 (for its handlers)
from diffsol._trace.reasons import REASONS


def about(topic: str) -> str:
    """What there is to say of one reason, of all ("errors"), or of what can be compiled ("tracing").

    Raises KeyError for anything else.
    """
    if topic in PAGES:
        return PAGES[topic]()
    reason = REASONS[topic]
    parts = [reason.title, reason.text, f"What to do: {reason.hint}", *_example(reason)]
    return "\n\n".join(parts) + "\n"


def topics() -> list[str]:
    return [*PAGES, *REASONS]


def errors_page() -> str:
    """Every exception and warning of ours, and every reason why a function is not compiled."""
    lines = ["# Errors, warnings and reasons", "", "## Exceptions and warnings", ""]
    for name, value in vars(errors).items():
        if inspect.isclass(value) and value.__module__ == errors.__name__:
            base = value.__bases__[0].__name__
            lines += [f"### {name} ({base})", "", inspect.getdoc(value) or "", ""]
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
        lines += [line for text in _example(reason) for line in (text, "")]
    return "\n".join(lines)


def _example(reason) -> list[str]:
    return [f"Not {reason.example[0]}, but {reason.example[1]}."] if reason.example else []


def tracing_page() -> str:
    """What a compiled function may use."""
    for name in late.MODULES:
        importlib.import_module(name)
    late.join()
    known = (
        set(numpy_map.HANDLERS) | set(calls.SPECIAL) | set(numpy_map.MATH) | set(calls.TRANSPARENT)
    )
    ufuncs = {f for f in numpy_map.OPERATORS if hasattr(f, "__name__")}
    numpy_names = {_name(f) for f in known | ufuncs if _module(f).startswith("numpy")}
    lines = [
        "# What can be compiled",
        "",
        "A function of (t, y, *args) is followed through plain Python: arithmetic, comparisons, `if` on traced values "
        "(both sides are followed), loops, comprehensions, helpers, lambdas, partials, methods, closures, default and "
        "keyword arguments, lists, tuples and dicts, indexing and slicing, and assignment into arrays made inside. "
        "Numbers and arrays read from outside become parameters: they may change without a new compilation. The "
        "callables below are known; another call on values that depend on t or y means that the whole function is "
        "called as Python (`python -m diffsol --about=errors`).",
        "",
        "## NumPy",
        "",
        _listed(numpy_names),
        "",
        "Further NumPy functions (`np.linalg.eig`, `np.sort`...) are called at once where their arguments do not "
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
        "## bisect",
        "",
        _listed({_name(f) for f in known if _module(f) == "_bisect"}),
        "",
        "## SciPy",
        "",
        "Calls of these functions and of objects of these classes; what was changed in an object between two "
        "solves is seen.",
        "",
        _listed(scipy_map.names()),
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
        if not row.name.startswith("registered_")  # a user's, of this process
    ]
    return "\n".join([*lines, ""])


def _meaning(row):
    function = row.reference
    if getattr(function, "__name__", "<").startswith(("<", "_")):
        return {"erf": "`math.erf`", "erfc": "`math.erfc`", "make_complex": "`re + 1j * im`"}[
            row.name
        ]
    if row.name.startswith("special_"):
        return f"`scipy.special.{function.__name__}`"
    return f"`numpy.{function.__name__}`"


def _module(function):
    if isinstance(getattr(function, "__self__", None), np.ufunc):
        return "numpy"
    return getattr(function, "__module__", None) or (
        "numpy" if type(function).__module__ == "numpy" else "builtins"
    )


def _name(function):
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"{owner.__name__}.{function.__name__}"
    module = _module(function)
    prefix = module.removeprefix("numpy").lstrip(".") + "." if module.startswith("numpy.") else ""
    return prefix + function.__name__


def _listed(names):
    return ", ".join(f"`{name}`" for name in sorted(names, key=str.lower))


PAGES = {"errors": errors_page, "tracing": tracing_page}
