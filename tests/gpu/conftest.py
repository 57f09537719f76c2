"""A GPU made of a CPU."""

import sys

import pytest

from diffsol._ensemble.cuda import device, nvrtc, solver

from . import fake


@pytest.fixture(scope="session")
def compiler(tmp_path_factory):
    return fake.Compiler(tmp_path_factory.mktemp("kernels"))


@pytest.fixture
def gpu(monkeypatch, compiler):
    """`solve_ensemble(device="cuda")` finds a CuPy with two devices."""
    if fake.GXX is None:
        pytest.skip("needs g++")
    module = fake.cupy(2)
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setattr(nvrtc, "CupyCompiler", lambda: compiler)
    monkeypatch.setattr(device, "_loaded", type(device._loaded)())
    return module


@pytest.fixture
def slices(monkeypatch):
    """Sets how many trial steps a launch makes, whatever time it takes."""

    def set_length(length):
        monkeypatch.setattr(solver, "ATTEMPTS", length)
        monkeypatch.setattr(solver, "LEAST_SECONDS", 0.0)

    return set_length
