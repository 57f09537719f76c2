"""What is compiled for an ensemble: the programs of its functions, and the parameters that all share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffsol._ensemble.spread import Spread, SpreadEvents, places_of
from diffsol._ensemble.traced import find
from diffsol._graph.node import Program
from diffsol._trace.reasons import Refused


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


def _find(spread, functions, batch, rows, broadcast):
    """(Record, Traced whose guards hold, the parameters)."""
    size = batch.n + sum(own.size for own in batch.own)
    return find(spread, functions, batch.shared, size, (rows,), broadcast)


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
