"""`python -m diffsol corpus`."""

import os
import pathlib
import subprocess
import sys

import corpus
from diffsol import _corpus


def command(folder, cwd):
    return subprocess.run(
        [sys.executable, "-m", "diffsol", "corpus", *folder],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parents[1])},
    )


def test_table_of_a_folder(tmp_path):
    """A corpus elsewhere: one case that compiles, one that does not."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from corpus.registry import CASES, compiles, stays_python\n"
        "@compiles([1.0, 0.0], 1.0)\n"
        "def spring(t, y):\n"
        "    return [y[1], -y[0]]\n"
        "@stays_python('input-output', [1.0], 1.0)\n"
        "def talks(t, y):\n"
        "    print(t)\n"
        "    return -y\n"
        "def cases():\n"
        "    return CASES\n"
    )
    told = command(["mine"], tmp_path)
    assert told.returncode == 0, told.stderr
    spring, talks = (line for line in told.stdout.splitlines() if line.startswith("mine."))
    assert "compiles" in spring
    assert len(spring.split()) == 6  # case, outcome, and all figures
    assert "Python (line 7): input-output" in talks
    assert "1 of 1 pure functions compile: 100%" in told.stdout


def test_no_corpus_there(tmp_path):
    told = command(["absent"], tmp_path)
    assert told.returncode == 2
    assert "no corpus in absent: go to a checkout of diffsol, or name the folder" in told.stderr


def test_found_from_the_checkout():
    assert len(_corpus.load(None)) == len(corpus.cases())
