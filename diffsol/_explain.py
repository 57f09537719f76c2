"""`explain`: is a function compiled, and if not, why not and what to do; `report`: the same for a whole run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diffsol._engine import kernels, switch, verify
from diffsol._engine.c_function import is_low_level
from diffsol._engine.function import Function
from diffsol._explanation import NOT_NATIVE, Explanation
from diffsol._native._core import ffi
from diffsol._timing import least_seconds
from diffsol._trace.advice import advice
from diffsol._trace.reasons import REASONS, Refused
from diffsol.integrate import _call, _options

LONGEST_TIMING = 0.02  # seconds that timing one function may take, about


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
    if not (callable(fun) or is_low_level(fun)):
        raise TypeError(f"`fun` must be callable, not {fun!r}")
    if events is not None:
        options["events"] = events
    if vectorized:
        options["vectorized"] = vectorized
    call = _call.of(method, tfirst, Dfun, jac, options)
    args = _options.unpack_args(args)
    state = call.state(y0)
    fun = _options.check_c_function(fun, args, state, vectorized)
    t0 = float(t_span[0])
    function = Function(
        fun, args, state, kind=call.rhs_kind(state), vectorized=vectorized, y_first=call.y_first
    )
    told = _explain_one(function, t0, state)
    derivable = told.program is not None and not call.by_real_numbers(state)
    if derivable and call.takes_exact_jacobian:
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
    if switch.switched_on() == "0":
        return _refused(function, Refused("switched-off"))
    try:
        bound = function.bind() or function.compile()
    except Refused as refusal:
        return _refused(function, refusal)
    variant = bound.variant
    if variant.program is None:
        return Explanation(
            name=function.record.name,
            compiled=True,
            detail="a function in C, called by pointer",
            python_us=_microseconds(lambda: function.python(t0, state.copy())),
            kernel_us=_microseconds(_kernel_call(bound, t0, state)),
        )
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
        python_us=_microseconds(lambda: function.python(t0, state.copy())),
        kernel_us=_microseconds(_kernel_call(bound, t0, state)),
        guards=tuple(function.told().reads.told()),
        program=variant.program,
    )


def _kernel_call(bound, t, state):
    """A call of the kernel as it costs the least from Python."""
    out = np.empty(max(state.size, _outputs(bound)), complex)  # room for either dtype
    y, result = ffi.from_buffer("double[]", state), ffi.from_buffer("double[]", out)
    call, params = ffi.cast("ds_kernel", bound.pointer), bound.params
    return lambda: call(t, y, result, params)


def _outputs(bound) -> int:
    """Numbers that a kernel writes; 0: as many as there are in a state."""
    program = bound.variant.program
    return 0 if program is None else program.output.size


def _microseconds(call) -> float:
    return least_seconds(call, LONGEST_TIMING, 200) * 1e6


def _refused(function, refusal):
    return Explanation(
        name=function.record.name,
        compiled=False,
        reason=refusal.reason.code,
        detail=refusal.detail,
        where=refusal.where,
        hint=advice(refusal.reason.code, refusal.detail).hint,
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
    if switch.switched_on() == "0":
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
