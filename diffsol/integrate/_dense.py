"""OdeSolution: the continuous solution of a native solve, evaluated in native code."""

from itertools import islice
from typing import Any, Literal

import numpy as np

from diffsol._methods.registry import METHODS
from diffsol.integrate import _scipy


class OdeSolution:
    """Continuous ODE solution over the accepted steps of `solve_ivp`.

    It behaves as ``scipy.integrate.OdeSolution`` and passes for it (through ``__class__``), but
    keeps the interpolants of all steps in four arrays and evaluates any number of times in one
    native call.  When evaluated at a breakpoint (one of `ts`) the segment with the lower index
    is used (BDF, LSODA: the higher one); outside the range the first or last segment
    extrapolates.

    Parameters
    ----------
    method : str
        Name of a native method: tells the form of the interpolant.
    ts : ndarray, shape (n_segments + 1,)
        Time instants between which the interpolants are used, strictly monotone.  The last one
        is the event's time if a terminal event ended the integration.
    segments : diffsol._engine.dense.Segments
        The interpolants: whole steps ``t_old``, ``t``, the states ``y_old`` and coefficients.
        There may be one more than `ts` asks for, which is not used.

    Attributes
    ----------
    t_min, t_max : float
        Time range of the interpolation.
    interpolants : list of DenseOutput
        SciPy's interpolant objects, built when first asked for.
    """

    def __init__(self, method: str, ts: np.ndarray, segments: Any) -> None:
        self.ts = ts
        self.n_segments = len(ts) - 1
        self.ascending = bool(ts[-1] >= ts[0])
        self.side: Literal["left", "right"]
        # the lower segment serves a breakpoint, or the higher one where the method asks for that
        lower = self.ascending != METHODS[method].alternative_segment
        self.side = "left" if lower else "right"
        if self.ascending:
            self.t_min, self.t_max = ts[0], ts[-1]
            self.ts_sorted = ts
        else:
            self.t_min, self.t_max = ts[-1], ts[0]
            self.ts_sorted = ts[::-1]
        self._method = method
        self._segments = segments

    def __call__(self, t: Any) -> np.ndarray:
        """Evaluate the solution.

        Parameters
        ----------
        t : float or array_like with shape (n_points,)
            Times at which to evaluate, in any order.

        Returns
        -------
        y : ndarray, shape (n_states,) or (n_states, n_points)
            Values; the shape depends on whether `t` is a scalar or a 1-D array.

        Raises
        ------
        ValueError
            If `t` has more than one dimension, or is empty.
        """
        t = np.asarray(t)
        if t.ndim > 1:
            raise ValueError("`t` must be a float or a 1-D array.")
        if t.dtype.kind not in "fiub" or t.dtype.itemsize > 8:
            # Complex times, long doubles, objects: SciPy's arithmetic, or its TypeError.
            return _scipy.original("OdeSolution")(self.ts, self.interpolants)(t)
        if not self.n_segments and t.size:
            raise IndexError("list index out of range")  # SciPy's words where no step was made
        if t.ndim == 0:
            return self._call_single(t)
        if t.size == 0:
            # SciPy's words for it, which come from np.hstack of no interpolants.
            raise ValueError("need at least one array to concatenate")
        # The states of one time lie together in memory, as in SciPy's result.
        return np.asfortranarray(self._evaluate(t.astype(float, copy=False)))

    def _call_single(self, t: Any) -> np.ndarray:
        return self._evaluate(np.asarray(t, dtype=float)[np.newaxis])[:, 0]

    def _evaluate(self, t: np.ndarray) -> np.ndarray:
        index = np.searchsorted(self.ts_sorted, t, side=self.side) - 1
        index = np.clip(index, 0, self.n_segments - 1)
        if not self.ascending:
            index = self.n_segments - 1 - index
        return self._segments.evaluate(t, index)

    def __getattr__(self, name: str) -> Any:
        if name != "interpolants":
            raise AttributeError(f"{OdeSolution.__name__!r} object has no attribute {name!r}")
        interpolants = self._build_interpolants()
        self.interpolants = interpolants
        return interpolants

    def _build_interpolants(self) -> list:
        dense_output = _scipy.interpolant(METHODS[self._method].interpolant)
        return [dense_output(*segment) for segment in islice(self._segments, self.n_segments)]

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        needed = "scipy.integrate._ivp.common"
        found = _scipy.loaded_class(needed, "OdeSolution", needed)
        return OdeSolution if found is None else found

    def __reduce__(self) -> tuple:
        return OdeSolution, (self._method, self.ts, self._segments)
