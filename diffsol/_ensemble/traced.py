"""Functions of a state followed by arguments of one's own, traced: kept in memory, and on disk for other processes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffsol._engine import making
from diffsol._engine.kernels import code_of
from diffsol._ensemble import kept
from diffsol._graph.node import Program
from diffsol._trace.reasons import Refused

_FLOAT = np.dtype(float)
MOST_KEPT = 64  # traced functions
MOST_VARIANTS = 8  # of one
PATIENCE = 20.0  # seconds that tracing may take


class Wrapped:
    """A user's function with other arguments than it has."""

    def __init__(self, fun):
        self.fun = fun


@dataclass
class Traced:
    """What a function was traced to.

    guards    what `check` was made of
    derived   further programs, if they were made: (jac, dfdt)
    checked   was it compared with the function, and is right?
    made      what else was made of it so far
    """

    program: Program
    check: Callable
    n_params: int
    guards: tuple
    derived: tuple | None = None
    checked: bool = False
    made: dict = field(default_factory=dict)

    def one(self, what, make):
        """What `make()` gives, made once.

        Where two threads make it at the same time both get the one that is kept: the code of the other is freed.
        """
        if what not in self.made:
            self.made.setdefault(what, make())
        return self.made[what]


@dataclass
class Record:
    """What functions were traced to. kept_as: the name of the file, or None."""

    kept_as: str | None
    variants: list[Traced]

    def keep(self):
        """For other processes."""
        if self.kept_as is not None:
            from diffsol._cache.traces import KeptTrace

            kept.keep_traces(
                self.kept_as,
                [KeptTrace(x.guards, x.n_params, x.program, x.derived) for x in self.variants],
            )


_known: OrderedDict[Any, Record] = OrderedDict()
_lock = threading.Lock()


def find(spread, functions, shared, size, shape, broadcast, room=0):
    """(Record, Traced whose guards hold, its parameters), traced now or before. Raises Refused.

    spread      what is traced, of a state of `size` numbers
    functions   the user's in it, which may be `Wrapped`
    shared      the other arguments
    shape       of what it returns; broadcast: or what broadcasts to that
    room        further numbers behind the parameters
    """
    record = _record_of(functions, spread.n, spread.places, shape, broadcast)
    for traced in list(record.variants):
        params = np.empty(traced.n_params + room)
        if traced.check(spread, shared, params):
            return record, traced, params
    traced = _trace(spread, shared, size, shape, broadcast)
    params = np.empty(traced.n_params + room)
    if not traced.check(spread, shared, params):
        raise Refused("unknown-object", "what it reads changes while it is read")
    with _lock:
        record.variants.insert(0, traced)
        del record.variants[MOST_VARIANTS:]
    record.keep()
    return record, traced, params


def _trace(spread, shared, size, shape, broadcast) -> Traced:
    found = making.followed(
        spread, shared, (size,), _FLOAT, shape, _FLOAT, broadcast=broadcast, seconds=PATIENCE
    )
    return Traced(found.program, found.check, found.n_params, found.guards)


def forget(fun):
    """What `fun` was traced to is wrong: neither this process nor another shall find it."""
    with _lock:
        for key in [key for key in _known if key[0] == _identity(fun)]:
            kept.forget(_known.pop(key).kept_as)


def _record_of(functions, *role) -> Record:
    key = (*map(_identity, functions), *role)
    with _lock:
        record = _known.get(key)
        if record is None:
            wrappers = [_wrappers(fun) for fun in functions]
            codes = tuple(code_of(_inner(fun)) for fun in functions)
            name = kept.name_of(codes, (*role, *wrappers) if any(wrappers) else role)
            record = _known[key] = Record(name, [_read(trace) for trace in kept.traces(name)])
            while len(_known) > MOST_KEPT:
                _known.popitem(last=False)
        _known.move_to_end(key)
    return record


def _read(trace):
    from diffsol._trace.check import made_of

    check = made_of(*trace.guards)
    return Traced(trace.program, check, trace.n_params, trace.guards, trace.derived)


def _identity(fun):
    """What is the same for all functions that one trace may stand for."""
    if isinstance(fun, Wrapped):
        return type(fun), _identity(fun.fun)
    return code_of(fun) or type(fun)


def _inner(fun):
    return _inner(fun.fun) if isinstance(fun, Wrapped) else fun


def _wrappers(fun) -> tuple:
    """The names of what is around a user's function, the outermost first."""
    return (type(fun).__qualname__, *_wrappers(fun.fun)) if isinstance(fun, Wrapped) else ()
