"""What SciPy's own tests expect of their surroundings."""

import pytest


@pytest.fixture
def num_parallel_threads():
    """SciPy's tests may be run in many threads at once; here each runs once."""
    return 1
