"""How a case of the corpus is written down, and how it is solved."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from diffsol._engine.function import Function

CASES: list["Case"] = []


@dataclass(frozen=True)
class Case:
    """A right-hand side, how a script calls it, and what is promised of it.

    maker     the function itself, or (made) a factory of a fresh one: the function, or the function and
              another that tells, after the solve, what the first has done to the world
    call      "solve_ivp" or "odeint"
    options   further arguments of the call
    reason    None: it compiles. Else the code of the reason why it is called as Python
    pure      it has no effects but its result, so that one could wish that it were compiled
    why       what stands in the way of a pure function that stays Python
    missing   what the tracer does not know yet, so that it does not compile so far
    gap       a row of docs/gaps.md that lets SciPy's own solve of it differ: compared with SciPy's solve of
              a function that returns copies
    """

    maker: Callable
    y0: object
    t_span: tuple[float, float]
    args: tuple = ()
    call: str = "solve_ivp"
    options: dict = field(default_factory=dict)
    reason: str | None = None
    pure: bool = True
    why: str = ""
    missing: str | None = None
    gap: str = ""
    made: bool = False

    @property
    def name(self):
        return self.maker.__name__

    @property
    def family(self):
        return self.maker.__module__.rpartition(".")[2]

    @property
    def method(self):
        return "odeint" if self.call == "odeint" else self.options.get("method", "RK45")

    @property
    def is_explicit(self):
        return self.method in ("RK23", "RK45", "DOP853")

    @property
    def y_first(self):
        return self.call == "odeint" and not self.options.get("tfirst", False)

    def fresh(self):
        """A function that nobody has called, and what tells of its effects."""
        made = self.maker() if self.made else self.maker
        return made if isinstance(made, tuple) else (made, lambda: None)

    def function(self, fun):
        """The same function as the compiler takes it."""
        state = np.atleast_1d(np.asarray(self.y0))
        state = state.astype(complex if state.dtype.kind == "c" else float)
        kind = "odepack" if self.call == "odeint" else "rhs"
        vectorized = self.options.get("vectorized", False)
        return Function(fun, self.args, state, kind, vectorized, self.y_first)

    def solve(self, namespace, fun):
        """The solve by `namespace`, SciPy's `scipy.integrate` or ours, of a `fun` from `fresh`."""
        y0, args = copy.deepcopy((self.y0, self.args))
        if self.call == "odeint":
            times = np.linspace(*self.t_span, 11)
            return namespace.odeint(fun, y0, times, args=args, **self.options)
        return namespace.solve_ivp(fun, self.t_span, y0, args=args or None, **self.options)


def compiles(y0, t_end, *args, t0=0.0, call="solve_ivp", missing=None, made=False, **options):
    """The decorated function (or what the decorated factory makes) is compiled."""

    def register(maker):
        span = (t0, t_end)
        CASES.append(Case(maker, y0, span, args, call, options, missing=missing, made=made))
        return maker

    return register


def stays_python(
    reason, y0, t_end, *args, t0=0.0, call="solve_ivp", why="", gap="", made=False, **options
):
    """It is called as Python for this reason; a pure one (without effects) must say `why`."""

    def register(maker):
        span = (t0, t_end)
        case = Case(
            maker, y0, span, args, call, options, reason, bool(why), why, gap=gap, made=made
        )
        CASES.append(case)
        return maker

    return register
