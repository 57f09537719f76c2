"""The kernels under gcc's sanitizers of addresses and undefined behaviour."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).with_name("sanitized.py")


def runtime(name):
    found = subprocess.run(
        ["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True
    )
    path = found.stdout.strip()
    return path if os.path.isabs(path) else None


def test_sanitizers(tmp_path):
    if shutil.which("gcc") is None or shutil.which("g++") is None or runtime("libasan.so") is None:
        pytest.skip("needs gcc's sanitizers")
    environment = os.environ | {
        "LD_PRELOAD": f"{runtime('libasan.so')} {runtime('libstdc++.so.6')}",
        "ASAN_OPTIONS": "detect_leaks=0",
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.count("\n") == 2
