"""Where the two ways of a conditional jump meet again: the control flow of bytecode.

The join of a jump is its immediate postdominator: the first instruction that every way from it to a
return passes. Ways that end in a `raise` do not count, so that code behind a check is not part of it.
"""

from __future__ import annotations

import functools

from diffsol._trace.frames import NEW_CALLS, decode

RETURNS = ("RETURN_VALUE", "RETURN_CONST")
ENDS = ("RAISE_VARARGS", "RERAISE")
JUMPS = ("JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT")


def after_loop(code, step) -> int:
    """Index of the step behind a loop whose iterator (of the FOR_ITER `step`) has ended."""
    index = code.index[step.value]
    for cleanup in ("END_FOR", "POP_TOP"):
        if code.steps[index].name == cleanup and (
            cleanup == "END_FOR" or NEW_CALLS and code.steps[index - 1].name == "END_FOR"
        ):
            index += 1
    return index


@functools.lru_cache(maxsize=512)
def flow_of(code) -> Flow:
    return Flow(decode(code))


class Flow:
    """The joins of one code object; the exit is the step behind the last one."""

    def __init__(self, code):
        self.exit = len(code.steps)
        self.after = [self._successors(code, i, step) for i, step in enumerate(code.steps)]
        self._parent = self._postdominators()

    def join(self, index) -> int:
        """Index of the step where all ways from step `index` meet, or the exit."""
        return self._parent.get(index, self.exit)

    def reaches(self, start, goal, wall) -> bool:
        """Is there a way from `start` to `goal` that does not pass `wall`?"""
        seen, stack = {wall}, [start]
        while stack:
            index = stack.pop()
            if index == goal:
                return True
            if index not in seen and index != self.exit:
                seen.add(index)
                stack.extend(self.after[index])
        return False

    def _successors(self, code, index, step):
        if step.name in RETURNS:
            return (self.exit,)
        if step.name in ENDS:
            return ()
        if step.name in JUMPS:
            return (code.index[step.value],)
        if step.name == "FOR_ITER":
            return (index + 1, after_loop(code, step))
        if "JUMP" in step.name or step.name == "SEND":
            return (index + 1, code.index[step.value])
        return (index + 1,)

    def _postdominators(self) -> dict:
        """Immediate postdominators (Cooper, Harvey, Kennedy: A simple, fast dominance algorithm, 2001)."""
        before: dict = {i: [] for i in range(self.exit + 1)}
        for index, after in enumerate(self.after):
            for x in after:
                before[x].append(index)
        order = self._from_exit(before)
        rank = {index: i for i, index in enumerate(order)}
        parent = {self.exit: self.exit}
        changed = True
        while changed:
            changed = False
            for index in order[1:]:
                found = None
                for x in self.after[index]:
                    if x in parent:
                        found = x if found is None else _common(parent, rank, found, x)
                if parent.get(index) != found:
                    parent[index], changed = found, True
        return parent

    def _from_exit(self, before) -> list:
        """Steps in reverse postorder of the reversed flow."""
        order, seen = [], {self.exit}
        stack = [(self.exit, iter(before[self.exit]))]
        while stack:
            index, rest = stack[-1]
            for x in rest:
                if x not in seen:
                    seen.add(x)
                    stack.append((x, iter(before[x])))
                    break
            else:
                order.append(index)
                stack.pop()
        return order[::-1]


def _common(parent, rank, a, b):
    """The nearest step that postdominates both."""
    while a != b:
        while rank[a] > rank[b]:
            a = parent[a]
        while rank[b] > rank[a]:
            b = parent[b]
    return a
