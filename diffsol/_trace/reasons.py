"""Why a function is not compiled: the one list behind `diffsol.explain`, docs/errors.md and
``python -m diffsol --about=...``."""

from __future__ import annotations

import linecache
import types
from typing import NamedTuple


class Reason(NamedTuple):
    code: str  # also the anchor in docs/errors.md, and what --about takes
    title: str
    text: str
    hint: str
    example: tuple = ()  # (what is not compiled, the same written so that it is)


REASONS = {
    reason.code: reason
    for reason in (
        Reason(
            "side-effect",
            "It writes to something outside itself",
            "The function assigns to a global, an attribute, or an element of an object that "
            "existed before the call. A compiled function would do that never, or once, instead "
            "of at each call.",
            "Return everything through the result; collect histories from `sol.t` and `sol.y` "
            "afterwards.",
            ("`history.append(y[0])` in the function", "`history = sol.y[0]` after the solve"),
        ),
        Reason(
            "state-write",
            "It changes `y` in place",
            "SciPy lets the change take effect on the solution itself, so the function must "
            "really be called.",
            "Work on a copy: `y = y.copy()`, or use np.maximum / np.clip.",
            ("`y[y < 0] = 0`", "`y = np.maximum(y, 0)`"),
        ),
        Reason(
            "input-output",
            "It prints, reads or writes",
            "Input and output must happen at each call, so the function is called as Python.",
            "Remove the print, or look at the result afterwards.",
            (
                "`print(t, y)` in the function",
                "`for t, y in zip(sol.t, sol.y.T): print(t, y)` after the solve",
            ),
        ),
        Reason(
            "random",
            "It draws random numbers",
            "Each call must give new numbers, so the function is called as Python.",
            "Draw the numbers once, outside, and pass them in.",
            (
                "`np.random.normal()` in the function",
                "`noise = rng.normal(size=100)` before, `np.interp(t, times, noise)` in it",
            ),
        ),
        Reason(
            "clock",
            "It looks at the clock",
            "The result depends on when it is called, so the function is called as Python.",
            "Use the argument t.",
            ("`time.time() - start`", "`t`"),
        ),
        Reason(
            "unknown-call",
            "It calls something that is not known to be pure",
            "The called object is not Python code that can be followed, nor one of the NumPy, "
            "math or built-in functions that `python -m diffsol --about=tracing` lists.",
            "Write that part with what `python -m diffsol --about=tracing` lists, or tabulate it "
            "and use np.interp.",
            (
                "`model.predict(t)` in the function",
                "`table = model.predict(times)` before, `np.interp(t, times, table)` in it",
            ),
        ),
        Reason(
            "numpy-call",
            "It uses NumPy in a way that is not compiled",
            "The functions of NumPy that `python -m diffsol --about=tracing` lists can be compiled, "
            "most options of theirs as well. Of the others, those without side effects are called at "
            "once where their arguments do not depend on t, y or parameters; here they do.",
            "Write that part with the listed functions, or call it once, outside, if its arguments do "
            "not depend on t or y.",
        ),
        Reason(
            "unknown-attribute",
            "It uses an attribute or method that is not supported on arrays",
            "`python -m diffsol --about=tracing` does not list the attribute or method.",
            "Use an equivalent NumPy expression.",
            ("`y.argsort()`", "the same with the functions and methods that are listed"),
        ),
        Reason(
            "unknown-object",
            "It uses an object whose behaviour is not known",
            "Operators, items or iteration of this type run code that cannot be followed.",
            "Pass plain numbers, tuples, lists, dicts or NumPy arrays.",
            (
                "`params` an object of a library",
                "`params = {'k': 1.0}`, or a class of yours with numbers in it",
            ),
        ),
        Reason(
            "dtype",
            "It uses a dtype other than bool, int64, float64 or complex128",
            "Numbers of other precisions are followed as fixed ones where NumPy promotes what becomes of "
            "them to one of these. Arithmetic in other precisions rounds differently; compiling it as "
            "float64 would change the answer.",
            "Convert with `.astype(float)` once, outside.",
            ("`np.ones(3, np.float32) * t`", "`np.ones(3) * t`"),
        ),
        Reason(
            "complex-to-real",
            "A complex result is stored in a real state",
            "SciPy drops the imaginary part with a ComplexWarning.",
            "Use a complex y0 (`y0 + 0j`), or take `.real` on purpose.",
            ("`y0 = [1.0, 0.0]`", "`y0 = [1.0 + 0j, 0.0]`"),
        ),
        Reason(
            "dynamic-index",
            "A shape depends on t or y",
            "Array shapes must be known when the function is compiled. Elements may be read at computed "
            "indices; slices with computed ends, most assignments at computed indices, and what needs the "
            "length of a selection by a computed mask are not followed.",
            "Use np.where, np.clip or arithmetic on the whole array.",
            ("`y[:int(t)].sum()`", "`(y * (np.arange(len(y)) < int(t))).sum()`"),
        ),
        Reason(
            "concrete-value",
            "It needs the number behind a traced value",
            "The value of t or y is used where Python needs a number at once (a dict key, a "
            "format string, a foreign call).",
            "Keep to arithmetic, comparisons and NumPy functions on t and y.",
            ("`rates[str(y[0] > 1)]`", "`rates['True'] if y[0] > 1 else rates['False']`"),
        ),
        Reason(
            "too-many-branches",
            "Its branches on t or y are too many to follow",
            "The ways of an `if` are followed to where they meet, and numbers, arrays and lists that differ "
            "there are merged. Where something else differs (the length of a list, a string that is "
            "used later), each question doubles the ways through the function; more than the limit were found.",
            "Give lists one length and variables one kind of value on all ways, or use np.where, min, max or "
            "np.clip.",
            ("`sum([v for v in y if v > 0])`", "`sum([v if v > 0 else 0.0 for v in y])`"),
        ),
        Reason(
            "too-long",
            "It runs too long to be followed",
            "The function executes more instructions in one call than the tracer follows.",
            "Replace Python loops by array expressions.",
            ("`for i in range(n): d[i] = a[i] * y[i]`", "`d = a * y`"),
        ),
        Reason(
            "too-large",
            "It is too large to compile in the time that it can save",
            "Each pass of a Python loop becomes code of its own, and compiling that code takes longer "
            "than what the function has cost so far. It is tried again when the function has cost more.",
            "Replace Python loops over components by array expressions.",
            ("`for i in range(n): d[i] = a[i] * y[i]`", "`d = a * y`"),
        ),
        Reason(
            "try-except",
            "An exception is raised and handled inside it",
            "Which handler runs depends on values, so the function is called as Python.",
            "Test for the condition instead of catching the exception.",
            (
                "`try: r = 1 / y[0]` ... `except ZeroDivisionError: r = 0`",
                "`r = 1 / y[0] if y[0] != 0 else 0`",
            ),
        ),
        Reason(
            "raises",
            "It raises an exception on every path",
            "Calling it as Python raises the exception where SciPy would.",
            "Look at the exception; call the function by hand at (t0, y0). A function of (y, t) is one "
            "for odeint: method='odeint', or tfirst=False.",
        ),
        Reason(
            "result",
            "What it returns cannot be the derivative as it is",
            "The result has another shape or type than SciPy stores without conversion.",
            "Return an array or list of n numbers.",
        ),
        Reason(
            "bytecode",
            "It uses a Python instruction that is not followed",
            "Generators with send, async code, class definitions, match statements and the like "
            "are not followed.",
            "Use plain functions, loops and expressions.",
            ("`match mode: case 'a': ...`", "`if mode == 'a': ...`"),
        ),
        Reason(
            "python-version",
            "This version of Python is not followed",
            "Functions are followed by their bytecode, which is known for Python 3.11 to 3.13.",
            "Use one of these versions; everything works on others too, with Python callbacks.",
        ),
        Reason(
            "compiler",
            "The compiler failed",
            "llvmlite is missing or refused the generated code. This is a bug in diffsol, or in "
            "the installation.",
            "Check `import llvmlite.binding`; please report it.",
        ),
        Reason(
            "mismatch",
            "The compiled function disagreed with the Python function",
            "A new kernel is compared with the function at visited states; they differed, so the "
            "kernel was discarded and the solve was done in Python.",
            "The function is not a pure function of (t, y, args), or this is a bug in diffsol: "
            "please report it.",
        ),
        Reason(
            "no-lanes",
            "It has no form for several trajectories at once",
            "Ensembles are solved in the lanes of the processor's vector registers, for which some operations "
            "(complex numbers, operators of `register_op`, large systems of linear equations) have no code.",
            "Write a complex equation as one for real and imaginary parts; else the trajectories are solved one "
            "by one.",
        ),
        Reason(
            "switched-off",
            "Compilation is switched off",
            "DIFFSOL_JIT=0 or DIFFSOL_TIER=python is set in the environment.",
            "Unset it.",
        ),
        Reason(
            "not-native",
            "This call goes to SciPy's own solver",
            "The method, or an option, has no native form.",
            "Use RK23, RK45, DOP853, Radau, BDF or LSODA by name, without `vectorized`.",
        ),
        Reason(
            "jacobian-form",
            "A Jacobian in this form is called as Python",
            "The Jacobians of `complex_ode`, and of `odeint`, `ode` and LSODA in a band or by columns, "
            "go to the solver as the arrays that they return. The right-hand side is compiled all the "
            "same.",
            "Give `odeint`, `ode` and LSODA a full matrix by rows (no `col_deriv`, `ml`, `mu`, `lband`, "
            "`uband`), or no Jacobian.",
        ),
    )
}


def told_place(where) -> list[str]:
    """Lines that show (file name, line, function name) with its source; none for None."""
    if where is None:
        return []
    file, line, function = where
    source = linecache.getline(file, line).strip()
    return [
        f"  where: {file}, line {line}, in {function}",
        *([f"         {source}"] if source else []),
    ]


class Refused(BaseException):
    """The trace ends: the function must be called as Python. Never seen by user code."""

    def __init__(self, code, detail="", where=None):
        super().__init__(code, detail, where)
        self.reason = REASONS[code]
        self.detail = detail
        self.where = where  # (file name, line, function name) or None


class OutOfTime(Refused):
    """The time allowed is too short. seconds: what would be enough, presumably."""

    def __init__(self, code, detail, seconds):
        super().__init__(code, detail)
        self.seconds = seconds


class UserRaised(BaseException):
    """The traced function raises `exception` on this path."""

    def __init__(self, exception, where):
        super().__init__(exception, where)
        self.exception = exception
        self.where = where


# what a refused call is called by, to say why: module prefix -> reason
RANDOM_MODULES = ("random", "numpy.random", "secrets", "uuid")
CLOCK_MODULES = ("time", "datetime")
IO_NAMES = ("print", "open", "input", "write", "flush", "breakpoint")
IO_MODULES = ("io", "_io", "logging", "tqdm", "warnings", "sys", "os", "pathlib")


def refusal(function) -> Refused:
    """The Refused that says why this callable is not followed."""
    module = getattr(function, "__module__", None) or ""
    owner = getattr(function, "__self__", None)
    if owner is not None and not isinstance(owner, types.ModuleType):
        module = type(owner).__module__ or module
    name = getattr(function, "__qualname__", None) or type(function).__name__
    text = f"{module}.{name}" if module and module != "builtins" else name
    if any(module == m or module.startswith(m + ".") for m in RANDOM_MODULES):
        return Refused("random", text)
    if module in CLOCK_MODULES:
        return Refused("clock", text)
    if name.split(".")[-1] in IO_NAMES or module.split(".")[0] in IO_MODULES:
        return Refused("input-output", text)
    return Refused("numpy-call" if module.split(".")[0] == "numpy" else "unknown-call", text)
