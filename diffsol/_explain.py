"""`explain`: is a function compiled, and if not, why not and what to do; `report`: the same for a whole run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from diffsol._engine import kernels, verify
from diffsol._engine.function import Function
from diffsol._graph import show
from diffsol._trace.reasons import REASONS, Refused
from diffsol.integrate import _call, _options

HELP = "python -m diffsol --about="
NOT_NATIVE = "not-native"


@dataclass(frozen=True)
class Explanation:
    """What `explain` found out.

    compiled : bool
    reason : str or None
        Code of the reason why not; ``python -m diffsol --about=CODE`` tells more.
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
    jacobian : Explanation or None
        The same for the `jac` or `Dfun` that was given, if it is a function.
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
    jacobian: Explanation | None = None
    events: tuple[Explanation, ...] = ()

    def __str__(self):
        lines = [self._told()]
        if self.solver is not None:
            lines.append(f"  {REASONS[NOT_NATIVE].title}: {self.solver}; see {HELP}{NOT_NATIVE}")
        if self.jacobian is not None:
            lines.append(f"Jacobian {self.jacobian}")
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
        lines += [f"  hint:  {self.hint}", f"  see:   {HELP}{self.reason}"]
        return "\n".join(lines)


def explain(
    fun, t_span, y0, args=None, *, method=None, vectorized=False, events=None, jac=None,
    tfirst=None, Dfun=None, **options,
) -> Explanation:  # fmt: skip
    """Tell whether a solve with these arguments runs compiled functions, and if not, why.

    The functions (and the Jacobian that an implicit method wants) are traced and compiled now (a later
    solve by the same method reuses the kernels) and compared with the Python functions at (t0, y0).

    Parameters
    ----------
    fun, t_span, y0, args, vectorized, events, jac :
        As for `diffsol.integrate.solve_ivp`; or `func`, `t`, `y0` and `args` of `odeint`.
    method : str or class, optional
        A method of `solve_ivp` (default 'RK45'), 'odeint' (default with `tfirst` or `Dfun`), or an
        integrator of `ode`: 'vode', 'zvode', 'lsoda', 'dopri5' or 'dop853'.
    tfirst, Dfun : optional
        As for `diffsol.integrate.odeint`, whose functions are `f(y, t, ...)` unless `tfirst=True`.
    **options
        Further arguments of the call.  Most make no difference here.

    Returns
    -------
    Explanation

    Raises
    ------
    ValueError, TypeError
        For a `y0` or `args` that the solver refuses, with its words; for a `method` or an option
        that there is not.
    """
    if events is not None:
        options["events"] = events
    if vectorized:
        options["vectorized"] = vectorized
    call = _call.of(method, tfirst, Dfun, jac, options)
    args = _options.unpack_args(args)
    state = call.state(y0)
    t0 = float(t_span[0])
    function = Function(
        fun, args, state, kind=call.rhs_kind(state), vectorized=vectorized, y_first=call.y_first
    )
    told = _explain_one(function, t0, state)
    if told.compiled and call.takes_exact_jacobian and not call.by_real_numbers(state):
        # whatever it costs: somebody asked
        function.record.variants[0].jacobian(kernels.PATIENCE)
    if call.scipys is not None and vectorized:
        # What stands between SciPy's solvers and fun takes one state at a time.
        told = _refused(function, Refused(NOT_NATIVE, "vectorized=True"))
    return replace(
        told,
        solver=call.scipys,
        jacobian=_explain_jacobian(call, args, t0, state),
        events=tuple(
            _explain_one(Function(event, args, state, kind="event"), t0, state)
            for event in _listed(events)
        ),
    )


def _explain_jacobian(call, args, t0, state):
    if not callable(call.jac):
        return None
    function = Function(call.jac, args, state, kind="jac", y_first=call.y_first)
    form = "complex_ode" if call.by_real_numbers(state) else call.jacobian_stays_python
    if form:
        return _refused(function, Refused("jacobian-form", form))
    return _explain_one(function, t0, state)


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
    """A line for each function that was solved in this process: compiled or not, and why."""
    found: dict[tuple, list] = {}
    # read before anything is compiled to see what can be
    spent = [(record, record.python_seconds) for record in kernels.records()]
    for record, seconds in spent:
        found.setdefault((*_described(record), *_outcome(record)), []).append((record, seconds))
    lines = [
        f"  {described}: {outcome}{_spent(records)}{more}"
        for (described, outcome, more), records in found.items()
    ]
    return "\n".join(["diffsol: functions of this run", *(lines or ["  none"])])


_ROLES = {
    "rhs": "right-hand side",
    "strict": "right-hand side",
    "odepack": "right-hand side",
    "event": "event",
    "jac": "Jacobian",
}


def _described(record) -> tuple[str]:
    """Its name, its place, its role and its solvers."""
    place = "" if record.where is None else " ({}:{})".format(*record.where)
    role = _ROLES[record.kind]
    solvers = ", ".join(sorted(record.solvers - {""}))
    return (f"{record.name}{place}, {role}{' of ' if solvers else ''}{solvers}",)


def _outcome(record) -> tuple[str, str]:
    """What has become of it, before and behind the figures."""
    if record.variants:
        return "compiled", ""
    if kernels.switched_on() == "0":
        return REASONS["switched-off"].title, ""
    if record.refusal is not None or not _can_be_compiled(record):
        return "not compiled", f". {kernels.reason_text(record.refusal)}"
    return "not compiled yet (that would not have paid)", ""


def _spent(records) -> str:
    """The figures of (record, its seconds in Python) that are one function, solved with several sizes
    of state."""
    variants = [variant for record, _ in records for variant in record.variants]
    python = f", {sum(seconds for _, seconds in records):.3f} s in Python"
    if not variants:
        return python
    compile_ms = sum(variant.kernel.compile_ms for variant in variants)
    return f" in {compile_ms:.0f} ms, {sum(v.uses for v in variants)} reuses{python}"


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
