"""SciPy's own tests of ``scipy.integrate``, bound to our names."""

import importlib.util
import pathlib
import types

import diffsol

IVP = "scipy.integrate._ivp.tests"
INTEGRATE = "scipy.integrate.tests"


def load(name, folder=IVP):
    """A test module of the installed SciPy, imported while our names stand in for SciPy's.

    Returns None if this SciPy came without its tests.
    """
    if importlib.util.find_spec(folder) is None:
        return None
    spec = importlib.util.find_spec(f"{folder}.{name}")
    module = types.ModuleType(f"scipy_{name}_on_diffsol")
    module.__file__ = spec.origin
    code = compile(pathlib.Path(spec.origin).read_text(), spec.origin, "exec")
    with diffsol.patch():
        exec(code, vars(module))
    return module


def tests_of(name, folder):
    """The test functions of one of SciPy's modules, by name."""
    module = load(name, folder)
    return {key: value for key, value in vars(module).items() if key.startswith("test_")}
