"""OdeResult: what `solve_ivp` returns, without the import of ``scipy.optimize``."""

from typing import Any

from diffsol.integrate import _scipy


class OdeResult(dict):
    """A dict with attribute access that passes for SciPy's class of the same name.

    SciPy's ``OdeResult`` derives from ``scipy.optimize.OptimizeResult``.  This one has the same
    keys in the same order, prints the same, answers ``isinstance(sol, OptimizeResult)`` with
    True (through ``__class__``) and pickles and copies as SciPy's class, so files written here
    can be read where diffsol is not installed.

    The keys are ``t, y, sol, t_events, y_events, nfev, njev, nlu, status, message, success``.
    """

    __slots__ = ("_nonfinite", "_stats")

    @property
    def stats(self) -> Any:
        """What the solve has cost, a `diffsol._engine.stats.Stats`; None where SciPy's code made it."""
        try:
            values = object.__getattribute__(self, "_stats")
        except AttributeError:
            return None
        from diffsol._engine.stats import Stats

        return Stats(*values)

    def note_cost(self, values: tuple) -> None:
        """Keep the values of `stats`."""
        object.__setattr__(self, "_stats", values)

    @property
    def nonfinite(self) -> Any:
        """What in `fun` made the first NaN or infinity of this solve, or None.

        A `diffsol._engine.nonfinite.NonFinite`, which prints as a sentence: the time, the components,
        and, where the function can be compiled, the source line and the operation.
        """
        try:
            function, t, y = object.__getattribute__(self, "_nonfinite")
        except AttributeError:
            return None
        from diffsol._engine.nonfinite import locate

        return locate(function, t, y)

    def note_nonfinite(self, function: Any, t: float, y: Any) -> None:
        """Keep where an evaluation of `function` was not finite, for `nonfinite`."""
        object.__setattr__(self, "_nonfinite", (function, t, y))

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error

    __setattr__ = dict.__setitem__
    __delattr__ = dict.__delitem__

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        found = _scipy.loaded_class("scipy.integrate._ivp.ivp", "OdeResult", "scipy.optimize")
        return OdeResult if found is None else found

    def __repr__(self) -> str:
        return repr(_scipy.ivp().OdeResult(self))

    def __dir__(self) -> list[str]:
        return list(self)

    def __reduce__(self) -> tuple:
        return _scipy.ivp().OdeResult, (dict(self),)
