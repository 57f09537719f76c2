"""Jumps on traced values: both ways are followed to where they meet, and what differs is merged.

So n jumps in a row cost n times their ways, and not 2**n paths. What cannot be merged is left to
`Trace.decide`, which follows the paths one after the other, each to its end.

A loop that runs until something has converged is followed like any other jump: the way that stays in
the loop meets the way out behind it. After so many rounds Python is asked instead.
"""

from __future__ import annotations

import itertools

from diffsol._graph.node import reachable
from diffsol._trace.changes import Changes, assign_cell, changing, fill
from diffsol._trace.frames import code_of
from diffsol._trace.holding import containers_in
from diffsol._trace.joins import flow_of
from diffsol._trace.merging import Merging, Split, Unmergeable
from diffsol._trace.reasons import UserRaised

MOST_ROUNDS = 16  # of a loop until something has converged (Newton's method takes 5)
MOST_NESTED = (
    100  # jumps at one place, each on the way of the one before: elements looked at in turn
)


class State:
    """What a frame knows at some place."""

    def __init__(self, frame):
        self.locals, self.stack, self.cells = frame.locals, frame.stack, frame.cells

    def restore(self, frame):
        frame.locals, frame.cells = dict(self.locals), dict(self.cells)
        frame.stack = list(self.stack)


class Way(State):
    """One way from a jump, at its end. result: what the frame returned there; raised: what it raised."""

    def __init__(self, frame, changes, result=None, raised=None):
        super().__init__(frame)
        self.changes = changes
        self.result = result
        self.raised = raised


class Jump:
    """One conditional jump of a frame on a traced truth.

    targets: answer -> (index of the next step, does the truth leave the stack?)
    """

    def __init__(self, machine, frame, condition, targets):
        self.machine, self.trace, self.frame = machine, machine.trace, frame
        self.condition = condition  # node
        self.targets = targets
        self.index = frame.step.index
        self.site = (frame.raw, self.index)
        self.flow = flow_of(frame.raw)
        self.join = self.flow.join(self.index)
        self.start = State(frame)
        self.old = None  # ids of containers, once they are asked for

    def follow(self):
        """Leaves the frame at the join, or gives what a step that returns gives.

        Raises Split where the two ways cannot become one.
        """
        try:
            return self._followed()
        except Unmergeable:
            raise Split(self.site) from None

    def _followed(self):
        if all(self._returns(answer) for answer in (True, False)):
            raise Unmergeable  # twice as many ways with every round
        yes, no = self._way(True), self._way(False)
        self.start.restore(self.frame)
        if yes.raised is None and no.raised is None:
            return self._merge(yes, no)
        if no.raised is None:
            return self._take(no)
        if yes.raised is None:
            return self._take(yes)
        raise yes.raised

    def _returns(self, answer) -> bool:
        """Can this way come to the jump again, before the join?"""
        return self.flow.reaches(self.targets[answer][0], self.index, self.join)

    def _way(self, answer) -> Way:
        frame, trace = self.frame, self.trace
        self.start.restore(frame)
        frame.next, popped = self.targets[answer]
        if popped:
            frame.stack.pop()
        changes, result, raised = Changes(), None, None
        with trace.assuming(self.condition, answer, changes, (self.condition, frame, self.index)):
            try:
                if self._is_given_up(answer):
                    raise UserRaised(RuntimeError("after many rounds of a loop"), frame.where())
                result = self.machine.advance(frame, self.join)
            except UserRaised as exception:
                if frame.step.protected:
                    raise
                trace.traps.append(trace.graph.path)
                raised = exception
            finally:
                changes.finish()
        if result is not None and not result[1]:
            raise Unmergeable  # a generator gives something on one way only
        return Way(frame, changes, result, raised)

    def _is_given_up(self, answer) -> bool:
        """Has a loop that this way stays in been followed for long enough?"""
        earlier = [x for x, *place in self.trace.nest[:-1] if place == [self.frame, self.index]]
        if len(earlier) < MOST_ROUNDS or not self._returns(answer):
            return False
        return len(earlier) >= MOST_NESTED or _follows(self.condition, earlier)

    # --- at the join --------------------------------------------------------------------------------

    def _merge(self, yes, no):
        frame = self.frame
        if (yes.result is None) != (no.result is None) or not _same(yes.cells, no.cells):
            raise Unmergeable
        merging = Merging(self.trace, self.condition, yes, no, self._is_old)
        if yes.result is None:
            stack, values, result = merging.stack(), merging.locals(), None
            lost = (yes.locals.keys() | no.locals.keys()) - values.keys()
            frame.unmerged.update(dict.fromkeys(lost, self.site))
        else:
            merge = merging.outcome if self._ends_all() else merging.value
            result = (merge(yes.result[0], no.result[0]), True)
            stack, values = yes.stack, yes.locals
        contents, cells = merging.contents(), merging.cells()
        frame.stack, frame.locals, frame.cells = stack, values, yes.cells
        self._assign(contents, cells)
        merging.assign_arrays()
        frame.next = self.join
        return result

    def _ends_all(self) -> bool:
        """Is what this frame returns the result of the whole function?"""
        return all(
            outer.step.name.startswith("CALL")
            and outer.code.steps[outer.step.index + 1].name == "RETURN_VALUE"
            # not a call of sum, say, that calls this frame's function for each element
            and code_of(outer.callee) is inner.raw
            for outer, inner in itertools.pairwise(self.machine.frames)
        )

    def _take(self, way):
        """Goes on with what one way ended with, the other being left to Python."""
        frame, changes = self.frame, way.changes
        frame.stack, frame.locals, frame.cells = way.stack, way.locals, way.cells
        self._assign(changes.contents.values(), changes.cells)
        changes.assign_arrays()
        frame.next = self.join
        return way.result

    def _assign(self, contents, cells):
        for container, content in contents:
            changing(self.trace, container)
            fill(container, content)
        for cell, value in cells.items():
            assign_cell(self.trace, cell, value)

    def _is_old(self, container) -> bool:
        """Was this list, dict or set there before the jump?"""
        if self.old is None:
            values: list = []
            for frame in self.machine.frames:
                values += (*frame.locals.values(), *frame.stack, *frame.cells.values())
            self.old = containers_in(values, (type(self.machine), type(self.trace)))
        return id(container) in self.old


def _same(a, b) -> bool:
    return a.keys() == b.keys() and all(a[key] is b[key] for key in a)


def _follows(condition, earlier) -> bool:
    """Is a condition computed from what the one of the round before was computed from in its round?"""
    first, last = earlier[0].id, earlier[-1]
    made = {x.id for x in reachable([last]) if x.id > first and x.op != "view"}
    return any(x.id in made for x in reachable([condition]))
