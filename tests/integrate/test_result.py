"""OdeResult passes for SciPy's class wherever a program can look."""

import copy
import pickle

import numpy as np
import pytest
from scipy.integrate._ivp.ivp import OdeResult as ScipyOdeResult
from scipy.optimize import OptimizeResult

from diffsol.integrate import solve_ivp
from diffsol.integrate._result import OdeResult

KEYS = ["t", "y", "sol", "t_events", "y_events", "nfev", "njev", "nlu"]
KEYS += ["status", "message", "success"]


@pytest.fixture
def result():
    return solve_ivp(lambda t, y: -y, (0, 1), [1.0, 2.0])


def test_keys_and_attributes(result):
    assert list(result) == KEYS
    assert sorted(dir(result)) == sorted(KEYS)
    assert result.t is result["t"]
    result.extra = 1
    assert result["extra"] == 1
    del result.extra
    with pytest.raises(AttributeError, match="extra"):
        result.extra  # noqa: B018  (the look-up is the test)


def test_class(result):
    assert isinstance(result, dict)
    assert isinstance(result, OptimizeResult)
    assert isinstance(result, ScipyOdeResult)
    assert result.__class__ is ScipyOdeResult
    assert not isinstance(result, list)


def test_repr_is_scipys(result):
    assert repr(result) == repr(ScipyOdeResult(result))
    assert str(result) == str(ScipyOdeResult(result))


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))]
)
def test_copies_are_scipys_class(result, duplicate):
    other = duplicate(result)
    assert type(other) is ScipyOdeResult
    assert list(other) == KEYS
    np.testing.assert_array_equal(other.y, result.y)


def test_is_made_by_keyword():
    assert OdeResult(t=1, y=2).y == 2
    assert OdeResult() == {}
