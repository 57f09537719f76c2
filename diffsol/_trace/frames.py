"""Functions, frames and cells of the tracer's virtual machine, and decoded bytecode."""

from __future__ import annotations

import dis
import functools
import inspect
import sys
import types
from dataclasses import dataclass
from typing import Any, NamedTuple

from diffsol._trace.guards import Outside
from diffsol._trace.reasons import Refused

SUPPORTED = (3, 11) <= sys.version_info[:2] <= (3, 13)
METHOD_BIT = sys.version_info >= (3, 12)  # LOAD_ATTR also loads methods
NEW_CALLS = sys.version_info >= (3, 13)  # callable before the NULL slot, not after


class Null:
    """The interpreter's empty stack slot."""

    def __repr__(self):
        return "NULL"


NULL = Null()


@dataclass(slots=True)
class Step:
    """One instruction."""

    name: str
    arg: int | None
    value: Any
    line: int | None
    protected: bool  # inside a try block (or the like)
    index: int  # in `Code.steps`


class Code(NamedTuple):
    """A code object made ready: its steps and the step index of each jump target."""

    steps: list
    index: dict


@functools.lru_cache(maxsize=512)
def decode(code: types.CodeType) -> Code:
    spans = [(e.start, e.end) for e in _exception_entries(code)]
    steps, index, line = [], {}, code.co_firstlineno
    for ins in dis.get_instructions(code):
        position = ins.positions.lineno if ins.positions is not None else None
        line = position or line
        index[ins.offset] = len(steps)
        protected = any(start <= ins.offset < end for start, end in spans)
        steps.append(Step(ins.opname, ins.arg, ins.argval, line, protected, len(steps)))
    return Code(steps, index)


def _exception_entries(code):
    """The exception table, without the entries that the compiler adds to every generator."""
    entries = dis._parse_exception_table(code)
    if code.co_flags & inspect.CO_GENERATOR:
        entries = [e for e in entries if not (e.depth == 0 and e.lasti)]
    return entries


class Cell:
    """A variable shared between a function and the functions inside it."""

    __slots__ = ("value",)

    def __init__(self, value=NULL):
        self.value = value


class Function:
    """A Python function as the machine runs it: made inside the trace, or read from outside.

    globals is a callable name -> value (raising NameError); cells are those of the free variables.
    """

    def __init__(self, code, load_global, defaults=(), kwdefaults=None, cells=()):
        self.code = code
        self.load_global = load_global
        self.defaults = defaults
        self.kwdefaults = kwdefaults or {}
        self.cells = cells
        self.__name__ = code.co_name


class Opaque:
    """A string made from traced values: good for the text of an exception, nothing else."""

    def __hash__(self):
        raise Refused("concrete-value", "a string made from traced values")

    __eq__ = __bool__ = __len__ = __iter__ = lambda self, *other: hash(self)


class Method:
    """A function bound to its first argument."""

    __slots__ = ("function", "owner")

    def __init__(self, function, owner):
        self.function = function
        self.owner = owner


def code_of(callee) -> types.CodeType | None:
    """The code that a call of this runs, if a call of it gives what that code returns."""
    while isinstance(callee, Method | Outside | types.MethodType):
        if isinstance(callee, Outside):
            callee = callee.value
        else:
            callee = callee.function if isinstance(callee, Method) else callee.__func__
    if isinstance(callee, Function):
        return callee.code
    return callee.__code__ if isinstance(callee, types.FunctionType) else None


class Native:
    """A function of the tracer's in the place of one that the traced function made or looked up."""

    __slots__ = ("function",)

    def __init__(self, function):
        self.function = function


class Frame:
    """One running call."""

    __slots__ = (
        *("function", "code", "raw", "blocks", "locals", "cells"),
        *("stack", "next", "step", "kw_names", "callee", "unmerged"),
    )

    def __init__(self, function: Function, arguments: dict):
        code = function.code
        self.function = function
        self.code = decode(code)
        self.raw = code
        self.locals = arguments
        self.cells = dict(zip(code.co_freevars, function.cells, strict=True))
        self.stack: list = []
        self.next = 0
        self.step: Step | None = None
        self.kw_names: tuple = ()
        self.callee = None  # what its last call instruction called
        self.unmerged: dict = {}  # local variables lost at a join -> the place of the jump before it

    def where(self):
        line = self.step.line if self.step is not None else self.raw.co_firstlineno
        return self.raw.co_filename, line, self.raw.co_name


def bind(function: Function, args, kwargs) -> dict:
    """Arguments by name, as a call of the function would bind them; TypeError as Python."""
    code = function.code
    names = code.co_varnames
    positional = names[: code.co_argcount]
    keyword_only = names[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    bound = dict(zip(positional, args, strict=False))
    extra = args[len(positional) :]
    slot = code.co_argcount + code.co_kwonlyargcount
    if code.co_flags & inspect.CO_VARARGS:
        bound[names[slot]] = tuple(extra)
        slot += 1
    elif extra:
        noun = "argument" if len(positional) == 1 else "arguments"
        raise TypeError(
            f"{code.co_name}() takes {len(positional)} positional {noun} but {len(args)} were given"
        )
    rest = {}
    for key, value in kwargs.items():
        if key in positional[code.co_posonlyargcount :] or key in keyword_only:
            if key in bound:
                raise TypeError(f"{code.co_name}() got multiple values for argument {key!r}")
            bound[key] = value
        elif code.co_flags & inspect.CO_VARKEYWORDS:
            rest[key] = value
        else:
            raise TypeError(f"{code.co_name}() got an unexpected keyword argument {key!r}")
    if code.co_flags & inspect.CO_VARKEYWORDS:
        bound[names[slot]] = rest
    defaults = dict(
        zip(positional[len(positional) - len(function.defaults) :], function.defaults, strict=True)
    )
    for key in (*positional, *keyword_only):
        if key not in bound:
            source = defaults if key in defaults else function.kwdefaults
            if key not in source:
                raise TypeError(f"{code.co_name}() missing argument {key!r}")
            bound[key] = source[key]
    return bound
