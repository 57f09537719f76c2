"""The two ways to a gradient: backward by the adjoint equation, or forward by sensitivities."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from diffsol._ensemble.traced import Wrapped
from diffsol._sens.adjoint import Backward, Integrand, adjoint_kernels
from diffsol._sens.losses import Loss
from diffsol._sens.primal import Primal
from diffsol._sens.solve import solve_ivp
from diffsol._sens.system import System
from diffsol._sens.variables import Variables
from diffsol.integrate import _start


class Found(SimpleNamespace):
    """value, by_args (q,), at_start dG/dy0 (n,), dt0, dt_end, y (n, k), memory."""


@dataclass
class Question:
    """What is differentiated.

    loss, integrand    Loss, g(t, y, *args), or None
    times              ndarray: when `loss` looks
    end_moves          is the last of them the end of the interval, wherever that is?
    """

    fun: Any
    t0: float
    tf: float
    y0: np.ndarray
    args: tuple
    variables: Variables
    method: str
    options: dict
    loss: Loss | None
    integrand: Any
    times: np.ndarray
    end_moves: bool

    # --- backward -------------------------------------------------------------------------------

    def by_adjoint(self, every, memory, rtol, atol) -> Found:
        """Raises Refused where something has no kernel."""
        system = System(self.fun, self.variables)
        system.verify(self.t0, self.y0, self.variables.values)
        if system.refused is not None:
            raise system.refused
        kernels = adjoint_kernels(system)
        integral = None
        if self.integrand is not None:
            integral = Integrand(self.integrand, self.variables, self.t0, self.y0)

        def make(name, _, t0, tf, state, *options):
            return Primal(system, name, t0, tf, state, *options)

        how = self.method, system.fun, self.t0, self.tf, self.y0, False, self.args, self.options
        primal = _start.start(*how, make)
        primal.go(self.times, every, memory)
        value, jumps = self._loss_of(primal.y)
        back = Backward(primal, kernels, integral, self.times, jumps, rtol, atol)
        back.go()
        dt0, dt_end = self._ends(back.at_start, primal.y, jumps, system.derivative)
        return Found(
            value=value + back.value,
            by_args=back.gradient,
            at_start=back.at_start,
            dt0=dt0,
            dt_end=dt_end,
            y=primal.y,
            memory=primal.largest,
        )

    def _loss_of(self, y):
        """(loss, its gradient (k, n)) at the outputs."""
        if self.loss is None:
            return 0.0, np.zeros(y.T.shape)
        slopes = self.loss.gradient(y)
        if not np.isfinite(slopes).all():
            raise ValueError("the gradient of `loss` is not finite at this solution.")
        return self.loss.value(y), slopes

    def _ends(self, at_start, y, jumps, derivative):
        """(dG/dt0, dG/dt_end); derivative(t, y, p): f."""
        start, end = self._rates(derivative, self.t0, self.y0), 0.0
        dt0 = -float(at_start @ start[0]) - start[1]
        if self.end_moves:
            f, g = self._rates(derivative, self.tf, y[:, -1].copy())
            end = float(jumps[-1] @ f) + g
        elif self.integrand is not None:
            end = float("nan")  # the state at the end is not among the outputs
        return dt0, end

    def _rates(self, derivative, t, y):
        """(f, g) at one time."""
        f = derivative(t, y, self.variables.values)
        if self.integrand is None:
            return f, 0.0
        args = self.variables.args(self.variables.values)
        return f, float(self.integrand(t, y.copy(), *args))

    def _by_python(self, t, y, values):
        found = self.fun(t, y.copy(), *self.variables.args(values))
        return np.broadcast_to(np.asarray(found, float), y.shape)

    # --- forward --------------------------------------------------------------------------------

    def by_forward(self) -> Found:
        """By the sensitivities at all outputs; an integral is one more component."""
        n, variables = self.y0.size, self.variables
        chosen = [f"args[{i}]" for i, place in enumerate(variables.places) if place is not None]
        fun, y0, times, options = self.fun, self.y0, self.times, dict(self.options)
        if self.integrand is not None:
            fun, y0 = WithIntegral(fun, self.integrand), np.append(y0, 0.0)
            if times[-1] != self.tf:
                times = np.append(times, self.tf)
            for name in ("jac", "jac_sparsity", "lband", "uband"):  # they know nothing of it
                options.pop(name, None)
            if np.ndim(options.get("atol", 0.0)):
                options["atol"] = np.append(options["atol"], np.max(options["atol"]))
        sol = solve_ivp(
            fun,
            (self.t0, self.tf),
            y0,
            self.method,
            times,
            args=self.args,
            wrt=(*chosen, "y0"),
            **options,
        )
        if not sol.success:
            raise RuntimeError(f"the solve ended before its time: {sol.message}")
        y = np.ascontiguousarray(sol.y[:n, : self.times.size])
        value, jumps = self._loss_of(y)
        flat = np.einsum("kn,nkm->m", jumps, sol.sens[:n, : self.times.size])
        if self.integrand is not None:
            value, flat = value + float(sol.y[n, -1]), flat + sol.sens[n, -1]
        q = variables.values.size
        at_start = flat[q : q + n]
        dt0, dt_end = self._ends(at_start, y, jumps, self._by_python)
        return Found(
            value=value, by_args=flat[:q], at_start=at_start, dt0=dt0, dt_end=dt_end, y=y, memory=0
        )


class WithIntegral(Wrapped):
    """[f, g] for the state [y, the integral of g]."""

    def __init__(self, fun, integrand):
        super().__init__(fun)
        self._integrand = integrand

    def __call__(self, t, z, *args):
        y = z[:-1]
        return np.append(self.fun(t, y, *args), self._integrand(t, y, *args))
