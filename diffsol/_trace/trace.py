"""Traces a user's function of (t, y): one run of the machine per path through its branches.

At a branch on a traced value the path goes one way and the other way is noted; the function is run
again for each noted way. Runs share one graph, in which equal expressions are one node, and the
results are joined by `select` along the tree of decisions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from diffsol._graph import interpret
from diffsol._graph.build import Graph
from diffsol._graph.node import Program, reachable, varies
from diffsol._graph.ops import BOOL, COMPLEX, ELEMENTWISE
from diffsol._graph.roll import rolled
from diffsol._trace import calls, world
from diffsol._trace.clock import Clock
from diffsol._trace.collector import collector_paused
from diffsol._trace.frames import SUPPORTED
from diffsol._trace.guards import Outside, Reads
from diffsol._trace.machine import Machine, UserRaised
from diffsol._trace.reasons import Refused
from diffsol._trace.values import Array, Scalar, Traced, as_node

MAX_PATHS = 64
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

    def __init__(self, told=False):
        self.graph = Graph(self._where if told else None)
        self.reads = Reads()
        self.parameters: dict = {}  # id of a param node -> (value, guard variable)
        # what was read once: (guard variable, name) of a global -> (value, what the machine has for it),
        # and (module, name) -> value
        self.entered: dict = {}
        self.members: dict = {}
        self.machine = None
        self.script: tuple = ()
        self.decisions: list = []  # [(condition node, answer)]
        self.asked_at = None  # line of the last decision
        self.outside: dict = {}  # id of a condition -> does it depend on outside numbers only?
        self.traps: list = []  # conditions under which Python raises on the current path

    def _where(self):
        return None if self.machine is None else self.machine.where()

    # --- called by values ---------------------------------------------------------------------

    def decide(self, value) -> bool:
        """The truth of a traced value on this path."""
        node = value.node
        if node.size != 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous.")
        node = self.graph.cast(self.graph.reshape(node, ()), BOOL)
        if node.value is not None:
            return bool(node.value)
        for condition, answer in self.decisions:
            if condition is node:
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

    def _is_outside(self, node) -> bool:
        """Does it depend on numbers from outside only?"""
        known = self.outside.get(node.id)
        if known is None:
            known = self.outside[node.id] = not varies([node])
        return known

    def _asked_outside(self) -> int:
        return sum(self._is_outside(condition) for condition, _ in self.decisions)

    def trap_if(self, condition):
        """Python raises here where this scalar condition holds, whether or not the result is used."""
        if condition.value is None:
            self.traps.append(condition)
        elif condition.value:
            raise ArithmeticError("on this path at every evaluation")

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
        return world.local_copy(self.machine, outside)


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
    trace, clock = Trace(told), clock or Clock()
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
        leaves.append((tuple(trace.decisions), output, _any(trace.graph, trace.traps)))
        answers = tuple(answer for _, answer in trace.decisions)
        pending.extend((*answers[:i], False) for i in range(len(trace.script), len(answers)))
        if len(leaves) + len(pending) > MAX_PATHS:
            where = trace.asked_at or _where(fun)
            raise Refused("too-many-branches", f"more than {MAX_PATHS} paths", where)
    if all(output is None for _, output, _ in leaves):
        raise Refused("raises", repr(raised.exception), raised.where)
    output, trap = _join(trace.graph, leaves, 0, shape, dtype)
    trap = _or_unused(trace.graph, output, trap)
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


def _any(graph, conditions):
    result = graph.const(False)
    for condition in dict.fromkeys(conditions):
        result = (
            graph.elementwise("logical_or", result, condition)
            if result.value is None
            else condition
        )
    return result


# operators for which NumPy warns or raises
RAISING = {
    *("divide", "reciprocal", "floor_divide", "remainder", "fmod", "power", "sqrt", "solve"),
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sinh", "cosh", "tan"),
    *("arcsin", "arccos", "arccosh", "arctanh"),
}


def _or_unused(graph, output, trap):
    """The trap, also where a value that goes into no result is not finite: NumPy tells of it."""
    nodes = graph.nodes()
    used = bytearray(len(nodes))  # by id
    for node in reachable([output, trap]):
        used[node.id] = True
    conditions = [trap]
    for node in nodes:
        if used[node.id] or not (node.op in RAISING or node.op.startswith("special_")):
            continue
        if node.dtype.kind in "fc":
            broken = graph.elementwise("logical_not", graph.elementwise("isfinite", node))
            conditions.append(graph.reduce("any", broken, range(broken.ndim)))
    return trap if len(conditions) == 1 else _any(graph, conditions)


def _join(graph, leaves, depth, shape, dtype):
    """(output, trap) of the tree of decisions below these leaves."""
    decisions, output, trap = leaves[0]
    if len(decisions) == depth:
        zero = graph.broadcast(graph.const(dtype.type(0)), shape)
        return (zero, graph.const(True)) if output is None else (output, trap)
    condition = decisions[depth][0]
    ways = [
        _join(graph, [leaf for leaf in leaves if leaf[0][depth][1] is way], depth + 1, shape, dtype)
        for way in (True, False)
    ]
    (yes, yes_trap), (no, no_trap) = ways
    if yes_trap.value is not None and yes_trap.value:
        output = no
    elif no_trap.value is not None and no_trap.value:
        output = yes
    else:
        output = graph.elementwise("select", condition, yes, no)
    trap = (
        yes_trap
        if yes_trap is no_trap
        else graph.elementwise("select", condition, yes_trap, no_trap)
    )
    return output, trap
