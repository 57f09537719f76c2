"""`explain`: is a function compiled, and if not, why not and what to do; `report`: the same for a whole run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from diffsol._engine import kernels, verify
from diffsol._engine.function import Function
from diffsol._graph import show
from diffsol._methods.registry import METHODS
from diffsol._trace.reasons import REASONS, Refused
from diffsol.integrate import _options, _passthrough

DOCS = "docs/errors.md"
NOT_NATIVE = "not-native"


@dataclass(frozen=True)
class Explanation:
    """What `explain` found out.

    compiled : bool
    reason : str or None
        Code of the reason why not, an anchor in docs/errors.md.
    detail : str
        What in the function it is about.
    where : (file name, line, function name) or None
    hint : str or None
        The way to have it compiled.
    n_nodes : int
        Size of the graph: operators on whole arrays.
    n_parameters : int
        Numbers read from outside that may change without compiling anew.
    trace_ms, compile_ms : float
    graph : str
        The graph as text, an operator a line.
    solver : str or None
        The method, where SciPy's own solver runs it (reason "not-native"); None where it is native.
    events : tuple of Explanation
        The same for each event function.
    """

    name: str
    compiled: bool
    reason: str | None = None
    detail: str = ""
    where: tuple | None = None
    hint: str | None = None
    n_nodes: int = 0
    n_parameters: int = 0
    trace_ms: float = 0.0
    compile_ms: float = 0.0
    graph: str = ""
    solver: str | None = None
    events: tuple[Explanation, ...] = ()

    def __str__(self):
        lines = [self._told()]
        if self.solver is not None:
            lines.append(f"  {REASONS[NOT_NATIVE].title}: {self.solver}; see {DOCS}#{NOT_NATIVE}")
        lines += [f"event {event}" for event in self.events]
        return "\n".join(lines)

    def _told(self):
        if self.compiled:
            return (
                f"{self.name}: compiled; {self.n_nodes} operators, {self.n_parameters} parameters, "
                f"traced in {self.trace_ms:.1f} ms, compiled in {self.compile_ms:.1f} ms"
            )
        lines = [
            f"{self.name}: not compiled, called as Python",
            f"  why:   {REASONS[self.reason].title}",
        ]
        if self.detail:
            lines.append(f"  what:  {self.detail}")
        if self.where is not None:
            lines.append("  where: {}, line {}, in {}".format(*self.where))
        lines += [f"  hint:  {self.hint}", f"  see:   {DOCS}#{self.reason}"]
        return "\n".join(lines)


def explain(
    fun, t_span, y0, args=None, *, method="RK45", vectorized=False, events=None, **options
) -> Explanation:
    """Tell whether `solve_ivp` with these arguments runs a compiled function, and if not, why.

    The functions (and the Jacobian that an implicit method wants) are traced and compiled now (a later
    solve by the same method reuses the kernels) and compared with the Python functions at (t0, y0).

    Parameters
    ----------
    fun, t_span, y0, args, method, vectorized, events :
        As for `diffsol.integrate.solve_ivp`.
    **options
        Further arguments of `solve_ivp`, which make no difference here.

    Returns
    -------
    Explanation

    Raises
    ------
    ValueError, TypeError
        For a `y0` or `args` that `solve_ivp` refuses, with its words.
    """
    args = _options.unpack_args(args)
    state = _options.check_y0(y0)
    name = _passthrough.native_name(method)
    traits = None if name is None else METHODS.get(name)
    kind = "strict" if traits is None else traits.rhs_kind
    function = Function(fun, args, state, kind=kind, vectorized=vectorized)
    t0 = float(t_span[0])
    told = _explain_one(function, t0, state)
    if told.compiled and traits is not None and traits.implicit and options.get("jac") is None:
        # whatever it costs: somebody asked
        function.record.variants[0].jacobian(kernels.PATIENCE)
    if traits is None and vectorized:
        # What stands between SciPy's solvers and fun takes one state at a time.
        told = _refused(function, Refused(NOT_NATIVE, "vectorized=True"))
    return replace(
        told,
        solver=None if traits is not None else getattr(method, "__name__", str(method)),
        events=tuple(
            _explain_one(Function(event, args, state, kind="event"), t0, state)
            for event in _listed(events)
        ),
    )


def _listed(events):
    if events is None:
        return ()
    return (events,) if callable(events) else events


def _explain_one(function, t0, state):
    if kernels.switched_on() == "0":
        return _refused(function, Refused("switched-off"))
    try:
        bound = function.bind() or function.compile()
    except Refused as refusal:
        return _refused(function, refusal)
    variant = bound.variant
    if not verify.agrees(function, bound, t0, state):
        function.discard(variant)
        return _refused(function, Refused("mismatch"))
    return Explanation(
        name=function.record.name,
        compiled=True,
        n_nodes=len(variant.program.nodes),
        n_parameters=variant.n_params,
        trace_ms=variant.trace_ms,
        compile_ms=variant.kernel.compile_ms,
        graph=show.show(variant.program),
    )


def _refused(function, refusal):
    return Explanation(
        name=function.record.name,
        compiled=False,
        reason=refusal.reason.code,
        detail=refusal.detail,
        where=refusal.where,
        hint=refusal.reason.hint,
    )


def watch() -> None:
    """Keep the functions of this process, so that `report` can say of each whether it compiles."""
    kernels.KEEP_FUNCTIONS = True


def report() -> str:
    """One line per function that was solved in this process: compiled or not, and why."""
    lines = ["diffsol: functions of this run"]
    for record in kernels.records():
        place = "" if record.where is None else " ({}:{})".format(*record.where)
        lines.append(f"  {record.name}{place}{_kind(record)}: {_state(record)}")
    if len(lines) == 1:
        lines.append("  none")
    return "\n".join(lines)


_KINDS = {
    "rhs": "right-hand side",
    "strict": "right-hand side of an implicit solver",
    "odepack": "right-hand side",
    "event": "event",
    "jac": "Jacobian",
}


def _kind(record):
    function = getattr(record, "function", None)
    return "" if function is None else f", {_KINDS[function.kind]}"


def _state(record):
    python = f"{record.python_seconds:.3f} s in Python"
    if record.variants:
        kernel = record.variants[0].kernel
        uses = sum(v.uses for v in record.variants)
        return f"compiled in {kernel.compile_ms:.0f} ms, {uses} reuses, {python}"
    if kernels.switched_on() == "0":
        return f"{REASONS['switched-off'].title}, {python}"
    if record.refusal is not None or not _can_be_compiled(record):
        return f"not compiled, {python}. {kernels.reason_text(record.refusal)}"
    return f"not compiled yet (that would not have paid), {python}"


def _can_be_compiled(record) -> bool:
    """Trace a function that no solve has traced; where it is refused, the record tells why."""
    function = getattr(record, "function", None)
    if function is None:
        return True
    try:
        function.compile()
    except Refused:
        return False
    # Not a kernel of the run: the report shall say what has been.
    record.forget()
    return True
