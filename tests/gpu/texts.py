"""The texts that `solve_ensemble` would have compiled, without a GPU."""

from __future__ import annotations

import numpy as np

from diffsol._ensemble.batch import batch_of
from diffsol._ensemble.cuda import source
from diffsol._ensemble.options import options_of
from diffsol._ensemble.programs import programs_of

from .problems import PROBLEMS, chain


def text_of(fun, n, method, dtype="float64", t_eval=None, events=None) -> str:
    batch = batch_of((0, 1), np.ones(n), (np.linspace(1, 2, 4),), 0)
    options = options_of(batch, method, 1e-6, 1e-9, t_eval, events, np.inf, None, None, 4, None)
    programs, parameters = programs_of(fun, options.events, batch, method == "Rodas5P")
    layout = source.layout_of(programs, parameters, batch, options, dtype)
    return source.text_of(programs, layout, method)


def text_of_problem(name, method, dtype="float64", outputs=False) -> str:
    problem = PROBLEMS[name]
    more = {"t_eval": [0.5], "events": problem.watched()} if outputs else {}
    return text_of(problem.fun, len(problem.y0), method, dtype, **more)


def text_of_chain(n, method, dtype="float64", saves=False) -> str:
    return text_of(chain, n, method, dtype, t_eval=[0.5] if saves else None)
