"""docs/ensembles.md, as a reader would type it, and an executor of several machines' kind."""

import pathlib
import re

import numpy as np
import pytest

from diffsol import solve_ensemble

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "ensembles.md"


def test_the_page_runs():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict = {}
    for block in blocks:
        if "..." not in block and "xarray" not in block:
            exec(block, names)
    assert names["sol"].y.shape == (1000, 3)
    assert names["found"].mean.shape == (1, 2)


def test_dask():
    distributed = pytest.importorskip("distributed")
    k = np.random.default_rng(0).uniform(0, 2, 9000)
    options = {"args_axes": 0, "chunk": 4096}
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        sol = solve_ensemble(_decay, (0, 1), [1.0], (k,), executor=client.get_executor(), **options)
    np.testing.assert_array_equal(sol.y, solve_ensemble(_decay, (0, 1), [1.0], (k,), **options).y)


def _decay(t, y, k):
    return -k * y
