"""Solutions with their exact derivatives: `solve_ivp` as SciPy's, with sensitivities beside the solution."""

from diffsol._sens.gradient import Gradient, gradient
from diffsol._sens.solve import solve_ivp

__all__ = ["Gradient", "gradient", "solve_ivp"]
