"""Residual: what `least_squares`, `minimize` and `curve_fit` ask for, from one solve for each p."""

from __future__ import annotations

import math
import threading
import warnings
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from diffsol._dlpack.arguments import read
from diffsol._fit.together import together
from diffsol._sens.system import warn_of_single

KEPT = 2  # solves: an optimiser asks for the Jacobian where it has asked for the residual, or one step back
PENALTY = 1e6  # times the largest weighted number of the data, or 1: the residual where there is no solution


class Residual:
    """The weighted difference between a model's solution and data, as a function of the parameters p.

    names      tuple of str: what p holds
    p0         ndarray (m,): p of the values given as `args` and `y0`
    bounds     (lower, upper): ndarrays (m,), for `least_squares`
    t          ndarray: times of the data (of several experiments: a list)
    n_solves   how many solves there were, each with all derivatives; where the model cannot be traced there are
               solves without, too
    n_failed   how many of them did not reach the last time: their residual is large and finite there, and does
               not depend on p

    Threads may share it.
    """

    def __init__(self, experiments, parameters, threads):
        self._experiments, self._parameters, self._threads = experiments, parameters, threads
        self._several = len(experiments) > 1
        self._together = together(self._experiments, self._threads)
        self.names, self.bounds = parameters.names, parameters.bounds
        self.p0 = parameters.start
        self.t = [e.t for e in experiments] if self._several else experiments[0].t
        self.n_solves = self.n_failed = 0
        self._kept: OrderedDict[bytes, tuple] = OrderedDict()
        self._lock = threading.Lock()
        self._has_told = False  # that the model computes in single precision
        self._recipe: dict = {}
        largest = max(float(np.nanmax(np.abs(e.weights * e.data))) for e in experiments)
        self._penalty = PENALTY * max(largest, 1.0)

    def __repr__(self) -> str:
        count = sum(int(e.mask.sum()) for e in self._experiments)
        return f"<Residual of {count} data, parameters {', '.join(self.names)}>"

    def __reduce__(self) -> tuple:
        """As what it was made of; kernels are made again."""
        return _again, (self._recipe,)

    def __call__(self, p: Any) -> np.ndarray:
        """weights * (model - data) where there are data, flat: of `data.ravel()` what is not nan."""
        return self._solved(p, slopes=False)[0].copy()

    def jac(self, p: Any) -> np.ndarray:
        """The derivative of the residual, (number of data, m)."""
        return self._solved(p)[1].copy()

    def cost(self, p: Any) -> float:
        """Half the sum of squares of the residual."""
        residual = self._solved(p, slopes=False)[0]
        return 0.5 * float(residual @ residual)

    def cost_grad(self, p: Any) -> np.ndarray:
        """The derivative of the cost, (m,)."""
        residual, jac = self._solved(p)[:2]
        return residual @ jac

    def model(self, t: Any, *p: float) -> np.ndarray:
        """What is observed at times t, flat, without weights: for `curve_fit`, with `data.ravel()`."""
        return self._model(t, p, slopes=False)[0].ravel()

    def model_jac(self, t: Any, *p: float) -> np.ndarray:
        """The derivative of `model`, (number of values, m)."""
        slopes = self._model(t, p)[1]
        return np.ascontiguousarray(slopes.reshape(-1, slopes.shape[-1]))

    def predict(self, p: Any, t: Any = None, experiment: int = 0) -> np.ndarray:
        """What is observed, (k, nt), at the data's times or others; of one of several experiments."""
        one = self._experiments[experiment]
        values = self._parameters.values(p)[self._parameters.places[experiment]]
        with self._lock:  # an experiment has one block of parameters
            self._look_again()
            return one.solve(values, read(t), slopes=False)[0]

    def values(self, p: Any) -> dict[str, float]:
        """The variables that p stands for, by their names: logarithms undone."""
        return dict(zip(self.names, self._parameters.values(p).tolist(), strict=True))

    # --- what the model reads from outside ------------------------------------------------------------

    def _look_again(self):
        """Forget the solves of a model that reads other values from outside by now."""
        if sum(experiment.has_changed() for experiment in self._experiments):
            self._kept.clear()
            self._together = together(self._experiments, self._threads)

    # --- the solve behind it ------------------------------------------------------------------------

    def _solved(self, p, slopes=True):
        """(residual, Jacobian, models) at p, of the last solves kept; the Jacobian is None where it is not wanted and
        costs more."""
        p = np.ascontiguousarray(read(p), dtype=float)
        key = p.tobytes()
        with self._lock:
            self._look_again()
            found = self._kept.get(key)
            if found is None or (slopes and found[1] is None):
                known, found = found, self._solve(p, slopes)
                if known is not None:  # the columns' trouble is not the residual's
                    found = (known[0], *found[1:])
                self._kept[key] = found
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            else:
                self._kept.move_to_end(key)
        return found

    def _solve(self, p, slopes):
        slopes = slopes or not any(e.is_python for e in self._experiments)
        values = self._parameters.values(p)
        chain = self._parameters.chain(values)
        residuals, jacs, models = [], [], []
        for experiment, place, answer in zip(
            self._experiments, self._parameters.places, self._answers(values, slopes), strict=True
        ):
            model, columns, ok = answer
            self.n_solves += 1
            self.n_failed += not ok
            models.append((model, columns))
            residuals.append(self._weighted(experiment, model))
            if slopes:
                jacs.append(self._slopes(experiment, model, columns, place, chain))
        if not self._has_told and any(e.is_single for e in self._experiments):
            self._has_told = True
            warn_of_single(stacklevel=4)
        jac = None if not slopes else np.concatenate(jacs) if self._several else jacs[0]
        return np.concatenate(residuals) if self._several else residuals[0], jac, models

    def _answers(self, values, slopes):
        """What each experiment's model gives; several at a time, in lanes or by threads: compiled solves let each
        other run."""
        places = self._parameters.places
        work = [(e, values[place]) for e, place in zip(self._experiments, places, strict=True)]
        if self._together is not None:
            return self._in_lanes(work)
        at_once = min(self._threads, len(work))
        if at_once < 2 or any(e.is_python for e in self._experiments):
            return [experiment.solve(own, slopes=slopes) for experiment, own in work]
        pool = ThreadPoolExecutor(at_once)
        try:
            return list(pool.map(lambda one: one[0].solve(one[1]), work))
        except BaseException:
            self._tell_stopped(True)
            raise
        finally:
            pool.shutdown(cancel_futures=True)
            self._tell_stopped(False)

    def _tell_stopped(self, stopped):
        for experiment in self._experiments:
            experiment.stopped = stopped

    def _in_lanes(self, work):
        begun = [experiment.started(own) for experiment, own in work]
        if not all(np.isfinite(part).all() for one in begun for part in one[:2]):
            return [experiment.solve(own) for experiment, own in work]
        found = self._together.solve(begun)
        # what has failed in lanes fails alone as well, and tells how far it came
        return [
            experiment.solve(own) if whole is None else experiment.answered(one[0], whole)
            for (experiment, own), one, whole in zip(work, begun, found, strict=True)
        ]

    def _weighted(self, experiment, model):
        if experiment.plain:
            residual = (model - experiment.data).ravel()
        else:
            residual = (experiment.weights * (model - experiment.data))[experiment.mask]
        if _is_finite(residual):
            return residual
        return np.where(np.isfinite(residual), residual, self._penalty)

    def _slopes(self, experiment, model, slopes, place, chain):
        """The experiment's rows of the Jacobian; 0 where there is no solution."""
        if experiment.plain:
            rows = slopes.reshape(-1, slopes.shape[-1]) * chain[place]
        else:
            weights = np.broadcast_to(experiment.weights, experiment.data.shape)
            rows = (weights[..., np.newaxis] * slopes)[experiment.mask] * chain[place]
        if not _is_finite(rows):
            self._mend(rows, model[experiment.mask])
        if not self._several:
            return rows
        jac = np.zeros((len(rows), len(self.names)))
        jac[:, place] = rows
        return jac

    @staticmethod
    def _mend(rows, model):
        """Rows where there is no solution, and derivatives that are not finite, become 0."""
        rows[~np.isfinite(model)] = 0.0
        unknown = ~np.isfinite(rows)
        if unknown.any():
            warnings.warn(
                f"{int(unknown.sum())} derivatives of the residual are not finite; they are taken to be 0.",
                RuntimeWarning,
                stacklevel=6,
            )
            rows[unknown] = 0.0

    def _model(self, t, p, slopes=True):
        if self._several:
            raise ValueError("`model` is of one experiment; use the residual itself for several.")
        experiment, t = self._experiments[0], read(t)
        if t is not None and not np.array_equal(t, experiment.t):
            values = self._parameters.values(p)
            with self._lock:  # an experiment has one block of parameters
                self._look_again()
                own = values[self._parameters.places[0]]
                model, columns, ok = experiment.solve(own, t, slopes)
                self.n_solves += 1
                self.n_failed += not ok
        else:
            model, columns = self._solved(p, slopes)[2][0]
        chain = self._parameters.chain(self._parameters.values(p))
        reached = np.isfinite(model)
        columns = np.where(np.isfinite(columns), columns, 0.0) * chain
        return np.where(reached, model, self._penalty), columns


def _is_finite(values) -> bool:
    # a sum is finite where all are, but for those that overflow it
    return math.isfinite(values.sum()) or bool(np.isfinite(values).all())


def _again(given) -> Residual:
    from diffsol._fit.make import residual

    return residual(**given)
