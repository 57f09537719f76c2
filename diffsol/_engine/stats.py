"""What a solve has cost, beyond the counts that SciPy's result has."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_TOLD = 1e-3  # seconds of compiling that are worth a word


@dataclass(frozen=True)
class Stats:
    """`sol.stats` of a native solve.

    method : str
    n_steps, n_rejected : int
        Accepted steps, and trials that were not accepted (error, or no convergence).
    n_newton : int or None
        Newton iterations; None where the method counts none (explicit ones, LSODA).
    t : float
        The time that was reached.
    min_step, max_step : float
        Sizes of the smallest and the largest accepted step; 0 without any.
    nfev, njev, nlu : int
        As in the result.
    wall_seconds : float
        From the checked arguments to the result.
    tier : str
        How the right-hand side was evaluated at the end: "compiled" or "python".
    compiled_at : int or None
        Steps that were made before the kernel took over (0: none); None at tier "python".
    compile_seconds : float
        Of `wall_seconds`, what looking for kernels, tracing and compiling took.
    status : int
    message : str
        As in the result.
    """

    method: str
    n_steps: int
    n_rejected: int
    n_newton: int | None
    t: float
    min_step: float
    max_step: float
    nfev: int
    njev: int
    nlu: int
    wall_seconds: float
    tier: str
    compiled_at: int | None
    compile_seconds: float
    status: int
    message: str

    def __str__(self):
        newton = "" if self.n_newton is None else f", {self.n_newton} Newton iterations"
        how = self.tier
        if self.compiled_at:
            how += f" after {self.compiled_at} steps"
        if self.compile_seconds >= LEAST_TOLD:
            how += f", {1e3 * self.compile_seconds:.0f} ms of these for compiling"
        return (
            f"{self.method}: {self.n_steps} steps ({self.n_rejected} rejected{newton}) to t={self.t:.6g}, "
            f"of size {self.min_step:.3g} to {self.max_step:.3g}; {self.nfev} evaluations, "
            f"{self.njev} Jacobians, {self.nlu} factorisations; {1e3 * self.wall_seconds:.3g} ms, {how}"
        )
