"""docs/ensembles.md, as a reader would type it, and an executor of several machines' kind."""

import pathlib
import re
import subprocess
import sys

import pytest

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "ensembles.md"


def test_the_page_runs():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict = {}
    for block in blocks:
        if "..." not in block and "xarray" not in block:
            exec(block, names)
    assert names["sol"].y.shape == (1000, 3)
    assert names["found"].mean.shape == (1, 2)


DASK = """
import numpy as np
from distributed import Client, LocalCluster
from diffsol import solve_ensemble

def decay(t, y, k):
    return -k * y

if __name__ == "__main__":
    k = np.random.default_rng(0).uniform(0, 2, 9000)
    options = {"args_axes": 0, "chunk": 4096}
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        sol = solve_ensemble(decay, (0, 1), [1.0], (k,), executor=client.get_executor(), **options)
    assert (sol.y == solve_ensemble(decay, (0, 1), [1.0], (k,), **options).y).all()
    print("the same")
"""


def test_dask(tmp_path):
    """In a process of its own: what starts workers wants a script that they can import."""
    pytest.importorskip("distributed")
    script = tmp_path / "sweep.py"
    script.write_text(DASK)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=180, cwd=tmp_path
    )
    assert done.stdout.strip() == "the same", done.stderr
