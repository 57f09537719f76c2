"""What is compiled for an ensemble: the programs of its functions, and the parameters that all share."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsol._engine import making
from diffsol._engine.kernels import code_of
from diffsol._ensemble import kept
from diffsol._ensemble.spread import Spread, SpreadEvents, places_of
from diffsol._graph.node import Program
from diffsol._trace.reasons import Refused

_FLOAT = np.dtype(float)
MOST_KEPT = 64  # traced functions
MOST_VARIANTS = 8  # of one
PATIENCE = 20.0  # seconds that tracing may take


class EventRefused(Refused):
    """It is an event function that is not compiled."""


@dataclass(frozen=True)
class Programs:
    """The functions of an ensemble, of the state followed by the own arguments.

    fun, events    Program, or None where there are no events
    jac, dfdt      of `fun`, for stiff methods; dfdt None: fun does not depend on t
    """

    fun: Program
    events: Program | None = None
    jac: Program | None = None
    dfdt: Program | None = None

    def named(self) -> dict[str, Program]:
        """Those that there are."""
        return {name: program for name, program in vars(self).items() if program is not None}


@dataclass(frozen=True)
class Parameters:
    """The doubles that kernels read, the same for all trajectories, by the function's name."""

    fun: np.ndarray
    events: np.ndarray

    def of(self, name) -> np.ndarray:
        return self.events if name == "events" else self.fun


@dataclass
class _Traced:
    program: Program
    check: Callable
    n_params: int
    guards: tuple  # what `check` was made of
    derived: tuple | None = None  # (jac, dfdt)


@dataclass
class _Record:
    """What functions were traced to. kept_as: the name of the file, or None."""

    kept_as: str | None
    variants: list[_Traced]

    def keep(self):
        """For other processes."""
        if self.kept_as is not None:
            from diffsol._cache.traces import KeptTrace

            kept.keep_traces(
                self.kept_as,
                [KeptTrace(x.guards, x.n_params, x.program, x.derived) for x in self.variants],
            )


_known: OrderedDict[Any, _Record] = OrderedDict()
_lock = threading.Lock()


def programs_of(fun, events, batch, stiff) -> tuple[Programs, Parameters]:
    """The programs for a batch, traced now or before, and their parameters at present. Raises Refused.

    stiff    with derivatives
    """
    places = places_of(batch)
    record, rhs, params = _find(Spread(fun, batch.n, places), (fun,), batch, batch.n, True)
    watched, event_params = None, np.empty(0)
    if events:
        spread = SpreadEvents(tuple(events), batch.n, places)
        try:
            _, found, event_params = _find(spread, events, batch, len(events), False)
        except Refused as refused:
            raise EventRefused(refused.reason.code, refused.detail, refused.where) from None
        watched = found.program
    jac, dfdt = _derivatives(record, rhs, batch.n) if stiff else (None, None)
    return Programs(rhs.program, watched, jac, dfdt), Parameters(params, event_params)


def forget(fun):
    """What `fun` was traced to is wrong: neither this process nor another shall find it."""
    with _lock:
        for key in [key for key in _known if key[0] == _identity(fun)]:
            kept.forget(_known.pop(key).kept_as)


def _find(spread, functions, batch, rows, broadcast):
    """(_Record, _Traced whose guards hold, the parameters)."""
    record = _record_of(functions, spread.n, spread.places, rows, broadcast)
    for traced in list(record.variants):
        params = np.empty(traced.n_params)
        if traced.check(spread, batch.shared, params):
            return record, traced, params
    traced = _trace(spread, batch, rows, broadcast)
    params = np.empty(traced.n_params)
    if not traced.check(spread, batch.shared, params):
        raise Refused("unknown-object", "what it reads changes while it is read")
    with _lock:
        record.variants.insert(0, traced)
        del record.variants[MOST_VARIANTS:]
    record.keep()
    return record, traced, params


def _record_of(functions, *role) -> _Record:
    key = (*map(_identity, functions), *role)
    with _lock:
        record = _known.get(key)
        if record is None:
            name = kept.name_of(tuple(map(code_of, functions)), role)
            record = _known[key] = _Record(name, [_read(trace) for trace in kept.traces(name)])
            while len(_known) > MOST_KEPT:
                _known.popitem(last=False)
        _known.move_to_end(key)
    return record


def _read(trace):
    from diffsol._trace.check import made_of

    check = made_of(*trace.guards)
    return _Traced(trace.program, check, trace.n_params, trace.guards, trace.derived)


def _identity(fun):
    """What is the same for all functions that one trace may stand for."""
    return code_of(fun) or type(fun)


def _trace(spread, batch, rows, broadcast):
    size = batch.n + sum(own.size for own in batch.own)
    found = making.followed(
        spread,
        batch.shared,
        (size,),
        _FLOAT,
        (rows,),
        _FLOAT,
        broadcast=broadcast,
        seconds=PATIENCE,
    )
    return _Traced(found.program, found.check, found.n_params, found.guards)


def _derivatives(record, traced, n):
    if traced.derived is None:
        from diffsol._graph.jacobian import leading_jacobian, time_derivative
        from diffsol._graph.terms import TooLarge

        try:
            traced.derived = leading_jacobian(traced.program, n), time_derivative(traced.program)
        except TooLarge as error:
            raise Refused("too-large", f"its derivative: {error}") from error
        record.keep()
    return traced.derived
