"""The C core of ensembles with what it needs, made once."""

import pytest

from . import harness, kernels, problems


@pytest.fixture(scope="session")
def systems(tmp_path_factory):
    return kernels.Kernels(tmp_path_factory.mktemp("kernels"), problems.TEXT + problems.STIFF_TEXT)


@pytest.fixture(scope="session")
def core():
    return harness.installed()


@pytest.fixture(scope="session")
def portable(tmp_path_factory):
    return harness.portable(tmp_path_factory.mktemp("portable"))
