"""docs/fit.md and the example, as a reader would run them."""

import pathlib
import re
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).parents[2]


def test_the_page_runs():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "fit.md").read_text(), re.DOTALL)
    names: dict = {}
    for block in blocks:
        exec(block, names)
    assert names["fun"].names == ("growth", "eaten", "fed", "death (0)", "death (1)")
    assert np.isclose(names["before"].cost, names["after"].cost, rtol=1e-4)


def _example(tmp_path, *arguments):
    return subprocess.run(
        [sys.executable, ROOT / "examples" / "fit.py", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )


def test_the_example_runs(tmp_path):
    found = _example(tmp_path)
    assert found.returncode == 0, found.stderr
    assert "growth" in found.stdout


def test_the_example_says_what_is_wrong_with_a_file(tmp_path):
    (tmp_path / "other.csv").write_text("year,hare\n1900,3\n1901,4\n")
    found = _example(tmp_path, "other.csv")
    assert found.returncode == 1
    assert found.stderr.strip() == "other.csv has no column lynx"
