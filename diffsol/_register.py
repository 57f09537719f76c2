"""`register_op`: a function of the user's as an operator that is compiled and differentiated."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence

import numpy as np

from diffsol._compile import llvm_ops
from diffsol._engine import kernels
from diffsol._graph import derivatives as rules
from diffsol._graph import ops
from diffsol._graph.build import Graph
from diffsol._graph.formula import Formula
from diffsol._trace.registered import REGISTERED

DEFINITION = re.compile(r"define\s+(?:[\w.]+\s+)*?double\s+@([\w.$]+)\s*\(([^)]*)\)")
DECLARATION = re.compile(r"^\s*declare\s[^\n]*@([\w.$]+)\([^\n]*$", re.MULTILINE)
GLOBAL = re.compile(r"^\s*@[\w.$]+\s*=", re.MULTILINE)
_numbers = itertools.count()


def register_op(
    function: Callable,
    *,
    llvm: str | None = None,
    address: int | None = None,
    derivatives: Sequence[Callable | None] | None = None,
) -> None:
    """Make a function of numbers an operator of compiled functions.

    Where a traced function calls `function`, its kernel runs the given code instead; the Jacobian is
    made of the given derivatives. The code must compute what `function` computes: kernels are compared
    with Python at states that a solve visits, and a wrong one is discarded with a MismatchWarning.

    Parameters
    ----------
    function : callable
        What right-hand sides call, by whatever name they know it: f(x, ...) of real numbers, or a
        ufunc, which is also known of arrays.
    llvm : str, optional
        LLVM assembly that defines one function ``double @name(double %x, ...)``, pure, with whatever it
        declares (``@llvm.exp.f64``, for one).
    address : int, optional
        In place of `llvm`: the address of a pure C function ``double f(double, ...)``, valid as long as
        the process lives. It may be called by any thread, without the interpreter's lock.
    derivatives : sequence of callables, optional
        One for each argument: the partial derivative as a formula of ``(z, x, ...)``, where z is the
        result, written with arithmetic and NumPy's functions. None in place of one, or of all: not
        known, and implicit methods take differences.

    Raises
    ------
    TypeError
        `function` cannot be called, or comes with neither or both of `llvm` and `address`.
    ValueError
        `llvm` does not define one such function and nothing else, does not parse, or calls what is
        not LLVM's own; `address` is null; there are more or fewer derivatives than arguments, or one
        cannot be made of symbols.
    """
    if not callable(function):
        raise TypeError(f"`function` must be callable, not {function!r}")
    name = f"registered_{next(_numbers)}"
    if llvm is not None and address is None:
        arity, row = _by_text(name, llvm)
    elif address is not None and llvm is None:
        arity = _arity(function, derivatives)
        if not int(address):
            raise ValueError("`address` is null")
        row = _by_address(int(address), arity)
    else:
        raise TypeError("`register_op` takes either `llvm` or `address`")
    if derivatives is not None and len(derivatives) != arity:
        raise ValueError(f"`derivatives` must have {arity} entries, one for each argument")
    _try(derivatives, arity)
    reference = function if isinstance(function, np.ufunc) else np.vectorize(function, [float])
    ops.ELEMENTWISE[name] = ops.Elementwise(name, arity, "float", reference)
    _set_rules(name, arity, derivatives)
    llvm_ops.ROWS[name] = {ops.FLOAT: row}
    REGISTERED[id(function)] = function, name
    kernels.clear()  # what was compiled without it


def _try(partials, arity):
    """Derivatives of symbols: a mistake shall come out here, not in the middle of a solve."""
    graph = Graph()
    state = graph.state((arity + 1,), ops.FLOAT)
    symbols = [Formula(graph, graph.element(state, k)) for k in range(arity + 1)]
    for number, partial in enumerate(partials or ()):
        if partial is None:
            continue
        try:
            result = partial(*symbols)
        except Exception as error:
            raise ValueError(
                f"`derivatives[{number}]` fails with a result and {arity} arguments: {error!r}"
            ) from error
        if not isinstance(result, Formula | float | int):
            raise ValueError(f"`derivatives[{number}]` must give a formula, not {result!r}")


def _set_rules(name, arity, partials):
    partials = partials or (None,) * arity
    rules.DERIVATIVES[name] = tuple(rules.rule_of(name, partial) for partial in partials)


def _arity(function, partials):
    """How many arguments a function takes of which only the address is known."""
    if isinstance(function, np.ufunc):
        return function.nin
    if partials is not None:
        return len(partials)
    code = getattr(function, "__code__", None)
    if code is None:
        raise TypeError(
            "with `address`, `derivatives` must tell the number of arguments (None each will do)"
        )
    return code.co_argcount


def _by_address(address, arity):
    """The printer's row of a C function."""
    types = ", ".join(["double"] * arity)

    def row(w, *operands):
        pointer = w.value(f"inttoptr i64 {address} to ptr")
        given = ", ".join(f"double {x}" for x in operands)
        return w.value(f"call double ({types}) {pointer}({given}) nounwind")

    return row


def _by_text(name, text):
    """(number of arguments, the printer's row) of a function in LLVM assembly."""
    found = DEFINITION.findall(text)
    if len(found) != 1:
        raise ValueError(
            "`llvm` must define one function that returns a double: define double @name(double %x)"
        )
    own, parameters = found[0]
    arity = parameters.count("double") if parameters.strip() else 0
    if not arity or arity != parameters.count(",") + 1:
        raise ValueError(f"the function in `llvm` must take doubles, not ({parameters.strip()})")
    if GLOBAL.search(text):
        raise ValueError("`llvm` must define a function and nothing else: no global variables")
    _parse(text)
    for symbol, _ in _declared(text):
        if not symbol.startswith("llvm."):
            raise ValueError(
                f"`llvm` declares @{symbol}, which is not there; only @llvm... can be called"
            )
    declarations = {key.removeprefix("llvm."): line.strip() for key, line in _declared(text)}
    body = DECLARATION.sub("", text)
    body = re.sub(rf"@{re.escape(own)}(?![\w.$])", f"@{name}", body).replace(
        "define ", "define internal ", 1
    )

    def row(w, *operands):
        for key, line in declarations.items():
            w.declarations.setdefault(key, line)
        w.globals[name] = body.strip()
        given = ", ".join(f"double {x}" for x in operands)
        return w.value(f"call double @{name}({given})")

    return arity, row


def _declared(text):
    return [(found[1], found[0]) for found in DECLARATION.finditer(text)]


def _parse(text):
    import llvmlite.binding

    try:
        llvmlite.binding.parse_assembly(text).verify()
    except RuntimeError as error:
        raise ValueError(f"`llvm` cannot be parsed: {error}") from None
