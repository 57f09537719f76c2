"""The round trips of docs/dlpack.md do what they say."""

import pathlib
import re
import subprocess
import sys

import pytest

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "dlpack.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("k", range(len(BLOCKS)))
def test_it_runs(k):
    for framework in re.findall(r"^import (torch|jax)$", BLOCKS[k], re.MULTILINE):
        pytest.importorskip(framework)
    command = [sys.executable, "-W", "error::UserWarning", "-c", BLOCKS[k]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_there_are_round_trips():
    assert len(BLOCKS) == 5
