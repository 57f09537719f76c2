"""VODE and ZVODE, ours and SciPy's, one call at a time, with the same attributes."""

import numpy as np
from scipy.integrate import ode as scipy_ode

from diffsol._engine.function import Function
from diffsol._engine.vode import CHORD, DIAGONAL, FUNCTIONAL, Vode

TO_TIME, ONE_STEP, PAST_TIME = 1, 2, 3
ILLEGAL, NOTHING_DONE = -3, 1  # istate

# What both sides show after each call.
FIELDS = ("istate", "t", "y", "h_used", "h_next", "reached", "counts")
COUNTS = ("nst", "nfe", "nje", "nqu", "nqcur", "nlu", "nni", "ncfn", "netf")


class Options:
    """One problem and the options of its solve, by the names of SciPy's integrator."""

    def __init__(self, fun, y0, t0, jac=None, name="vode", **options):
        self.fun, self.jac, self.name = fun, jac, name
        self.dtype = complex if name == "zvode" else float
        self.y0, self.t0 = np.array(y0, dtype=self.dtype), float(t0)
        self.options = options


class Ours:
    """Our core on one problem, its functions called as Python."""

    def __init__(self, o):
        given = {"method": "adams", "rtol": 1e-6, "atol": 1e-12, "order": 12, "nsteps": 500}
        given |= o.options
        family = {"adams": 1, "bdf": 2}[given["method"]]
        lower, upper = given.get("lband"), given.get("uband")
        band = None if lower is None and upper is None else (lower or 0, upper or 0)
        matrix = o.jac is not None or band is not None or given.get("with_jacobian")
        diagonal = o.jac is None and band == (0, 0)
        iteration = DIAGONAL if diagonal else CHORD if matrix else FUNCTIONAL
        limits = (
            given.get("first_step", 0.0), given.get("max_step", 0.0), given.get("min_step", 0.0),
            given["nsteps"], min(given["order"], (12, 5)[family - 1]),
        )  # fmt: skip
        n = o.y0.size
        self._vode = Vode(n, o.dtype, given["rtol"], given["atol"], family, iteration, band, limits)
        function = Function(o.fun, (), np.empty(n, o.dtype), kind="odepack")
        self._vode.set_functions(function, o.fun, (), o.jac, ())
        self._vode.tier._mode = "0"
        self.t, self.y, self._anew = o.t0, o.y0, True
        self.counts = dict.fromkeys(COUNTS, 0)
        self.h_used = self.h_next = self.reached = self.excess = 0.0

    def call(self, task, t_out):
        self.istate = self._vode.run(self.t, self.y, t_out, task, self._anew)
        if self.istate > 0:
            self._anew = False
        self.t, self.y = self._vode.t, self._vode.y
        if self.istate not in (ILLEGAL, NOTHING_DONE):  # SciPy's arrays are not written to then
            counts = self._vode.counts()
            self.counts = {name: counts[name] for name in COUNTS}
            self.h_used, self.h_next, self.reached, self.excess = self._vode.times()
        self.istate = self.istate if self.istate < 0 else 2  # as SciPy's


class Scipy:
    """SciPy's `ode`, and what its integrator's arrays tell."""

    def __init__(self, o):
        self._ode = scipy_ode(o.fun, o.jac).set_integrator(o.name, **o.options)
        self._ode.set_initial_value(o.y0, o.t0)
        self._complex = o.name == "zvode"

    def call(self, task, t_out):
        solve = self._ode
        solve.integrate(t_out, step=task == ONE_STEP, relax=task == PAST_TIME)
        core = solve._integrator
        self.istate, self.t, self.y = core.istate, solve.t, solve.y
        iwork = core.iwork.tolist()
        counts = dict(zip(("nst", "nfe", "nje", "nqu", "nqcur"), iwork[10:15], strict=True))
        first = 19 if self._complex else 18
        counts |= zip(("nlu", "nni", "ncfn", "netf"), iwork[first : first + 4], strict=False)
        self.counts = counts
        self.h_used, self.h_next, self.reached, self.excess = core.rwork[10:14].tolist()


def shown(side):
    """The attributes that are compared, as plain numbers."""
    return {name: np.asarray(getattr(side, name)).tolist() for name in FIELDS}
