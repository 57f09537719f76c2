"""What a traced function reads from outside, and the guards that make its kernel safe to reuse.

Every read (a global, a closure cell, an attribute, an item of a container, a default) becomes a
line of a generated function

    check(fun, args, P) -> bool

that repeats the reads on the function of a later call, compares what the trace relied on, and
copies the numbers and arrays that became parameters into the block P. If it returns False, the
kernel is not for that call. Lines stand in the order of the reads, so a line may rely on the ones above.
"""

from __future__ import annotations

import math
import re
import types
from collections import Counter

import numpy as np

from diffsol._graph.ops import COMPLEX, FLOAT
from diffsol._trace.check import made_of
from diffsol._trace.reasons import Refused
from diffsol._trace.whole import EXACT_INT

PIN_LIMIT = 1 << 16  # integer arrays up to this size are compared by content
TRUSTED = (
    "numpy",
    "math",
    "cmath",
    "operator",
    "functools",
    "itertools",
    "collections",
    "builtins",
)


def trusted_module(name) -> bool:
    """Do we rely on the functions of this module to be what they are, without a guard each?"""
    return isinstance(name, str) and name.split(".")[0] in TRUSTED


def is_trusted(function) -> bool:
    """Is this function of a trusted module, and not one that only took over its names (functools.wraps)?"""
    if isinstance(function, types.FunctionType):
        return trusted_module(function.__globals__.get("__name__"))
    return trusted_module(getattr(function, "__module__", None))


class Outside:
    """A container, object or function from outside; `var` is its name in the guard function."""

    __slots__ = ("value", "var", "reads")

    def __init__(self, value, var, reads):
        self.value = value
        self.var = var
        self.reads = reads

    def __bool__(self):
        raise Refused("unknown-object", f"truth of a {type(self.value).__name__}")

    def __hash__(self):
        raise Refused("unknown-object", f"hash of a {type(self.value).__name__}")

    def __eq__(self, other):
        raise Refused("unknown-object", f"comparison of a {type(self.value).__name__}")

    def __repr__(self):
        return f"<outside {self.var}: {type(self.value).__name__}>"


class Part(str):
    """The expression of an element of a container that is guarded as a whole (see `tables.py`)."""

    __slots__ = ("table", "level", "position")

    @classmethod
    def of(cls, text, table, level, position):
        made = cls(text)
        made.table, made.level, made.position = table, level, position
        return made

    def child(self, k):
        """The expression of its element k."""
        return Part.of(f"{self}[{k}]", self.table, *self.table.child(self.level, self.position, k))

    @property
    def number(self) -> int:
        return self.table.number(self.level, self.position)


class Reads:
    """The reads of one trace, the parameters found, and the guard function made of both."""

    def __init__(self):
        self.lines: list[str] = []
        self.constants: list = []
        self.once: dict[int, str] = {}  # id of a constant -> its name, see constant_once
        self.known: dict = {}  # (parent var, step) -> (var, value)
        self.required: set = set()
        self.params: list[Param] = []
        self.n_params = 0
        self.tables: dict = {}  # var of a long container -> its Table, or None where that is none
        self.items: Counter = (
            Counter()
        )  # var of a container -> how many items were read, one at a time
        self.labels: dict[str, str] = {}  # var -> what people call it

    # --- lines ------------------------------------------------------------------------

    def constant(self, value) -> str:
        self.constants.append(value)
        return f"K{len(self.constants) - 1}"

    def constant_once(self, value) -> str:
        """The name of a constant that may be asked for many times."""
        if (
            id(value) not in self.once
        ):  # `constants` keeps the value, so that nothing else has its id
            self.once[id(value)] = self.constant(value)
        return self.once[id(value)]

    def read(self, key, expression, value) -> str:
        """Variable holding `expression`; one variable per key, with the value seen now."""
        if key not in self.known:
            var = f"v{len(self.known)}"
            self.lines.append(f"{var} = {expression}")
            self.known[key] = (var, value)
        return self.known[key][0]

    def require(self, condition):
        if condition not in self.required:
            self.required.add(condition)
            self.lines.append(f"if not ({condition}): return False")

    def require_length(self, var, value):
        if type(var) is not Part:
            self.require(f"len({var}) == {len(value)}")

    def require_exact(self, var):
        """The trace relies on this int being exact as a double."""
        if type(var) is Part:
            if var.number not in var.table.offsets:
                var.table.exact.append(var.number)
        else:
            self.require(f"-{EXACT_INT} < {var} < {EXACT_INT}")

    def require_type(self, var, value):
        if type(var) is Part:
            return
        key = (var, "type")
        if key not in self.known:
            self.known[key] = (var, None)
            self.require(f"type({var}) is {self.constant(type(value))}")

    def pin(self, var, value):
        """The trace relies on this very value."""
        if type(var) is Part:
            var.table.pinned[var.number] = value
            return
        key = (var, "pinned")
        if key not in self.known:
            self.known[key] = (var, None)
            test = (
                "is"
                if value is None or isinstance(value, (types.ModuleType, type)) or callable(value)
                else "=="
            )
            self.require(f"{var} {test} {self.constant(value)}")

    def pin_member(self, module, name, value):
        """The trace relies on this module holding this very object under this name."""
        key = (module.__name__, name, "member")
        if key not in self.known:
            self.known[key] = (name, None)
            self.require(f"{self.constant_once(module)}.{name} is {self.constant(value)}")

    def pin_array(self, var, value):
        key = (var, "pinned")
        if key not in self.known:
            self.known[key] = (var, None)
            self.require(f"array_equal({var}, {self.constant(np.array(value))})")

    # --- parameters -------------------------------------------------------------------

    def add_param(self, var, value, shape, dtype) -> int:
        """Offset of the parameter block's part that holds `var`; one part per variable."""
        if type(var) is Part:
            offset = var.table.offsets.setdefault(var.number, self.n_params)
            self.n_params += offset == self.n_params
            return offset
        key = (var, "param")
        if key not in self.known:
            param = Param(self.n_params, var, shape, dtype)
            self.params.append(param)
            self.lines.append(param.store_line())
            self.n_params += param.width
            self.known[key] = (var, param.offset)
        return self.known[key][1]

    def source(self) -> str:
        return "\n".join(self.lines)

    def told(self) -> list[str]:
        """For people: what is read, by its way from the function, and what that means."""
        names: dict = {}
        for var, expression in self._expressions():
            expression = self.labels.get(var, expression)
            names[var] = re.sub(
                r"\bv\d+\b", lambda found: names.get(found[0], found[0]), expression
            )
        readable = {var: _readable(name) for var, name in names.items()}
        roles = {(param.var, "param") for param in self.params}
        lines = []
        for key, (var, _value) in self.known.items():
            if key in roles:
                lines.append(f"{readable[var]}: may change, is read anew by each solve")
            elif key[1:] == ("pinned",):
                lines.append(f"{readable[var]}: compiled for its present value, anew for another")
        for var, table in self.tables.items():
            if table is not None and table.offsets:
                lines.append(f"numbers in {readable[var]}: may change, are read anew by each solve")
            if table is not None and table.pinned:
                lines.append(f"others in {readable[var]}: compiled for their present values")
        return lines

    @property
    def has_arrays(self) -> bool:
        """Are there arrays among the parameters?"""
        tables = [table for table in self.tables.values() if table is not None]
        return any(p.shape for p in self.params) or any(table.offsets for table in tables)

    def _expressions(self):
        for line in self.lines:
            var, equals, expression = line.partition(" = ")
            if equals and var.startswith("v"):
                yield var, expression

    def compile_check(self):
        """The guard function check(fun, args, P)."""
        return made_of(self.source(), self.constants)


def _readable(name):
    """The way to an object, without what Python keeps it in."""
    name = re.sub(r"^.*\.__globals__\['(\w+)'\]", r"\1", name)
    return re.sub(r"^fun\.__self__", "self", name).replace(".cell_contents", "")


class Param:
    """A part of the parameter block."""

    def __init__(self, offset, var, shape, dtype):
        self.offset = offset
        self.var = var
        self.shape = shape
        self.dtype = dtype

    @property
    def width(self):
        return math.prod(self.shape) * (2 if self.dtype == COMPLEX else 1)

    def store_line(self):
        here = f"P[{self.offset}:{self.offset + self.width}]"
        if self.shape == ():
            if self.dtype == COMPLEX:
                return f"P[{self.offset}] = {self.var}.real; P[{self.offset + 1}] = {self.var}.imag"
            return f"P[{self.offset}] = {self.var}"
        if self.dtype == COMPLEX:
            return f"{here}.view('c16')[:] = {self.var}.ravel()"
        return f"{here} = {self.var}.ravel()"


class OutsideInt:
    """An int from outside: a parameter next to traced floats, a fixed number everywhere else."""

    __slots__ = ("value", "var", "trace")

    def __init__(self, value, var, trace):
        self.value = value
        self.var = var
        self.trace = trace

    def pinned(self) -> int:
        self.trace.reads.pin(self.var, self.value)
        return self.value

    def as_param(self):
        """The node of this int as a double."""
        reads = self.trace.reads
        if abs(self.value) >= EXACT_INT:
            return self.trace.graph.const(float(self.pinned()))
        reads.require_exact(self.var)
        node = self.trace.graph.param(reads.add_param(self.var, self.value, (), FLOAT), (), FLOAT)
        self.trace.parameters[node.id] = (self.value, self.var)
        return node

    __index__ = __int__ = pinned

    def __float__(self):
        return float(self.pinned())

    def __bool__(self):
        return bool(self.pinned())

    def __hash__(self):
        return hash(self.pinned())

    def __repr__(self):
        return repr(self.pinned())


def unpin(value):
    """Plain int for an OutsideInt (which is thereby fixed), everything else as it is."""
    return value.pinned() if isinstance(value, OutsideInt) else value
