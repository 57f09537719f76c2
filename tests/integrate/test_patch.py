"""diffsol.patch and python -m diffsol: SciPy's names replaced, and given back."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import scipy.integrate

import diffsol
import diffsol.integrate

NAMES_REPORTED = ("noisy", "quiet", "event")
CLASSES = ("RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA")
NAMES = ("solve_ivp", "odeint", "ode", "complex_ode", *CLASSES)


def patched():
    ours = [getattr(scipy.integrate, n) is getattr(diffsol.integrate, n) for n in NAMES]
    assert len(set(ours)) == 1
    return ours[0]


def test_patch_and_unpatch():
    assert not patched()
    diffsol.patch()
    try:
        assert patched()
        from scipy.integrate._ivp import RK45, solve_ivp

        assert solve_ivp is diffsol.integrate.solve_ivp
        assert RK45 is diffsol.integrate.RK45
    finally:
        diffsol.unpatch()
    assert not patched()
    diffsol.unpatch()
    assert not patched()


def test_context_manager_restores_what_it_found():
    with diffsol.patch():
        assert patched()
        with diffsol.patch():
            assert patched()
        assert patched()
    assert not patched()


def test_context_manager_restores_after_an_exception():
    with pytest.raises(ZeroDivisionError), diffsol.patch():
        1 / 0  # noqa: B018  (the error is the test)
    assert not patched()


@pytest.mark.parametrize("method", ["RK45", "BDF"])
def test_solves_while_patched(method):
    with diffsol.patch():
        sol = scipy.integrate.solve_ivp(lambda t, y: -y, (0, 1), [1.0], method=method)
    assert sol.success


def test_other_names_stay_scipys_while_patched():
    before = scipy.integrate.solve_bvp
    with diffsol.patch():
        assert diffsol.integrate.solve_bvp is before


def test_every_namespace_gets_the_names_it_had():
    """odeint stands in one of those that are patched, solve_ivp in both."""
    theirs = scipy.integrate.odeint
    with diffsol.patch():
        assert scipy.integrate.odeint is diffsol.integrate.odeint
        assert not hasattr(scipy.integrate._ivp, "odeint")
    assert scipy.integrate.odeint is theirs


SCRIPT = """
import sys
from scipy.integrate import solve_ivp
if __name__ == "__main__":
    print(solve_ivp.__module__, sys.argv, __file__)
    import neighbour
"""


@pytest.fixture
def script(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "neighbour.py").write_text("print('neighbour')")
    path = folder / "script.py"
    path.write_text(SCRIPT)
    return path


def run(arguments, folder):
    return run_python(["-m", "diffsol", *arguments], folder)


def run_python(arguments, folder):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONSAFEPATH"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_script_with_its_own_arguments(script, tmp_path):
    done = run(["folder/script.py", "--report", "-m", "a b"], tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    arguments = ["folder/script.py", "--report", "-m", "a b"]
    assert first == f"diffsol.integrate._ivp {arguments} folder/script.py"
    assert second == "neighbour"
    assert done.stderr == ""


def test_module(script):
    done = run(["-m", "script", "x"], script.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"diffsol.integrate._ivp ['{script}', 'x']")


def test_module_with_its_own_options(script):
    done = run(["-m", "script", "--option", "value", "-m"], script.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"diffsol.integrate._ivp ['{script}', '--option', 'value', '-m']")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["nofile.py"], "can't open file 'nofile.py'"),
        (["-m", "nosuch"], "no module named nosuch"),
        (["-m", "nosuch.part"], "no module named nosuch.part"),
        (["-m"], "-m needs the name of a module"),
        (["--nosuch", "script.py"], "unrecognized arguments: --nosuch"),
    ],
)
def test_nothing_that_could_run(arguments, words, tmp_path):
    done = run(arguments, tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["--about=side-effect"], ["--about", "side-effect"]])
def test_about_a_reason(arguments, tmp_path):
    done = run(arguments, tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("It writes to something outside itself\n")
    assert "What to do: " in done.stdout


@pytest.mark.parametrize("topic, words", [("errors", "MismatchWarning"), ("tracing", "`linspace`")])
def test_about_everything(topic, words, tmp_path):
    assert words in run([f"--about={topic}"], tmp_path).stdout


def test_about_nothing_known(tmp_path):
    done = run(["--about=luck"], tmp_path)
    assert done.returncode == 2
    assert "nothing is known about 'luck'; topics are errors, tracing, side-effect" in done.stderr


def test_version(tmp_path):
    assert run(["--version"], tmp_path).stdout == f"diffsol {diffsol.__version__}\n"


def test_source_tree_without_core(tmp_path):
    """After `pip install .`, started in the source tree: the folder shadows what is installed."""
    tree = tmp_path / "tree"
    skip = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(Path(diffsol.__file__).parent, tree / "diffsol", ignore=skip)
    (tree / "pyproject.toml").touch()
    # An editable installation would find the core all the same.
    code = (
        "import sys; sys.meta_path[:] = [f for f in sys.meta_path if 'ditable' not in repr(f)]; "
        "import diffsol.integrate"
    )
    done = run_python(["-c", code], tree)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: diffsol is being imported from its source tree ({tree})")


def test_report_traces_what_was_not_compiled(tmp_path):
    (tmp_path / "solve.py").write_text(
        "from scipy.integrate import solve_ivp\n"
        "def noisy(t, y): print(end=''); return -y\n"
        "def quiet(t, y): return -y\n"
        "def event(t, y): return y[0] - 0.9\n"
        "solve_ivp(noisy, (0, 1), [1.0])\n"
        "solve_ivp(quiet, (0, 1), [1.0], events=event)\n"
    )
    told = run(["--report", "solve.py"], tmp_path).stderr.splitlines()
    noisy, quiet, event = (next(x for x in told if f"  {n} (" in x) for n in NAMES_REPORTED)
    assert "It prints, reads or writes: print" in noisy
    assert "not compiled yet (that would not have paid)" in quiet
    assert "right-hand side of RK45:" in quiet
    assert "event:" in event


def test_report(tmp_path):
    (tmp_path / "solve.py").write_text(
        "from scipy.integrate import solve_ivp\n"
        "def decay(t, y): return -y\n"
        "solve_ivp(decay, (0, 1), [1.0])\n"
    )
    done = run(["--report", "solve.py"], tmp_path)
    assert done.returncode == 0
    assert done.stdout == ""
    assert "decay" in done.stderr


def test_nothing_to_run(tmp_path):
    done = run([], tmp_path)
    assert done.returncode == 2
    assert "a script, or -m and a module, is needed" in done.stderr


def test_exit_code_is_the_scripts(tmp_path):
    (tmp_path / "leave.py").write_text("raise SystemExit(3)")
    assert run(["leave.py"], tmp_path).returncode == 3
