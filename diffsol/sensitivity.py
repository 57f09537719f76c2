"""Solutions with their exact derivatives: `solve_ivp` as SciPy's, with sensitivities beside the solution."""

from diffsol._sens.solve import solve_ivp

__all__ = ["solve_ivp"]
