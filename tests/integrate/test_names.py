"""The public names: all of SciPy's, with SciPy's signatures, and no others."""

import inspect

import pytest
import scipy.integrate

import diffsol
import diffsol.integrate as ours

CLASSES = ("RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA")
OURS = ("solve_ivp", "odeint", "ode", "complex_ode", *CLASSES)


def test_public_names_are_scipys():
    assert ours.__all__ == scipy.integrate.__all__
    assert {name for name in dir(ours) if not name.startswith("_")} == set(scipy.integrate.__all__)


def test_star_import():
    names = {}
    exec("from diffsol.integrate import *", names)
    assert set(scipy.integrate.__all__) <= set(names)
    assert names["solve_ivp"] is ours.solve_ivp


@pytest.mark.parametrize("name", sorted(set(scipy.integrate.__all__) - set(OURS)))
def test_everything_else_is_scipys_own_object(name):
    assert getattr(ours, name) is getattr(scipy.integrate, name)


@pytest.mark.parametrize("name", OURS)
def test_signature_is_scipys(name):
    def parameters(namespace):
        signature = inspect.signature(getattr(namespace, name))
        return [(p.name, p.kind, p.default) for p in signature.parameters.values()]

    assert parameters(ours) == parameters(scipy.integrate)


@pytest.mark.parametrize("name", OURS)
def test_docstring_has_numpydoc_sections(name):
    doc = inspect.getdoc(getattr(ours, name))
    for section in ("Parameters\n---", "References\n---"):
        assert section in doc


@pytest.mark.parametrize("name", ["nosuch", "_private"])
def test_unknown_name(name):
    with pytest.raises(AttributeError, match=f"'diffsol.integrate' has no attribute '{name}'"):
        getattr(ours, name)
    with pytest.raises(ImportError):
        exec(f"from diffsol.integrate import {name}")


def test_package_names():
    names = [
        "Observer",
        "cache",
        "dlpack",
        "explain",
        "fit",
        "from_dlpack",
        "integrate",
        "observe",
        "patch",
        "register_op",
        "sensitivity",
        "solve_ensemble",
        "to_dlpack",
        "unpatch",
    ]
    assert diffsol.__all__ == names
    assert set(diffsol.__all__) <= set(dir(diffsol))
    for name in diffsol.__all__:
        assert getattr(diffsol, name) is not None
    with pytest.raises(AttributeError, match="'diffsol' has no attribute 'nosuch'"):
        diffsol.nosuch  # noqa: B018  (the look-up is the test)
