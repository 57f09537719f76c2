"""The committed headers are what the tables say, and nothing else."""

import subprocess
import sys

from diffsol._methods.emit import TABLES, headers
from diffsol._methods.registry import METHODS


def test_committed_headers_are_up_to_date():
    written = {path.name: path.read_text() for path in TABLES.glob("*.h")}
    assert written == headers(), "run: python -m diffsol._methods.emit"


def test_zero_coefficients_cost_nothing():
    assert "DS_C(0.0)" not in "".join(headers().values())


def test_lines_are_readable():
    assert max(len(line) for text in headers().values() for line in text.splitlines()) <= 100


def test_numbers_of_methods_agree_with_c():
    from diffsol._native._core import lib

    assert {name: traits.id for name, traits in METHODS.items()} == {
        name: getattr(lib, f"DS_{name.upper()}") for name in METHODS
    }
    assert len(METHODS) == lib.DS_METHOD_COUNT


def test_registry_alone_does_not_build_tables():
    code = "import sys, diffsol._methods.registry; print('diffsol._methods.erk' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
