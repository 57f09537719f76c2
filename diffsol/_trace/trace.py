"""Traces a user's function of (t, y).

At a jump on a traced value both ways are followed to where they meet and merged (`branches.py`). Where that
is not possible the path goes one way and the other way is noted; the function is run again for each noted
way. Runs share one graph, in which equal expressions are one node, and the results are joined by
`select` along the tree of decisions.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from diffsol._graph import interpret
from diffsol._graph.build import Graph
from diffsol._graph.node import Program, reachable, varies
from diffsol._graph.ops import BOOL, COMPLEX, ELEMENTWISE
from diffsol._graph.roll import rolled
from diffsol._trace import builtin_calls, cached, calls, containers, iterators, paths, world  # noqa: F401 (for their handlers)
from diffsol._trace.clock import Clock
from diffsol._trace.collector import collector_paused
from diffsol._trace.frames import SUPPORTED
from diffsol._trace.guards import Outside, Reads
from diffsol._trace.machine import Machine, UserRaised
from diffsol._trace.merging import Split
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import Scalar, Traced
from diffsol._trace.values import Array, as_node

MAX_PATHS = 64
MAX_SPLITS = 8  # jumps that turn out to need paths of their own; with more of them all get theirs
MAX_OUTSIDE = 3  # questions on outside numbers whose both answers are followed; for more the numbers are fixed
MAX_STEPS = 4_000_000  # instructions; the time allowed ends most long traces sooner


@dataclass
class TraceResult:
    """A traced function: what to compile, and how to know that it fits a later call."""

    program: Program
    check: Callable  # check(fun, args, P) -> bool; fills the parameter block P
    guards: tuple  # what `check` was made of: source and constants
    n_params: int
    has_arrays: bool  # are there arrays among the parameters?
    reads: Reads | None = None  # what it reads from outside, where asked for


class Trace:
    """One function being traced: its graph, its reads, and the decisions of the current path."""

    def __init__(self, told=False, merging=True, forked=()):
        self.merging = merging  # are jumps merged?
        self.merged = False  # was one?
        self.forked = set(forked)  # sites of jumps that cannot be
        self.keeps_iterators = False  # could two ways want the elements of one iterator?
        self.assumed: list = []  # [(condition node, answer)] on the way that is being followed
        self.changes = None  # Changes of that way
        self.nest: list = []  # jumps (condition, frame, index) that it is within
        self.graph = Graph(self._where if told else None)
        self.reads = Reads()
        self.parameters: dict = {}  # id of a param node -> (value, guard variable)
        # what was read once: (guard variable, name) of a global -> (value, what the machine has for it),
        # and (module, name) -> value
        self.entered: dict = {}
        self.members: dict = {}
        self.machine = None
        self.classes: dict = {}  # of namedtuples made inside -> the class as it was read
        self.script: tuple = ()
        self.decisions: list = []  # [(condition node, answer)]
        self.asked_at = None  # line of the last decision
        self.outside: dict = {}  # id of a node -> does it depend on outside numbers only?
        self.traps: list = []  # conditions under which Python raises on the current path

    def _where(self):
        return None if self.machine is None else self.machine.where()

    # --- called by values ---------------------------------------------------------------------

    def decide(self, value) -> bool:
        """The truth of a traced value on this path."""
        node = self._truth(value)
        answer = self._answer(node)
        if answer is not None:
            return answer
        if self._is_outside(node) and self._asked_outside() >= MAX_OUTSIDE:
            return bool(self.concrete(Scalar(self, node)))
        position = len(self.decisions)
        if position - len(self.script) >= MAX_PATHS:  # each of these leaves a path to follow
            raise Refused("too-many-branches", f"more than {MAX_PATHS} paths")
        answer = self.script[position] if position < len(self.script) else True
        self.decisions.append((node, answer))
        self.asked_at = self._where()
        return answer

    def _truth(self, value):
        """The node of a traced value as a condition."""
        node = value.node
        if node.size != 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous.")
        return self.graph.cast(self.graph.reshape(node, ()), BOOL)

    def _answer(self, node):
        """The truth of a condition if it is known here, else None."""
        if node.value is not None:
            return bool(node.value)
        for condition, answer in (*self.assumed, *self.decisions):
            if condition is node:
                return answer
        return None

    def open_condition(self, frame, value):
        """The node of a truth that a frame jumps on, if both ways may be followed and merged; else None."""
        if not self.merging or self.keeps_iterators or not isinstance(value, Traced):
            return None
        node = self._truth(value)
        if (frame.raw, frame.step.index) in self.forked or self._answer(node) is not None:
            return None
        return None if self._is_outside(node) else node

    def keep_iterator(self):
        """An iterator may be advanced later on: what one way takes from it is gone for the other."""
        if self.merged:
            raise Refused("too-many-branches", "an iterator is kept")
        self.keeps_iterators = True

    @contextlib.contextmanager
    def assuming(self, condition, answer, changes, jump):
        """Follows one way from a jump: what is built there counts only where the answer is given."""
        graph, outer = self.graph, (self.graph.path, self.changes)
        path = condition if answer else graph.elementwise("logical_not", condition)
        if graph.path is not None:
            path = graph.elementwise("logical_and", graph.path, path)
        graph.path, self.changes, self.merged = path, changes, True
        self.assumed.append((condition, answer))
        self.nest.append(jump)
        try:
            yield
        finally:
            graph.path, self.changes = outer
            self.assumed.pop()
            self.nest.pop()

    def _is_outside(self, node) -> bool:
        """Does it depend on numbers from outside only?"""
        stack = [node]
        while stack:
            x = stack[-1]
            unknown = [i for i in x.inputs if i.id not in self.outside]
            if unknown:
                stack.extend(unknown)
            else:
                stack.pop()
                inner = all(self.outside[i.id] for i in x.inputs)
                self.outside[x.id] = inner and x.op not in ("time", "state")
        return self.outside[node.id]

    def _asked_outside(self) -> int:
        return sum(self._is_outside(condition) for condition, _ in self.decisions)

    def trap_if(self, condition):
        """Python raises here where this scalar condition holds, whether or not the result is used."""
        path = self.graph.path
        if condition.value is None:
            if path is not None:
                condition = self.graph.elementwise("logical_and", path, condition)
            self.traps.append(condition)
        elif condition.value:
            exception = ArithmeticError("on this path at every evaluation")
            raise exception if path is None else UserRaised(exception, self.machine.where())

    def concrete(self, value):
        """The number behind a value that depends on outside numbers only; these become fixed."""
        node = value.node
        if node.value is not None:
            return node.value if node.shape else node.value[()]
        if varies([node]):
            raise Refused(
                "dynamic-index" if node.dtype.kind in "ib" else "concrete-value",
                "a value that depends on t or y is needed as a number",
            )
        values: dict = {}
        for x in reachable([node]):
            values[x.id] = (
                self._pinned_leaf(x)
                if not x.inputs
                else interpret.apply(
                    x.op, x.attrs, x.shape, x.dtype, [values[i.id] for i in x.inputs]
                )
            )
        result = values[node.id]
        return result if node.shape else result[()]

    def _pinned_leaf(self, node):
        if node.value is not None:
            return node.value
        known = self.parameters.get(node.id)
        if known is None:
            raise Refused("concrete-value", "an int from outside is needed as a number")
        value, var = known
        (self.reads.pin_array if node.shape else self.reads.pin)(var, value)
        return np.asarray(value)

    def class_of(self, outside):
        return world.class_of(self, outside)

    def local_copy(self, outside):
        return containers.local_copy(self.machine, outside)


@collector_paused()
def trace_function(
    fun,
    args,
    state_shape,
    state_dtype,
    shape,
    dtype,
    broadcast=True,
    y_first=False,
    transposed=False,
    clock=None,
    told=False,
) -> TraceResult:
    """Traces fun(t, y, *args), or fun(y, t, *args), for a state of the given shape and dtype.

    `shape` and `dtype` are those of the result: a result that NumPy casts without a warning is
    accepted, with `broadcast` also a single number for all components. Any other ends the trace.
    told: nodes know their line, loops stay as they were written, and the reads are kept.
    The program gives it `transposed` where asked to (a matrix column by column).
    Raises Refused; OutOfTime by the clock.
    """
    if not SUPPORTED:
        raise Refused("python-version")
    what = (fun, args, state_shape, state_dtype, shape, dtype, broadcast, y_first, transposed)
    merging, forked, clock = True, set(), clock or Clock()
    while True:
        trace = Trace(told, merging, forked)
        try:
            return _traced(trace, clock, told, *what)
        except Split as split:
            merging = len(forked) < MAX_SPLITS
            forked = {*trace.forked, split.site}
        except Refused as refused:
            if not trace.merged or refused.reason.code == "too-long":
                raise
            merging = False


def _traced(
    trace,
    clock,
    told,
    fun,
    args,
    state_shape,
    state_dtype,
    shape,
    dtype,
    broadcast,
    y_first,
    transposed,
):
    """What `trace_function` gives, or the reason why it cannot be had this way."""
    leaves: list = []
    pending: list = [()]
    raised = None
    while pending:
        trace.script = pending.pop()
        trace.decisions, trace.traps = [], []
        trace.machine = Machine(trace, MAX_STEPS, clock)
        try:
            # a constant that NumPy warns about must warn at every evaluation
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                value = _call_root(trace, fun, args, state_shape, state_dtype, y_first)
                output = _result(trace, value, shape, dtype, broadcast)
                if transposed:
                    output = trace.graph.view(output, 0, (1, shape[1]), shape[::-1])
        except UserRaised as error:
            output, raised = None, error
        except Refused as refused:
            refused.where = refused.where or _where(fun)
            raise
        leaves.append((tuple(trace.decisions), output, paths.any_of(trace.graph, trace.traps)))
        answers = tuple(answer for _, answer in trace.decisions)
        pending.extend((*answers[:i], False) for i in range(len(trace.script), len(answers)))
        if len(leaves) + len(pending) > MAX_PATHS:
            where = trace.asked_at or _where(fun)
            raise Refused("too-many-branches", f"more than {MAX_PATHS} paths", where)
    if all(output is None for _, output, _ in leaves):
        raise Refused("raises", repr(raised.exception), raised.where)
    output, trap = paths.join(trace.graph, leaves, 0, shape, dtype)
    trap = paths.or_unused(trace.graph, output, trap)
    program = Program(
        output,
        trap if trap.value is None else None,
        tuple(state_shape),
        state_dtype,
        trace.reads.n_params,
    )
    _refuse_warning_constants(program, fun)
    return TraceResult(
        program if told else rolled(program),
        _compiled_check(trace.reads),
        (trace.reads.source(), trace.reads.constants),
        trace.reads.n_params,
        trace.reads.has_arrays,
        trace.reads if told else None,
    )


def _call_root(trace, fun, args, state_shape, state_dtype, y_first):
    graph, reads = trace.graph, trace.reads
    t = Scalar(trace, graph.time(), True)
    y = Array.of(trace, graph.state(state_shape, state_dtype), "state")
    reads.read(("args",), "args", args)
    reads.require(f"len(args) == {len(args)}")
    extra = [
        world.enter(trace, a, reads.read(("args", i), f"args[{i}]", a)) for i, a in enumerate(args)
    ]
    leading = [y, t] if y_first else [t, y]
    return calls.call(trace.machine, _root(trace, fun), [*leading, *extra], {})


def _root(trace, fun):
    reads = trace.reads
    var = reads.read(("fun",), "fun", fun)
    if inspect.isfunction(fun) or inspect.ismethod(fun):
        reads.require_type(var, fun)
        return Outside(fun, var, reads)
    return world.enter(trace, fun, var)


def _where(fun):
    code = getattr(fun, "__code__", None)
    return (code.co_filename, code.co_firstlineno, code.co_name) if code is not None else None


def _result(trace, value, shape, dtype, broadcast):
    """The node of what the function returned, cast and broadcast as SciPy does silently."""
    if isinstance(value, Outside):
        value = trace.local_copy(value)
    if not isinstance(value, (Traced, list, tuple, int, float, complex, np.generic, np.ndarray)):
        raise Refused("result", f"a {type(value).__name__}")
    try:
        node = as_node(trace, value)
    except (ValueError, TypeError) as error:
        raise Refused("result", str(error)) from None
    if node.dtype == COMPLEX and dtype != COMPLEX:
        raise Refused("complex-to-real", "the result is complex, the state real")
    if node.shape != shape and not (broadcast and node.size == 1 and node.ndim <= 1):
        raise Refused("result", f"shape {node.shape} instead of {shape}")
    if node.size == 1:
        node = trace.graph.reshape(node, ())
    return trace.graph.broadcast(trace.graph.cast(node, dtype), shape)


def _refuse_warning_constants(program, fun):
    """Constants that NumPy warns about at every evaluation: a compiler computes them once, in silence."""
    for node in program.nodes:
        if node.op not in ELEMENTWISE or node.inputs[0].value is None:
            continue
        if all(x.value is not None for x in node.inputs):
            try:
                with np.errstate(divide="raise", over="raise", invalid="raise", under="ignore"):
                    interpret.apply(
                        node.op, node.attrs, node.shape, node.dtype, [x.value for x in node.inputs]
                    )
            except FloatingPointError as error:
                raise Refused("raises", repr(error), node.where or _where(fun)) from None


def _compiled_check(reads):
    try:
        return reads.compile_check()
    except (SyntaxError, MemoryError, RecursionError) as error:
        raise Refused("too-long", f"guards: {error}") from None
