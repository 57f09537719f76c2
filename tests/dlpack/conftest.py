"""NumPy 2.0 neither reads nor makes capsules of the new kind; what a newer one does with them is not asked of it."""

import pathlib

import pytest

from dlpack.producers import READS_VERSIONED, Modern, Old

HERE = pathlib.Path(__file__).parent


@pytest.fixture(params=["capsule", "modern", "old"])
def given(request):
    """What is handed over: the capsule of a `Made`, or an object that gives it."""
    if request.param == "capsule":
        return lambda made: made.capsule
    return Modern if request.param == "modern" else Old


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def jax():
    """JAX with double precision, which it has not by default."""
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield jax
    jax.config.update("jax_enable_x64", before)


def pytest_collection_modifyitems(items):
    for item in items:
        if not READS_VERSIONED and HERE in item.path.parents and _is_of_new_kind(item):
            item.add_marker(pytest.mark.skip(reason="takes NumPy 2.1"))


def _is_of_new_kind(item):
    if item.get_closest_marker("new_kind") is not None:
        return True
    params = item.callspec.params if hasattr(item, "callspec") else {}
    version = params.get("max_version") or (0, 0)
    return params.get("versioned") is True or "major" in params or version >= (1, 0)
