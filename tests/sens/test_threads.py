"""Threads that need the same kernel at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from diffsol._sens import system
from diffsol._sens.variables import variables_of


def test_two_that_compile_the_same_get_the_same(monkeypatch):
    """The code of a kernel is freed with it: nobody may go on with one that is not kept."""

    def growth(t, y, k):
        return k * y * (1.25 - y)

    y0 = np.array([0.1])
    variables = variables_of(growth, y0, (0.7,), "args")
    systems = [system.System(growth, variables) for _ in range(2)]
    assert systems[0].traced is systems[1].traced
    together, compiled = threading.Barrier(2), system.machine_code

    def slowly(*args):
        together.wait(20)
        return compiled(*args)

    monkeypatch.setattr(system, "machine_code", slowly)
    with ThreadPoolExecutor(2) as pool:
        for ask in (system.System.augmented, system.System.jacobian):
            one, other = pool.map(ask, systems)
            assert one == other
